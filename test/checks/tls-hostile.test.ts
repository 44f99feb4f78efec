import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createDiffieHellmanGroup } from 'node:crypto';
import type { Socket } from 'node:net';
import { after, describe, it } from 'node:test';
import { createSecureContext } from 'node:tls';
import tcp from '../../checks/tcp.ts';
import tls from '../../checks/tls.ts';
import { TargetFailure } from '../../src/check-type.ts';
import { startTls } from '../../src/net/tls.ts';
import { type CertificateOptions, certificateRig, DAY, der, type Issued } from '../support/certificates.ts';
import { codeOf, runCheck } from '../support/check.ts';
import { testContext, timeFor } from '../support/context.ts';
import { freePort, needs } from '../support/server.ts';
import { type LocalServer, startRawServer, startTlsServer } from '../support/tls-server.ts';

const rig = certificateRig();
after(() => rig.remove());
const trusted = { tls: { ca: rig.ca, verify: true } };
const at = (port: number, more: Record<string, unknown> = {}) => ({
  address: '127.0.0.1',
  port,
  server_name: 'site.test',
  ...trusted,
  ...more,
});

describe('tls check on servers that are weak, odd or hostile', () => {
  const open: LocalServer[] = [];
  after(() => {
    for (const server of open) server.stop();
  });
  const serve = async (...args: Parameters<typeof startTlsServer>) => {
    const server = await startTlsServer(...args);
    open.push(server);
    return server;
  };
  const look = async (
    certificate: Issued,
    options: Parameters<typeof startTlsServer>[1] = {},
    more: Record<string, unknown> = {},
  ) => runCheck(tls, at((await serve(certificate, options)).port, more), testContext());

  it('[case T07] RSA of 1024 bits', async () => {
    const seen = await look(rig.issue('rsa1024', { key: 'rsa-1024' }));
    assert.equal(codeOf(seen), 'tls.weak_key', seen.output);
  });

  it('[case T07] Diffie-Hellman of 1024 bits', async () => {
    const group = createDiffieHellmanGroup('modp2');
    const integers = der(0x30, der(0x02, Buffer.from([0]), group.getPrime()), der(0x02, group.getGenerator()));
    const dhparam = `-----BEGIN DH PARAMETERS-----\n${integers.toString('base64')}\n-----END DH PARAMETERS-----\n`;
    const certificate = rig.issue('weak-dh', { key: 'rsa-2048' });
    const seen = await look(certificate, { dhparam, maxVersion: 'TLSv1.2', ciphers: 'DHE-RSA-AES128-GCM-SHA256:@SECLEVEL=0' });
    assert.equal(codeOf(seen), 'tls.weak_key', seen.output);
  });

  it('[case T08] signed with SHA-1', async () => {
    const seen = await look(rig.issue('sha1', { digest: 'sha1' }));
    assert.equal(codeOf(seen), 'tls.signature', seen.output);
  });

  for (const version of ['TLSv1', 'TLSv1.1'] as const) {
    it(`[case T09] ${version} only`, async () => {
      const seen = await look(rig.issue('old'), { minVersion: 'TLSv1', maxVersion: version });
      assert.equal(codeOf(seen), 'tls.version', seen.output);
    });
  }

  it('[T7] TLS 1.2 is measured, and too old where 1.3 is asked for', async () => {
    assert.match((await look(rig.issue('twelve'), { maxVersion: 'TLSv1.2' })).output, /TLSv1\.2/);
    const seen = await look(rig.issue('twelve'), { maxVersion: 'TLSv1.2' }, { min_version: 1.3 });
    assert.equal(codeOf(seen), 'tls.version');
    assert.match(seen.output, /^TLSv1\.2 negotiated, expected TLSv1\.3 or newer$/);
  });

  it('[case T11] a server that needs SNI gets the name, and its default certificate is the wrong one', async () => {
    const right = rig.issue('right');
    const options = {
      SNICallback: (name: string, done: (error: null, context?: ReturnType<typeof createSecureContext>) => void) =>
        done(null, name === 'site.test' ? createSecureContext({ key: right.key, cert: right.chain }) : undefined),
    };
    const wrong = rig.issue('default', { san: ['default.test'] });
    assert.equal(codeOf(await look(wrong, options)), 'measured');
    assert.equal(codeOf(await look(wrong, options, { server_name: undefined })), 'tls.name');
  });

  const demanding = { requestCert: true, rejectUnauthorized: true };
  it('[case T12] a client certificate is demanded: TLS 1.2 says so in the handshake', async () => {
    const seen = await look(rig.issue('demanding'), { ...demanding, maxVersion: 'TLSv1.2' });
    assert.match(codeOf(seen), /^tls\.(client_certificate|handshake|reset)$/, seen.output);
  });

  it('[case T12] a client certificate is demanded: TLS 1.3 says so to whoever reads on', async () => {
    const server = await serve(rig.issue('demanding3'), demanding);
    const seen = await runCheck(tcp, at(server.port, { expect: 'welcome', max_bytes: 1000 }), testContext());
    assert.match(codeOf(seen), /^tls\.client_certificate$|^content\.missing$|^network\.reset$/, seen.output);
    // The certificate itself is fine, and that is what this type measures.
    assert.equal(codeOf(await runCheck(tls, at(server.port), testContext())), 'measured');
  });

  it('[case T13] 10,000 names in 230 KB are refused by size', async () => {
    const san = Array.from({ length: 10_000 }, (_, i) => `host-${i}.example.test`);
    const seen = await look(rig.issue('names', { san }));
    assert.equal(codeOf(seen), 'tls.size', seen.output);
  });

  it('[case T13] a certificate of 90 KB is read, its names are cut in the trace', async () => {
    const san = ['site.test', ...Array.from({ length: 1000 }, (_, i) => `host-${i}.example.test`)];
    const server = await serve(rig.issue('big', { san, padding: 60_000 }));
    const context = testContext();
    assert.equal(codeOf(await runCheck(tls, at(server.port), context)), 'measured');
    assert.ok(context.steps.every((step) => step.length < 1500));
  });

  const evil: { name: string; options: CertificateOptions; code: string }[] = [
    {
      name: 'a NUL that cuts the name for some',
      options: { cn: 'site.test\0.evil.test', san: ['site.test\0.evil.test'] },
      code: 'tls.name',
    },
    { name: 'markup', options: { cn: '<script>alert(1)</script>', san: ['<script>alert(1)</script>'] }, code: 'tls.name' },
    { name: 'bidirectional characters', options: { cn: '\u202etset.etis', san: ['\u202etset.etis'] }, code: 'tls.name' },
    { name: 'line breaks and a header', options: { cn: 'a\r\nBcc: x@y.test', san: ['a\r\nBcc: x@y.test'] }, code: 'tls.name' },
    {
      name: 'a second entry inside one (CVE-2021-44532)',
      options: { cn: 'x', san: ['evil.test, DNS:site.test'] },
      code: 'tls.name',
    },
    {
      name: 'the right name in CN only, where names of hosts do not count',
      options: { cn: 'site.test', san: ['other.test'] },
      code: 'tls.name',
    },
  ];
  for (const { name, options, code } of evil) {
    it(`[case T14] CN and SAN with ${name}`, async () => {
      const server = await serve(rig.issue('evil', options));
      const context = testContext();
      const seen = await runCheck(tls, at(server.port), context);
      assert.equal(codeOf(seen), code, seen.output);
      for (const text of [seen.output, ...context.steps]) assert.doesNotMatch(text, /[\p{Cc}\p{Cf}]/u);
    });
  }

  it('[case T15] a chain of 90 is followed, with a bounded trace, and one of 110 is too long', async () => {
    const links = [rig.issue('link', { ca: true })];
    for (let i = 1; i < 110; i++) links.push(rig.issue('link', { cn: `link ${i}`, ca: true, issuer: links.at(-1) ?? rig.root }));
    const deep = (depth: number) => rig.issue('deep', { issuer: links[depth - 1] ?? rig.root });
    const server = await serve(deep(90));
    const context = testContext();
    assert.equal(codeOf(await runCheck(tls, at(server.port), context)), 'measured');
    assert.ok(context.steps.every((step) => step.length < 1000));
    const seen = await look(deep(110));
    assert.match(codeOf(seen), /^tls\.(chain|untrusted)$/, seen.output);
  });

  it('[case T15] two authorities that certify each other are not trusted, and no walk goes round', async () => {
    const first = rig.issue('ring-a', { ca: true, issuer: 'self' });
    const second = rig.issue('ring-b', { ca: true, issuer: first });
    const closing = rig.issue('ring-a', { ca: true, issuer: second, same: first });
    const leaf = rig.issue('ring', { issuer: second });
    const seen = await look({ ...leaf, chain: leaf.cert + second.cert + closing.cert });
    assert.equal(codeOf(seen), 'tls.untrusted', seen.output);
  });

  const moments = [
    { name: 'exactly 14 days', offset: 0, left: 14 },
    { name: '1 s less than 14 days', offset: 1000, left: 14 - 1 / 86_400 },
    { name: '1 s more than 14 days', offset: -1000, left: 14 + 1 / 86_400 },
  ];
  for (const { name, offset, left } of moments) {
    it(`[case T16] ${name} before the end of a leap day, counted in UTC`, async () => {
      const notAfter = Date.UTC(2028, 1, 29, 23, 59, 59);
      const server = await serve(rig.issue('leap', { notAfter }));
      const seen = await runCheck(tls, at(server.port), testContext({ now: notAfter - 14 * DAY + offset }));
      assert.ok(Math.abs((seen.metrics?.['days_left'] ?? 0) - left) < 1e-9);
      assert.match(seen.output, offset > 0 ? /in 13 days \(2028-02-29\)/ : /in 14 days \(2028-02-29\)/);
    });
  }

  const stalls: { name: string; serve: Parameters<typeof startRawServer>[0]; code: string }[] = [
    { name: 'says nothing', serve: () => {}, code: 'timeout.total' },
    {
      name: 'stops inside its first record',
      serve: (socket) => socket.once('data', () => socket.write(Buffer.from([22, 3, 3, 0, 80, 2, 0]))),
      code: 'timeout.total',
    },
    {
      name: 'drips a record',
      serve: (socket) =>
        void drip(socket, Buffer.concat([Buffer.from([22, 3, 3, 0x40, 0, 2, 0, 0x3f, 0xfc, 3, 3]), Buffer.alloc(16_000)])),
      code: 'timeout.total',
    },
    {
      name: 'answers with HTTP',
      serve: (socket) => socket.once('data', () => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n')),
      code: 'tls.protocol',
    },
    { name: 'closes', serve: (socket) => socket.once('data', () => socket.end()), code: 'tls.reset' },
    { name: 'resets', serve: (socket) => socket.once('data', () => socket.resetAndDestroy()), code: 'tls.reset' },
    { name: 'sends random bytes for ever', serve: (socket) => socket.once('data', () => flood(socket)), code: 'tls.protocol' },
  ];
  for (const { name, serve: handshake, code } of stalls) {
    it(`[case T17] a server that ${name} during the handshake`, async () => {
      const server = await startRawServer(handshake);
      const seen = await runCheck(tls, at(server.port), testContext(timeFor(code, 250)));
      server.stop();
      assert.equal(codeOf(seen), code, seen.output);
    });
  }

  const floods = [
    { name: 'key updates', letter: 'K', version: '-tls1_3' },
    { name: 'renegotiations', letter: 'R', version: '-tls1_2' },
  ];
  for (const { name, letter, version } of floods) {
    it(`[case T18] a flood of ${name} ends by the deadline at the latest`, needs('openssl'), async () => {
      const issued = rig.issue('flood');
      const port = await freePort();
      const server = spawn(
        'openssl',
        ['s_server', '-accept', `127.0.0.1:${port}`, '-cert', issued.chainFile, '-key', issued.keyFile, version],
        { stdio: ['pipe', 'pipe', 'ignore'] },
      );
      server.stdin.on('error', () => {});
      await new Promise((resolve) => server.stdout.once('data', resolve));
      const command = setInterval(() => server.stdin.write(`${letter}\n`.repeat(20)), 1);
      const seen = await runCheck(tcp, at(port, { expect: 'never said', max_bytes: 10_000 }), testContext({ timeoutMs: 400 }));
      clearInterval(command);
      server.kill('SIGKILL');
      await new Promise((resolve) => server.once('exit', resolve));
      assert.equal(seen.kind, 'failed', seen.output);
    });
  }

  it('[case T19] no application protocol in common', async () => {
    const server = await serve(rig.issue('alpn'), { ALPNProtocols: ['http/1.1'] });
    const context = testContext();
    const socket = await context.dial({ host: '127.0.0.1', port: server.port });
    const started = startTls(socket, { serverName: 'site.test', ca: rig.ca, verify: true, alpn: ['h2'] }, context.signal);
    await assert.rejects(started, (error) => error instanceof TargetFailure && error.code === 'tls.alpn');
  });

  it('[T7] a closed port is refused, and our own CA file that cannot be read is our fault', async () => {
    assert.equal(codeOf(await runCheck(tls, at(await freePort()), testContext())), 'network.refused');
    const server = await serve(rig.issue('plain'));
    const seen = await runCheck(tls, at(server.port, { tls: { ca: '/nowhere/ca.pem', verify: true } }), testContext());
    assert.deepEqual([seen.kind, codeOf(seen)], ['unknown', 'tls.ca']);
  });
});

async function drip(socket: Socket, bytes: Buffer): Promise<void> {
  for (let i = 0; i < bytes.length && !socket.destroyed; i++) {
    socket.write(bytes.subarray(i, i + 1));
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

function flood(socket: Socket): void {
  const bytes = Buffer.alloc(65_536, 0x5a);
  const more = () => {
    while (!socket.destroyed && socket.write(bytes));
  };
  socket.on('drain', more);
  more();
}
