import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { chmodSync, copyFileSync, existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import heartbeat from '../../checks/heartbeat.ts';
import type { Observation } from '../../src/check-type.ts';
import { signText, toPublicLine } from '../../src/net/sshsig.ts';
import { codeOf, problemsOf, runCheck } from '../support/check.ts';
import { globalFile, installation, vigie } from '../support/cli.ts';
import { testContext } from '../support/context.ts';
import { type Nginx, startNginx } from '../support/nginx.ts';
import { needs, temporaryFolder } from '../support/server.ts';
import { Target } from '../support/target.ts';

const { privateKey } = generateKeyPairSync('ed25519');
const KEY = toPublicLine(createPublicKey(privateKey));
const NAMESPACE = 'vigie-heartbeat-v1';

let target: Target;
let nginx: Nginx;
let folder: { path: string; remove: () => void };
const at = (...names: string[]) => join(folder.path, ...names);

/** A second vigie of its own: a key, a public and a private check, and nginx before its sites. */
before(async () => {
  target = await Target.start();
  nginx = await startNginx();
  folder = installation(
    globalFile('maildir:state/mail', 'heartbeat: { key: heartbeat.key }\n')
      .replace('site/private', join(nginx.root, 'inner'))
      .replace('site/public', join(nginx.root, 'outer')),
    {
      'website.yaml': `services:
  website: { public: true, checks: { page: { type: http, url: "${target.url}" } } }
  shop: { checks: { page: { type: http, url: "${target.url}", status: "503" } } }
`,
    },
  );
  writeFileSync(at('heartbeat.key'), privateKey.export({ format: 'pem', type: 'pkcs8' }), { mode: 0o600 });
  assert.equal((await vigie(folder.path, ['run'])).code, 0);
});
after(async () => {
  await target.stop();
  await nginx.stop();
  folder.remove();
});

const look = (options: Record<string, unknown> = {}, more: { now?: number; memory?: unknown } = {}): Promise<Observation> =>
  runCheck(heartbeat, { url: `http://127.0.0.1:${nginx.port}/outer/heartbeat.txt`, keys: [KEY], ...options }, testContext(more));

describe('check type heartbeat, of a second vigie behind nginx', needs('nginx', 'ssh-keygen'), () => {
  it('[T6] sees that it is alive, how old its last run is, and how its public checks stand', async () => {
    const seen = await look();
    assert.equal(seen.kind, 'measured');
    assert.match(seen.output, /^run 1, \d+ s ago: 1 OK$/);
    assert.ok('metrics' in seen && seen.metrics !== undefined && (seen.metrics['age'] ?? -1) >= 0 && seen.metrics['ok'] === 1);
  });

  it('[H3] the counts of the private site are those of all checks', async () => {
    assert.match((await look({ url: `http://127.0.0.1:${nginx.port}/inner/heartbeat.txt` })).output, /: 1 OK, 1 critical$/);
  });

  it('[T6] OpenSSH agrees that the file is signed with the pinned key', () => {
    const file = readFileSync(join(nginx.root, 'outer/heartbeat.txt'), 'utf8');
    const cut = file.indexOf('-----BEGIN');
    writeFileSync(at('allowed'), `vigie namespaces="${NAMESPACE}" ${KEY}\n`);
    writeFileSync(at('signature'), file.slice(cut));
    const args = ['-Y', 'verify', '-f', at('allowed'), '-I', 'vigie', '-n', NAMESPACE, '-s', at('signature')];
    assert.equal(spawnSync('ssh-keygen', args, { input: file.slice(0, cut) }).status, 0);
  });

  it('[R1] a run with nothing due says so all the same', async () => {
    await vigie(folder.path, ['run']);
    assert.match((await look()).output, /^run 2, /);
    assert.match(
      (await look({ url: `http://127.0.0.1:${nginx.port}/inner/heartbeat.txt` })).output,
      /^run 2, .*: 1 OK, 1 critical$/,
    );
  });

  const rows: { name: string; options?: Record<string, unknown>; now?: number; memory?: unknown; kind: string; code: string }[] = [
    { name: 'a file that is not there', options: { url: 'nothing.txt' }, kind: 'failed', code: 'heartbeat.missing' },
    {
      name: 'a key that is not pinned',
      options: { keys: [toPublicLine(generateKeyPairSync('ed25519').privateKey)] },
      kind: 'failed',
      code: 'heartbeat.key',
    },
    { name: 'a vigie that has stopped', now: Date.now() + 3_600_000, kind: 'failed', code: 'heartbeat.stale' },
    { name: 'a clock that is far behind, whoever’s it is', now: Date.now() - 3_600_000, kind: 'unknown', code: 'heartbeat.future' },
    {
      name: 'a file that is older than one seen before',
      memory: { created: Date.now() + 3_600_000 },
      kind: 'failed',
      code: 'heartbeat.replay',
    },
    { name: 'a page that is no heartbeat', options: { url: 'index.html' }, kind: 'failed', code: 'heartbeat.format' },
    { name: 'a file that is far too long', options: { url: 'outer/style.css' }, kind: 'failed', code: 'size.body' },
    { name: 'one that was altered', options: { url: 'altered.txt' }, kind: 'failed', code: 'heartbeat.signature' },
    {
      name: 'one that was signed for another purpose',
      options: { url: 'purpose.txt' },
      kind: 'failed',
      code: 'heartbeat.namespace',
    },
  ];
  for (const { name, options = {}, kind, code, ...more } of rows) {
    it(`[T6] ${name} is ${code}`, async () => {
      const file = readFileSync(join(nginx.root, 'outer/heartbeat.txt'), 'utf8');
      writeFileSync(join(nginx.root, 'altered.txt'), file.replace('"critical":0', '"critical":1'));
      writeFileSync(join(nginx.root, 'purpose.txt'), signText(file.slice(0, file.indexOf('-----BEGIN')), privateKey, 'file'));
      const path = options['url'];
      const url = typeof path === 'string' ? { url: `http://127.0.0.1:${nginx.port}/${path}` } : {};
      const seen = await look({ ...options, ...url }, more);
      assert.deepEqual([seen.kind, codeOf(seen)], [kind, code], seen.output);
    });
  }

  it('[T6] remembers the newest one', async () => {
    const seen = await look();
    const { created } = ('memory' in seen ? seen.memory : {}) as { created?: number };
    assert.ok(typeof created === 'number' && created <= Date.now());
    assert.equal((await look({}, { memory: { created } })).kind, 'measured');
  });

  it('[A4] a key that is none is a mistake of the configuration', () => {
    assert.match(
      problemsOf(heartbeat, { url: 'http://x/', keys: ['ssh-rsa AAAA'] })['keys'] ?? '',
      /^not a public key, expected ssh-ed25519/,
    );
  });
});

describe('the key of a heartbeat', () => {
  it('[T6] is made by vigie init, for its owner only, and kept by a second one', async () => {
    const fresh = temporaryFolder();
    try {
      const { stdout } = await vigie(fresh.path, ['init']);
      const line = readFileSync(join(fresh.path, 'heartbeat.pub'), 'utf8');
      assert.match(line, /^ssh-ed25519 \S+ vigie\n$/);
      assert.ok(stdout.includes(line.trim()));
      assert.equal(statSync(join(fresh.path, 'heartbeat.key')).mode & 0o777, 0o600);
      rmSync(join(fresh.path, 'vigie.yaml'));
      rmSync(join(fresh.path, 'conf.d'), { recursive: true });
      await vigie(fresh.path, ['init']);
      assert.equal(readFileSync(join(fresh.path, 'heartbeat.pub'), 'utf8'), line);
    } finally {
      fresh.remove();
    }
  });

  it('[T6] that others can read is not used, and said once; pages and mail go on', async () => {
    copyFileSync(at('heartbeat.key'), at('good.key'));
    const before = readFileSync(join(nginx.root, 'outer/heartbeat.txt'), 'utf8');
    chmodSync(at('heartbeat.key'), 0o644);
    const first = await vigie(folder.path, ['run']);
    assert.equal(first.code, 1);
    assert.match(first.stderr, /^vigie: heartbeat: .*others can read or write the secret/);
    assert.equal((await vigie(folder.path, ['run'])).stderr, '');
    assert.equal(readFileSync(join(nginx.root, 'outer/heartbeat.txt'), 'utf8'), before);
    chmodSync(at('heartbeat.key'), 0o600);
    writeFileSync(at('heartbeat.key'), 'not a key\n');
    assert.match((await vigie(folder.path, ['run'])).stderr, /not a private key, expected Ed25519 in PEM/);
    copyFileSync(at('good.key'), at('heartbeat.key'));
    assert.equal((await vigie(folder.path, ['run'])).code, 0);
    assert.ok(existsSync(join(nginx.root, 'inner/heartbeat.txt')));
  });
});

describe('the dead man’s switch', () => {
  it('[W4] is called after a good run, and not after one whose pages could not be written', async () => {
    const path = at('vigie.yaml');
    const good = readFileSync(path, 'utf8');
    const switchedTo = await Target.start();
    try {
      writeFileSync(path, good.replace('key: heartbeat.key', `key: heartbeat.key, url: "${switchedTo.url}SECRET"`));
      assert.deepEqual(await vigie(folder.path, ['run']), { code: 0, signal: null, stdout: '', stderr: '' });
      assert.equal(switchedTo.requests, 1);
      switchedTo.status = 500;
      const refused = await vigie(folder.path, ['run']);
      assert.equal(refused.code, 1);
      assert.match(refused.stderr, /^vigie: heartbeat: heartbeat\.url \(127\.0\.0\.1:\d+\): HTTP 500, expected 200-299\n$/);
      assert.equal(switchedTo.requests, 2);
      writeFileSync(path, readFileSync(path, 'utf8').replace(join(nginx.root, 'outer'), '/proc/nowhere'));
      assert.equal((await vigie(folder.path, ['run', '--now', '*'])).code, 1);
      assert.equal(switchedTo.requests, 2);
    } finally {
      writeFileSync(path, good);
      await switchedTo.stop();
    }
  });
});
