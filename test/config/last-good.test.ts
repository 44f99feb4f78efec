import assert from 'node:assert/strict';
import { existsSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { confirmRemovals } from '../../src/config/confirm.ts';
import { BASE, HOST, withFiles } from '../support/configuration.ts';

const NOW = Date.UTC(2026, 0, 1);
const HOUR = 3_600_000;
const DB = 'hosts:\n  db1: { address: 192.0.2.20, checks: { alive: { type: ping } } }\n';

function ids(loaded: { configuration: { checks: { id: string }[] } }): string[] {
  return loaded.configuration.checks.map((check) => check.id).filter((id) => !id.startsWith('proxy/'));
}

test('[case F01] a drop-in with a syntax error is replaced by its last good version, with its errors', async () => {
  await withFiles({ 'conf.d/db.yaml': DB, 'conf.d/web.yaml': HOST }, async (folder) => {
    const good = await folder.load();
    assert.deepEqual(good.problems, []);
    folder.write('conf.d/web.yaml', 'hosts:\n\tweb1: {}\n');
    folder.write('conf.d/db.yaml', DB.replace('db1', 'db2'));
    const loaded = await folder.load();
    assert.deepEqual(ids(loaded), ['db2/alive', 'web1/alive'], 'the good change counts, the bad file is as it was');
    assert.equal(loaded.problems.length, 1);
    assert.match(loaded.problems[0]?.message ?? '', /a tab in the indentation/);
    assert.ok(loaded.problems[0]?.file.endsWith('conf.d/web.yaml'));
    assert.deepEqual(ids(await folder.load()), ['db2/alive', 'web1/alive'], 'and so on, run after run');
    await assert.rejects(folder.load({ mode: 'check' }), /a tab in the indentation/, 'a check of the files says what they are');
  });
});

test('[case F01] a bad global file is replaced by its last good version, also when it cannot be read', async () => {
  await withFiles({ 'conf.d/web.yaml': HOST, 'vigie.yaml': `state: other\n${BASE}` }, async (folder) => {
    await folder.load();
    folder.write('vigie.yaml', `state: other\n${BASE}titel: x\n`);
    const loaded = await folder.load();
    assert.deepEqual(ids(loaded), ['web1/alive']);
    assert.match(loaded.problems[0]?.message ?? '', /unknown key/);
    assert.equal(loaded.configuration.state, join(folder.path, 'other'));
  });
  await withFiles({ 'conf.d/web.yaml': HOST }, async (folder) => {
    await folder.load();
    rmSync(join(folder.path, 'vigie.yaml'));
    const loaded = await folder.load({ path: join(folder.path, 'vigie.yaml') });
    assert.deepEqual(ids(loaded), ['web1/alive']);
    assert.match(loaded.problems[0]?.message ?? '', /found no such file/);
  });
});

test('[case F01] with nothing to go back to a bad global file is fatal, and a bad new drop-in is left out', async () => {
  await withFiles({ 'vigie.yaml': `${BASE}titel: x\n`, 'conf.d/web.yaml': HOST }, async (folder) => {
    assert.match(await folder.fail(), /^vigie.yaml:8:1: titel: unknown key/);
  });
  await withFiles({ 'conf.d/db.yaml': DB, 'conf.d/web.yaml': HOST.replace('ping', 'pong') }, async (folder) => {
    const loaded = await folder.load();
    assert.deepEqual(ids(loaded), ['db1/alive']);
    assert.match(loaded.problems[0]?.message ?? '', /unknown check type/);
  });
});

test('[C2] a mistake that shows in an unchanged file takes back what did change', async () => {
  await withFiles({ 'conf.d/web.yaml': HOST.replace('checks', 'contacts: [web], checks') }, async (folder) => {
    await folder.load();
    folder.write('vigie.yaml', BASE.replace(/ {2}web: .*\n/, ''));
    const loaded = await folder.load();
    assert.deepEqual(ids(loaded), ['web1/alive']);
    assert.ok(loaded.configuration.contacts['web'], 'the contact that the file needs is still there');
    assert.match(loaded.problems[0]?.message ?? '', /unknown contact/);
  });
});

test('[case F02] a new file that defines a host again loses against the one that had it', async () => {
  await withFiles({ 'conf.d/web.yaml': HOST }, async (folder) => {
    await folder.load();
    folder.write('conf.d/a.yaml', HOST.replace('192.0.2.10', '192.0.2.66'));
    folder.write('conf.d/db.yaml', DB);
    const loaded = await folder.load();
    assert.deepEqual(ids(loaded), ['db1/alive', 'web1/alive'], 'what has no part in it counts');
    assert.equal(loaded.configuration.hosts['web1']?.address, '192.0.2.10');
    assert.match(loaded.problems[0]?.message ?? '', /defined twice/);
  });
});

test('[C2] where a change makes a mistake in a file that did not change, only that change goes back', async () => {
  const parent = (of: string) => `hosts:\n  web1: { address: 192.0.2.10, ${of}checks: { alive: { type: ping } } }\n`;
  const child = DB.replace('checks', 'parents: [web1], checks');
  await withFiles(
    { 'conf.d/web.yaml': parent(''), 'conf.d/a.yaml': child, 'conf.d/mail.yaml': DB.replace('db1', 'mail') },
    async (folder) => {
      await folder.load();
      folder.write('conf.d/web.yaml', parent('parents: [db1], '));
      folder.write('conf.d/mail.yaml', DB.replace('db1', 'mail').replace('192.0.2.20', '192.0.2.25'));
      const { configuration, problems } = await folder.load();
      assert.match(problems[0]?.message ?? '', /a cycle of dependencies/);
      assert.equal(configuration.hosts['mail']?.address, '192.0.2.25');
    },
  );
});

test('[case F08] a file that disappears is used for 24 h more, then no longer', async () => {
  await withFiles({ 'conf.d/db.yaml': DB, 'conf.d/web.yaml': HOST }, async (folder) => {
    await folder.load({ now: NOW });
    rmSync(join(folder.path, 'conf.d/web.yaml'));
    const first = await folder.load({ now: NOW });
    assert.deepEqual(ids(first), ['db1/alive', 'web1/alive']);
    assert.deepEqual(first.problems, []);
    assert.deepEqual(
      first.removed.map(({ since, until }) => [since, until]),
      [[NOW, NOW + 24 * HOUR]],
    );
    assert.ok(first.removed[0]?.name.endsWith('conf.d/web.yaml'));
    const later = await folder.load({ now: NOW + 23 * HOUR });
    assert.deepEqual([ids(later), later.removed[0]?.since], [['db1/alive', 'web1/alive'], NOW]);
    assert.deepEqual(ids(await folder.load({ now: NOW + 25 * HOUR })), ['db1/alive']);
    assert.deepEqual(ids(await folder.load({ now: NOW + 23 * HOUR })), ['db1/alive'], 'and it does not come back');
  });
});

test('[case F08] a whole folder that disappears does not end the monitoring', async () => {
  await withFiles({ 'conf.d/db.yaml': DB, 'conf.d/web.yaml': HOST }, async (folder) => {
    await folder.load();
    renameSync(join(folder.path, 'conf.d'), join(folder.path, 'elsewhere'));
    assert.deepEqual(ids(await folder.load()), ['db1/alive', 'web1/alive']);
  });
});

test('[C2] a removal that was confirmed counts at once', async () => {
  await withFiles({ 'conf.d/db.yaml': DB, 'conf.d/web.yaml': HOST }, async (folder) => {
    await folder.load();
    rmSync(join(folder.path, 'conf.d/web.yaml'));
    assert.deepEqual(await confirmRemovals(folder.path), ['conf.d/web.yaml']);
    const loaded = await folder.load();
    assert.deepEqual([ids(loaded), loaded.removed], [['db1/alive'], []]);
    assert.deepEqual(await confirmRemovals(folder.path), []);
  });
});

test('[C2] a file that was only renamed is not kept beside itself', async () => {
  await withFiles({ 'conf.d/web.yaml': HOST }, async (folder) => {
    await folder.load();
    renameSync(join(folder.path, 'conf.d/web.yaml'), join(folder.path, 'conf.d/site.yaml'));
    const loaded = await folder.load();
    assert.deepEqual([ids(loaded), loaded.problems], [['web1/alive'], []]);
    assert.ok(loaded.configuration.hosts['web1']?.source.file.endsWith('site.yaml'));
  });
});

test('[C2] a removed file that no longer fits is left out, and said', async () => {
  await withFiles(
    { 'conf.d/db.yaml': DB, 'conf.d/web.yaml': HOST.replace('checks', 'contacts: [web], checks') },
    async (folder) => {
      await folder.load();
      rmSync(join(folder.path, 'conf.d/web.yaml'));
      folder.write('vigie.yaml', BASE.replace(/ {2}web: .*\n/, ''));
      const loaded = await folder.load();
      assert.deepEqual(ids(loaded), ['db1/alive']);
      assert.equal(loaded.problems.length, 1);
      assert.deepEqual((await folder.load()).problems, []);
    },
  );
});

test('[case F07] a configuration that became empty is an error, not "all OK"', async () => {
  await withFiles({ 'conf.d/web.yaml': HOST }, async (folder) => {
    await folder.load();
    folder.write('conf.d/web.yaml', '# nothing\n');
    const loaded = await folder.load();
    assert.deepEqual(ids(loaded), ['web1/alive']);
    assert.match(loaded.problems[0]?.message ?? '', /no check to run/);
  });
});

test('[C2] what is kept is readable by its owner only, and a run is the only one that writes', async () => {
  await withFiles({ 'conf.d/web.yaml': HOST }, async (folder) => {
    const kept = join(folder.path, 'state/config');
    await folder.load({ mode: 'read' });
    await folder.load({ mode: 'check' });
    assert.equal(existsSync(kept), false);
    await folder.load();
    assert.equal(statSync(kept).mode & 0o777, 0o700);
    for (const name of ['good.json', 'cache.json']) assert.equal(statSync(join(kept, name)).mode & 0o777, 0o600, name);
  });
});

test('[C2] a damaged or foreign last good file is as good as none', async () => {
  await withFiles({ 'conf.d/db.yaml': DB, 'conf.d/web.yaml': HOST }, async (folder) => {
    await folder.load();
    const kept = join(folder.path, 'state/config/good.json');
    const text = readFileSync(kept, 'utf8');
    writeFileSync(kept, text.replace('192.0.2.10', '192.0.2.66'));
    folder.write('conf.d/web.yaml', 'hosts: [');
    const loaded = await folder.load();
    assert.deepEqual(ids(loaded), ['db1/alive']);
  });
});

test('[C2] a state folder that cannot be written is a warning, not the end of monitoring', async () => {
  await withFiles({ 'conf.d/web.yaml': HOST, state: 'a file where the folder belongs' }, async (folder) => {
    const loaded = await folder.load();
    assert.deepEqual(ids(loaded), ['web1/alive']);
    assert.match(loaded.warnings[0]?.message ?? '', /cannot be kept, expected a folder that can be written, found E/);
  });
});

test('[C2] a file that is no YAML is said alone: what others take from it is not missed', async () => {
  const web = `${HOST.replace('checks', 'contacts: [web], profiles: [debian], checks')}`;
  const files = { 'conf.d/web.yaml': web, 'conf.d/profiles.yaml': 'profiles: { debian: {} }\n' };
  await withFiles({ ...files, 'conf.d/profiles.yaml': 'profiles: {' }, async (folder) => {
    assert.match(await folder.fail({ mode: 'check' }), /^conf.d\/profiles.yaml:\d+:\d+: not valid YAML[^\n]*\n1 error in 1 file$/);
  });
  await withFiles(files, async (folder) => {
    await folder.load();
    folder.write('vigie.yaml', 'mail: [');
    folder.write('conf.d/db.yaml', DB.replace('checks', 'contacts: [web], checks'));
    const loaded = await folder.load();
    assert.deepEqual(ids(loaded), ['db1/alive', 'web1/alive'], 'a new drop-in counts although the global file is bad');
    assert.equal(loaded.problems.length, 1);
    assert.match(await folder.fail({ mode: 'check' }), /^vigie.yaml:\d+:\d+: not valid YAML[^\n]*\n1 error in 1 file$/);
  });
});

test('[case F01] what is wrong in a second file is said too, and each goes back by itself', async () => {
  await withFiles({ 'conf.d/db.yaml': DB, 'conf.d/web.yaml': HOST }, async (folder) => {
    await folder.load();
    folder.write('conf.d/web.yaml', 'hosts: [');
    folder.write('conf.d/db.yaml', DB.replace('checks', 'contacts: [nobody], checks'));
    const loaded = await folder.load();
    assert.deepEqual(ids(loaded), ['db1/alive', 'web1/alive']);
    assert.match(loaded.problems.map((problem) => problem.message).join(), /unknown contact.*not valid YAML/);
  });
});

test('[case F01] a bad global file with patterns of its own loses none of its drop-ins', async () => {
  const general = `${BASE}include: [sites/*.yaml]\n`;
  await withFiles(
    { 'vigie.yaml': general, 'sites/web.yaml': HOST, 'sites/db.yaml': DB.replace('checks', 'contacts: [web], checks') },
    async (folder) => {
      await folder.load();
      folder.write('vigie.yaml', `${BASE.replace(/ {2}web: .*\n/, '')}include: sites/*.yaml\n`);
      const loaded = await folder.load();
      assert.deepEqual([ids(loaded), loaded.removed], [['db1/alive', 'web1/alive'], []]);
      assert.match(loaded.problems.map((problem) => problem.path).join(), /include/);
    },
  );
});
