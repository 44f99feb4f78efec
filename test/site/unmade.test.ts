import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, before, beforeEach, describe, it } from 'node:test';
import type { Snapshot } from '../../src/core/snapshot.ts';
import { publishSites } from '../../src/site/publisher.ts';
import { DEMO_CATALOGUE, demoSnapshot } from '../support/demo.ts';
import { mistakesOf } from '../support/html.ts';
import { temporaryFolder } from '../support/server.ts';
import { readFiles } from '../support/site.ts';

const CANARY = 'CANARY /srv/secret 192.0.2.99';
const NO_TIME = 9e15;

let folder: ReturnType<typeof temporaryFolder>;
beforeEach(() => {
  folder = memoryFolder();
});
afterEach(() => folder.remove());

/** In memory, where there is such a place: nothing here is a matter of the disk. */
function memoryFolder(): ReturnType<typeof temporaryFolder> {
  if (!existsSync('/dev/shm')) return temporaryFolder();
  const path = mkdtempSync('/dev/shm/vigie-test-');
  return { path, remove: () => rmSync(path, { recursive: true }) };
}

/** The demo as run `run` publishes it into a folder of its own; what could not be made. */
async function publish(name: string, run: number, spoil: (snapshot: Snapshot) => void = () => {}): Promise<string[]> {
  const demo = demoSnapshot();
  // With another configuration every page is made again.
  demo.configuration.fingerprint = String(run);
  const site = (shown: string) => ({ output: join(folder.path, name, shown), url: null, title: shown });
  demo.configuration.sites = { private: site('private'), public: site('public') };
  const snapshot = { ...demo, run: { ...demo.run, run } };
  spoil(snapshot);
  const { faults } = await publishSites(snapshot, DEMO_CATALOGUE, (error) => error instanceof TypeError);
  return faults.map((fault) => `${fault.site}/${fault.path}`).sort();
}

/** Without the folder's own name, which stands among the settings. */
function filesIn(name: string): Map<string, string> {
  const path = join(folder.path, name);
  return new Map([...readFiles(path)].map(([file, text]) => [file, text.replaceAll(path, '')]));
}

/** Paths of what is not alike in two folders, or only in one of them. */
function differences(one: Map<string, string>, other: Map<string, string>): string[] {
  return [...new Set([...one.keys(), ...other.keys()])].filter((path) => one.get(path) !== other.get(path)).sort();
}

function fail(): never {
  throw new Error(CANARY);
}

function failsFor<T>(read: (name: string) => T, wanted: string): (name: string) => T {
  return (name) => (name === wanted ? fail() : read(name));
}

const CASES: { name: string; spoil(snapshot: Snapshot): void; unmade: string[]; altered?: string[] }[] = [
  {
    name: 'what a host says of itself',
    spoil: (snapshot) => {
      snapshot.reportOf = failsFor(snapshot.reportOf, 'puppet');
    },
    unmade: ['private/hosts/puppet.html'],
  },
  {
    name: 'what a check measured',
    spoil: (snapshot) => {
      snapshot.measuredResults = failsFor(snapshot.measuredResults, 'website/certificate');
    },
    unmade: ['private/checks/website/certificate.html'],
  },
  {
    name: 'the past of a public check',
    spoil: (snapshot) => {
      const { pasts } = snapshot;
      snapshot.pasts = { get: failsFor((check) => pasts.get(check), 'git/web') };
    },
    unmade: ['private/checks/git/web.html', 'private/hosts/git1.html', 'private/services/git.html', 'public/services/git.html'],
    altered: [
      'private/state/git.txt',
      'private/state/git1.txt',
      'public/badge/git.json',
      'public/badge/git.png',
      'public/badge/git.svg',
      'public/state/git.txt',
      'public/status.json',
    ],
  },
  {
    name: 'the look at a check',
    spoil: ({ statuses }) => {
      const status = statuses.get('builds/images');
      if (status !== undefined) Object.defineProperty(status, 'hours', { get: fail });
    },
    unmade: ['private/checks/builds/images.html', 'private/services/builds.html', 'public/services/builds.html'],
    altered: [
      'private/hosts/build1.html',
      'public/badge/builds.json',
      'public/badge/builds.png',
      'public/badge/builds.svg',
      'public/state/builds.txt',
      'public/status.json',
    ],
  },
  {
    name: 'the overview',
    spoil: (snapshot) => void Object.defineProperty(snapshot, 'banners', { get: fail }),
    unmade: ['private/index.html'],
  },
  {
    name: 'planned maintenance',
    spoil: ({ said, now }) => {
      const [first] = said?.downtimes ?? [];
      assert.ok(said !== null && first !== undefined);
      const planned = { ...first, number: 9, target: 'website', from: now + 3_600_000 };
      Object.defineProperty(planned, 'publicNote', { get: fail });
      said.downtimes.push(planned);
    },
    unmade: ['public/index.html', 'public/status.json'],
    altered: ['private/index.html', 'public/status.json'],
  },
  {
    name: 'an incident',
    spoil: (snapshot) => {
      const [first, ...rest] = snapshot.incidents;
      assert.ok(first !== undefined);
      const updates = first.updates.map((update) => ({ ...update, at: NO_TIME }));
      snapshot.incidents = [{ ...first, updates }, ...rest];
    },
    unmade: [
      'public/feed.atom',
      'public/history.html',
      'public/incidents/2026-11-22-website-answers-slowly.html',
      'public/index.html',
      'public/status.json',
    ],
    altered: ['public/services/website.html', 'public/status.json'],
  },
];

describe('a fault of ours', () => {
  /** The same without a fault: runs 2 and 3. */
  const whole: Map<string, string>[] = [];
  before(async () => {
    folder = memoryFolder();
    for (const run of [1, 2, 3]) {
      assert.deepEqual(await publish('whole', run), []);
      whole[run] = filesIn('whole');
    }
    folder.remove();
  });

  for (const { name, spoil, unmade, altered = [] } of CASES) {
    it(`[A4] [W4] in ${name} spoils the pages about it, which say so, and no other; the next run makes them good`, async () => {
      assert.deepEqual(await publish('spoiled', 1), []);
      assert.deepEqual(await publish('spoiled', 2, spoil), unmade);
      const spoiled = filesIn('spoiled');
      const indexes = ['private', 'public'].filter((site) => unmade.some((path) => path.startsWith(site)));
      const expected = new Set([
        ...unmade.filter((path) => path.endsWith('.html')),
        ...altered,
        ...indexes.map((site) => `${site}/index.html`),
      ]);
      assert.deepEqual(
        differences(whole[2] ?? new Map(), spoiled).filter((path) => !expected.has(path)),
        [],
      );
      for (const path of unmade.filter((page) => page.endsWith('.html'))) {
        assert.match(spoiled.get(path) ?? '', /could not be made/, path);
        assert.match(spoiled.get(path) ?? '', /run 2,|run 2 /, path);
      }
      for (const [path, text] of spoiled) if (path.startsWith('public/')) assert.doesNotMatch(text, /CANARY|secret/, path);
      assert.deepEqual(await publish('spoiled', 3), []);
      const left = differences(whole[3] ?? new Map(), filesIn('spoiled'));
      // They say in which run they last changed: that which made them good.
      assert.deepEqual(
        left.filter((path) => !expected.has(path)),
        [],
      );
      for (const path of left) assert.doesNotMatch(filesIn('spoiled').get(path) ?? '', /could not be/, path);
    });
  }

  it('[W5] [H3] words for scripts and badges of what could not be counted say that nobody knows', async () => {
    const spoil = CASES.find(({ name }) => name === 'the past of a public check')?.spoil;
    await publish('site', 1);
    await publish('site', 2, spoil);
    const files = filesIn('site');
    assert.equal(files.get('private/state/git.txt'), 'UNKNOWN\n');
    assert.equal(files.get('public/state/git.txt'), 'unknown\n');
    assert.equal((JSON.parse(files.get('public/badge/git.json') ?? '') as { message: string }).message, 'unknown');
    assert.match(files.get('public/index.html') ?? '', /Unknown/);
    assert.match(files.get('private/index.html') ?? '', /could not be counted/);
  });

  it('[W4] since when is kept from run to run, and a page that never was made says so all the same', async () => {
    const spoil = (snapshot: Snapshot) => {
      snapshot.reportOf = failsFor(snapshot.reportOf, 'puppet');
    };
    for (const run of [4, 5, 6]) assert.deepEqual(await publish('site', run, spoil), ['private/hosts/puppet.html']);
    const files = filesIn('site');
    assert.match(files.get('private/hosts/puppet.html') ?? '', /<h1[^>]*>This page could not be made\.<\/h1>\n.*run 4,/);
    assert.match(files.get('private/index.html') ?? '', /hosts\/puppet\.html could not be made since [^<]*, run 4: Error: CANARY/);
  });

  it('[H3] what was shown of a service that is no longer public goes, though a page cannot be made', async () => {
    await publish('site', 1);
    await publish('site', 2, (snapshot) => {
      CASES.find(({ name }) => name === 'planned maintenance')?.spoil(snapshot);
      const { website } = snapshot.configuration.services;
      assert.ok(website !== undefined);
      website.public = null;
    });
    const files = filesIn('site');
    assert.equal(files.has('public/services/website.html'), false);
    assert.doesNotMatch(files.get('public/index.html') ?? '', /services\/website\.html/);
  });

  it('[case Q08] a history that cannot be read is none of a page: nothing is replaced', async () => {
    await publish('site', 1);
    const before = filesIn('site');
    const read = () => {
      throw new TypeError('the history is corrupt');
    };
    const spoil = (snapshot: Snapshot) => void Object.defineProperty(snapshot, 'banners', { get: read });
    await assert.rejects(publish('site', 2, spoil), /the history is corrupt/);
    assert.deepEqual(
      differences(before, filesIn('site')).filter((path) => path.startsWith('private/')),
      [],
    );
  });

  it('[case W08] the pages that say so are valid HTML', async () => {
    await publish('site', 1);
    await publish('site', 2, (snapshot) => {
      for (const { name, spoil } of CASES) if (name !== 'planned maintenance') spoil(snapshot);
    });
    const files = filesIn('site');
    for (const path of ['private/index.html', 'private/hosts/puppet.html', 'public/index.html', 'public/services/git.html'])
      assert.deepEqual(await mistakesOf(path, files.get(path) ?? ''), [], path);
  });
});
