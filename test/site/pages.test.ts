import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type DefaultTreeAdapterTypes, parse } from 'parse5';
import type { Event } from '../../src/core/item.ts';
import type { Snapshot } from '../../src/core/snapshot.ts';
import { newStatus } from '../../src/core/status.ts';
import { toPrivateView } from '../../src/core/views-private.ts';
import { toPublicView } from '../../src/core/views-public.ts';
import { renderCells, renderColumns, renderRows } from '../../src/site/cells.ts';
import { loadRenderer } from '../../src/site/renderer.ts';
import { archiveOf } from '../support/archive.ts';
import { bigSnapshot, DEMO_CATALOGUE, demoSnapshot } from '../support/demo.ts';
import { mistakesOf } from '../support/html.ts';
import { configurationOf } from '../support/model.ts';
import { type PublishedSites, publishInto } from '../support/site.ts';

type Element = DefaultTreeAdapterTypes.Element;

function elementsOf(page: string): Element[] {
  const found: Element[] = [];
  const walk = (node: DefaultTreeAdapterTypes.Node): void => {
    if ('tagName' in node) found.push(node);
    if ('childNodes' in node) for (const child of node.childNodes) walk(child);
  };
  walk(parse(page));
  return found;
}

const attribute = (element: Element, name: string) => element.attrs.find((one) => one.name === name)?.value;
const pagesOf = (sites: PublishedSites) => [...sites.files].filter(([name]) => name.endsWith('.html'));

/** A few pages of each kind: of a big site the others are made in the same way. */
function someOf(sites: PublishedSites, most: number): [string, string][] {
  const kinds = new Map<string, number>();
  return pagesOf(sites).filter(([path]) => {
    const kind = path.split('/').slice(0, 2).join('/');
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    return (kinds.get(kind) ?? 0) <= most;
  });
}

/** Nothing yet: a configuration without checks, and one whose checks never ran. */
function emptySnapshot(): Snapshot {
  const demo = demoSnapshot();
  const run = { ...demo.run, run: 1 };
  const configuration = configurationOf([], { hosts: {}, services: {}, sites: demo.configuration.sites });
  return {
    ...demo,
    run,
    configuration,
    statuses: new Map(),
    pasts: new Map(),
    runs: [run],
    events: [],
    archive: archiveOf([], demo.now, 'UTC'),
    messages: [],
    incidents: [],
  };
}

function unseenSnapshot(): Snapshot {
  return {
    ...demoSnapshot(),
    statuses: new Map(),
    pasts: new Map(),
    events: [],
    archive: archiveOf([], 0, 'UTC'),
    messages: [],
    incidents: [],
    recentResults: () => [],
  };
}

/** 200 problems with names as long as they may be. */
function crowdedSnapshot(): Snapshot {
  const big = bigSnapshot();
  let left = 200;
  for (const status of big.statuses.values()) {
    if (left-- <= 0 || status.latest === null) break;
    status.latest = { ...status.latest, state: 'CRITICAL', output: `${'word '.repeat(20)}${'x'.repeat(100)}` };
    status.problem = { onset: big.now - 1e6, told: null, toldTo: [], parts: [], okInARow: 0, run: 1 };
    status.streak = { startedAt: big.now - 1e6, length: 4, worst: 'CRITICAL', judged: true };
  }
  return big;
}

const CASES: { name: string; snapshot: () => Snapshot }[] = [
  { name: 'an infrastructure with problems', snapshot: demoSnapshot },
  { name: 'nothing configured', snapshot: emptySnapshot },
  { name: 'nothing run yet', snapshot: unseenSnapshot },
  { name: '200 problems', snapshot: crowdedSnapshot },
];

for (const { name, snapshot } of CASES) {
  describe(`pages of ${name}`, () => {
    let sites: PublishedSites;
    before(async () => {
      sites = await publishInto(snapshot(), DEMO_CATALOGUE);
    });
    after(() => sites.remove());

    it('[case W08] are valid HTML', async () => {
      const pages = someOf(sites, 1);
      assert.ok(pages.length >= 5);
      for (const [path, page] of pages) {
        assert.deepEqual(await mistakesOf(path, page), [], path);
      }
    });

    it('[H2] link only to what is there, relatively', () => {
      const ids = new Map<string, Set<string | undefined>>();
      const idsOf = (file: string) => {
        const found = ids.get(file) ?? new Set(elementsOf(sites.files.get(file) ?? '').map((one) => attribute(one, 'id')));
        ids.set(file, found);
        return found;
      };
      let links = 0;
      for (const [path, page] of someOf(sites, 60)) {
        for (const element of elementsOf(page)) {
          const href = attribute(element, 'href');
          if (href === undefined) continue;
          links += 1;
          assert.doesNotMatch(href, /^[a-z]+:|^\//i, `${path} links to ${href}`);
          const [target = '', anchor] = href.split('#');
          const file = target === '' ? path : posix.join(posix.dirname(path), target);
          assert.ok(sites.files.has(file), `${path} links to ${href}, which is not there`);
          if (anchor !== undefined)
            assert.ok(idsOf(file).has(decodeURIComponent(anchor)), `${path} links to ${href}: no such anchor`);
        }
      }
      assert.ok(links > 20);
    });

    it('[H2] hold no script, no inline style, no SVG and nothing from elsewhere', () => {
      for (const [path, page] of someOf(sites, 20)) {
        for (const element of elementsOf(page)) {
          assert.ok(
            !['script', 'style', 'svg', 'math', 'iframe', 'object', 'form', 'img'].includes(element.tagName),
            `${path}: ${element.tagName}`,
          );
          for (const { name: key } of element.attrs) assert.ok(!/^on|^style$|^src/.test(key), `${path}: ${element.tagName} ${key}`);
        }
        assert.ok(page.includes("default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'"), path);
        assert.ok(page.includes('<meta name="referrer" content="no-referrer">'), path);
      }
      assert.ok(!/url\(|@import/.test(sites.files.get('private/style.css') ?? 'url('));
    });

    it('[case W05] the overview is at most 300 KiB', () => {
      for (const site of ['private', 'public']) {
        const size = Buffer.byteLength(sites.files.get(`${site}/index.html`) ?? '');
        assert.ok(size > 500 && size <= 300 * 1024, `${site}: ${size} bytes`);
      }
    });
  });
}

describe('what peers say', () => {
  const ATTACKS = [
    '<script>alert(1)</script>',
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    '{{ 7*7 }} {% raw %} ${7*7} {run}',
    '\\"\\\'</textarea><!--',
    '</pre></details><a href="javascript:alert(1)">x</a>',
    'a\u202eb\u2066c\u0000d\u001be\u0085f\u200bg',
  ];

  /** The same snapshot with `text` in every field that a peer or a child process can fill. */
  function attacked(text: string): Snapshot {
    const demo = demoSnapshot();
    for (const status of demo.statuses.values()) {
      if (status.latest === null) continue;
      const parts = status.latest.parts.map((part) => ({ ...part, name: text, output: text }));
      status.latest = { ...status.latest, output: text, code: text, parts };
    }
    const events = demo.events.map((event) => ({ ...event, reason: text, output: text }));
    return {
      ...demo,
      events,
      archive: archiveOf(events, demo.now, demo.configuration.timezone),
      messages: demo.messages.map((message) => ({ ...message, subject: text, answer: text, recipient: text })),
      recentResults: (check) => demo.recentResults(check).map((result) => ({ ...result, output: text })),
      banners: [text],
    };
  }

  const shapeOf = (sites: PublishedSites) =>
    pagesOf(sites).map(([path, page]) => ({
      path,
      shape: elementsOf(page).map((one) => `${one.tagName} ${one.attrs.map(({ name }) => name).join(' ')}`),
    }));

  it('[case H27] [T1] leaves elements and attributes as they are, and stands there as text', async () => {
    const plain = await publishInto(attacked('plain words'), DEMO_CATALOGUE);
    const expected = shapeOf(plain);
    plain.remove();
    for (const text of ATTACKS) {
      const sites = await publishInto(attacked(text), DEMO_CATALOGUE);
      assert.ok(JSON.stringify(shapeOf(sites)) === JSON.stringify(expected), `markup changed by ${JSON.stringify(text)}`);
      sites.remove();
    }
    const sites = await publishInto(attacked('<script>alert(1)</script>'), DEMO_CATALOGUE);
    assert.ok(/&lt;script&gt;alert\(1\)&lt;\/script&gt;/.test(sites.files.get('private/index.html') ?? ''));
    sites.remove();
  });

  it('[case H28] [T1] no control, bidirectional or invisible character reaches a page', async () => {
    const sites = await publishInto(attacked('a\u202eb\u2066c\u0000d\u001be\u0085f\u200bg'), DEMO_CATALOGUE);
    for (const [path, page] of pagesOf(sites)) {
      assert.ok(!/[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/.test(page), path);
    }
    assert.ok(/abcdefg/.test(sites.files.get('private/index.html') ?? ''));
    sites.remove();
  });

  it('[case H27] a peer cannot forge the run in which a page last changed', async () => {
    const sites = await publishInto(attacked('{run}'), DEMO_CATALOGUE);
    const page = sites.files.get('private/services/website.html') ?? '';
    assert.match(page, /As of run 8123,/);
    assert.ok(page.includes('{run}'));
    sites.remove();
  });
});

describe('rendering', () => {
  it('[H2] a template that says what the view does not have is an error, not a gap', async () => {
    const renderer = await loadRenderer();
    assert.throws(() => renderer.page('public/index.njk', 'index.html', { title: 'x' }), /undefined|null/);
  });

  it('[H3] only strings, numbers and booleans, in lists and plain objects, reach the public templates', () => {
    const walk = (value: unknown, path: string): void => {
      if (['string', 'number', 'boolean'].includes(typeof value)) return;
      assert.ok(typeof value === 'object' && value !== null, `${path} is ${String(value)}`);
      const prototype = Object.getPrototypeOf(value) as unknown;
      assert.ok(prototype === Object.prototype || Array.isArray(value), path);
      for (const [key, inner] of Object.entries(value)) // A share and a chart's column may be unmeasured.
        if (inner !== null || (key !== 'share' && !path.endsWith('.columns'))) walk(inner, `${path}.${key}`);
    };
    walk(toPublicView(demoSnapshot()), 'public');
    const view = toPrivateView(demoSnapshot(), DEMO_CATALOGUE);
    walk(view.overview(), 'overview');
    walk(view.runs.make(), 'runs');
    for (const owner of view.owners) walk(owner.make(), owner.row.name);
    for (const events of view.events) walk(events.make(), events.path);
    for (const check of view.checkPages) walk(check.make(), check.path);
    for (const need of view.needs) walk(need.view(), need.path);
    walk(view.notices.make(), 'notifications');
    walk(view.checks.make(), 'checks');
  });

  for (const { name, run } of [
    { name: 'an unknown class', run: { class: 'evil" onclick="x' as 'ok', length: 1, label: '' } },
    { name: 'a length beyond the bar', run: { class: 'ok' as const, length: 91, label: '' } },
    { name: 'a length that is no whole number', run: { class: 'ok' as const, length: 1.5, label: '' } },
    { name: 'markup in a label', run: { class: 'ok' as const, length: 1, label: '"><b>' } },
  ]) {
    it(`[T1] cells refuse ${name}`, () => assert.throws(() => renderCells([run]), /bar: /));
  }

  it('[T1] columns and rows of figures refuse what is no height and no figure', () => {
    for (const column of [
      [1, 2, 101],
      [-1, 2, 3],
      [0.5, 1, 2],
      [Number.NaN, 1, 2],
    ] as const)
      assert.throws(() => renderColumns([column]), /chart: heights/);
    assert.throws(() => renderColumns(new Array(401).fill(null)), /chart: 401 columns/);
    for (const cell of ['<b>', '"', '&amp;', "x' y"]) assert.throws(() => renderRows([['day', cell]]), /table: /);
    assert.equal(renderColumns([[1, 2, 3], null]), '<i class="a1 b2 c3"></i><i></i>');
    assert.equal(
      renderRows([['2026-11-22', '99.61 %', '–']]),
      '<tr><th scope="row">2026-11-22</th><td>99.61 %</td><td>–</td></tr>\n',
    );
  });

  it('[H2] a calm check does not change its page in the next run, a failing one does', async () => {
    const { path, remove } = (await import('../support/server.ts')).temporaryFolder();
    const demo = demoSnapshot();
    const site = { output: join(path, 'private'), url: null, title: 'x' };
    demo.configuration.sites = { private: site, public: null };
    const { publishSites } = await import('../../src/site/publisher.ts');
    await publishSites(demo, DEMO_CATALOGUE);
    const read = (page: string) => readFileSync(join(path, 'private', page), 'utf8');
    const calm = read('hosts/puppet.html');
    for (const status of demo.statuses.values()) {
      if (status.latest !== null) status.latest = { ...status.latest, run: 8124, at: demo.now + 60_000 };
    }
    await publishSites({ ...demo, now: demo.now + 60_000, run: { ...demo.run, run: 8124 } }, DEMO_CATALOGUE);
    assert.equal(read('hosts/puppet.html'), calm);
    assert.match(calm, /As of run 8123,/);
    assert.match(read('services/website.html'), /As of run 8124,/);
    assert.match(read('index.html'), /by run 8124/);
    remove();
  });
});

describe('the private pages', () => {
  const textOf = (page: string) => page.replace(/<[^>]*>/g, ' ').replace(/\s+/g, ' ');
  let sites: PublishedSites;
  before(async () => {
    const demo = demoSnapshot();
    const status = demo.statuses.get('names/zone');
    if (status !== undefined)
      status.trouble = {
        seen: 9,
        recent: [],
        spells: [],
        hardAt: [demo.now],
        unstable: { onset: demo.now, toldTo: [] },
        downs: [],
        down: null,
        recurring: null,
        shadow: null,
      };
    sites = await publishInto(demo, DEMO_CATALOGUE);
  });
  after(() => sites.remove());
  const read = (path: string) => textOf(sites.files.get(`private/${path}`) ?? '');

  it('[W2] a problem says since when, what changed just before, and who knows; what nobody knows of stands first', () => {
    const text = read('index.html');
    const problems = text.slice(text.indexOf('Problems'), text.indexOf('Failing, no alert yet'));
    assert.match(problems, /16 min since 13:49 UTC/);
    assert.match(problems, /began 4 min after a change by anna \(website\): new theme/);
    assert.match(problems, /Acknowledged by anna until Mon 23 Nov 20:05 UTC: uwsgi hangs, restarting it/);
    assert.match(problems, /apt-repository \/ stable-suite .*Nobody on it yet.* website \/ front-page/);
    assert.equal(problems.split('Nobody on it yet').length - 1, 3);
  });

  it('[H5] what is unstable has a heading of its own, and status.json says it', () => {
    assert.match(read('index.html'), /Unstable: a problem three times within a day, told only when it lasts OK names\/zone/);
    const { checks } = JSON.parse(sites.files.get('private/status.json') ?? '') as { checks: { id: string; unstable: boolean }[] };
    assert.deepEqual(
      checks.filter(({ unstable }) => unstable).map(({ id }) => id),
      ['names/zone'],
    );
  });

  it('[H2] a check has a page with charts, results, events, settings with their file and line, and the commands to type', () => {
    const text = read('checks/website/front-page.html');
    for (const part of [
      'Last 24 hours critical in 2 of 24',
      'Last 90 days critical in 3 of 90',
      'Time newest hour: 95 of 100 answers within',
      'Certificate newest hour: 61.2 days on average',
      'p50, p95 and p99: half, 95 and 99 of 100 answers took no longer.',
      'soft: it fails, but not yet often enough in a row to be sure, so nobody is told.',
      'The numbers, day by day',
      'available 98.89 %',
      'HTTP 503 in 0.42 s, expected 200-299',
      '3 failures in a row',
      'Settings from conf.d/website.yaml:12',
      'vigie explain website/front-page',
      'vigie ack website/front-page --until 4h',
    ])
      assert.ok(text.includes(part), part);
    assert.match(read('checks/proxy/tor.html'), /proxy\/tor/);
  });

  it('[H2] a host’s page tells first and in full what fails on it, also of its services; every other check is one line', () => {
    const text = read('hosts/web1.html');
    assert.match(
      text,
      /CRITICAL web1 1 critical, 3 OK .*CRITICAL website\/front-page .*HTTP 503 .*Told sysadmins.*IPv6.* Facts Address .* Other checks .*Checks of services on this host .*Changes and events/,
    );
    assert.match(
      text,
      /Other checks Check State Seen last Last 24 hours 90 days alive ping OK 3 of 3 packets .* 100 % ssh tcp OK /,
    );
    assert.match(text, /Checks of services on this host .* website\/certificate tls OK TLS 1\.3/);
    assert.equal(read('hosts/puppet.html').includes('Other checks'), false);
    const page = sites.files.get('private/hosts/web1.html') ?? '';
    assert.equal(page.split('<section class="check').length - 1, 1);
    for (const id of ['alive', 'ssh', 'Service-website-Check-front-page', 'Service-website-Check-certificate'])
      assert.equal(page.split(`id="${id}"`).length - 1, 1, id);
  });

  it('[W2] what was changed there stands beside the facts of a service or host, newest first, with who said it', () => {
    assert.match(read('services/website.html'), /Changed lately new theme by anna, Sun 2026-11-22 13:45 UTC Other checks/);
    assert.ok(!read('services/chat.html').includes('Changed lately'));
  });

  it('[H2] what is not judged says why in its line', () => {
    assert.match(
      read('hosts/backup.html'),
      /alive ping NOT JUDGED no answer to 3 packets within 2 s CRITICAL, not judged: what it depends on does not work/,
    );
  });

  it('[H3] incidents stand in the month in which they began; one that lasts says since when', () => {
    const text = textOf(sites.files.get('public/history.html') ?? '');
    assert.match(
      text,
      /Incidents by the month in which they began November 2026 Website answers slowly or not at all Ongoing since Sun/,
    );
    assert.doesNotMatch(text, /[Pp]ast incident/);
  });

  it('[H2] events are filtered by pages of their own: by day, service and host, each holding its own only', () => {
    assert.match(read('events/days/2026-11-21.html'), /Events of Sat 2026-11-21 1 change, .*chat\/certificate/);
    assert.match(read('events/services/chat.html'), /Events of Chat 3 changes/);
    const host = read('events/hosts/web1.html');
    assert.match(host, /Events of web1 2 changes/);
    assert.ok(!host.includes('mail-relay/smtp'));
    assert.match(read('events.html'), /Days Sun 2026-11-22 5 Sat 2026-11-21 1 Thu 2026-11-19 2 all days Services .*Hosts /);
    assert.match(read('services/chat.html'), /Changes and events .*chat\/client-port .*All of them/);
  });

  it('[W1] notifications say what was sent, what waits for what, and what was not told and why', () => {
    const text = read('notifications.html');
    assert.match(text, /Of the last 3 mails: 2 sent, 1 waiting, 0 failed\./);
    assert.match(text, /chat\/certificate 3 failures in a row .* waits for the daily digest, Mon 2026-11-23 06:35 UTC/);
    assert.match(text, /sent in mail 214/);
  });

  it('[W1] [W3] what nobody was told of stands with its reason; a reboot stands on its host’s page, beside what the host says of itself', async () => {
    const demo = demoSnapshot();
    const [one] = demo.events;
    assert.ok(one);
    const words = 'backup was booted at 04:02: all 3 checks are back';
    const events: Event[] = [
      { ...one, kind: 'reboot', check: null, host: 'backup', state: 'OK', reason: words, output: '', told: false },
      { ...one, kind: 'problem', check: 'chat/client-port', reason: 'withheld: downtime', told: false },
      ...demo.events,
    ];
    const own = await publishInto({ ...demo, events, archive: archiveOf(events, demo.now, 'UTC') }, DEMO_CATALOGUE);
    const page = (path: string) => textOf(own.files.get(`private/${path}`) ?? '');
    own.remove();
    const notTold = /Not told, and why(.*)What was owed/.exec(page('notifications.html'))?.[1] ?? '';
    assert.match(notTold, /chat\/client-port withheld: downtime/);
    assert.ok(!notTold.includes('website/front-page'), 'what was told is not among it');
    assert.ok(!notTold.includes('failure 1 of 3'), 'nor a soft failure');
    const host = page('hosts/backup.html');
    assert.match(host, /System debian 13 trixie, kernel 6\.12\.48\+deb13-amd64 .* Reboot needed: kernel/);
    assert.match(host, /Changes and events .* reboot OK .*backup was booted at 04:02: all 3 checks are back/);
    assert.ok(page('events/hosts/backup.html').includes(words));
  });

  it('[W6] each word of needed_by has a page that answers, and a word for scripts', () => {
    assert.match(read('needed/release.html'), /Does everything work that “release” needs\? no broken: Additional software \(APT\)/);
    assert.match(read('needed/development.html'), /yes 4 services, none broken/);
    assert.equal(sites.files.get('private/needed/release.txt'), 'CRITICAL\n');
    assert.equal(sites.files.get('private/needed/development.txt'), 'OK\n');
    assert.match(read('index.html'), /Who is hurt development OK 4 services, none broken release CRITICAL/);
  });

  it('[A4] the run log shows how long runs took and which were late', () => {
    assert.match(read('runs.html'), /Duration of each run .* 48 s/);
  });

  it('[case W05] calm checks’ own pages take turns: few are made in a run, all of them within half a day', () => {
    const big = bigSnapshot();
    big.configuration.interval = 300;
    const keysAt = (now: number) =>
      new Map(toPrivateView({ ...big, now }, DEMO_CATALOGUE).checkPages.map(({ path, key }) => [path, key]));
    let before = keysAt(big.now);
    const changed = new Set<string>();
    let most = 0;
    for (let run = 1; run <= 144; run += 12) {
      const after = keysAt(big.now + run * 300_000);
      const next = keysAt(big.now + (run + 1) * 300_000);
      for (const [path, key] of after) if (before.get(path) !== key) changed.add(path);
      most = Math.max(most, [...after].filter(([path, key]) => next.get(path) !== key).length);
      before = after;
    }
    for (const [path, key] of keysAt(big.now + 145 * 300_000)) if (before.get(path) !== key) changed.add(path);
    assert.equal(changed.size, 750);
    assert.ok(most > 0 && most <= 6, `${most} in one run`);
  });
});

describe('words for scripts', () => {
  it('[W5] one word for each service and host: the worst state that is sure', async () => {
    const sites = await publishInto(demoSnapshot(), DEMO_CATALOGUE);
    const words = (name: string) => sites.files.get(name);
    assert.equal(words('private/state/website.txt'), 'CRITICAL\n');
    assert.equal(words('private/state/web1.txt'), 'CRITICAL\n');
    assert.equal(words('private/state/chat.txt'), 'WARNING\n');
    assert.equal(words('private/state/jenkins.txt'), 'OK\n', 'a soft failure is not yet one');
    assert.equal(words('private/state/backup.txt'), 'UNKNOWN\n', 'nothing of it is judged');
    assert.equal(words('public/state/website.txt'), 'down\n');
    assert.equal(words('public/state/chat.txt'), 'degraded\n');
    assert.equal(words('public/state/git.txt'), 'operational\n');
    assert.equal(words('public/state/names.txt'), undefined);
    sites.remove();
  });

  it('[W5] status.json has the documented keys', async () => {
    const sites = await publishInto(demoSnapshot(), DEMO_CATALOGUE);
    const json = JSON.parse(sites.files.get('private/status.json') ?? '');
    assert.deepEqual(Object.keys(json), ['generated_at', 'next_run_by', 'run', 'title', 'summary', 'checks']);
    assert.deepEqual(
      Object.keys(json.checks[0]),
      'id host service title type state state_type attempt since last_result_at output metrics parts acknowledged downtime unstable withheld public'.split(
        ' ',
      ),
    );
    const open = JSON.parse(sites.files.get('public/status.json') ?? '');
    assert.deepEqual(Object.keys(open.services[0]), ['name', 'title', 'group', 'state', 'since', 'availability']);
    assert.deepEqual(Object.keys(open.services[0].availability), ['24h', '7d', '30d', '90d']);
    sites.remove();
  });
});

describe('golden pages', () => {
  const GOLDEN = new URL('../../../test/golden/site/', import.meta.url).pathname;
  const SHOWN = [
    'private/index.html',
    'private/services/website.html',
    'private/hosts/backup.html',
    'private/checks/website/front-page.html',
    'private/needed/release.html',
    'private/needed/release.txt',
    'private/events.html',
    'private/events/hosts/web1.html',
    'private/notifications.html',
    'private/metrics.txt',
    'private/checks.html',
    'private/runs.html',
    'private/fleet.html',
    'private/reports/2026-10.html',
    'public/index.html',
    'public/services/website.html',
    'public/status.json',
  ];

  it('[H2] [H3] are those of the fixed snapshot (UPDATE_GOLDEN=1 rewrites them)', async () => {
    const sites = await publishInto(demoSnapshot(), DEMO_CATALOGUE);
    const stable = (text: string) => text.replaceAll(sites.folder, '/FOLDER');
    if (process.env['UPDATE_GOLDEN'] === '1') {
      rmSync(GOLDEN, { recursive: true, force: true });
      for (const name of SHOWN) {
        mkdirSync(dirname(join(GOLDEN, name)), { recursive: true });
        writeFileSync(join(GOLDEN, name), stable(sites.files.get(name) ?? ''));
      }
    }
    assert.ok(existsSync(GOLDEN), 'no golden pages: UPDATE_GOLDEN=1 makes them');
    for (const name of SHOWN) {
      const [found, wanted] = [stable(sites.files.get(name) ?? ''), readFileSync(join(GOLDEN, name), 'utf8')].map((text) =>
        text.split('\n'),
      );
      const line = wanted?.findIndex((text, i) => text !== found?.[i]) ?? 0;
      assert.ok(line < 0 && found?.length === wanted?.length, `${name}:${line + 1}: ${found?.[line]?.slice(0, 300)}`);
    }
    sites.remove();
  });
});

describe('a first result', () => {
  it('[H2] a check without any result says so instead of a state', async () => {
    const demo = unseenSnapshot();
    demo.statuses.set('website/front-page', newStatus('website/front-page', demo.now));
    const sites = await publishInto(demo, DEMO_CATALOGUE);
    assert.ok(/NO RESULT YET/.test(sites.files.get('private/services/website.html') ?? ''));
    assert.ok(/Nothing could be measured lately\./.test(sites.files.get('public/index.html') ?? ''));
    sites.remove();
  });

  it('[H3] a public site without public services says so in words', async () => {
    const sites = await publishInto(emptySnapshot(), DEMO_CATALOGUE);
    assert.ok(/No service is shown to the public\./.test(sites.files.get('public/index.html') ?? ''));
    assert.ok(/nothing is watched/.test(sites.files.get('private/index.html') ?? ''));
    sites.remove();
  });
});
