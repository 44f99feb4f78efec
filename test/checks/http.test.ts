import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import http from '../../checks/http.ts';
import type { Observation } from '../../src/check-type.ts';
import { requestHttp } from '../../src/net/http.ts';
import { bind } from '../support/bind.ts';
import { type TestContextSettings, testContext } from '../support/context.ts';
import { rawServer } from '../support/raw-server.ts';
import { freePort, needs, type StartedServer, startServer, temporaryFolder } from '../support/server.ts';

const here = needs('nginx', 'openssl', 'faketime');
const folder = temporaryFolder();
const path = (name: string) => join(folder.path, name);
let nginx: StartedServer | undefined;
let plain = 0;
let good = 0;
let expired = 0;

function openssl(args: string[], time?: string): void {
  const [file, all] = time === undefined ? ['openssl', args] : ['faketime', [time, 'openssl', ...args]];
  const done = spawnSync(file, all, { encoding: 'utf8' });
  assert.equal(done.status, 0, done.stderr);
}

/** A CA, and two leaves of it for site.test, 127.0.0.1 and ::1: one for 30 days, one that ended in 2024. */
function makeCertificates(): void {
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  openssl(['req', '-x509', ...key, '-keyout', path('ca.key'), '-out', path('ca.pem'), '-subj', '/CN=Test Root', '-days', '100']);
  openssl(['req', '-x509', ...key, '-keyout', path('other.key'), '-out', path('other.pem'), '-subj', '/CN=Other Root']);
  writeFileSync(path('leaf.ext'), 'subjectAltName=DNS:site.test,IP:127.0.0.1,IP:::1\n');
  for (const [name, days, time] of [['good', '30', undefined] as const, ['expired', '10', '2024-01-01 00:00:00'] as const]) {
    openssl(['req', ...key, '-keyout', path(`${name}.key`), '-out', path(`${name}.csr`), '-subj', '/CN=site.test']);
    const signer = ['-CA', path('ca.pem'), '-CAkey', path('ca.key'), '-CAcreateserial'];
    const leaf = ['-in', path(`${name}.csr`), ...signer, '-extfile', path('leaf.ext'), '-days', days, '-out', path(`${name}.pem`)];
    openssl(['x509', '-req', ...leaf], time);
  }
}

function nginxConfiguration(): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path tmp/${name};`).join(' ');
  const tls = (port: number, name: string) =>
    `server { listen 127.0.0.1:${port} ssl; ssl_certificate ${name}.pem; ssl_certificate_key ${name}.key; root www; }`;
  return `daemon off; worker_processes 1; pid nginx.pid; error_log error.log; events { worker_connections 64; }
http { access_log off; default_type text/plain; ${temporary}
  server { listen 127.0.0.1:${plain}; listen [::1]:${plain}; root www;
    location /private/ { auth_basic "x"; auth_basic_user_file htpasswd; }
    location = /500 { return 500; }
    location = /moved { return 301 https://site.test:${good}/; } }
  server { listen [::1]:${plain}; server_name only-six.test; root www; }
  ${tls(good, 'good')} ${tls(expired, 'expired')} }`;
}

before(async () => {
  if (here.skip) return;
  // nginx as root serves with a user of its own.
  chmodSync(folder.path, 0o755);
  makeCertificates();
  [plain, good, expired] = [await freePort(), await freePort(), await freePort()];
  for (const name of ['www', 'www/private', 'tmp']) mkdirSync(path(name));
  writeFileSync(path('www/index.html'), 'Welcome to the site, version 12\n');
  writeFileSync(path('www/private/index.html'), 'inside\n');
  const hash = spawnSync('openssl', ['passwd', '-apr1', 'CANARY-password'], { encoding: 'utf8' }).stdout.trim();
  writeFileSync(path('htpasswd'), `alice:${hash}\n`);
  writeFileSync(path('hosts'), '127.0.0.1 site.test wrong.test\n::1 only-six.test\n127.0.0.1 only-four.test\n');
  writeFileSync(path('nginx.conf'), nginxConfiguration());
  const args = ['-p', `${folder.path}/`, '-c', path('nginx.conf'), '-e', path('error.log')];
  const isReady = () => requestHttp({ url: `http://127.0.0.1:${plain}/` }, testContext()).then(() => true);
  nginx = await startServer('nginx', args, isReady);
});
after(async () => {
  await nginx?.stop('SIGQUIT');
  folder.remove();
});

async function run(options: Record<string, unknown>, settings: TestContextSettings = {}): Promise<Observation> {
  const context = testContext({ resolver: { hostsFile: path('hosts'), timeoutMs: 100, tries: 1 }, ...settings });
  const seen = await http.run(bind(http, options), context);
  assert.doesNotMatch(JSON.stringify([seen, context.steps]), /CANARY/);
  return seen;
}
const at = (address = '/') => `http://site.test:${plain}${address}`;
const secure = (port: number, host = 'site.test') => `https://${host}:${port}/`;
const code = (seen: Observation) => ('code' in seen ? seen.code : undefined);

test('[K16] a page that is up is measured: time and size', here, async () => {
  const seen = await run({ url: at() });
  assert.equal(seen.kind, 'measured', seen.output);
  assert.match(seen.output, /^HTTP 200 in [\d.]+ s, 32 bytes$/);
  assert.equal(seen.metrics?.['size'], 32);
  assert.ok((seen.metrics?.['time'] ?? 0) > 0);
  assert.equal(seen.metrics?.['days_left'], undefined);
});

for (const { name, options, expected } of [
  { name: 'a status that was not expected', options: { url: '/500' }, expected: 'http.status' },
  { name: 'a status in a list', options: { url: '/500', status: ['404', '500-599'] }, expected: undefined },
  { name: 'one status', options: { url: '/none', status: '404' }, expected: undefined },
  { name: 'a good answer where an error is expected', options: { url: '/', status: ['404'] }, expected: 'http.status' },
  { name: 'text that is there', options: { url: '/', body: 'Welcome' }, expected: undefined },
  { name: 'text that is not there', options: { url: '/', body: 'Goodbye' }, expected: 'content.missing' },
  { name: 'a regex that matches', options: { url: '/', regex: 'version \\d+' }, expected: undefined },
  { name: 'a regex that does not match', options: { url: '/', regex: '^version' }, expected: 'content.missing' },
  { name: 'a header that is there', options: { url: '/', response_headers: { Server: 'nginx' } }, expected: undefined },
  { name: 'a header that differs', options: { url: '/', response_headers: { server: 'apache' } }, expected: 'header.wrong' },
  { name: 'a header that is not there', options: { url: '/', response_headers: { 'X-Frame': 'a' } }, expected: 'header.missing' },
  { name: 'HEAD', options: { url: '/', method: 'HEAD' }, expected: undefined },
  { name: 'a method that is refused', options: { url: '/', method: 'POST', request_body: 'x' }, expected: 'http.status' },
  { name: 'a body beyond its cap', options: { url: '/', max_size: 10 }, expected: 'size.body' },
]) {
  test(`[K16] ${name} is ${expected ?? 'right'}`, here, async () => {
    const seen = await run({ ...options, url: at(options.url) }).catch((error) => ({
      ...error,
      output: error.message,
      kind: 'failed',
    }));
    assert.equal(code(seen), expected, seen.output);
    assert.ok(seen.output.length <= 90, seen.output);
  });
}

test('[K16] an output says what was seen, then what was wanted', here, async () => {
  assert.match((await run({ url: at('/500') })).output, /^HTTP 500 in [\d.]+ s, expected 200-299$/);
  assert.match((await run({ url: at('/moved') })).output, /^HTTP 301 in [\d.]+ s to https:\/\/site\.test:\d+\/, expected 200-299$/);
});

test('[K12] a page that refuses who is not logged in, and lets in who is', here, async () => {
  const url = at('/private/');
  assert.equal((await run({ url, status: '401' })).kind, 'measured');
  const secrets = { RIGHT: 'CANARY-password', WRONG: 'CANARY-guess' };
  const right = { user: 'alice', password: { env: 'RIGHT' } };
  assert.equal((await run({ url, auth: right, body: 'inside' }, { secrets })).kind, 'measured');
  const wrong = { user: 'alice', password: { env: 'WRONG' } };
  assert.equal(code(await run({ url, auth: wrong }, { secrets })), 'http.status');
});

test('[K16] what is sent: one request that a new client would send, asking for identity', async () => {
  const server = await rawServer((socket) => socket.end('HTTP/1.1 204 No Content\r\n\r\n'));
  const url = `http://127.0.0.1:${server.port}/a?b=c`;
  await run({ url, method: 'POST', request_body: 'x=1', headers: { 'X-Token': 't', 'User-Agent': 'other' } });
  const [head, body] = server.received().split('\r\n\r\n');
  const lines = (head ?? '').toLowerCase().split('\r\n');
  assert.equal(lines[0], 'post /a?b=c http/1.1');
  for (const line of [
    `host: 127.0.0.1:${server.port}`,
    'connection: close',
    'accept-encoding: identity',
    'x-token: t',
    'user-agent: other',
  ]) {
    assert.ok(lines.includes(line), `${line} in ${head}`);
  }
  assert.equal(body, 'x=1');
  assert.equal(server.connections(), 1);
  await server.close();
});

test('[K12] https with our own CA is right, and the days until the end are measured from the batch’s clock', here, async () => {
  const notAfter = Date.parse(new X509Certificate(readFileSync(path('good.pem'))).validTo);
  for (const { now, days } of [
    { now: notAfter - 14 * 86_400_000, days: 14 },
    { now: notAfter - 14 * 86_400_000 + 1000, days: 13.999 },
    { now: notAfter - 14 * 86_400_000 - 1000, days: 14 },
  ]) {
    const seen = await run({ url: secure(good), tls: { ca: path('ca.pem') } }, { now });
    assert.equal(seen.kind, 'measured', seen.output);
    assert.equal(seen.metrics?.['days_left'], days);
  }
});

function pinOf(name: string): string {
  return createHash('sha256')
    .update(new X509Certificate(readFileSync(path(`${name}.pem`))).publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64');
}

for (const { name, host, port, tls, expected } of [
  { name: 'Node’s own roots', tls: () => undefined, expected: 'tls.untrusted' },
  { name: 'another CA', tls: () => ({ ca: path('other.pem') }), expected: 'tls.untrusted' },
  { name: 'no CA file', tls: () => ({ ca: path('nothing.pem') }), expected: 'tls.ca' },
  { name: 'an expired certificate', port: () => expired, tls: () => ({ ca: path('ca.pem') }), expected: 'tls.expired' },
  { name: 'a wrong name', host: 'wrong.test', tls: () => ({ ca: path('ca.pem') }), expected: 'tls.name' },
  { name: 'an address in the certificate', host: '127.0.0.1', tls: () => ({ ca: path('ca.pem') }), expected: undefined },
  { name: 'the right pin, and the chain', tls: () => ({ ca: path('ca.pem'), pin: pinOf('good') }), expected: undefined },
  { name: 'the right pin alone', tls: () => ({ verify: false, pin: `sha256/${pinOf('good')}` }), expected: undefined },
  { name: 'the right pin, but an untrusted chain', tls: () => ({ pin: pinOf('good') }), expected: 'tls.untrusted' },
  {
    name: 'a wrong pin, though nothing else is checked',
    tls: () => ({ verify: false, pin: pinOf('expired') }),
    expected: 'tls.pin',
  },
  { name: 'a wrong pin on a good chain', tls: () => ({ ca: path('ca.pem'), pin: pinOf('other') }), expected: 'tls.pin' },
  { name: 'no validation because it was asked for', port: () => expired, tls: () => ({ verify: false }), expected: undefined },
  { name: 'plain HTTP where TLS is expected', port: () => plain, tls: () => ({ verify: false }), expected: 'tls.protocol' },
]) {
  test(`[K12] ${name} is ${expected ?? 'right'}`, here, async () => {
    const url = secure(port?.() ?? good, host);
    const seen = await run({ url, tls: tls() }).catch((error) => error);
    assert.equal(code(seen), expected, seen.output ?? seen.message);
  });
}

test('[K16] the name in the handshake and certificate can differ from the URL’s, and so can the address', here, async () => {
  const tls = { ca: path('ca.pem') };
  assert.equal((await run({ url: secure(good, 'wrong.test'), tls, server_name: 'site.test' })).kind, 'measured');
  assert.equal((await run({ url: secure(good, 'site.test'), tls, address: '127.0.0.1' })).kind, 'measured');
});

test('[K16] a redirect from http to https on the same host is followed when asked for, with the configured CA', here, async () => {
  const seen = await run({ url: at('/moved'), redirects: 'same-host', tls: { ca: path('ca.pem') } });
  assert.equal(seen.kind, 'measured', seen.output);
  assert.ok((seen.metrics?.['days_left'] ?? 0) > 29);
});

test('[K16] family both: each IP version is a part, and one that fails fails the check', here, async () => {
  const both = await run(
    { url: `http://site.test:${plain}/`, address: 'localhost', family: 'both' },
    { resolver: { hostsFile: bothHosts() } },
  );
  assert.equal(both.kind, 'measured', both.output);
  assert.deepEqual(
    both.parts?.map(({ name, state }) => [name, state]),
    [
      ['IPv4', 'OK'],
      ['IPv6', 'OK'],
    ],
  );
  const one = await run(
    { url: secure(good, 'site.test'), address: 'localhost', family: 'both', tls: { ca: path('ca.pem') } },
    { resolver: { hostsFile: bothHosts() } },
  );
  assert.equal(code(one), 'network.refused');
  assert.match(one.output, /^1 of 2 fail, IPv6: ::1 port \d+ refuses connections$/);
  assert.deepEqual(
    one.parts?.map(({ state }) => state),
    ['OK', 'CRITICAL'],
  );
  assert.ok((one.metrics?.['time'] ?? 0) > 0);
});

function bothHosts(): string {
  writeFileSync(path('hosts-both'), '127.0.0.1 localhost site.test\n::1 localhost\n');
  return path('hosts-both');
}

test('[K16] family 4 and 6 choose the address', here, async () => {
  assert.equal((await run({ url: `http://[::1]:${plain}/`, family: 6 })).kind, 'measured');
  await assert.rejects(run({ url: `http://[::1]:${plain}/`, family: 4 }), { code: 'dns.empty' });
  await assert.rejects(run({ url: at(), family: 4 }, { proxy: { name: 'tor', host: '127.0.0.1', port: 1 } }), {
    code: 'option.family',
  });
});

const proxied = needs('nginx', 'openssl', 'faketime', 'microsocks');
test(
  '[N1] [case K09] [case K10] behind SOCKS: CA and pin are enforced, and every check has a tunnel of its own',
  proxied,
  async () => {
    const port = await freePort();
    const proxy = { name: 'tor', host: '127.0.0.1', port };
    const isReady = async () => {
      (await testContext({ proxy }).dial({ host: '127.0.0.1', port: plain })).destroy();
      return true;
    };
    const server = await startServer('microsocks', ['-i', '127.0.0.1', '-p', String(port)], isReady);
    const url = secure(good, '127.0.0.1');
    assert.equal((await run({ url, tls: { ca: path('ca.pem'), pin: pinOf('good') } }, { proxy })).kind, 'measured');
    await assert.rejects(run({ url, tls: { ca: path('other.pem') } }, { proxy }), { code: 'tls.untrusted' });
    await assert.rejects(run({ url, tls: { verify: false, pin: pinOf('other') } }, { proxy }), { code: 'tls.pin' });
    await assert.rejects(run({ url: secure(expired, '127.0.0.1'), tls: { ca: path('ca.pem') } }, { proxy }), {
      code: 'tls.expired',
    });
    const origins = await Promise.all([
      rawServer((s) => s.end('HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n1')),
      rawServer((s) => s.end('HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n2')),
    ]);
    const seen = await Promise.all(
      origins.map((origin, index) => run({ url: `http://127.0.0.1:${origin.port}/`, body: String(index + 1) }, { proxy })),
    );
    assert.deepEqual(
      seen.map(({ kind }) => kind),
      ['measured', 'measured'],
    );
    assert.deepEqual(
      origins.map((origin) => origin.connections()),
      [1, 1],
    );
    await Promise.all(origins.map((origin) => origin.close()));
    await server.stop();
  },
);

test('[K16] problems that single options do not show are said by their option', () => {
  const problems = (options: Record<string, unknown>) => Object.keys(http.validate?.(bind(http, options)) ?? {});
  assert.deepEqual(problems({ url: 'https://www.example.org/' }), []);
  assert.deepEqual(problems({ url: 'https://a:b@www.example.org/' }), ['url']);
  assert.deepEqual(problems({ url: 'http://www.example.org/', tls: { verify: false } }), ['tls']);
  assert.deepEqual(problems({ url: 'http://www.example.org/', request_body: 'x' }), ['request_body']);
  const auth = { user: 'a', password: { env: 'X' } };
  assert.deepEqual(problems({ url: 'http://www.example.org/', auth, headers: { AUTHORIZATION: 'x' } }), ['auth']);
});

test('[K16] the target for people holds neither login nor query', () => {
  const target = (url: string) => http.target(bind(http, { url }));
  assert.equal(target('https://user:CANARY@www.example.org/path?token=CANARY'), 'https://www.example.org/path?…');
});
