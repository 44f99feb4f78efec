import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { formatHeartbeat, HEARTBEAT_NAMESPACE } from '../../src/core/heartbeat.ts';
import { signText, toPublicLine } from '../../src/net/sshsig.ts';
import { globalFile, installation, vigie } from '../support/cli.ts';
import { type Nginx, startNginx } from '../support/nginx.ts';
import { needs } from '../support/server.ts';
import { Target } from '../support/target.ts';

const { privateKey } = generateKeyPairSync('ed25519');
const KEY = toPublicLine(privateKey);
let target: Target;
let nginx: Nginx;
let folder: { path: string; remove: () => void };
const at = (...names: string[]) => join(folder.path, ...names);
const watch = (...args: string[]) => vigie(folder.path, ['watch', ...args]);

before(async () => {
  target = await Target.start();
  nginx = await startNginx();
  folder = installation(globalFile('maildir:state/mail', 'heartbeat: { key: heartbeat.key }\n'), {
    'website.yaml': `services:\n  website: { public: true, checks: { page: { type: http, url: "${target.url}" } } }\n`,
  });
  writeFileSync(at('heartbeat.key'), privateKey.export({ format: 'pem', type: 'pkcs8' }), { mode: 0o600 });
  writeFileSync(at('heartbeat.pub'), `${KEY} vigie\n`);
  assert.equal((await vigie(folder.path, ['run'])).code, 0);
});
after(async () => {
  await target.stop();
  await nginx.stop();
  folder.remove();
});

function old(ageSeconds: number): string {
  const checks = { ok: 1, warning: 0, critical: 0, unknown: 0, skipped: 0 };
  return signText(
    formatHeartbeat({ run: 9, created: Math.floor(Date.now() / 1000 - ageSeconds) * 1000, interval: 60, checks }),
    privateKey,
    HEARTBEAT_NAMESPACE,
  );
}

describe('vigie watch', needs('nginx'), () => {
  it('[W4] says of this installation that it is alive, as a monitoring plug-in does', async () => {
    const { code, stdout } = await watch();
    assert.equal(code, 0);
    assert.match(stdout, /^OK: run 1, \d+ s ago: 1 OK \| age=\d+s;;300\n$/);
  });

  it('[W4] of another one by its address and its key, without a configuration of its own', async () => {
    writeFileSync(join(nginx.root, 'heartbeat.txt'), old(30));
    const url = `http://127.0.0.1:${nginx.port}/heartbeat.txt`;
    const elsewhere = await vigie('/tmp', ['watch', url, '--key', `${KEY} words`]);
    assert.equal(elsewhere.code, 0);
    assert.match(elsewhere.stdout, /^OK: run 9, /);
    assert.equal((await watch(url, '--key', at('heartbeat.pub'))).code, 0);
  });

  const rows: { name: string; args: () => string[]; code: number; says: RegExp }[] = [
    {
      name: 'a silent one is CRITICAL',
      args: () => [at('old.txt')],
      code: 2,
      says: /^CRITICAL: last run 36\d\d s ago \(.*\), expected at most 300 s \[heartbeat\.stale\]\n$/,
    },
    { name: 'how old is too old is said by who asks', args: () => [at('old.txt'), '--max-age', '2h'], code: 0, says: /^OK: / },
    {
      name: 'another key is CRITICAL',
      args: () => [at('old.txt'), '--key', toPublicLine(generateKeyPairSync('ed25519').privateKey)],
      code: 2,
      says: /\[heartbeat\.key\]/,
    },
    {
      name: 'a refused connection is CRITICAL',
      args: () => ['http://127.0.0.1:1/heartbeat.txt'],
      code: 2,
      says: /^CRITICAL: .*refuses connections \[network\.refused\]/,
    },
    {
      name: 'a missing file is CRITICAL',
      args: () => [`http://127.0.0.1:${nginx.port}/no.txt`],
      code: 2,
      says: /^CRITICAL: HTTP 404, expected its heartbeat\.txt \[heartbeat\.missing\]/,
    },
    {
      name: 'a clock that is wrong is UNKNOWN',
      args: () => [at('future.txt')],
      code: 3,
      says: /^UNKNOWN: .*\[heartbeat\.future\]/,
    },
  ];
  for (const { name, args, code, says } of rows) {
    it(`[W4] ${name}`, async () => {
      writeFileSync(at('old.txt'), old(3600));
      writeFileSync(at('future.txt'), old(-3600));
      const ended = await watch(...args());
      assert.match(ended.stdout, says);
      assert.equal(ended.code, code);
    });
  }

  const wrong: { name: string; args: string[]; says: RegExp }[] = [
    { name: 'a key that is none', args: ['x', '--key', 'AAAA'], says: /^watch: --key: not a key, expected ssh-ed25519 AAAA/ },
    { name: 'an age that is none', args: ['--max-age', 'soon'], says: /^watch: --max-age: not a duration/ },
    { name: 'a proxy that is not there', args: ['http://127.0.0.1/', '--via', 'tor'], says: /^watch: --via: no proxy "tor"/ },
    { name: 'two addresses', args: ['a', 'b'], says: /^watch a: expected nothing more, found "b"/ },
  ];
  for (const { name, args, says } of wrong) {
    it(`[W4] ${name}: UNKNOWN for another monitor, and one line for a person`, async () => {
      const { code, stderr } = await watch(...args);
      assert.equal(code, 3);
      assert.match(stderr, says);
    });
  }

  it('[W4] puts a page in the place of a stale one if told to, and the next run takes it back', async () => {
    writeFileSync(at('old.txt'), old(3600));
    await watch(at('old.txt'), '--replace', at('site/public'));
    const page = readFileSync(at('site/public/index.html'), 'utf8');
    assert.match(
      page,
      /<h1 class="verdict critical stopped">Monitoring has stopped since \w{3} \d{4}-\d\d-\d\d \d\d:\d\d UTC\.<\/h1>/,
    );
    assert.doesNotMatch(page, /<script|style=/);
    assert.equal(readFileSync(at('site/public/state/website.txt'), 'utf8'), 'unknown\n', 'a script believes no old word');
    assert.match(readFileSync(at('site/public/badge/website.json'), 'utf8'), /"message":"unknown"/);
    assert.equal((await vigie(folder.path, ['run', '--now', '*'])).code, 0);
    assert.match(readFileSync(at('site/public/index.html'), 'utf8'), /website works\./);
    assert.equal(readFileSync(at('site/public/state/website.txt'), 'utf8'), 'operational\n');
    assert.match(readFileSync(at('site/public/badge/website.svg'), 'utf8'), /website: operational/);
  });

  it('[W4] a run with nothing due takes a replaced page back too, and words for scripts of the private site', async () => {
    const before = {
      page: readFileSync(at('site/private/index.html'), 'utf8'),
      badge: readFileSync(at('site/public/badge/website.png')),
    };
    await watch(at('old.txt'), '--replace', at('site/private'));
    await watch(at('old.txt'), '--replace', at('site/public'));
    assert.match(readFileSync(at('site/private/index.html'), 'utf8'), /Monitoring has stopped/);
    assert.match(readFileSync(at('site/private/index.html'), 'utf8'), /<title>Test<\/title>/, 'by its own name');
    assert.equal(readFileSync(at('site/private/state/website.txt'), 'utf8'), 'UNKNOWN\n');
    assert.notDeepEqual(readFileSync(at('site/public/badge/website.png')), before.badge);
    const { code, stdout } = await vigie(folder.path, ['run', '--json']);
    assert.equal(code, 0);
    assert.equal(JSON.parse(stdout).checks.due, 0);
    assert.match(readFileSync(at('site/private/index.html'), 'utf8'), /<h1/);
    assert.doesNotMatch(readFileSync(at('site/private/index.html'), 'utf8'), /Monitoring has stopped/);
    assert.equal(readFileSync(at('site/private/state/website.txt'), 'utf8'), 'OK\n');
    assert.deepEqual(readFileSync(at('site/public/badge/website.png')), before.badge);
    assert.deepEqual(JSON.parse((await vigie(folder.path, ['run', '--json'])).stdout).pages, { written: 0, unchanged: 0 });
  });

  it('[W4] leaves the page alone while all is well, and when only the network is in the way', async () => {
    const before = readFileSync(at('site/public/index.html'), 'utf8');
    await watch('--replace', at('site/public'));
    await watch('http://127.0.0.1:1/heartbeat.txt', '--replace', at('site/public'));
    assert.equal(readFileSync(at('site/public/index.html'), 'utf8'), before);
  });

  it('[W4] an installation that never ran has no heartbeat', async () => {
    mkdirSync(at('aside'));
    rmSync(at('site/private/heartbeat.txt'));
    const { code, stdout } = await watch();
    assert.equal(code, 2);
    assert.match(stdout, /heartbeat\.txt is not there \[heartbeat\.missing\]/);
  });
});
