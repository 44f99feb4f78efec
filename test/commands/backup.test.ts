import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { openHistoryForReading, takeLock } from '../../src/store/database.ts';
import { lastRun } from '../../src/store/history.ts';
import { readPeople } from '../../src/store/people.ts';
import { globalFile, installation, vigie } from '../support/cli.ts';
import { Target } from '../support/target.ts';

let target: Target;
let folder: { path: string; remove: () => void };
const at = (...names: string[]) => join(folder.path, ...names);
const run = (...args: string[]) => vigie(folder.path, args);

before(async () => {
  target = await Target.start();
  folder = installation(globalFile('maildir:state/mail', 'heartbeat: { key: heartbeat.key }\n'), {
    'website.yaml': `services:\n  website: { checks: { page: { type: http, url: "${target.url}" } } }\n`,
  });
  renameSync(at('vigie.yaml'), at('aside.yaml'));
  renameSync(at('conf.d'), at('conf.aside'));
  assert.equal((await run('init')).code, 0);
  rmSync(at('conf.d'), { recursive: true });
  renameSync(at('conf.aside'), at('conf.d'));
  renameSync(at('aside.yaml'), at('vigie.yaml'));
  assert.equal((await run('run')).code, 0);
  target.status = 503;
  await run('run', '--now', '*');
  assert.equal((await run('ack', 'website', '--note', 'at it')).code, 0);
  assert.equal((await run('incident', 'new', '--title', 'down')).code, 0);
});
after(async () => {
  await target.stop();
  folder.remove();
});

describe('vigie backup and restore', () => {
  it('[R3] a backup holds the history, what people said, the key and the incidents, for its owner only', async () => {
    const release = takeLock(at('state'));
    const { code, stdout } = await run('backup', 'saved');
    release?.();
    assert.equal(code, 0);
    assert.match(stdout, /^history and 3 files in .*saved; /);
    assert.equal(statSync(at('saved')).mode & 0o777, 0o600);
    assert.match((await run('doctor')).stdout, /^ok {2}backup: \d+ (s|min) ago$/m);
  });

  it('[R3] a machine that was lost is rebuilt from the configuration and the backup', async () => {
    const key = readFileSync(at('heartbeat.key'), 'utf8');
    for (const name of ['state', 'site', 'incidents']) rmSync(at(name), { recursive: true });
    rmSync(at('heartbeat.key'));
    const { code, stdout } = await run('restore', 'saved');
    assert.equal(code, 0);
    assert.match(stdout, /^history and 3 files restored from /);
    assert.equal(readFileSync(at('heartbeat.key'), 'utf8'), key);
    assert.equal(statSync(at('heartbeat.key')).mode & 0o777, 0o600);
    assert.equal(readdirSync(at('incidents')).length, 1);
    const database = openHistoryForReading(at('state'));
    assert.ok(database !== null);
    assert.equal(lastRun(database)?.run, 2);
    assert.equal(readPeople(database, Date.now())?.acknowledgements[0]?.note, 'at it');
    assert.equal(database.prepare("SELECT count(*) FROM sqlite_master WHERE name = 'carried'").pluck().get(), 0);
    database.close();
    assert.equal((await run('run', '--now', '*', '--json')).code, 0);
    assert.match(readFileSync(at('site/private/status.json'), 'utf8'), /"run":3/);
  });

  it('[R3] what is there is moved aside or kept, never lost', async () => {
    writeFileSync(at('heartbeat.key'), 'mine\n');
    const { code, stdout, stderr } = await run('restore', 'saved');
    assert.equal(code, 0);
    assert.match(stdout, /^the history that was here is now .*history\.sqlite\.replaced-/);
    assert.match(stderr, /heartbeat\.key is there with other content and was left as it is/);
    assert.equal(readFileSync(at('heartbeat.key'), 'utf8'), 'mine\n');
    assert.ok(readdirSync(at('state')).some((name) => /^history\.sqlite\.replaced-/.test(name)));
  });

  it('[R3] waits for no run, and does nothing beside one', async () => {
    const release = takeLock(at('state'));
    const { code, stderr } = await run('restore', 'saved');
    release?.();
    assert.equal(code, 3);
    assert.match(stderr, /a run holds the lock; nothing was restored/);
  });

  const wrong: { name: string; make: () => void; says: RegExp }[] = [
    { name: 'is not there', make: () => rmSync(at('bad'), { force: true }), says: /restore: not restored/ },
    {
      name: 'is no database',
      make: () => writeFileSync(at('bad'), 'words\n'.repeat(1000)),
      says: /restore: not restored \(corrupt\)/,
    },
    {
      name: 'is a database of others',
      make: () => writeFileSync(at('bad'), readFileSync(at('state/lock.sqlite'))),
      says: /restore: not restored/,
    },
    {
      name: 'is cut',
      make: () => writeFileSync(at('bad'), readFileSync(at('saved')).subarray(0, 20_000)),
      says: /restore: not restored/,
    },
  ];
  for (const { name, make, says } of wrong) {
    it(`[case Q08] a file that ${name} changes nothing`, async () => {
      make();
      const before = readFileSync(at('state/history.sqlite'));
      const { code, stderr } = await run('restore', 'bad');
      assert.equal(code, 3);
      assert.match(stderr, says);
      assert.ok(readFileSync(at('state/history.sqlite')).equals(before));
    });
  }

  it('[T8] a backup is not written where a web server would hand it out', async () => {
    const { code, stderr } = await run('backup', 'site/public/saved');
    assert.equal(code, 2);
    assert.match(stderr, /lies inside of a site/);
    assert.equal(existsSync(at('site/public/saved')), false);
  });

  it('[R3] a place that cannot be written is said in one line', async () => {
    mkdirSync(at('folder'));
    chmodSync(at('folder'), 0o755);
    const { code, stderr } = await run('backup', 'folder');
    assert.equal(code, 2);
    assert.match(stderr, /^backup: cannot write .*folder/);
  });
});
