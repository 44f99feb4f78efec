import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { CHECK_KINDS, type CheckFacts, HOST_KINDS, type Item, WHOLE_KINDS } from '../../src/core/item.ts';
import { composeText } from '../../src/core/message.ts';

const GOLDEN = new URL('../../../test/golden/mail', import.meta.url).pathname;
const MINUTE = 60_000;
const NIGHT = Date.UTC(2026, 10, 22, 2, 7, 0);
const context = { timezone: 'Europe/Paris', now: NIGHT, url: 'http://example.onion/' };

function factsOf(overrides: Partial<CheckFacts> = {}): CheckFacts {
  return {
    title: 'Website',
    type: 'http',
    target: 'https://example.org/',
    output: 'HTTP 503 in 0.42 s, expected 200-299',
    code: 'http.status',
    priority: 'critical',
    notes: 'https://wiki.example.org/runbook/website',
    source: 'conf.d/website.yaml:12',
    page: 'services/website.html#front-page',
    failingParts: [],
    affected: null,
    also: [],
    was: null,
    past: [],
    ...overrides,
  };
}

function itemOf(overrides: Partial<Item> = {}, facts: Partial<CheckFacts> = {}): Item {
  return {
    kind: 'problem',
    at: NIGHT,
    run: 17,
    check: 'website/front-page',
    host: 'web1',
    state: 'CRITICAL',
    onset: NIGHT - 2 * MINUTE,
    reason: '3 failures in a row',
    to: ['sysadmins'],
    facts: factsOf(facts),
    lines: [],
    ...overrides,
  };
}

function wholeOf(kind: Item['kind'], reason: string, lines: string[] = []): Item {
  return { ...itemOf({ kind, reason, lines, check: null, host: null, state: null, onset: NIGHT }), facts: null };
}

const recovery = itemOf(
  { kind: 'recovery', state: 'OK', at: NIGHT + 10 * MINUTE, reason: 'OK again' },
  { output: 'HTTP 200 in 0.05 s', was: 'CRITICAL', past: [{ onset: Date.UTC(2026, 10, 12, 9), duration: 360 }] },
);

function digest(size: number): Item[] {
  return Array.from({ length: size }, (_, i) => {
    const id = `service-${String(i).padStart(3, '0')}/page`;
    const host = `host-${i}`;
    const facts = { title: `Service ${i}`, page: `services/service-${i}.html#page`, target: `https://s${i}.example.org/` };
    if (i % 5 === 4) return itemOf({ ...recovery, check: id, host }, { ...recovery.facts, ...facts });
    return itemOf({ check: id, host, state: i % 3 === 1 ? 'WARNING' : 'CRITICAL' }, facts);
  });
}

/** Of one check, told by another rule. */
const kindOf = (kind: Item['kind'], reason: string, more: Partial<Item> = {}) => itemOf({ kind, reason, ...more });
const hostOf = (kind: Item['kind'], reason: string, more: Partial<Item> = {}): Item => ({
  ...itemOf({ kind, reason, check: null, ...more }),
  facts: null,
});

/** What one host that flips many checks makes of a morning's mail, with another one that has failed for the first time in weeks. */
function afterNoise(): Item[] {
  const noisy = Array.from({ length: 14 }, (_, i) =>
    itemOf({ check: `web1/c${i}`, host: 'web1', at: NIGHT - i * MINUTE }, { title: 'web1' }),
  );
  const quiet = itemOf(
    { check: 'backup/alive', host: 'backup', state: 'WARNING', isFresh: true },
    { title: 'backup', type: 'ping' },
  );
  return [...noisy, quiet, hostOf('noisy', '37 more changes, 12 checks in trouble, worst: web1/c3 CRITICAL', { host: 'web1' })];
}

const WEEK = [
  'What broke:',
  '  website/front-page CRITICAL, Thu 19 Nov 14:05 CET, 12 min',
  '  web1/disk WARNING, Fri 20 Nov 03:05 CET, not over',
  'Near misses: failed on 5 or more days, never long enough to be told:',
  '  mail/smtp: 9 failures on 6 of 7 days',
  'Due within 30 days:',
  '  website/certificate: certificate expires in 12 days',
  'Ending this week: nothing',
  'Most often in the mail:',
  '  website/front-page: 3 lines',
  'Watched: 750 checks in 10080 runs, 1 failing now; 4 messages sent, none failed',
];

const goldens: { name: string; items: Item[]; url?: null; token?: string }[] = [
  {
    name: 'problem-after-a-change',
    token: 'abcdefghijklmnopqrstuvwx',
    items: [
      itemOf(
        {},
        {
          changes: ['4 min after Puppet applied 3 changes', '6 min after anna: deploying nginx 1.28'],
          notes:
            'Look at the uwsgi log first.\nIf it says "no python application found", the last deployment is broken: roll back, then tell the developers.',
          past: [{ onset: Date.UTC(2026, 10, 12, 9), duration: 360, note: 'anna: uwsgi restarted' }],
        },
      ),
    ],
  },
  {
    name: 'frequent',
    items: [kindOf('frequent', '6 of the last 20 results failed, never enough in a row', { onset: NIGHT - 90 * MINUTE })],
  },
  { name: 'recurring', items: [kindOf('recurring', 'fails daily around 03:05: 5 of 7 days')] },
  { name: 'unstable', items: [kindOf('unstable', 'a problem for the third time within 24 h: 3 failures in a row')] },
  {
    name: 'now-down',
    items: [kindOf('worse', 'now-down: failing for 15 min while unstable', { onset: NIGHT - 15 * MINUTE })],
  },
  {
    name: 'stable',
    items: [
      itemOf(
        { kind: 'stable', state: 'OK', onset: NIGHT - 1200 * MINUTE, reason: '12 h since it last became a problem' },
        { output: 'HTTP 200 in 0.05 s', was: 'CRITICAL' },
      ),
    ],
  },
  { name: 'reminder', items: [kindOf('reminder', 'still a problem, and nobody acknowledged it', { onset: NIGHT - 240 * MINUTE })] },
  {
    name: 'escalation',
    items: [kindOf('escalation', 'not acknowledged 2h after sysadmins was told', { onset: NIGHT - 122 * MINUTE })],
  },
  {
    name: 'downtime-end',
    items: [kindOf('downtime-end', 'still CRITICAL after the downtime: disks are changed', { onset: NIGHT - 100 * MINUTE })],
  },
  {
    name: 'reboot',
    items: [hostOf('reboot', 'web1 rebooted at 04:02 CET: 14 checks are back, website/front-page is not', { host: 'web1' })],
  },
  { name: 'noisy', items: [hostOf('noisy', '37 more changes, 12 checks in trouble, worst: web1/c3 CRITICAL', { host: 'web1' })] },
  { name: 'isolated', items: [wholeOf('isolated', 'our own network (direct) is cut: 3 of 3 sentinels failed in two runs')] },
  { name: 'isolation-over', items: [wholeOf('isolation-over', 'our own network (direct) was cut from 03:05 to 09:07 CET, 6 h')] },
  {
    name: 'mass-failure',
    items: [
      wholeOf('mass-failure', '412 of 500 checks failed at once with network errors: our own network may be cut', [
        'website/front-page CRITICAL: no answer within 10 s',
      ]),
    ],
  },
  { name: 'clock', items: [wholeOf('clock', 'our clock is 3 min behind that of 4 sentinels')] },
  { name: 'run-gap', items: [wholeOf('run-gap', 'no run for 25 min: nothing was looked at meanwhile')] },
  { name: 'credentials', items: [wholeOf('credentials', '1 secret can be read by others', ['/etc/vigie/secret/ldap: mode 644'])] },
  { name: 'weekly', items: [wholeOf('weekly', '2 problems, 1 ended; 4 messages sent', WEEK)] },
  {
    name: 'daily-digest',
    items: [
      kindOf('reminder', 'still a problem, and nobody acknowledged it', { onset: NIGHT - 3000 * MINUTE, digest: 'this' }),
      itemOf({ check: 'wiki/links', host: 'wiki', state: 'WARNING', digest: 'next' }, { title: 'wiki', priority: 'low' }),
      {
        ...wholeOf('isolation-over', 'our own network (direct) was cut from 03:05 to 03:07 CET: a short cut, not told'),
        digest: 'next',
      },
      {
        ...wholeOf('removed', '2 checks not watched for a day: what they depend on has failed', [
          'website/front-page: depends on router/alive',
          'website/login: depends on router/alive',
        ]),
        digest: 'this',
      },
    ],
  },
  { name: 'digest-with-a-noisy-host', items: afterNoise() },
  { name: 'digest-of-1', items: digest(1) },
  {
    name: 'problem',
    items: [
      itemOf(
        {},
        {
          also: ['web1/disk', 'website/login'],
          past: [
            { onset: Date.UTC(2026, 10, 12, 9), duration: 360 },
            { onset: Date.UTC(2026, 9, 3, 22), duration: 7200 },
          ],
        },
      ),
    ],
  },
  {
    name: 'worse-with-parts',
    items: [
      itemOf(
        { kind: 'worse', check: 'web1/disk', reason: 'was told as WARNING, is now CRITICAL', onset: NIGHT - 300 * MINUTE },
        {
          title: 'web1',
          type: 'disk',
          target: 'file systems of web1',
          output: '2 of 9 file systems: /var 97 % used, critical above 90 %',
          failingParts: ['/var: 97 % used, critical above 90 %', '/srv: 84 % used, warning above 80 %'],
          notes: null,
          page: 'hosts/web1.html#disk',
        },
      ),
    ],
  },
  {
    name: 'parent',
    items: [
      itemOf(
        { check: 'router/alive', host: 'router' },
        {
          title: 'router',
          type: 'ping',
          target: '192.0.2.1',
          output: 'no answer within 10 s',
          affected: '14 checks, of them critical: website/front-page',
          page: 'hosts/router.html#alive',
        },
      ),
    ],
  },
  { name: 'recovery', items: [recovery] },
  { name: 'over', items: [itemOf(), itemOf({ kind: 'worse', at: NIGHT + MINUTE }), recovery] },
  {
    name: 'new',
    items: [
      {
        ...itemOf({ kind: 'new', check: null, host: 'mail', reason: '2 checks never OK since the start, 2 h ago', facts: null }),
        lines: ['mail/smtp CRITICAL: connection refused', 'mail/imap CRITICAL: no answer within 10 s'],
      },
    ],
  },
  {
    name: 'started',
    items: [
      wholeOf('started', 'watching 750 checks, 1 of them in trouble', ['website/login CRITICAL: HTTP 500, expected 200-299']),
    ],
  },
  {
    name: 'config',
    items: [
      wholeOf('config', '1 error: the last good version is in use', [
        'conf.d/website.yaml:7:7: services.website.checks.front-page.colour: unknown key, expected one of the options of http, found "colour" (did you mean "code"?)',
      ]),
    ],
  },
  {
    name: 'removed',
    items: [
      wholeOf('removed', '1 file disappeared; the checks in it go on for a day', [
        'conf.d/website.yaml: until 2026-11-23T02:07Z, or vigie config confirm',
      ]),
    ],
  },
  {
    name: 'database',
    items: [wholeOf('database', 'the history was corrupt and was moved to history.sqlite.corrupt-2026-11-22; a new one began')],
  },
  { name: 'overlap', items: [wholeOf('overlap', '3 runs in a row found another one still running')] },
  { name: 'without-a-site', items: [itemOf({}, { notes: null })], url: null },
  { name: 'digest-of-5', items: digest(5) },
  { name: 'digest-of-60', items: digest(60) },
  { name: 'digest-of-500', items: digest(500) },
];

describe('the mail as a person reads it', () => {
  for (const { name, items, url, token } of goldens) {
    it(`[H1] ${name} reads as in test/golden/mail`, () => {
      const { subject, body } = composeText(items, {
        ...context,
        ...(url === null ? { url } : {}),
        ...(token === undefined ? {} : { token }),
      });
      const text = `Subject: ${subject}\n\n${body}`;
      const path = join(GOLDEN, `${name}.txt`);
      if (process.env['UPDATE_GOLDEN'] === '1') {
        mkdirSync(GOLDEN, { recursive: true });
        writeFileSync(path, text);
      }
      assert.equal(text, existsSync(path) ? readFileSync(path, 'utf8') : '');
      for (const line of body.split('\n')) assert.ok(line.length <= 72 || /^ {2}(page|notes|ack|explain) /.test(line), line);
    });
  }

  it('[H1] a time always carries its zone, with UTC beside it where they differ', () => {
    const { body } = composeText([itemOf()], context);
    assert.match(body, /^ {2}since {3}Sun 2026-11-22 03:05 .*\(02:05 UTC\)/m);
    assert.match(composeText([itemOf()], { ...context, timezone: 'UTC' }).body, /^ {2}since {3}Sun 2026-11-22 02:05 UTC, 2 min/m);
  });

  it('[H1] a problem stands before a warning, a warning before what is over', () => {
    const warning = itemOf({ check: 'a/warning', state: 'WARNING' });
    const { body, subject } = composeText([recovery, warning, itemOf({ check: 'z/critical' })], context);
    assert.match(subject, /^\[vigie\] PROBLEM z\/critical CRITICAL: .* \(\+2 more\)$/);
    assert.ok(body.indexOf('z/critical') < body.indexOf('a/warning') && body.indexOf('a/warning') < body.indexOf('RECOVERED'));
  });

  it('[T2] a host without recent items stands first, though another one says worse things; the subject names the worst', () => {
    const { subject, body } = composeText(afterNoise(), context);
    assert.match(body, /^WARNING backup\/alive/);
    assert.match(subject, /PROBLEM web1\/c13 CRITICAL: .* \(\+15 more\)$/);
  });

  it('[T2] at most ten lines of a host and sixty of a message; the others are counted by host', () => {
    const { body } = composeText(afterNoise(), context);
    assert.equal((body.match(/^(CRITICAL|NOISY) web1/gm) ?? []).length, 10);
    assert.match(body, /^and 5 more changes: see the page\n {2}web1: 5$/m);
    const many = composeText(digest(500), context).body;
    assert.equal((many.match(/^(CRITICAL|WARNING|RECOVERED) service-/gm) ?? []).length, 60);
    assert.match(many, /^and 440 more changes: see the page\n\n-- $/m);
  });

  it('[H1] every kind of item of the closed list has a mail of its own', () => {
    const kinds = new Set(goldens.flatMap(({ items }) => items.map(({ kind }) => kind)));
    assert.deepEqual(
      [...CHECK_KINDS, ...HOST_KINDS, ...WHOLE_KINDS].filter((kind) => !kinds.has(kind)),
      [],
    );
  });

  it('[H1] a reminder whose problem is over before it could be delivered is the recovery alone', () => {
    const reminder = itemOf({ kind: 'reminder' });
    const { subject, body } = composeText([reminder, { ...recovery, onset: reminder.onset }], context);
    assert.equal(subject, '[vigie] RECOVERED website/front-page after 12 min');
    assert.doesNotMatch(body, /^(REMINDER|OVER)/m);
  });

  it('[T8] a discreet subject says what happened, not to what', () => {
    assert.equal(composeText([itemOf(), itemOf({ check: 'a/b' })], context).discreetSubject, '[vigie] PROBLEM (+1 more)');
  });

  it('[case O08] a line of a peer that looks like ours stays behind its quote mark', () => {
    const { body } = composeText([itemOf({}, { output: `CRITICAL all/hosts ${'x'.repeat(300)}\n-- \nfrom vigie` })], context);
    const seen = body.split('\n').filter((line) => /all\/hosts|xxx|-- from/.test(line));
    assert.ok(seen.length >= 5);
    for (const line of seen) assert.match(line, /^ {2}(seen| {4}) {4}> /);
  });
});
