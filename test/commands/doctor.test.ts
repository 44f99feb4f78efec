import assert from 'node:assert/strict';
import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { openHistory } from '../../src/store/database.ts';
import { writeMeta } from '../../src/store/history.ts';
import { globalFile, installation, vigie } from '../support/cli.ts';
import { type Nginx, startNginx } from '../support/nginx.ts';
import { freePort, needs } from '../support/server.ts';
import { Target } from '../support/target.ts';

let target: Target;
let folder: { path: string; remove: () => void };
const at = (...names: string[]) => join(folder.path, ...names);
const doctor = (...args: string[]) => vigie(folder.path, ['doctor', ...args]);

before(async () => {
  target = await Target.start();
  const port = await freePort();
  folder = installation(globalFile('maildir:state/mail', 'heartbeat: { key: heartbeat.key }\n'), {
    'website.yaml': `services:
  website:
    checks:
      page: { type: http, url: "${target.url}", auth: { user: anna, password: { file: ${join('/nonexistent', 'x')} } } }
      filtered: { type: tcp, address: 127.0.0.1, port: ${port} }
`,
  });
  writeFileSync(at('secret'), 'CANARY-secret\n', { mode: 0o600 });
  const path = at('conf.d/website.yaml');
  writeFileSync(path, readFileSync(path, 'utf8').replace('/nonexistent/x', at('secret')));
  await vigie(folder.path, ['run']);
});
after(async () => {
  await target.stop();
  folder.remove();
});

describe('vigie doctor', () => {
  const line = async (subject: string) => new RegExp(`^(?:BAD|ok ) ${subject}: .*$`, 'm').exec((await doctor()).stdout)?.[0] ?? '';

  it('[R2] names a heartbeat key that is missing, or that others can read', async () => {
    assert.match(await line('heartbeat'), /^BAD heartbeat: .*cannot be read \(ENOENT\)/);
    const { generateKeyPairSync } = await import('node:crypto');
    writeFileSync(at('heartbeat.key'), generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' }));
    chmodSync(at('heartbeat.key'), 0o644);
    assert.match(await line('heartbeat'), /^BAD heartbeat: .*others can read/);
    chmodSync(at('heartbeat.key'), 0o600);
    assert.match(await line('heartbeat'), /^ok {2}heartbeat: signed with /);
  });

  it('[R2] names a secret that cannot be read', async () => {
    assert.match(await line('secrets'), /^ok {2}secrets: all 1 can be read/);
    chmodSync(at('secret'), 0o644);
    assert.match((await doctor()).stdout, /^BAD website\/page auth\.password: .*others can read/m);
    chmodSync(at('secret'), 0o600);
  });

  it('[R2] names a configuration that everybody can write', async () => {
    chmodSync(at('conf.d/website.yaml'), 0o666);
    assert.match(await line('configuration files'), /^BAD .*website\.yaml can be written by everybody/);
    chmodSync(at('conf.d/website.yaml'), 0o644);
    assert.match(await line('configuration files'), /^ok /);
  });

  it('[R3] names a backup habit that has stopped', async () => {
    const { database } = openHistory(at('state'), Date.now());
    writeMeta(database, 'backup_at', String(Date.now() - 8 * 86_400_000));
    assert.match(await line('backup'), /^BAD backup: 8 days ago, expected within 7 days/);
    database.prepare("DELETE FROM meta WHERE key = 'backup_at'").run();
    database.close();
  });

  it('[case C01] names a clock that went back', async () => {
    const { database } = openHistory(at('state'), Date.now());
    database.prepare('UPDATE runs SET started_at = started_at + 7200000').run();
    assert.match(await line('clock'), /^BAD clock: the last run was 1\d\d min in the future/);
    database.prepare('UPDATE runs SET started_at = started_at - 7200000').run();
    database.close();
  });

  it('[R2] --egress says for each kind of traffic whether anything comes back: a refusal proves it too', async () => {
    const { stdout } = await doctor('--egress');
    assert.match(stdout, new RegExp(`^ok {2}egress TCP ${new URL(target.url).port}: answered, needed by 1 check$`, 'm'));
    assert.equal(stdout.match(/^ok {2}egress/gm)?.length, 2);
  });

  it('[R2] --egress names what never answers', async () => {
    const path = at('conf.d/website.yaml');
    const before = readFileSync(path, 'utf8');
    target.delayMs = 60_000;
    writeFileSync(path, before.replace('type: http,', 'type: http, timeout: 500ms,'));
    const { code, stdout } = await doctor('--egress');
    target.delayMs = 0;
    writeFileSync(path, before);
    assert.equal(code, 1);
    assert.match(
      stdout,
      new RegExp(`^BAD egress TCP ${new URL(target.url).port}: none of 1 answers, needed by 1 check: no answer`, 'm'),
    );
  });

  it('[T5] --credentials lists every secret with what its thief could do, and shows none', async () => {
    const { code, stdout } = await doctor('--credentials');
    assert.equal(code, 0);
    assert.match(
      stdout,
      /^ok {2}website\/page auth\.password: .*secret: a thief could log in as anna at http:\/\/127\.0\.0\.1:\d+\//m,
    );
    assert.match(stdout, /^ok {2}heartbeat\.key: .*a thief could claim that this vigie is alive/m);
    assert.doesNotMatch(stdout, /CANARY/);
  });

  it('[R2] an inbox that cannot be opened is named', async () => {
    const path = at('vigie.yaml');
    const before = readFileSync(path, 'utf8');
    writeFileSync(path, before.replace('mail: {', 'mail: { inbox: { mailbox: "maildir:nowhere" },'));
    assert.match(await line('inbox'), /^BAD inbox: .*nowhere\/new/);
    writeFileSync(path, before);
  });

  for (const { name, args } of [
    { name: 'an address that is none', args: ['status.example.org'] },
    { name: 'two addresses', args: ['http://a/', 'http://b/'] },
  ]) {
    it(`[R2] ${name} is refused`, async () => assert.equal((await doctor(...args)).code, 2));
  }
});

describe('vigie doctor URL', needs('nginx'), () => {
  let nginx: Nginx;
  before(async () => {
    nginx = await startNginx({
      lines: `location = /good.html { charset utf-8; add_header Content-Security-Policy "default-src 'none'; style-src 'self'; frame-ancestors 'none'";
        add_header X-Content-Type-Options nosniff; add_header Referrer-Policy no-referrer; add_header Cache-Control no-cache; }`,
    });
    writeFileSync(join(nginx.root, 'good.html'), 'x');
    writeFileSync(join(nginx.root, 'bad.html'), 'x');
  });
  after(async () => {
    await nginx.stop();
    rmSync(at('nothing'), { force: true });
  });

  it('[H2] a page with the headers of docs/install.md is good', async () => {
    const { code, stdout } = await doctor(`http://127.0.0.1:${nginx.port}/good.html`);
    assert.deepEqual([code, stdout.trimEnd().split('\n').at(-1)], [0, 'all is well'], stdout);
  });

  it('[H2] each that is missing is named, with what is expected', async () => {
    const { code, stdout } = await doctor(`http://127.0.0.1:${nginx.port}/bad.html`);
    assert.equal(code, 1);
    assert.match(stdout, /^BAD content-security-policy: missing, expected default-src 'none'/m);
    assert.match(stdout, /^BAD cache-control: missing, expected no-cache$/m);
    assert.match(stdout, /^BAD x-content-type-options: missing, expected nosniff$/m);
  });

  it('[H2] a page that is not there is named', async () => {
    assert.match((await doctor(`http://127.0.0.1:${nginx.port}/no.html`)).stdout, /^BAD page: HTTP 404, expected 200$/m);
    assert.match((await doctor('http://127.0.0.1:1/')).stdout, /^BAD page: .*refuses connections/m);
  });
});
