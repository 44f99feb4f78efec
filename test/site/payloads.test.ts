import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { type DefaultTreeAdapterTypes, parseFragment } from 'parse5';
import type { FleetDay } from '../../src/core/fleet.ts';
import type { Block, Incident } from '../../src/core/incident.ts';
import type { HostReport } from '../../src/core/report.ts';
import type { Snapshot } from '../../src/core/snapshot.ts';
import { toPrivateView } from '../../src/core/views-private.ts';
import { toPrivateFeed } from '../../src/site/feed.ts';
import { toPrivateJson } from '../../src/site/json.ts';
import { toMetricsText } from '../../src/site/openmetrics.ts';
import { renderPrivateSite, renderPublicSite } from '../../src/site/publisher.ts';
import { loadRenderer, type Renderer } from '../../src/site/renderer.ts';
import { archiveOf } from '../support/archive.ts';
import { DEMO_CATALOGUE, demoSnapshot } from '../support/demo.ts';
import { fleetDay, monthFacts } from '../support/fleet.ts';
import { FULL_FACTS, reportOf } from '../support/host-report.ts';

/** Ways out of text, attributes, comments and templates, with what could be done there. */
const OPENINGS = ['', '">', "'>", '-->', '</title>', '</pre>', '</td></tr></table>', '</details>', '{{ ', '&lt;'];
const ACTS = [
  '<script>alert(1)</script>',
  '<img src=x onerror=alert(1)>',
  '<svg onload=alert(1)>',
  '<svg><script>alert(1)</script></svg>',
  '<iframe src="javascript:alert(1)"></iframe>',
  '<a href="javascript:alert(1)">x</a>',
  '<a href=" &#106;avascript:alert(1)">x</a>',
  '<style>*{background:url(//x)}</style>',
  '<link rel=stylesheet href=//x>',
  '<meta http-equiv=refresh content="0;url=//x">',
  '<base href=//x>',
  '<form action=//x><input name=a>',
  '<object data=//x></object>',
  '<embed src=//x>',
  '<math><mi xlink:href="javascript:alert(1)">x</mi></math>',
  '<details open ontoggle=alert(1)>',
  '<video><source onerror=alert(1)></video>',
  '<body onload=alert(1)>',
  '<template><img src=x></template>',
  '<noscript><p title="</noscript><img src=x onerror=alert(1)>">',
  '<!--<img src="--><img src=x onerror=alert(1)//">',
  '<![CDATA[<script>alert(1)</script>]]>',
  '" onmouseover="alert(1)',
  "' onfocus='alert(1)' autofocus='",
  '` onmouseover=alert(1)',
];
const ENDINGS = ['', ' }} {% raw %} ${7*7} {run} \\'];
const PAYLOADS = OPENINGS.flatMap((opening) => ACTS.flatMap((act) => ENDINGS.map((ending) => `${opening}${act}${ending}`)));

const CODES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;', '\\': '&#92;' };
const encode = (text: string) => text.replace(/[&<>"'\\]/g, (one) => CODES[one] ?? one);

/** One service with one check in trouble, on one host that reports; `text` stands in every field that a peer, a child process or a person's note can fill. */
function attacked(text: string): Snapshot {
  const demo = demoSnapshot();
  const { configuration } = demo;
  const { website } = configuration.services;
  const { web1 } = configuration.hosts;
  if (website === undefined || web1 === undefined) throw new Error('the demo has a website on web1');
  const checks = configuration.checks.filter(({ id }) => id === 'website/front-page');
  const statuses = new Map([...demo.statuses].filter(([id]) => id === 'website/front-page'));
  for (const status of statuses.values()) {
    if (status.latest === null) continue;
    const parts = status.latest.parts.map((part) => ({ ...part, name: text, output: text }));
    status.latest = { ...status.latest, output: text, code: text, parts, metrics: { time: 1, [text]: 2 } };
  }
  const people = demo.said;
  if (people === null) throw new Error('somebody said something');
  const events = demo.events.map((event) => ({ ...event, reason: text, output: text }));
  return {
    ...demo,
    configuration: { ...configuration, checks, services: { website }, hosts: { web1 } },
    statuses,
    events,
    archive: archiveOf(events, demo.now, demo.configuration.timezone),
    messages: demo.messages.map((message) => ({ ...message, subject: text, answer: text, recipient: text })),
    recentResults: (check) => demo.recentResults(check).map((result) => ({ ...result, output: text })),
    measuredResults: (check) => demo.measuredResults(check).map(({ at }) => ({ at, metrics: { [text]: 2 } })),
    notices: {
      stamp: '',
      read: () =>
        demo.notices.read().map((one) => ({ ...one, subject: text, reason: text, contact: text, recipient: text, closed: text })),
    },
    reportOf: () => ({ ...said(reportOf(FULL_FACTS), text), agent: text }),
    fleet: {
      day: '2026-11-22',
      months: ['2026-11'],
      key: text,
      read: () => ({ days: [countedOf(text)], months: { '2026-11': monthFacts() } }),
    },
    incidents: [written(text)],
    banners: [text],
    said: {
      acknowledgements: people.acknowledgements.map((one) => ({ ...one, author: text, note: text, publicNote: text })),
      downtimes: people.downtimes.map((one) => ({ ...one, author: text, note: text, publicNote: text, target: 'website' })),
      changes: people.changes.map((one) => ({ ...one, author: text, note: text })),
    },
  };
}

/** Every word that a host says of itself. */
function said(report: HostReport, text: string): HostReport {
  const facts = JSON.parse(JSON.stringify(report.facts), (_, value) => (typeof value === 'string' ? text : value));
  return { ...report, facts };
}

/** A day of the fleet: releases come from reports, names from what an inventory answered. */
function countedOf(text: string): FleetDay {
  const inventory = [
    { title: 'Puppet', count: 78, why: '', missing: [text], extra: [text] },
    { title: 'LDAP', count: null, why: text, missing: [], extra: [] },
  ];
  return fleetDay('2026-11-22', { releases: { [text]: 74 }, retiring: [], inventory });
}

/** An incident with the text in each of its words; how Markdown is read is another test's. */
function written(text: string): Incident {
  const run = { text, href: '', isStrong: true, isEmphasis: false, isCode: true, isBreak: false };
  const blocks: Block[] = [{ kind: 'list', items: [[{ kind: 'paragraph', runs: [run] }], [{ kind: 'code', text }]] }];
  const [first] = demoSnapshot().incidents;
  if (first === undefined) throw new Error('the demo has an incident');
  return { ...first, title: text, reportedBy: text, author: text, intro: blocks, updates: [{ at: null, title: text, blocks }] };
}

/** Every file of both sites that is text, by its path. */
function filesWith(render: Renderer, text: string): Map<string, string> {
  const snapshot = attacked(text);
  const texts = {
    json: () => toPrivateJson(snapshot),
    metrics: () => toMetricsText(snapshot),
    feed: () => toPrivateFeed(snapshot),
    refresh: 0,
    spoiled: new Map(),
  };
  const sites = {
    private: renderPrivateSite(render, toPrivateView(snapshot, DEMO_CATALOGUE), texts),
    public: renderPublicSite(render, snapshot),
  };
  const files = Object.entries(sites).flatMap(([site, own]) => [...own].map(([path, file]) => [`${site}/${path}`, file] as const));
  return new Map(
    files
      .filter(([path]) => !/\.(png|css)$/.test(path))
      .map(([path, file]) => {
        const made = typeof file === 'object' && 'make' in file ? file.make([]) : file;
        return [path, typeof made === 'object' && 'before' in made ? made.before + made.after : String(made)];
      }),
  );
}

const textOf = (node: DefaultTreeAdapterTypes.Node): string =>
  'value' in node ? node.value : 'childNodes' in node ? node.childNodes.map(textOf).join('') : '';

const JSON_ENCODED = (text: string) => JSON.stringify(text).slice(1, -1);
/** How a text stands in a file of each kind: RFC 8259, XML 1.0, OpenMetrics. */
const ENCODINGS: Record<string, (text: string) => string> = {
  html: encode,
  json: JSON_ENCODED,
  // An apostrophe stays: attributes are in double quotes.
  atom: (text) => text.replace(/[&<>"]/g, (one) => CODES[one] ?? one),
  txt: (text) => text.replace(/\\/g, '\\\\').replace(/"/g, '\\"'),
};

describe('500 payloads in every field that others fill', () => {
  const MARK = 'PLAINWORDSONLY';
  let render: Renderer;
  let plain: Map<string, string>;
  before(async () => {
    render = await loadRenderer();
    plain = filesWith(render, MARK);
  });

  it('[T1] [case H27] the encoded form of each is read as its text again, and as nothing else', () => {
    assert.equal(PAYLOADS.length, 500);
    for (const payload of PAYLOADS) {
      const fragment = parseFragment(encode(payload));
      assert.deepEqual([fragment.childNodes.length, textOf(fragment)], [1, payload]);
      assert.equal(JSON.parse(`"${JSON_ENCODED(payload)}"`), payload);
    }
  });

  it('[T1] [case H27] the fields are on the pages: a private one of each kind, and the public words', () => {
    const holding = [...plain].filter(([, file]) => file.includes(MARK)).map(([path]) => path);
    const pages = 'index services/website hosts/web1 checks/website/front-page events events/days/2026-11-22 events/hosts/web1';
    for (const path of `${pages} notifications needed/users fleet reports/2026-11`.split(' '))
      assert.ok(holding.includes(`private/${path}.html`), path);
    for (const path of [
      'private/status.json',
      'private/feed.atom',
      'private/metrics.txt',
      'public/feed.atom',
      'public/status.json',
    ])
      assert.ok(holding.includes(path), path);
    for (const kind of ['index.html', 'history.html', 'services/website.html', 'incidents/'])
      assert.ok(
        holding.some((path) => path.startsWith(`public/${kind}`)),
        kind,
      );
    const times = (path: string) => (plain.get(path) ?? '').split(MARK).length - 1;
    assert.ok(times('private/hosts/web1.html') > 10, `${times('private/hosts/web1.html')} facts of a host`);
    assert.ok(times('private/fleet.html') > 3, `${times('private/fleet.html')} places on the page of the fleet`);
    const all = [...plain.keys()].reduce((sum, path) => sum + times(path), 0);
    assert.ok(all > 200, `${all} places`);
  });

  it('[T1] [case H27] each file with a payload is the file with plain words, but for that text in its encoded form', () => {
    // Twenty-five at a time, so that it takes seconds: the comparison is of each character.
    const heaps = Array.from({ length: 20 }, (_, i) => PAYLOADS.slice(25 * i, 25 * i + 25).join(' '));
    for (const payload of heaps) {
      const files = filesWith(render, payload);
      assert.deepEqual([...files.keys()], [...plain.keys()]);
      for (const [path, file] of files) {
        const encoded = (ENCODINGS[path.slice(path.lastIndexOf('.') + 1)] ?? encode)(payload);
        const wanted = plain.get(path)?.replaceAll(MARK, () => encoded);
        assert.ok(file === wanted, `${path} is changed by ${JSON.stringify(payload)}`);
      }
    }
  });
});
