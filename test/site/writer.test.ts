import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { Worker } from 'node:worker_threads';
import type { KeyedFile, Remedy, SiteFile, SiteFiles } from '../../src/site/site-file.ts';
import { resolveInside, writeSite } from '../../src/site/writer.ts';
import { temporaryFolder } from '../support/server.ts';

let folder: ReturnType<typeof temporaryFolder>;
let site: string;
beforeEach(() => {
  folder = temporaryFolder();
  site = join(folder.path, 'site');
});
afterEach(() => {
  chmodSync(folder.path, 0o755);
  folder.remove();
});

const filesOf = (content: Record<string, string>): SiteFiles => new Map(Object.entries(content));
const read = (path: string) => readFileSync(join(site, path), 'utf8');

describe('publication', () => {
  it('[case W01] a reader during 10,000 publications sees no truncated and no mixed page', async () => {
    const pageOf = (run: number) => `<html>${`run ${run} `.repeat(3000)}</html>`;
    // In memory, where there is such a place: what a reader sees is no matter of the disk, which would need half a minute for so many.
    const quick = existsSync('/dev/shm') ? mkdtempSync('/dev/shm/vigie-test-') : folder.path;
    site = join(quick, 'site');
    writeSite(site, filesOf({ 'index.html': pageOf(0), 'hosts/a.html': pageOf(0) }));
    const reader = new Worker(READER, { eval: true, workerData: ['index.html', 'hosts/a.html'].map((path) => join(site, path)) });
    const seen = new Promise<{ reads: number; bad: string[] }>((resolve, reject) => {
      reader.on('message', (message) => (message === 'ready' ? undefined : resolve(message)));
      reader.on('error', reject);
    });
    await new Promise<void>((resolve) => reader.once('message', () => resolve()));
    for (let run = 1; run <= 10_000; run += 1) writeSite(site, filesOf({ 'index.html': pageOf(run), 'hosts/a.html': pageOf(run) }));
    reader.postMessage('stop');
    const { reads, bad } = await seen;
    await reader.terminate();
    rmSync(quick, { recursive: true });
    mkdirSync(folder.path, { recursive: true });
    assert.ok(reads > 100, `the reader read only ${reads} times`);
    assert.deepEqual(bad, []);
  });

  it('[case W02] when a rename fails between two pages, the index is still the old one and nothing temporary is left', () => {
    writeSite(site, filesOf({ 'index.html': 'old index', 'a.html': 'old a', 'z.html': 'old z' }));
    mkdirSync(join(site, 'blocked.html/inside'), { recursive: true });
    const next = filesOf({ 'index.html': 'new index', 'a.html': 'new a', 'blocked.html': 'new', 'z.html': 'new z' });
    assert.throws(() => writeSite(site, next), /blocked\.html: cannot be written: /);
    assert.equal(read('index.html'), 'old index');
    assert.deepEqual(
      readdirSync(site).filter((name) => name.endsWith('.vigie-new')),
      [],
    );
  });

  it('[case W02] an index that cannot be written leaves no page of this run without its content', () => {
    const next = filesOf({ 'index.html': 'index', 'a.html': 'a' });
    mkdirSync(join(site, 'index.html/inside'), { recursive: true });
    assert.throws(() => writeSite(site, next), /index\.html/);
    assert.equal(read('a.html'), 'a');
  });

  it('[case W03] a missing output folder is made, with its parents', () => {
    site = join(folder.path, 'deep/er/site');
    assert.deepEqual(writeSite(site, filesOf({ 'index.html': 'x' })), { written: 1, unchanged: 0, faults: [] });
  });

  it('[case W03] a symbolic link in place of the folder is refused and what it leads to is untouched', () => {
    mkdirSync(join(folder.path, 'elsewhere'));
    symlinkSync(join(folder.path, 'elsewhere'), site);
    assert.throws(() => writeSite(site, filesOf({ 'index.html': 'x' })), /is a symbolic link, expected a folder of the site's own/);
    assert.deepEqual(readdirSync(join(folder.path, 'elsewhere')), []);
  });

  it('[case W03] a file in place of the folder is refused', () => {
    writeFileSync(site, 'mine');
    assert.throws(() => writeSite(site, filesOf({ 'index.html': 'x' })), /is no folder/);
    assert.equal(readFileSync(site, 'utf8'), 'mine');
  });

  it('[case W03] a folder that cannot be written names the file and the reason', () => {
    // Root writes everywhere but into /proc.
    assert.throws(() => writeSite('/proc/vigie-site', filesOf({ 'index.html': 'x' })), /\/proc\/vigie-site/);
  });

  it('[case W03] temporary files lie in the folder of their page: a rename never crosses file systems', () => {
    const seen: string[] = [];
    const make = () => {
      seen.push(...readdirSync(join(site, 'hosts')));
      return 'index';
    };
    const files: SiteFiles = filesOf({ 'hosts/a.html': 'a' });
    writeSite(site, files.set('index.html', { key: 'k', make }));
    assert.equal(seen.length, 1);
    assert.match(seen[0] ?? '', /\.vigie-new$/);
  });

  it('[case W04] the page of a removed host is removed with its empty folder, and a file that is not ours stays', () => {
    writeSite(site, filesOf({ 'index.html': 'x', 'hosts/a.html': 'a', 'state/a.txt': 'OK' }));
    writeFileSync(join(site, 'state/mine.txt'), 'mine');
    writeSite(site, filesOf({ 'index.html': 'x' }));
    assert.equal(existsSync(join(site, 'hosts')), false);
    assert.deepEqual(readdirSync(join(site, 'state')), ['mine.txt']);
    assert.deepEqual(writeSite(site, filesOf({ 'index.html': 'x' })), { written: 0, unchanged: 1, faults: [] });
  });

  it('[H2] an unchanged file is not touched, one that somebody altered is made good', () => {
    const files = filesOf({ 'index.html': 'x', 'a.html': 'a' });
    writeSite(site, files);
    const before = statSync(join(site, 'a.html'));
    assert.deepEqual(writeSite(site, files), { written: 0, unchanged: 2, faults: [] });
    assert.equal(statSync(join(site, 'a.html')).ino, before.ino);
    writeFileSync(join(site, 'a.html'), 'b');
    assert.deepEqual(writeSite(site, files), { written: 1, unchanged: 1, faults: [] });
    assert.equal(read('a.html'), 'a');
  });

  it('[H2] a stamped page bears the run in which its content last changed', () => {
    const page = (text: string): SiteFiles => new Map([['a.html', { before: `${text} as of run `, after: '.' }]]);
    writeSite(site, page('one'), '7');
    assert.equal(writeSite(site, page('one'), '8').written, 0);
    assert.equal(read('a.html'), 'one as of run 7.');
    writeSite(site, page('two'), '9');
    assert.equal(read('a.html'), 'two as of run 9.');
  });

  it('[H2] a keyed page is made only when its key changed, and written only when its content did', () => {
    let made = 0;
    const page = (key: string, text: string): SiteFiles => {
      const make = () => {
        made += 1;
        return text;
      };
      return new Map([['a.html', { key, make }]]);
    };
    assert.equal(writeSite(site, page('1', 'same')).written, 1);
    assert.equal(writeSite(site, page('1', 'never seen')).written, 0);
    assert.equal(made, 1);
    assert.equal(writeSite(site, page('2', 'same')).written, 0);
    assert.equal(writeSite(site, page('2', 'never seen')).written, 0);
    assert.equal(made, 2);
    assert.equal(writeSite(site, page('3', 'other')).written, 1);
    assert.equal(read('a.html'), 'other');
  });

  it('[H2] a quiet page is neither made nor looked at while its key stays, and made good with the next one', () => {
    let made = 0;
    const publish = (key: string) =>
      writeSite(
        site,
        new Map([
          [
            'checks/a.html',
            {
              key,
              isQuiet: true,
              make: () => {
                made += 1;
                return 'calm';
              },
            },
          ],
        ]),
      );
    publish('one');
    writeFileSync(join(site, 'checks/a.html'), 'altered');
    assert.deepEqual(publish('one'), { written: 0, unchanged: 1, faults: [] });
    assert.deepEqual([made, read('checks/a.html')], [1, 'altered']);
    publish('two');
    assert.deepEqual([made, read('checks/a.html')], [2, 'calm']);
    writeSite(site, new Map());
    assert.ok(!existsSync(join(site, 'checks')));
  });

  it('[case E03] what a killed run left under temporary names is cleared away', () => {
    writeSite(site, filesOf({ 'index.html': 'x', 'hosts/a.html': 'a' }));
    writeFileSync(join(site, 'hosts/.abc.vigie-new'), 'half');
    writeSite(site, filesOf({ 'index.html': 'x', 'hosts/a.html': 'a' }));
    assert.deepEqual(readdirSync(join(site, 'hosts')), ['a.html']);
  });

  it('[case W04] a site that was moved away is written anew', () => {
    writeSite(site, filesOf({ 'index.html': 'x' }));
    renameSync(site, join(folder.path, 'old'));
    assert.equal(writeSite(site, filesOf({ 'index.html': 'x' })).written, 1);
  });
});

describe('a file that cannot be made', () => {
  const fault = () => {
    throw new Error('a fault');
  };
  const remedyOf = (run: number, more: Partial<Remedy> = {}): Remedy => ({
    now: { run, at: run * 60_000 },
    isFatal: () => false,
    keepsRest: false,
    replace: (_, since, last) => `since ${since.run}, was ${last}`,
    ...more,
  });
  const publish = (run: number, isFaulty: boolean, more: Partial<Remedy> = {}) => {
    const make = isFaulty ? fault : () => 'good';
    const files: SiteFiles = new Map<string, SiteFile | KeyedFile>([
      ['a.html', { key: run < 3 ? 'old' : 'new', isQuiet: true, make }],
      ['b.html', { key: null, make: () => `b ${run}` }],
      ['index.html', { key: null, make: (faults) => `index ${faults.map(({ path, since }) => `${path} ${since.run}`)}` }],
    ]);
    return writeSite(site, files, String(run), remedyOf(run, more));
  };

  it('[W4] is replaced once, with its last version at hand, tried in each run, and made good though its key is the same', () => {
    publish(1, true);
    assert.equal(read('a.html'), 'since 1, was null');
    publish(2, false);
    assert.deepEqual([read('a.html'), read('index.html')], ['good', 'index ']);
    for (const run of [3, 4]) {
      assert.deepEqual(
        publish(run, true).faults.map(({ path, since }) => [path, since]),
        [['a.html', { run: 3, at: 180_000 }]],
      );
      assert.deepEqual(['a.html', 'b.html', 'index.html'].map(read), ['since 3, was good', `b ${run}`, 'index a.html 3']);
    }
    assert.deepEqual([publish(5, false).faults, read('a.html'), read('index.html')], [[], 'good', 'index ']);
    publish(6, false);
    assert.equal(publish(7, false).written, 1);
  });

  it('[W4] keeps its last version where nothing is put in its place, and is not there where it never was', () => {
    publish(1, true, { replace: () => null });
    assert.equal(existsSync(join(site, 'a.html')), false);
    publish(2, false);
    publish(3, true, { replace: () => null });
    assert.equal(read('a.html'), 'good');
  });

  it('[case W04] what is not named after a fault stays where that is asked for, and is removed in the next run without one', () => {
    writeSite(site, filesOf({ 'old.html': 'old', 'index.html': 'x' }));
    publish(2, true, { keepsRest: true });
    assert.equal(read('old.html'), 'old');
    publish(3, false, { keepsRest: true });
    assert.equal(existsSync(join(site, 'old.html')), false);
  });

  it('[case Q08] for a reason that is not its own ends the publication, and nothing is replaced', () => {
    publish(1, false);
    const altered: SiteFiles = new Map<string, SiteFile | KeyedFile>([
      ['b.html', 'new'],
      ['a.html', { key: 'other', make: fault }],
    ]);
    assert.throws(() => writeSite(site, altered, '2', remedyOf(2, { isFatal: () => true })), /a fault/);
    assert.deepEqual(['a.html', 'b.html'].map(read), ['good', 'b 1']);
    assert.deepEqual(
      readdirSync(site).filter((name) => name.endsWith('.vigie-new')),
      [],
    );
  });
});

describe('paths', () => {
  for (const path of ['../site-evil/a.html', '../../etc/passwd', '/../x', 'hosts/../../x', '..', 'a\0.html']) {
    it(`[case W03] ${JSON.stringify(path)} leads out and is refused`, () => {
      assert.throws(() => resolveInside('/srv/site', path), /leads out of|site/);
      assert.throws(() => writeSite(site, filesOf({ [path]: 'x' })));
      assert.equal(existsSync(join(dirname(site), 'site-evil')), false);
    });
  }
  it('[case W03] names that only look alike are inside', () => {
    assert.equal(resolveInside('/srv/site', 'hosts/..a.html'), '/srv/site/hosts/..a.html');
    assert.equal(resolveInside('/srv/site/', 'a/../b.html'), '/srv/site/b.html');
  });
});

const READER = `
const { parentPort, workerData } = require('node:worker_threads');
const { readFileSync } = require('node:fs');
let reads = 0;
let isStopped = false;
const bad = [];
parentPort.on('message', () => { isStopped = true; });
parentPort.postMessage('ready');
(function step() {
  for (const path of workerData) {
    const text = readFileSync(path, 'utf8');
    reads += 1;
    const runs = new Set(text.match(/run \\d+/g));
    if (!text.startsWith('<html>') || !text.endsWith('</html>') || runs.size !== 1) bad.push(text.slice(0, 40));
  }
  if (isStopped) parentPort.postMessage({ reads, bad });
  else setTimeout(step, 5);
})();
`;
