import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createServer, type TLSSocket, type TlsOptions } from 'node:tls';
import { toTlsFailure } from '../../src/net/certificate.ts';
import { inspectCertificate, readNotAfter, startTls, type TlsSettings } from '../../src/net/tls.ts';
import { testContext } from '../support/context.ts';
import { rawServer } from '../support/raw-server.ts';
import { needs, temporaryFolder } from '../support/server.ts';

const here = needs('openssl', 'faketime');
const folder = temporaryFolder();
const path = (name: string) => join(folder.path, name);
const DAY_MS = 86_400_000;

function openssl(args: string[], time?: string): void {
  const [file, all] = time === undefined ? ['openssl', args] : ['faketime', [time, 'openssl', ...args]];
  const done = spawnSync(file, all, { encoding: 'utf8' });
  assert.equal(done.status, 0, done.stderr);
}

interface Leaf {
  issuer?: string;
  key?: string[];
  extension?: string;
  digest?: string;
  time?: string;
}
const EC = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];

function makeLeaf(name: string, { issuer = 'root', key = EC, extension = '', digest = '-sha256', time }: Leaf): void {
  openssl(['req', ...key, '-nodes', '-keyout', path(`${name}.key`), '-out', path(`${name}.csr`), '-subj', `/CN=${name}`]);
  writeFileSync(path('leaf.ext'), `subjectAltName=DNS:site.test,DNS:www.site.test,IP:127.0.0.1\n${extension}\n`);
  const signer = [
    '-CA',
    path(`${issuer}.pem`),
    '-CAkey',
    path(`${issuer}.key`),
    '-CAcreateserial',
    digest,
    '-extfile',
    path('leaf.ext'),
  ];
  openssl(['x509', '-req', '-in', path(`${name}.csr`), ...signer, '-days', '20', '-out', path(`${name}.pem`)], time);
}

before(() => {
  if (here.skip) return;
  const own = (name: string) => ['req', '-x509', ...EC, '-nodes', '-keyout', path(`${name}.key`), '-out', path(`${name}.pem`)];
  openssl([...own('root'), '-subj', '/CN=Test Root', '-days', '4000']);
  openssl([...own('self'), '-subj', '/CN=site.test', '-addext', 'subjectAltName=DNS:site.test']);
  makeLeaf('good', {});
  makeLeaf('expired', { time: '2024-01-01 00:00:00' });
  makeLeaf('future', { time: '2036-01-01 00:00:00' });
  makeLeaf('weak', { key: ['-newkey', 'rsa:1024'] });
  makeLeaf('sha1', { digest: '-sha1' });
  makeLeaf('middle', { extension: 'basicConstraints=critical,CA:true' });
  makeLeaf('missing', { issuer: 'middle', extension: 'authorityInfoAccess=caIssuers;URI:http://ca.test/middle.der' });
  makeLeaf('private', { issuer: 'middle' });
});
after(() => folder.remove());

const shown = (name: string, ...chain: string[]): TlsOptions => ({
  key: readFileSync(path(`${name}.key`)),
  cert: [name, ...chain].map((one) => readFileSync(path(`${one}.pem`), 'utf8')).join('\n'),
});

/** A server that shows what it is told to; `act` has a connected socket of a check. */
async function withServer<T>(options: TlsOptions, act: (dial: () => Promise<ReturnType<typeof opened>>) => Promise<T>): Promise<T> {
  const server = createServer({ ciphers: 'DEFAULT:@SECLEVEL=0', ...options }, (socket) => socket.on('error', () => {}));
  server.on('tlsClientError', () => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = address && typeof address === 'object' ? address.port : 0;
  const context = testContext();
  try {
    return await act(async () => opened(await context.dial({ host: '127.0.0.1', port }), context.signal));
  } finally {
    server.close();
  }
}
const opened = (socket: Parameters<typeof startTls>[0], signal: AbortSignal) => ({ socket, signal });

function start(options: TlsOptions, settings: Partial<TlsSettings> = {}): Promise<TLSSocket> {
  return withServer(options, async (dial) => {
    const { socket, signal } = await dial();
    const secure = await startTls(socket, { serverName: 'site.test', ca: path('root.pem'), verify: true, ...settings }, signal);
    secure.destroy();
    return secure;
  });
}

for (const { name, options, settings, code } of [
  { name: '[case T01] an expired certificate', options: () => shown('expired'), code: 'tls.expired' },
  { name: '[case T02] a certificate of the future', options: () => shown('future'), code: 'tls.not_yet_valid' },
  { name: '[case T03] another name', options: () => shown('good'), settings: { serverName: 'elsewhere.test' }, code: 'tls.name' },
  { name: '[case T04] a self-signed certificate', options: () => shown('self'), code: 'tls.self_signed' },
  {
    name: '[case T05] a root that is not trusted',
    options: () => shown('missing', 'middle', 'root'),
    settings: { ca: undefined },
    code: 'tls.untrusted',
  },
  { name: '[case T05] an unknown issuer that sends only its leaf', options: () => shown('private'), code: 'tls.untrusted' },
  { name: '[case T06] an intermediate that is not sent', options: () => shown('missing'), code: 'tls.incomplete_chain' },
  { name: '[case T07] a key of 1024 bits', options: () => shown('weak'), code: 'tls.weak_key' },
  { name: '[case T08] a SHA-1 signature', options: () => shown('sha1'), code: 'tls.signature' },
  {
    name: '[case T09] TLS 1.1 at most',
    options: () => ({ ...shown('good'), minVersion: 'TLSv1', maxVersion: 'TLSv1.1' }) as TlsOptions,
    code: 'tls.version',
  },
  {
    name: '[case T12] a client certificate that is demanded, TLS 1.2',
    options: () => ({ ...shown('good'), requestCert: true, rejectUnauthorized: true, maxVersion: 'TLSv1.2' }) as TlsOptions,
    code: 'tls.client_certificate',
  },
  {
    name: '[case T19] no common application protocol',
    options: () => ({ ...shown('good'), ALPNProtocols: ['foo'] }),
    settings: { alpn: ['http/1.1'] },
    code: 'tls.alpn',
  },
]) {
  test(`${name} is ${code}`, here, async () => {
    await assert.rejects(start(options(), settings), { code });
  });
}

test('[T7] a good chain is accepted by name and by address, and its end is known', here, async () => {
  for (const serverName of ['site.test', '127.0.0.1']) {
    const secure = await start(shown('missing', 'middle'), { serverName });
    const left = ((readNotAfter(secure) ?? 0) - Date.now()) / DAY_MS;
    assert.ok(left > 19 && left <= 20, String(left));
  }
});

test('[case T12] TLS 1.3 says only at the first read that it wants a client certificate', here, async () => {
  const error = await withServer({ ...shown('good'), requestCert: true, rejectUnauthorized: true }, async (dial) => {
    const { socket, signal } = await dial();
    const secure = await startTls(socket, { serverName: 'site.test', ca: path('root.pem'), verify: true }, signal);
    return new Promise<Error>((resolve) => secure.once('error', resolve).resume());
  });
  assert.equal(toTlsFailure(error, 'site.test').code, 'tls.client_certificate');
});

test('[case T17] [case H32] a reset and a silence within the handshake have their own reasons', async () => {
  for (const { peer, code, timeoutMs } of [
    { peer: 'reset', code: 'tls.reset' },
    { peer: 'close', code: 'tls.reset' },
    { peer: 'silence', code: 'timeout.total', timeoutMs: 200 },
    { peer: 'text', code: 'tls.protocol' },
  ]) {
    const server = await rawServer((socket) => {
      if (peer === 'reset') socket.resetAndDestroy();
      if (peer === 'close') socket.end();
      if (peer === 'text') socket.write('220 hello\r\n');
    });
    const context = testContext({ timeoutMs });
    const socket = await context.dial({ host: '127.0.0.1', port: server.port });
    await assert.rejects(startTls(socket, { serverName: 'site.test', verify: true }, context.signal), { code });
    await server.closed;
    await server.close();
  }
});

test('[T7] what an invalid certificate says is read on a connection that is for nothing else', here, async () => {
  const facts = await withServer(shown('expired'), async (dial) => {
    const { socket, signal } = await dial();
    const seen = await inspectCertificate(socket, { serverName: 'elsewhere.test', verify: true }, signal);
    assert.equal(socket.destroyed, true);
    return seen;
  });
  assert.deepEqual([facts.subject, facts.issuer, facts.keyType], ['expired', 'Test Root', 'ec']);
  assert.deepEqual(facts.names, ['site.test', 'www.site.test', '127.0.0.1']);
  assert.equal(new Date(facts.notAfter).toISOString().slice(0, 10), '2024-01-21');
  assert.equal(facts.protocol, 'TLSv1.3');
});

test('[T7] connections with the same roots share one context: the CA file is read once', here, async () => {
  writeFileSync(path('once.pem'), readFileSync(path('root.pem')));
  await start(shown('good'), { ca: path('once.pem') });
  writeFileSync(path('once.pem'), 'no longer a certificate');
  await start(shown('good'), { ca: path('once.pem') });
  await assert.rejects(start(shown('good'), { ca: path('never.pem') }), { code: 'tls.ca' });
});
