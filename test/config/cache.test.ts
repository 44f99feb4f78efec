import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { FAKE_REQUEST } from '../support/check-types.ts';
import { BASE, HOST, TestConfiguration } from '../support/configuration.ts';
import { temporaryFolder } from '../support/server.ts';

test('[C2] an unchanged configuration comes from the cache, and is the same', async () => {
  const folder = new TestConfiguration({ 'conf.d/web.yaml': HOST });
  try {
    const first = await folder.load();
    const second = await folder.load();
    assert.deepEqual([first.isCached, second.isCached], [false, true]);
    assert.deepEqual(second.configuration, first.configuration);
    assert.deepEqual(second.warnings, first.warnings);
    assert.equal((await folder.load({ mode: 'read' })).isCached, true);
    assert.equal((await folder.load({ mode: 'check' })).isCached, false);
  } finally {
    folder.remove();
  }
});

test('[C2] a changed, new or removed file, another version and other types are seen', async () => {
  const folder = new TestConfiguration({ 'conf.d/web.yaml': HOST });
  try {
    await folder.load();
    assert.equal((await folder.load({ version: 'next' })).isCached, false);
    assert.equal((await folder.load({ version: 'next', typesFingerprint: 'other' })).isCached, false);
    await folder.load();
    folder.write('conf.d/web.yaml', HOST.replace('192.0.2.10', '192.0.2.11'));
    const changed = await folder.load();
    assert.deepEqual([changed.isCached, changed.configuration.hosts['web1']?.address], [false, '192.0.2.11']);
    folder.write('conf.d/db.yaml', HOST.replace('web1', 'db1'));
    assert.equal((await folder.load()).isCached, false);
    folder.write('vigie.yaml', `${BASE}title: Another\n`);
    assert.equal((await folder.load()).configuration.title, 'Another');
  } finally {
    folder.remove();
  }
});

test('[C2] a folder that was copied with its cache is another place: nothing goes to the folder that it was copied from', async () => {
  const folder = new TestConfiguration({ 'conf.d/web.yaml': HOST });
  const copy = temporaryFolder();
  const before = process.cwd();
  const loadIn = async (path: string) => {
    process.chdir(path);
    try {
      return await folder.load({ path: 'vigie.yaml' });
    } finally {
      process.chdir(before);
    }
  };
  try {
    await loadIn(folder.path);
    assert.equal((await loadIn(folder.path)).isCached, true);
    cpSync(folder.path, copy.path, { recursive: true });
    const { isCached, configuration } = await loadIn(copy.path);
    assert.deepEqual([isCached, configuration.state], [false, join(copy.path, 'state')]);
  } finally {
    folder.remove();
    copy.remove();
  }
});

test('[C2] a truncated, altered, foreign or group-writable cache is ignored and never fatal', async () => {
  const folder = new TestConfiguration({ 'conf.d/web.yaml': HOST });
  const path = join(folder.path, 'state/config/cache.json');
  try {
    await folder.load();
    const text = readFileSync(path, 'utf8');
    const bad = [
      '',
      '{}',
      text.slice(0, 500),
      text.replace('192.0.2.10', '192.0.2.66'),
      `${text.slice(0, 65)}null`,
      '\0'.repeat(100),
    ];
    for (const poison of bad) {
      writeFileSync(path, poison);
      const loaded = await folder.load();
      assert.deepEqual([loaded.isCached, loaded.configuration.hosts['web1']?.address], [false, '192.0.2.10']);
      assert.equal((await folder.load()).isCached, true, 'and it is made anew');
    }
    chmodSync(path, 0o666);
    assert.equal((await folder.load({ mode: 'read' })).isCached, false);
  } finally {
    folder.remove();
  }
});

test('[C2] what last good versions lead to is cached too, once it has settled, until a removed file’s day is over', async () => {
  const hour = 3_600_000;
  const folder = new TestConfiguration({ 'conf.d/web.yaml': HOST, 'conf.d/db.yaml': HOST.replace('web1', 'db1') });
  try {
    await folder.load({ now: 0 });
    rmSync(join(folder.path, 'conf.d/db.yaml'));
    folder.write('conf.d/web.yaml', 'hosts: [');
    const first = await folder.load({ now: hour });
    await folder.load({ now: hour });
    const cached = await folder.load({ now: 2 * hour });
    assert.deepEqual([first.isCached, cached.isCached], [false, true]);
    assert.deepEqual({ ...cached, isCached: false }, first);
    assert.equal(cached.problems.length, 1);
    assert.equal(cached.removed.length, 1);
    const later = await folder.load({ now: 26 * hour });
    assert.deepEqual([later.isCached, later.removed, later.configuration.hosts['db1']], [false, [], undefined]);
    assert.equal(later.problems.length, 1);
  } finally {
    folder.remove();
  }
});

test('[T8] no secret’s text is in the cache or in the last good files', async () => {
  const folder = new TestConfiguration({
    'conf.d/a.yaml': `services:
  website: { checks: { page: { type: http, url: "https://example.org/", user: u, password: { env: CANARY_NAME } } } }`,
  });
  process.env['CANARY_NAME'] = 'CANARY-password';
  try {
    await folder.load();
    for (const name of ['cache.json', 'good.json']) {
      const text = readFileSync(join(folder.path, 'state/config', name), 'utf8');
      assert.ok(text.includes('CANARY_NAME') && !text.includes('CANARY-password'), name);
    }
  } finally {
    delete process.env['CANARY_NAME'];
    folder.remove();
  }
});

test('[C2] a cached read loads neither the YAML parser nor the schema library', async () => {
  const folder = new TestConfiguration({ 'conf.d/web.yaml': HOST });
  try {
    await folder.load({ path: join(folder.path, 'vigie.yaml') });
    const request = { path: join(folder.path, 'vigie.yaml'), mode: 'run', typesFingerprint: 'fake', version: 'test', now: 0 };
    const hook = `export async function resolve(name, context, next) {
      if (/^(yaml|zod|re2js)$/.test(name)) throw new Error('loaded ' + name);
      return next(name, context);
    }`;
    const script = `
      import { register } from 'node:module';
      register('data:text/javascript,' + encodeURIComponent(${JSON.stringify(hook)}));
      const { loadConfiguration } = await import(${JSON.stringify(resolve('dist/src/config/load.js'))});
      const loadType = async () => { throw new Error('a type was loaded'); };
      const names = ${JSON.stringify(FAKE_REQUEST.typeNames)};
      const loaded = await loadConfiguration({ ...${JSON.stringify(request)}, typeNames: names, loadType });
      console.log(JSON.stringify({ isCached: loaded.isCached }));`;
    const output = execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
    assert.equal(JSON.parse(output).isCached, true);
  } finally {
    folder.remove();
  }
});
