import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import tcp from '../../checks/tcp.ts';
import { certificateRig } from '../support/certificates.ts';
import { codeOf, problemsOf, runCheck } from '../support/check.ts';
import { testContext, timeFor } from '../support/context.ts';
import { startNginx } from '../support/nginx.ts';
import { freePort, needs } from '../support/server.ts';
import { startMicrosocks } from '../support/socks.ts';
import { type LocalServer, startRawServer } from '../support/tls-server.ts';

const MAX_BYTES = 16_384;
const at = (server: { port: number }, more: Record<string, unknown> = {}) => ({
  address: '127.0.0.1',
  port: server.port,
  max_bytes: MAX_BYTES,
  ...more,
});

describe('tcp check', () => {
  const open: LocalServer[] = [];
  after(() => {
    for (const server of open) server.stop();
  });
  const serve = async (...args: Parameters<typeof startRawServer>) => {
    const server = await startRawServer(...args);
    open.push(server);
    return server;
  };
  const say = (text: string | Buffer) => serve((socket) => socket.write(text));
  const echo = () => serve((socket) => socket.pipe(socket));

  it('[K19] a port that accepts connections is measured', async () => {
    const server = await say('');
    const seen = await runCheck(tcp, at(server), testContext());
    assert.equal(codeOf(seen), 'measured');
    assert.match(seen.output, new RegExp(`^connected to port ${server.port} in `));
    assert.ok((seen.metrics?.['time'] ?? 0) > 0);
  });

  it('[K19] a closed port is refused', async () => {
    assert.equal(codeOf(await runCheck(tcp, at({ port: await freePort() }), testContext())), 'network.refused');
  });

  it('[A4] what was sent and received are steps of the conversation', async () => {
    const context = testContext();
    await runCheck(tcp, at(await echo(), { send: 'PING\\r\\n', expect: 'PING' }), context);
    assert.deepEqual(context.steps.slice(1), ['sent 6 bytes: "PING"', 'received what was expected in 6 bytes: "PING"']);
  });

  const answers: { name: string; says: string | Buffer; wants: Record<string, unknown>; code: string; output: RegExp }[] = [
    {
      name: 'a banner that is expected',
      says: 'SSH-2.0-x\r\n',
      wants: { expect: 'SSH-2.0-' },
      code: 'measured',
      output: /^answer "SSH-2\.0-x" in /,
    },
    {
      name: 'a banner that matches',
      says: '220 mail ESMTP\r\n',
      wants: { regex: '^220 .*ESMTP' },
      code: 'measured',
      output: /^answer "220 mail ESMTP"/,
    },
    {
      name: 'bytes that are expected',
      says: Buffer.from([5, 255, 0, 10]),
      wants: { expect: '\\x05\\0\\n' },
      code: 'timeout.total',
      output: /expected/,
    },
    {
      name: 'bytes in the order given',
      says: Buffer.from([5, 0, 10]),
      wants: { expect: '\\x05\\0\\n' },
      code: 'measured',
      output: /^answer/,
    },
    {
      name: 'another banner',
      says: 'HTTP/1.1 400\r\n',
      wants: { expect: 'SSH-' },
      code: 'timeout.total',
      output: /^no answer within .*: "HTTP\/1\.1 400", expected "SSH-"$/,
    },
    {
      name: 'another banner that does not match',
      says: 'x',
      wants: { regex: '^y' },
      code: 'timeout.total',
      output: /"x", expected a match of "\^y"$/,
    },
    {
      name: 'escape codes, markup and bidi',
      says: '\u001b[31m<script>\u202e\r\nBcc: x',
      wants: { expect: '<script>' },
      code: 'measured',
      output: /^answer "<script> Bcc: x"/,
    },
    {
      name: 'more than is read',
      says: 'x'.repeat(100_000),
      wants: { expect: 'y' },
      code: 'size.wire',
      output: /longer than 16384 bytes/,
    },
  ];
  for (const { name, says, wants, code, output } of answers) {
    it(`${name}: ${code}`, async () => {
      const seen = await runCheck(tcp, at(await say(says), wants), testContext(timeFor(code, 300)));
      assert.equal(codeOf(seen), code, seen.output);
      assert.match(seen.output, output);
      assert.doesNotMatch(seen.output, /[\p{Cc}\p{Cf}]/u);
    });
  }

  it('[K19] what is sent has its escapes replaced', async () => {
    const seen = await runCheck(tcp, at(await echo(), { send: 'PING\\r\\n\\\\x\\x41', expect: 'PING\r\n\\\\xA' }), testContext());
    assert.equal(codeOf(seen), 'measured', seen.output);
  });

  it('[K19] an answer in many pieces is looked at as a whole', async () => {
    const server = await serve((socket) => {
      for (const [index, piece] of ['wel', 'co', 'me'].entries()) setTimeout(() => socket.write(piece), index * 20);
    });
    assert.equal(codeOf(await runCheck(tcp, at(server, { expect: 'welcome' }), testContext())), 'measured');
    assert.equal(codeOf(await runCheck(tcp, at(server, { regex: 'w.*e$' }), testContext())), 'measured');
  });

  it('[K19] a server that closes without the answer', async () => {
    const seen = await runCheck(tcp, at(await serve((socket) => socket.end('sorry\n')), { expect: 'welcome' }), testContext());
    assert.equal(codeOf(seen), 'content.missing');
    assert.match(seen.output, /^connection closed.*: "sorry", expected "welcome"$/);
  });

  it('[case H32] a server that resets', async () => {
    const seen = await runCheck(
      tcp,
      at(await serve((socket) => setTimeout(() => socket.resetAndDestroy(), 20)), { expect: 'x' }),
      testContext(),
    );
    assert.equal(codeOf(seen), 'network.reset');
  });

  it('[case H29] an expression that ruins backtracking matchers ends in time', async () => {
    const server = await say('a'.repeat(16_000));
    const seen = await runCheck(tcp, at(server, { regex: '(a+)+$b' }), testContext({ timeoutMs: 500 }));
    assert.equal(codeOf(seen), 'timeout.total');
  });

  it('[case H03] a server that drips bytes for ever ends at the deadline', async () => {
    const server = await serve((socket) => {
      const timer = setInterval(() => socket.write('a'), 1);
      socket.on('close', () => clearInterval(timer));
    });
    const seen = await runCheck(tcp, at(server, { regex: '(a+)+b' }), testContext({ timeoutMs: 300 }));
    assert.equal(codeOf(seen), 'timeout.total');
  });

  it('[K19] an abort ends the check at once, connected or not', async () => {
    const context = testContext();
    const running = runCheck(tcp, at(await say('x'), { expect: 'never' }), context);
    setTimeout(() => context.abort(), 50);
    assert.equal(codeOf(await running), 'timeout.total');
    const before = testContext();
    before.abort();
    assert.match(codeOf(await runCheck(tcp, at(await say('x')), before)), /^timeout\./);
  });

  it('[N1] through a proxy, and with TLS from the first byte', needs('nginx', 'microsocks'), async () => {
    const rig = certificateRig();
    const nginx = await startNginx({ tls: [{ name: 'good', certificate: rig.issue('good') }] });
    const proxy = await startMicrosocks();
    const wants = { send: 'GET / HTTP/1.0\\r\\n\\r\\n', expect: 'welcome' };
    const secure = { ...wants, port: nginx.ports['good'], server_name: 'site.test', tls: { ca: rig.ca, verify: true } };
    try {
      for (const settings of [{}, { proxy: { name: 'socks', host: '127.0.0.1', port: proxy.port } }]) {
        assert.equal(codeOf(await runCheck(tcp, at(nginx, wants), testContext(settings))), 'measured');
        assert.equal(codeOf(await runCheck(tcp, at(nginx, secure), testContext(settings))), 'measured');
        const wrong = { ...secure, server_name: 'other.test' };
        assert.equal(codeOf(await runCheck(tcp, at(nginx, wrong), testContext(settings))), 'tls.name');
      }
    } finally {
      await proxy.stop();
      await nginx.stop();
      rig.remove();
    }
  });

  const mistakes = [
    { name: 'expect and regex', options: { port: 1, expect: 'a', regex: 'b' }, key: 'regex' },
    { name: 'a server name without TLS', options: { port: 1, server_name: 'a' }, key: 'server_name' },
    { name: 'an unknown escape in what is sent', options: { port: 1, send: 'a\\r\\q' }, key: 'send' },
    { name: 'half an escape in what is expected', options: { port: 1, expect: '\\x4' }, key: 'expect' },
  ];
  for (const { name, options, key } of mistakes) {
    it(`${name} is a problem of ${key}`, () => assert.deepEqual(Object.keys(problemsOf(tcp, options)), [key]));
  }

  it('[K19] all known escapes are fine', () =>
    assert.deepEqual(problemsOf(tcp, { port: 1, send: 'a\\r\\n\\t\\0\\\\\\x4f', expect: '\\\\q' }), {}));
});
