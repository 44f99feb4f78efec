import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { openHistoryForReading } from '../../src/store/database.ts';
import { checkIntegrity } from '../../src/store/history.ts';
import { BUNDLE, type CliOptions, globalFile, installation, vigie } from '../support/cli.ts';
import { readMaildir } from '../support/maildir.ts';
import { needs, temporaryFolder } from '../support/server.ts';
import { Target } from '../support/target.ts';

const PROBLEM = '[vigie] PROBLEM website/page CRITICAL: HTTP 503, expected 200-299';
const RECOVERED = '[vigie] RECOVERED website/page';
const asRoot = { ...needs('mount'), ...(process.getuid?.() === 0 ? {} : { skip: 'needs root to mount' }) };

let target: Target;
let folder: { path: string; remove: () => void };
let mounted: string[];

beforeEach(async () => {
  target = await Target.start();
  mounted = [];
  folder = installation(globalFile('maildir:mail'), {
    'website.yaml': `services:\n  website: { public: true, checks: { page: { type: http, url: "${target.url}" } } }\n`,
  });
});
afterEach(async () => {
  await target.stop();
  for (const path of mounted) execFileSync('umount', [path]);
  folder.remove();
});

const at = (...names: string[]) => join(folder.path, ...names);
const runOnce = (options: CliOptions = {}) => vigie(folder.path, ['run', '--now', '*'], { program: BUNDLE, ...options });
const subjects = () => readMaildir(at('mail')).map(({ subject }) => subject);

/** A file system of its own in place of a folder: `size=` and `nr_inodes=` make it small. */
function mount(name: string, options: string): string {
  mkdirSync(at(name), { recursive: true, mode: 0o700 });
  execFileSync('mount', ['-t', 'tmpfs', '-o', `mode=700,${options}`, 'tmpfs', at(name)]);
  mounted.push(at(name));
  return at(name);
}

/** Takes all the room that is left but for some bytes. */
function fill(folderPath: string, leave = 0): string {
  const filler = join(folderPath, 'filler');
  const free = Number(execFileSync('df', ['--output=avail', '-B1', folderPath], { encoding: 'utf8' }).trim().split('\n')[1]);
  writeFileSync(filler, Buffer.alloc(Math.max(0, free - leave)));
  return filler;
}

/** Takes every inode that is left. */
function fillInodes(folderPath: string): string {
  const fillers = join(folderPath, 'fillers');
  mkdirSync(fillers);
  try {
    for (let i = 0; ; i += 1) writeFileSync(join(fillers, String(i)), '');
  } catch {
    return fillers;
  }
}

const pages = (name: string) =>
  (readdirSync(at('site', name), { recursive: true }) as string[])
    .filter((file) => file.endsWith('.html') && !file.includes('fillers'))
    .sort()
    .map((file) => [file, readFileSync(at('site', name, file), 'utf8')]);

function assertSound(): void {
  const database = openHistoryForReading(at('state'));
  assert.ok(database !== null);
  assert.equal(checkIntegrity(database), null);
  database.close();
}

describe('no room', asRoot, () => {
  const shortages: { name: string; options: string; exhaust: (path: string) => string }[] = [
    { name: '[case Q03] room for pages', options: 'size=4m', exhaust: (path) => fill(path) },
    { name: '[case Q14] inodes for pages', options: 'size=4m,nr_inodes=100', exhaust: fillInodes },
  ];
  for (const { name, options, exhaust } of shortages) {
    it(`${name}: the mail goes out, exit 1, the old pages are whole; then new ones`, async () => {
      const site = mount('site/private', options);
      assert.equal((await runOnce()).code, 0);
      const filler = exhaust(site);
      const old = pages('private');
      assert.ok(old.length >= 3);
      target.status = 503;
      const { code, stderr } = await runOnce();
      assert.equal(code, 1);
      assert.match(stderr, /^vigie: pages could not be written: .*site\/private.*: ENOSPC[^\n]*\n$/);
      assert.equal(subjects().at(-1), PROBLEM);
      for (const [file, content = ''] of pages('private')) {
        assert.match(content, /<\/html>\s*$/, file);
      }
      assert.deepEqual(
        readdirSync(site).filter((file) => file.endsWith('.vigie-new')),
        [],
      );
      rmSync(filler, { recursive: true });
      assert.equal((await runOnce()).code, 0);
      assert.match(readFileSync(at('site/private/index.html'), 'utf8'), /HTTP 503/);
    });
  }

  it('[case Q04] no room in the maildir: the item stays owed, and arrives once there is', async () => {
    const mail = mount('mail', 'size=1m');
    assert.equal((await runOnce()).code, 0);
    const filler = fill(mail);
    target.status = 503;
    assert.equal((await runOnce()).code, 1);
    assert.equal((await runOnce()).code, 1);
    assert.equal(subjects().length, 1);
    rmSync(filler);
    assert.equal((await runOnce()).code, 0);
    assert.equal((await runOnce()).code, 0);
    assert.deepEqual(subjects().slice(1), [PROBLEM]);
    assert.deepEqual(readdirSync(join(mail, 'tmp')), []);
  });

  it('[case Q14] no inodes for the history: exit 3, one mail from memory, and monitoring goes on when there are', async () => {
    const state = mount('state', 'size=8m,nr_inodes=60');
    assert.equal((await runOnce()).code, 0);
    const fillers = fillInodes(state);
    target.status = 503;
    const codes = [(await runOnce()).code, (await runOnce()).code];
    rmSync(fillers, { recursive: true });
    assert.equal((await runOnce()).code, 0);
    assert.equal(subjects().at(-1), PROBLEM);
    assert.deepEqual(codes, [3, 3]);
    assertSound();
  });

  it('[W1] [case Q01] no room for the history nor for when that was said: it is said and mailed at once, and then is not', async () => {
    const state = mount('state', 'size=4m');
    fill(state);
    const runs = [await runOnce(), await runOnce()];
    assert.deepEqual(
      runs.map(({ code }) => code),
      [3, 3],
    );
    assert.match(runs[0]?.stderr ?? '', /^vigie: history database in \S+\/state unusable \(full\): [^\n]+\n$/);
    assert.equal(runs[1]?.stderr, '');
    assert.equal(subjects().filter((subject) => subject.includes('DATABASE')).length, 1);
  });

  const seen = new Set<number | null>();
  // Four changes each: a fifth would find the check unstable and the recipient's budget empty.
  const rooms = [0, 40, 80].map((first) => [first, first + 120, first + 240, first + 360]);
  for (const each of rooms) {
    it(`[case Q01] [case Q02] with ${each.join(', ')} KiB of room for history and its log, nothing is lost, repeated or damaged`, async () => {
      const state = mount('state', 'size=4m');
      assert.equal((await runOnce()).code, 0);
      const outcomes = new Set<number | null>();
      let expected: string[] = [];
      for (const room of each) {
        const filler = fill(state, room * 1024);
        target.status = target.status === 200 ? 503 : 200;
        outcomes.add((await runOnce()).code);
        rmSync(filler);
        assert.equal((await runOnce()).code, 0, `after ${room} KiB`);
        expected = [...expected, target.status === 503 ? PROBLEM : RECOVERED];
        assertSound();
        const told = subjects().filter((subject) => subject === PROBLEM || subject === RECOVERED);
        assert.deepEqual(told, expected, `with ${room} KiB`);
      }
      assert.ok(outcomes.has(3) || outcomes.has(0), [...outcomes].join(' '));
      for (const outcome of outcomes) seen.add(outcome);
      const others = subjects().filter((subject) => subject !== PROBLEM && subject !== RECOVERED);
      assert.ok(others.filter((subject) => subject.includes('DATABASE')).length <= 2, others.join('\n'));
    });
  }

  it('[case Q01] both a failure and a success were seen', () => assert.ok(seen.has(3) && seen.has(0), [...seen].join(' ')));
});

describe('a history that proves corrupt only in use', () => {
  const { tables, indexes } = {
    tables: ['meta', 'runs', 'checks', 'results', 'events', 'items', 'messages', 'past', 'days'],
    indexes: ['items_pending', 'messages_by_state', 'events_by_check'],
  };
  for (const name of [...tables, ...indexes]) {
    it(`[case Q08] a broken page of ${name}: the next run but one works, and what is told is told once`, async () => {
      for (const status of [200, 503]) {
        target.status = status;
        assert.equal((await runOnce()).code, 0);
      }
      const path = at('state/history.sqlite');
      const page = (sql: string) => Number(execFileSync('sqlite3', [path, sql], { encoding: 'utf8' }));
      execFileSync('sqlite3', [path, 'PRAGMA wal_checkpoint(TRUNCATE)']);
      const [root, size] = [page(`SELECT rootpage FROM sqlite_master WHERE name = '${name}'`), page('PRAGMA page_size')];
      const bytes = readFileSync(path);
      bytes.fill(0xa5, (root - 1) * size, root * size);
      writeFileSync(path, bytes);
      target.status = 200;
      const codes = [(await runOnce()).code, (await runOnce()).code, (await runOnce()).code];
      assert.equal(codes.at(-1), 0, codes.join(' '));
      const told = subjects().filter((subject) => subject === PROBLEM || subject === RECOVERED);
      assert.ok(told.filter((subject) => subject === PROBLEM).length === 1, subjects().join('\n'));
      assert.ok(told.length === 2 || subjects().some((subject) => subject.includes('DATABASE')), subjects().join('\n'));
    });
  }
});

describe('a disk with bad sectors', needs('cc'), () => {
  let library: string;
  let built: { path: string; remove: () => void };
  before(() => {
    built = temporaryFolder();
    library = join(built.path, 'failing-disk.so');
    const source = new URL('../../../test/support/failing-disk.c', import.meta.url).pathname;
    execFileSync('cc', ['-shared', '-fPIC', '-O1', '-o', library, source, '-ldl']);
  });
  after(() => built.remove());
  const onBadDisk = (call: string, path: string) =>
    runOnce({ env: { LD_PRELOAD: library, VIGIE_TEST_EIO: call, VIGIE_TEST_EIO_PATH: path } });

  for (const call of ['fsync', 'write', 'read']) {
    it(`[case Q05] EIO on ${call} of the history: exit 3, one mail, pages untouched, and nothing lost afterwards`, async () => {
      assert.equal((await runOnce()).code, 0);
      const old = pages('private');
      target.status = 503;
      const codes = [(await onBadDisk(call, '/state/history')).code, (await onBadDisk(call, '/state/history')).code];
      assert.deepEqual(codes, [3, 3]);
      assert.deepEqual(pages('private'), old);
      const told = readMaildir(at('mail')).filter(({ subject }) => subject.includes('DATABASE'));
      assert.equal(told.length, 1);
      assert.match(told[0]?.content ?? '', /website\/page CRITICAL: HTTP 503/);
      assert.equal((await runOnce()).code, 0);
      assert.ok(subjects().includes(PROBLEM));
      assertSound();
    });
  }

  for (const call of ['fsync', 'write']) {
    it(`[case Q05] EIO on ${call} of a page: the mail goes out, exit 1, the old pages are whole`, async () => {
      assert.equal((await runOnce()).code, 0);
      const old = pages('private');
      target.status = 503;
      const { code, stderr } = await onBadDisk(call, '/site/private/');
      assert.deepEqual([code, /pages could not be written: .*EIO/.test(stderr)], [1, true]);
      assert.deepEqual(pages('private'), old);
      assert.equal(subjects().at(-1), PROBLEM);
    });

    it(`[case Q05] EIO on ${call} of a mail: it stays owed and arrives once`, async () => {
      assert.equal((await runOnce()).code, 0);
      target.status = 503;
      assert.equal((await onBadDisk(call, '/mail/')).code, 1);
      assert.equal((await runOnce()).code, 0);
      assert.deepEqual(subjects().slice(1), [PROBLEM]);
    });
  }
});
