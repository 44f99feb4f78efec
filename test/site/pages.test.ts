import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Snapshot } from '../../src/core/snapshot.ts';
import { newStatus } from '../../src/core/status.ts';
import { archiveOf } from '../support/archive.ts';
import { bigSnapshot, DEMO_CATALOGUE, demoSnapshot } from '../support/demo.ts';
import { mistakesOf } from '../support/html.ts';
import { configurationOf } from '../support/model.ts';
import { type Element, elementsOf, pagesOf } from '../support/pages.ts';
import { type PublishedSites, publishInto } from '../support/site.ts';

const attribute = (element: Element, name: string) => element.attrs.find((one) => one.name === name)?.value;

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
