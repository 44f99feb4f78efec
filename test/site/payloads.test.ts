import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { type DefaultTreeAdapterTypes, parseFragment } from 'parse5';
import type { Block, Incident } from '../../src/core/incident.ts';
import type { Snapshot } from '../../src/core/snapshot.ts';
import { toPrivateView } from '../../src/core/views-private.ts';
import { toPrivateJson } from '../../src/site/json.ts';
import { toMetricsText } from '../../src/site/openmetrics.ts';
import { renderPrivateSite, renderPublicSite } from '../../src/site/publisher.ts';
import { loadRenderer, type Renderer } from '../../src/site/renderer.ts';
import { archiveOf } from '../support/archive.ts';
import { DEMO_CATALOGUE, demoSnapshot } from '../support/demo.ts';

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

/** One service with one check in trouble; `text` stands in every field that a peer, a child process or a person's note can fill. */
function attacked(text: string): Snapshot {
  const demo = demoSnapshot();
  const { configuration } = demo;
  const { website } = configuration.services;
  if (website === undefined) throw new Error('the demo has a website');
  const checks = configuration.checks.filter(({ id }) => id === 'website/front-page');
  const statuses = new Map([...demo.statuses].filter(([id]) => id === 'website/front-page'));
  for (const status of statuses.values()) {
    if (status.latest === null) continue;
    const parts = status.latest.parts.map((part) => ({ ...part, name: text, output: text }));
    status.latest = { ...status.latest, output: text, code: text, parts, metrics: { time: 1, [text]: 2 } };
  }
  const said = demo.said;
  if (said === null) throw new Error('somebody said something');
  const events = demo.events.map((event) => ({ ...event, reason: text, output: text }));
  return {
    ...demo,
    configuration: { ...configuration, checks, services: { website }, hosts: {} },
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
    incidents: [written(text)],
    banners: [text],
    said: {
      acknowledgements: said.acknowledgements.map((one) => ({ ...one, author: text, note: text, publicNote: text })),
      downtimes: said.downtimes.map((one) => ({ ...one, author: text, note: text, publicNote: text, target: 'website' })),
      changes: said.changes.map((one) => ({ ...one, author: text, note: text })),
    },
  };
}

/** An incident with the text in each of its words; how Markdown is read is another test's. */
function written(text: string): Incident {
  const run = { text, href: '', isStrong: true, isEmphasis: false, isCode: true, isBreak: false };
  const blocks: Block[] = [{ kind: 'list', items: [[{ kind: 'paragraph', runs: [run] }], [{ kind: 'code', text }]] }];
  const [first] = demoSnapshot().incidents;
  if (first === undefined) throw new Error('the demo has an incident');
  return { ...first, title: text, reportedBy: text, author: text, intro: blocks, updates: [{ at: null, title: text, blocks }] };
}

function pagesWith(render: Renderer, text: string): Map<string, string> {
  const snapshot = attacked(text);
  const texts = { json: toPrivateJson(snapshot), metrics: toMetricsText(snapshot), feed: '', refresh: 0 };
  const files = [
    ...[...renderPrivateSite(render, toPrivateView(snapshot, DEMO_CATALOGUE), texts)].map(
      ([path, file]) => [`private/${path}`, file] as const,
    ),
    ...[...renderPublicSite(render, snapshot)].map(([path, file]) => [`public/${path}`, file] as const),
  ];
  const pages = files.filter(([path]) => path.endsWith('.html'));
  return new Map(
    pages.map(([path, file]) => {
      const made = typeof file === 'object' && 'make' in file ? file.make() : file;
      return [path, typeof made === 'object' && 'before' in made ? made.before + made.after : String(made)];
    }),
  );
}

const textOf = (node: DefaultTreeAdapterTypes.Node): string =>
  'value' in node ? node.value : 'childNodes' in node ? node.childNodes.map(textOf).join('') : '';

describe('500 payloads in every field that others fill', () => {
  const MARK = 'PLAINWORDSONLY';
  let render: Renderer;
  let plain: Map<string, string>;
  before(async () => {
    render = await loadRenderer();
    plain = pagesWith(render, MARK);
  });

  it('[T1] [case H27] the encoded form of each is read as its text again, and as nothing else', () => {
    assert.equal(PAYLOADS.length, 500);
    for (const payload of PAYLOADS) {
      const fragment = parseFragment(encode(payload));
      assert.deepEqual([fragment.childNodes.length, textOf(fragment)], [1, payload]);
    }
  });

  it('[T1] [case H27] the fields are on the pages: a private one of each kind, and the public words', () => {
    const holding = [...plain].filter(([, page]) => page.includes(MARK)).map(([path]) => path);
    for (const path of ['index', 'services/website', 'checks/website/front-page', 'events', 'notifications', 'needed/users'])
      assert.ok(holding.includes(`private/${path}.html`), path);
    assert.ok(holding.includes('public/index.html'));
    const times = [...plain.values()].reduce((sum, page) => sum + page.split(MARK).length - 1, 0);
    assert.ok(times > 120, `${times} places`);
  });

  it('[T1] [case H27] each page with a payload is the page with plain words, but for that text in its encoded form', () => {
    // Ten at a time, so that it takes seconds: the comparison is of each character.
    const tens = Array.from({ length: 50 }, (_, i) => PAYLOADS.slice(10 * i, 10 * i + 10).join(' '));
    for (const payload of tens) {
      for (const [path, page] of pagesWith(render, payload)) {
        const wanted = plain.get(path)?.replaceAll(MARK, () => encode(payload));
        assert.ok(page === wanted, `${path} is changed by ${JSON.stringify(payload)}`);
      }
    }
  });
});
