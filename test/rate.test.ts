import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, lstatSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { isFirstIn } from '../src/rate.ts';
import { temporaryFolder } from './support/server.ts';

const HOUR = 3_600_000;
/** Noon, in the middle of a quarter of a day. */
const NOON = Date.parse('2026-11-22T13:37:00Z');
const UID = process.getuid?.() ?? 0;
const OWN = `vigie-${UID}`;
/** Whose folders we cannot make: what is made for it belongs to us. */
const NOT_US = UID + 4242;

describe('what is said once in six hours', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  const at = (...names: string[]) => join(folder.path, ...names);
  beforeEach(() => {
    folder = temporaryFolder();
    mkdirSync(at('run'));
  });
  afterEach(() => {
    rmSync(`/dev/shm/vigie-${NOT_US}`, { recursive: true, force: true });
    folder.remove();
  });

  const say = (now: number, more: { text?: string; env?: Record<string, string>; uid?: number; state?: string } = {}) => {
    const { text = 'full', env = { RUNTIME_DIRECTORY: at('run') }, uid = UID, state = at('state') } = more;
    return isFirstIn({ now, configPath: at(), env, uid }, 'database', text, state);
  };

  const places: { name: string; prepare: () => void; keptIn: string }[] = [
    { name: 'a state folder that can be written', prepare: () => {}, keptIn: 'state' },
    { name: 'a state folder that cannot be made', prepare: () => writeFileSync(at('state'), ''), keptIn: `run/${OWN}` },
    {
      name: 'a state folder in which nothing can be written',
      prepare: () => mkdirSync(at('state/complaint-database.json.new/x'), { recursive: true }),
      keptIn: `run/${OWN}`,
    },
  ];
  for (const { name, prepare, keptIn } of places) {
    it(`[W1] ${name}: at once, again after six hours, with other words, and when the clock went back`, () => {
      prepare();
      const said = [0, 1, 5.99].map((hours) => say(NOON + hours * HOUR));
      assert.deepEqual(said, [true, false, false]);
      assert.match(readdirSync(at(keptIn)).join(' '), /complaint-database/);
      const again = [say(NOON + 6 * HOUR), say(NOON + 6.1 * HOUR), say(NOON + 6.2 * HOUR, { text: 'corrupt' }), say(NOON)];
      assert.deepEqual(again, [true, false, true, true]);
    });
  }

  it('[W1] what was said while the state folder could be written is not said again because it no longer can', () => {
    assert.equal(say(NOON), true);
    mkdirSync(at('state/complaint-database.json.new/x'), { recursive: true });
    assert.deepEqual([say(NOON + HOUR), say(NOON + 7 * HOUR), say(NOON + 8 * HOUR)], [false, true, false]);
  });

  it('[W1] two installations of one user do not silence each other', () => {
    for (const name of ['one', 'two']) writeFileSync(at(name), '');
    const said = ['one', 'two', 'one'].map((name) => say(NOON, { state: at(name) }));
    assert.deepEqual(said, [true, true, false]);
  });

  const refused: { name: string; prepare: (path: string) => void; skip?: string }[] = [
    { name: 'is a link', prepare: (path) => symlinkSync(at('target'), path) },
    { name: 'is a file', prepare: (path) => writeFileSync(path, '') },
    {
      name: 'others may enter',
      prepare: (path) => {
        mkdirSync(path);
        chmodSync(path, 0o711);
      },
    },
    {
      name: 'belongs to somebody else',
      prepare: (path) => {
        mkdirSync(path, { mode: 0o700 });
        chownSync(path, 65_534, 65_534);
      },
      ...(UID === 0 ? {} : { skip: 'needs root to give a folder away' }),
    },
  ];
  for (const { name, prepare, skip } of refused) {
    it(
      `[T7] a folder of our name that ${name} is not used, but one beside it of a name that nobody can foresee`,
      skip === undefined ? {} : { skip },
      () => {
        for (const path of ['target', 'next']) mkdirSync(at(path));
        writeFileSync(at('state'), '');
        prepare(at('run', OWN));
        const env = { RUNTIME_DIRECTORY: at('run'), XDG_RUNTIME_DIR: 'relative', TMPDIR: at('next') };
        assert.deepEqual([say(NOON, { env }), say(NOON, { env })], [true, false]);
        const beside = readdirSync(at('run')).filter((file) => file !== OWN);
        assert.match(beside.join(), /^vigie-\d+-\w{6}$/);
        assert.deepEqual([readdirSync(at('run', ...beside)).length, readdirSync(at('next'))], [1, []]);
        assert.deepEqual(readdirSync(at('target')), []);
      },
    );
  }

  it('[T7] a pipe or a link in the place of what was remembered is neither waited for nor believed', () => {
    mkdirSync(at('state'));
    const path = at('state/complaint-database.json');
    execFileSync('mkfifo', [path]);
    assert.deepEqual([say(NOON), say(NOON)], [true, false]);
    renameSync(path, at('elsewhere'));
    symlinkSync(at('elsewhere'), path);
    assert.deepEqual([say(NOON), say(NOON), lstatSync(path).isFile()], [true, false, true]);
  });

  it('[T7] a folder beside ours that belongs to somebody else, or that they may enter, is not used either', () => {
    writeFileSync(at('state'), '');
    writeFileSync(at('run', OWN), '');
    mkdirSync(at('run', `${OWN}-aaaaaa`));
    chmodSync(at('run', `${OWN}-aaaaaa`), 0o755);
    symlinkSync(at(), at('run', `${OWN}-bbbbbb`));
    assert.deepEqual([say(NOON), say(NOON)], [true, false]);
    assert.equal(readdirSync(at('run')).length, 4);
    assert.deepEqual(readdirSync(at('run', `${OWN}-aaaaaa`)), []);
  });

  it('[W1] where nothing at all can be remembered, the first minute of a quarter of a day says it', () => {
    writeFileSync(at('state'), '');
    const env = { RUNTIME_DIRECTORY: at('run'), TMPDIR: at('state') };
    const said = ['00:00:30', '00:01:00', '05:59:59', '06:00:59', '13:37:00', '18:00:00'].map((time) =>
      say(Date.parse(`2026-11-22T${time}Z`), { env, uid: NOT_US }),
    );
    assert.deepEqual(said, [true, false, false, true, false, true]);
  });
});
