import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Check, Configuration } from '../../src/core/configuration.ts';
import type { Event } from '../../src/core/item.ts';
import type { Snapshot } from '../../src/core/snapshot.ts';
import { newStatus, type Status } from '../../src/core/status.ts';
import { archiveOf } from '../support/archive.ts';
import { DEMO_NOW } from '../support/demo.ts';
import { FULL_FACTS, reportOf } from '../support/host-report.ts';
import { checkOf, configurationOf, downtimeOf } from '../support/model.ts';
import { type PublishedSites, publishInto } from '../support/site.ts';

/** Every text that is not meant for the public says which field it stood in. */
const canary = (field: string) => `CANARY-${field}`;
const source = (field: string) => ({ file: canary(`${field}-file`), line: 4711 });

const CHECK: Check = checkOf({
  id: 'website/canary-check-name',
  name: 'canary-check-name',
  host: 'canary-host-name',
  service: 'website',
  type: canary('type'),
  target: canary('target'),
  options: { url: canary('option-url'), password: { file: canary('secret-file') }, token: { env: canary('secret-env') } },
  via: canary('via'),
  thresholds: { [canary('threshold')]: { warning: { min: 0, max: 1, inverted: false }, critical: null } },
  contacts: [canary('contact')],
  public: { title: 'Website', description: 'Everybody may read this.' },
  notes: canary('check-notes'),
  parents: [canary('parent')],
  source: source('check'),
  origins: { every: canary('origin') },
});

const PRIVATE_CHECK: Check = {
  ...CHECK,
  id: 'website/canary-private-check',
  name: 'canary-private-check',
  public: null,
  target: canary('private-target'),
};

function configuration(): Configuration {
  const contact = {
    name: canary('contact'),
    mail: [canary('mail')],
    periods: null,
    rota: null as Configuration['contacts'][string]['rota'],
    absent: [{ from: canary('absent'), to: canary('absent') }],
    openpgp: { key: canary('key'), onError: 'plain' as const },
    fallback: { after: 3600, mail: [canary('fallback')], transport: canary('fallback-transport') },
  };
  const handover = { weekday: 1, minutes: 540 };
  const rota = { members: [canary('member')], every: { count: 1, unit: 'week' as const }, since: '2026-01-05', handover };
  const duty = { ...contact, name: canary('duty'), mail: [], rota };
  return configurationOf([CHECK, PRIVATE_CHECK], {
    title: canary('title'),
    state: canary('state-folder'),
    sites: {
      private: { output: '', url: canary('private-url'), title: canary('private-title') },
      public: { output: '', url: null, title: 'Service status' },
    },
    proxies: { tor: { name: canary('proxy'), host: canary('proxy-host'), port: 9050, source: source('proxy') } },
    mail: {
      from: canary('from'),
      transport: canary('transport'),
      user: canary('user'),
      password: { file: canary('mail-password') },
      inbox: {
        mailbox: `imaps://${canary('mailbox')}`,
        user: canary('inbox-user'),
        password: { file: canary('inbox-password') },
        folder: canary('inbox-folder'),
      },
      tls: { ca: canary('ca'), verify: true, required: null },
    },
    contacts: { sysadmins: contact, duty },
    contactsForAll: [canary('contact-for-all')],
    hosts: {
      'canary-host-name': {
        name: 'canary-host-name',
        address: canary('address'),
        labels: { [canary('label')]: canary('label-value') },
        profiles: [canary('profile')],
        parents: [],
        notes: canary('host-notes'),
        source: source('host'),
      },
    },
    services: {
      website: {
        name: 'website',
        title: canary('service-title'),
        host: 'canary-host-name',
        group: 'For everyone',
        neededBy: [canary('needed-by')],
        priority: 'critical',
        public: { title: 'Website', description: 'What visitors see.' },
        any: null,
        notes: canary('service-notes'),
        source: source('service'),
      },
      internal: {
        name: 'canary-internal-service',
        title: canary('internal-title'),
        host: null,
        group: canary('internal-group'),
        neededBy: [],
        priority: 'low',
        public: null,
        any: null,
        notes: null,
        source: source('internal'),
      },
    },
    fingerprint: canary('fingerprint'),
  });
}

function statusOf(check: Check): Status {
  return {
    ...newStatus(check.id, DEMO_NOW - 1e9),
    latest: {
      at: DEMO_NOW,
      run: 17,
      state: 'CRITICAL',
      code: canary('code'),
      output: canary('output'),
      metrics: { [canary('metric')]: 1 },
      parts: [{ name: canary('part'), state: 'CRITICAL', output: canary('part-output') }],
      withheld: null,
      duration: 0.5,
      scheduled: true,
    },
    streak: { startedAt: DEMO_NOW - 1e6, length: 4, worst: 'CRITICAL', judged: true },
    problem: { onset: DEMO_NOW - 1e6, told: 'CRITICAL', toldTo: [canary('told')], parts: [], okInARow: 0, run: 13 },
    lastScheduledAt: DEMO_NOW,
    memory: canary('memory'),
  };
}

function snapshot(): Snapshot {
  const run = {
    run: 17,
    startedAt: DEMO_NOW,
    durationMs: 900,
    due: 2,
    ok: 0,
    warning: 0,
    critical: 2,
    unknown: 0,
    skipped: 0,
    items: 1,
    lateMs: 0,
  };
  const past = {
    run: 16,
    at: DEMO_NOW - 300_000,
    state: 'CRITICAL' as const,
    output: canary('past-output'),
    withheld: null,
    duration: 1,
  };
  const events: Event[] = [
    {
      at: DEMO_NOW,
      run: 17,
      kind: 'problem',
      check: CHECK.id,
      host: canary('event-host'),
      state: 'CRITICAL',
      onset: DEMO_NOW,
      reason: canary('reason'),
      output: canary('event-output'),
      told: true,
    },
  ];
  return {
    now: DEMO_NOW,
    run,
    nextRunBy: DEMO_NOW + 120_000,
    configuration: configuration(),
    fleet: null,
    statuses: new Map([CHECK, PRIVATE_CHECK].map((check) => [check.id, statusOf(check)])),
    pasts: new Map(),
    runs: [run],
    events,
    archive: archiveOf(events, DEMO_NOW, 'UTC'),
    messages: [
      {
        message: 1,
        recipient: canary('recipient'),
        subject: canary('subject'),
        state: 'failed',
        attempts: 2,
        createdAt: DEMO_NOW,
        sentAt: null,
        answer: canary('answer'),
      },
    ],
    calmResults: () => null,
    recentResults: () => [past],
    notices: { stamp: '', read: () => [] },
    reportOf: () => ({
      ...reportOf({
        ...FULL_FACTS,
        os: { ...FULL_FACTS.os, kernel: canary('kernel') },
        systemd: { ...FULL_FACTS.systemd, failed: [canary('unit')] },
        puppet: { ...FULL_FACTS.puppet, version: canary('puppet-version') },
      }),
      agent: canary('agent'),
    }),
    measuredResults: () => [],
    dayCounters: () => [],
    downtimesSince: () => [],
    said: {
      acknowledgements: [
        {
          number: 1,
          check: CHECK.id,
          at: DEMO_NOW,
          until: DEMO_NOW + 3_600_000,
          author: canary('ack-author'),
          note: canary('ack-note'),
          publicNote: 'The database is being mended.',
        },
      ],
      downtimes: [
        downtimeOf({
          number: 2,
          target: 'website',
          from: DEMO_NOW + 3_600_000,
          publicNote: 'The cable is changed.',
          at: DEMO_NOW,
          author: canary('planned-author'),
          note: canary('planned-note'),
        }),
        downtimeOf({
          target: PRIVATE_CHECK.id,
          from: DEMO_NOW,
          at: DEMO_NOW,
          author: canary('downtime-author'),
          note: canary('downtime-note'),
        }),
      ],
      changes: [
        {
          number: 1,
          target: canary('change-target'),
          at: DEMO_NOW,
          until: DEMO_NOW + 1000,
          author: canary('change-author'),
          note: canary('change-note'),
        },
      ],
    },
    incidents: [
      {
        name: '2026-11-22-database',
        title: 'Database moved',
        services: ['website', 'internal', 'canary-internal-service'],
        started: DEMO_NOW - 3_600_000,
        ended: null,
        reportedBy: canary('incident-reporter'),
        author: canary('incident-author'),
        intro: [
          {
            kind: 'paragraph',
            runs: [{ text: 'It takes an hour.', href: '', isStrong: false, isEmphasis: false, isCode: false, isBreak: false }],
          },
        ],
        updates: [],
      },
    ],
    banners: [canary('banner')],
  };
}

describe('the public site', () => {
  let sites: PublishedSites;
  before(async () => {
    sites = await publishInto(snapshot(), { [CHECK.type]: { [canary('metric')]: { unit: 's', label: canary('metric-label') } } });
  });
  after(() => sites.remove());

  it('[H3] [case W06] no private name, address, error text, contact, file or comment reaches any of its files', () => {
    const files = [...sites.files].filter(([name]) => name.startsWith('public/'));
    const kinds = new Set(files.map(([name]) => name.replace(/^public\/|[^/.]*(?=\.[a-z]+$)/g, '')));
    for (const kind of [
      '.html',
      'services/.html',
      'incidents/.html',
      '.atom',
      '.json',
      'badge/.svg',
      'badge/.png',
      'badge/.json',
      'state/.txt',
    ])
      assert.ok(kinds.has(kind), `no ${kind} was looked at`);
    for (const [name, content] of files) {
      assert.doesNotMatch(content, /canary/i, name);
      assert.doesNotMatch(name, /canary/i);
      if (name.endsWith('.html')) assert.doesNotMatch(content, /<!--/, name);
    }
  });

  it('[H3] what is meant for the public is there', () => {
    const index = sites.files.get('public/index.html') ?? '';
    assert.match(index, /Website is down\./);
    assert.match(index, /What visitors see\./);
    assert.match(index, /We are aware:<\/b> The database is being mended\./);
    assert.equal(sites.files.get('public/state/website.txt'), 'down\n');
    assert.match(index, /The cable is changed\./);
    assert.match(index, /It takes an hour\./);
    assert.match(sites.files.get('public/feed.atom') ?? '', /<title>Website is down<\/title>[\s\S]*Database moved/);
    assert.match(sites.files.get('public/badge/website.svg') ?? '', /Website: down/);
  });

  it('[H3] the private site holds them all, but for secrets: the search would have found them', () => {
    const all = [...sites.files]
      .filter(([name]) => name.startsWith('private/'))
      .map(([, content]) => content)
      .join('\n');
    const shown =
      'type target option-url via threshold contact check-notes parent check-file origin title state-folder private-title proxy proxy-host from transport user mail fallback contact-for-all address label label-value profile host-notes service-title needed-by service-notes internal-title output metric metric-label part part-output told past-output reason event-output recipient subject answer banner code ack-author ack-note downtime-author downtime-note change-target change-author change-note planned-author planned-note incident-reporter mailbox inbox-user'.split(
        ' ',
      );
    for (const field of shown) assert.ok(all.includes(canary(field)), `${field} is not on the private site`);
    for (const field of ['inbox-password', 'secret-file', 'secret-env', 'mail-password', 'memory', 'fingerprint']) {
      assert.ok(!all.includes(canary(field)), `${field} is on the private site`);
    }
    assert.match(all, /\*\*\*/);
  });
  it('[H6] the private site says who is in charge by a rota, and by which rule', () => {
    const page = sites.files.get('private/checks.html') ?? '';
    const text = page.replace(/\s+/g, ' ');
    assert.match(
      text,
      new RegExp(`in charge: ${canary('member')}; ${canary('member')}: 1 week each, handover Mon 09:00, since 2026-01-05`),
    );
  });
});
