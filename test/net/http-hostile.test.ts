import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import http from '../../checks/http.ts';
import type { Observation } from '../../src/check-type.ts';
import { LookFailure, TargetFailure } from '../../src/core/failure.ts';
import { bind } from '../support/bind.ts';
import { type TestContextSettings, testContext, timeFor } from '../support/context.ts';
import { type RawServer, rawServer } from '../support/raw-server.ts';

/** As the runner turns throws into observations. */
async function observe(
  server: RawServer,
  options: Record<string, unknown> = {},
  settings: TestContextSettings = {},
): Promise<Observation> {
  const context = testContext(settings);
  try {
    return await http.run(bind(http, { url: `http://127.0.0.1:${server.port}/`, ...options }), context);
  } catch (error) {
    if (error instanceof TargetFailure) return { kind: 'failed', code: error.code, output: error.message };
    if (error instanceof LookFailure) return { kind: 'unknown', code: error.code, output: error.message };
    throw error;
  }
}

const answer =
  (head: string, body: string | Buffer = '') =>
  (socket: Socket) => {
    socket.write(head.replaceAll('\n', '\r\n'));
    socket.end(body);
  };

function every(ms: number, act: () => void): (socket: Socket) => void {
  return (socket) => {
    const timer = setInterval(act.bind(null), ms);
    socket.on('close', () => clearInterval(timer));
  };
}

function drip(text: string, first = ''): (socket: Socket) => void {
  return (socket) => {
    socket.write(first);
    every(20, () => socket.write(text))(socket);
  };
}

/** Writes for ever at the speed that the client reads. */
function flood(first: string, chunk: string | Buffer): (socket: Socket) => void {
  return (socket) => {
    socket.write(first);
    const more = () => {
      while (!socket.destroyed && socket.write(chunk));
    };
    socket.on('drain', more);
    more();
  };
}

const OK = 'HTTP/1.1 200 OK\r\n';
const zeros = Buffer.alloc(4 * 1024 * 1024);
const gzipped = gzipSync(zeros);

interface Row {
  name: string;
  peer: (socket: Socket) => void;
  code: string;
  options?: Record<string, unknown>;
  says?: RegExp;
}

const rows: Row[] = [
  {
    name: '[case H01] a peer that never answers',
    peer: () => {},
    code: 'timeout.total',
    says: /no answer within [\d.]+ s/,
  },
  { name: '[case H02] headers that drip for ever', peer: drip('x: y\r\n', OK), code: 'timeout.total' },
  {
    name: '[case H03] a body that drips for ever',
    peer: drip('y', `${OK}content-length: 100000\r\n\r\n`),
    code: 'timeout.total',
    says: /answer not complete/,
  },
  {
    name: '[case H03] a body without a length that drips for ever is not complete when we hang up',
    peer: drip('y', `${OK}\r\n`),
    code: 'timeout.total',
    says: /answer not complete/,
  },
  {
    name: '[case H04] a body that never ends',
    peer: flood(`${OK}\r\n`, zeros),
    code: 'size.body',
    says: /longer than 2097152 bytes/,
  },
  {
    name: '[case H04] a chunk extension that never ends',
    peer: flood(`${OK}transfer-encoding: chunked\r\n\r\n1;`, 'x'.repeat(65536)),
    code: 'size.wire',
  },
  { name: '[case H05] headers that never end', peer: flood(OK, `x: ${'y'.repeat(1000)}\r\n`), code: 'protocol.header_overflow' },
  { name: '[case H05] one header that never ends', peer: flood(`${OK}x: `, 'y'.repeat(65536)), code: 'protocol.header_overflow' },
  {
    name: '[case H06] 2,000 small headers with long values',
    peer: answer(`HTTP/1.1 200 OK\n${Array.from({ length: 2000 }, (_, i) => `header-${i}: ${'v'.repeat(20)}\n`).join('')}\n`),
    code: 'protocol.header_overflow',
  },
  {
    name: '[case H07] a gzip bomb',
    peer: answer('HTTP/1.1 200 OK\ncontent-encoding: gzip\n\n', gzipped),
    code: 'encoding.refused',
  },
  {
    name: '[case H08] a brotli bomb',
    peer: answer('HTTP/1.1 200 OK\ncontent-encoding: br\n\n', brotliCompressSync(zeros)),
    code: 'encoding.refused',
  },
  {
    name: '[case H09] gzip in gzip',
    peer: answer('HTTP/1.1 200 OK\ncontent-encoding: gzip, gzip\n\n', gzipSync(gzipped)),
    code: 'encoding.refused',
  },
  {
    name: '[case H10] 2,000 chained encodings',
    peer: answer(`HTTP/1.1 200 OK\ncontent-encoding: ${Array(2000).fill('gzip').join(',')}\n\n`, 'x'),
    code: 'encoding.refused',
  },
  {
    name: '[case H11] an invalid chunk size',
    peer: answer('HTTP/1.1 200 OK\ntransfer-encoding: chunked\n\nzz\nhello\n0\n\n'),
    code: 'protocol.malformed',
  },
  { name: '[case H12] bare line feeds', peer: (s) => s.end('HTTP/1.1 200 OK\nx: y\n\nhello'), code: 'protocol.malformed' },
  {
    name: '[case H13] two lengths',
    peer: answer('HTTP/1.1 200 OK\ncontent-length: 3\ncontent-length: 5\n\nhello'),
    code: 'protocol.',
  },
  {
    name: '[case H14] a length and chunks',
    peer: answer('HTTP/1.1 200 OK\ncontent-length: 5\ntransfer-encoding: chunked\n\n5\nhello\n0\n\n'),
    code: 'protocol.',
  },
  {
    name: '[case H15] NUL in a header',
    peer: answer('HTTP/1.1 200 OK\nx: a\u0000b\n\nhello'),
    code: 'protocol.malformed',
  },
  {
    name: '[case H16] a body shorter than its length',
    peer: answer('HTTP/1.1 200 OK\ncontent-length: 50\n\nhello'),
    code: 'protocol.truncated',
  },
  {
    name: '[case H16] chunks that stop',
    peer: answer('HTTP/1.1 200 OK\ntransfer-encoding: chunked\n\n5\nhello\n'),
    code: 'protocol.truncated',
  },
  { name: '[case H17] status 099', peer: answer('HTTP/1.1 099 Odd\ncontent-length: 0\n\n'), code: 'protocol.status' },
  { name: '[case H17] status 99999', peer: answer('HTTP/1.1 99999 Odd\ncontent-length: 0\n\n'), code: 'protocol.malformed' },
  { name: '[case H17] status 999', peer: answer('HTTP/1.1 999 Odd\ncontent-length: 0\n\n'), code: 'protocol.status' },
  {
    name: '[case H18] 20,000 times 100 Continue',
    peer: answer(`${'HTTP/1.1 100 Continue\n\n'.repeat(20_000)}HTTP/1.1 200 OK\ncontent-length: 0\n\n`),
    code: 'protocol.unexpected',
  },
  {
    name: '[case H18] 103 for ever',
    peer: flood('', 'HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n'.repeat(100)),
    code: 'protocol.interim',
  },
  { name: '[case H30] HTTP/0.9', peer: answer('<html>hello</html>'), code: 'protocol.malformed' },
  { name: '[case H30] a mail server', peer: answer('220 mail.example ESMTP ready\n'), code: 'protocol.malformed' },
  { name: '[case H30] TLS', peer: (s) => s.end(Buffer.from('15030300020228', 'hex')), code: 'protocol.malformed' },
  {
    name: '[case H30] HTTP/2',
    peer: (s) => s.end(Buffer.from('00000604000000000000030000006400', 'hex')),
    code: 'protocol.malformed',
  },
  {
    name: '[case H30] a flood of GOAWAY',
    peer: flood('', Buffer.from('0000080700000000000000000000000000'.repeat(1000), 'hex')),
    code: 'protocol.malformed',
  },
  {
    name: '[case H31] an empty body where text is expected',
    peer: answer('HTTP/1.1 200 OK\ncontent-length: 0\n\n'),
    code: 'content.missing',
    options: { body: 'Welcome' },
  },
  { name: '[case H32] a reset before any answer', peer: (s) => s.resetAndDestroy(), code: 'network.reset' },
  { name: '[case H32] a close before any answer', peer: (s) => s.end(), code: 'network.reset' },
];

/** Resets once the client has surely read what was written. */
function resetAfter(text: string): (socket: Socket) => void {
  return (socket) => {
    socket.write(text);
    setTimeout(() => socket.resetAndDestroy(), 50);
  };
}
rows.push(
  { name: '[case H32] a reset within the headers', peer: resetAfter(`${OK}x: `), code: 'network.reset' },
  {
    name: '[case H32] a reset within a body with a length',
    peer: resetAfter(`${OK}content-length: 50\r\n\r\nhello`),
    code: 'network.reset',
  },
  { name: '[case H32] a reset within a body that only its end ends', peer: resetAfter(`${OK}\r\nhello`), code: 'network.reset' },
  { name: '[case H32] a half-close within the headers', peer: answer('HTTP/1.1 200 OK\nx: '), code: 'network.reset' },
);

for (const { name, peer, code, options, says } of rows) {
  test(`${name} is ${code}`, async (t) => {
    const server = await rawServer(peer);
    t.after(() => server.close());
    const seen = await observe(server, options, timeFor(code, 2000));
    assert.equal(seen.kind, 'failed', seen.output);
    assert.ok('code' in seen && seen.code?.startsWith(code), `code ${'code' in seen ? seen.code : ''}: ${seen.output}`);
    if (says) assert.match(seen.output, says);
    assert.doesNotMatch(seen.output, /[\u0000-\u001f\u007f-\u009f]/);
    // The peer sees the connection go: nothing is left open.
    await server.closed;
  });
}

test('[case H06] one header of 15 KiB is handled', async () => {
  const server = await rawServer(answer(`HTTP/1.1 200 OK\nx: ${'y'.repeat(15 * 1024)}\ncontent-length: 2\n\nok`));
  assert.equal((await observe(server)).kind, 'measured');
  await server.close();
});

test('[case H17] status text with escape codes never reaches an output', async () => {
  const server = await rawServer(answer('HTTP/1.1 500 \u001b[31mred\ncontent-length: 0\n\n'));
  const seen = await observe(server);
  assert.doesNotMatch(seen.output, /\u001b/);
  assert.equal('code' in seen && (seen.code === 'http.status' || seen.code?.startsWith('protocol.')), true);
  await server.close();
});

test('[case H26] headers named like parts of an object are only headers', async () => {
  const server = await rawServer(
    answer('HTTP/1.1 200 OK\n__proto__: x\nconstructor: y\nhasOwnProperty: z\ncontent-length: 2\n\nok'),
  );
  const seen = await observe(server, { response_headers: JSON.parse('{"__proto__": "x", "constructor": "y"}') });
  assert.equal(seen.kind, 'measured', seen.output);
  assert.equal(({} as Record<string, unknown>)['x'], undefined);
  const missing = await observe(server, { response_headers: { toString: 'a' } });
  assert.equal('code' in missing && missing.code, 'header.missing');
  await server.close();
});

for (const text of ['<script>alert(1)</script>', '"><img onerror=x>', '{{7*7}}', '${7*7}', '\\\\"\\\\']) {
  test(`[case H27] a header with ${text} is shown as its text`, async () => {
    const server = await rawServer(answer(`HTTP/1.1 200 OK\nserver: ${text}\ncontent-length: 0\n\n`));
    const seen = await observe(server, { response_headers: { server: 'nginx' } });
    assert.ok(seen.output.includes(text.slice(0, 20)), seen.output);
    await server.close();
  });
}

test('[case H28] invalid, bidirectional and escape characters of a peer are cleaned', async () => {
  const nasty = Buffer.from('\u202e\u2066\u200b\u001b]0;x\u0007\u0085', 'utf8')
    .toString('latin1')
    .replaceAll(/[\u0000-\u001f]/g, '');
  const server = await rawServer((socket) =>
    socket.end(Buffer.from(`HTTP/1.1 200 OK\r\nserver: \xff\xfe${nasty}end\r\ncontent-length: 0\r\n\r\n`, 'latin1')),
  );
  const seen = await observe(server, { response_headers: { server: 'nginx' } });
  assert.match(seen.output, /end/);
  assert.doesNotMatch(seen.output, /[\p{Cc}\p{Cf}\p{Cs}]/u);
  await server.close();
});

for (const { name, pattern } of [
  { name: 'nested repetition', pattern: '(a+)+$b' },
  { name: 'overlapping alternatives', pattern: '(a|aa)+c' },
  { name: 'no prefix to look for', pattern: '(?i)(a|a)*[xyz]' },
]) {
  test(`[case H29] 2 MiB of text against a regex with ${name} does not stop the event loop`, async () => {
    const server = await rawServer(answer(`HTTP/1.1 200 OK\n\n`, 'a'.repeat(2 * 1024 * 1024)));
    // In processor time: a machine that stands still for a second is no fault of the expression.
    let most = 0;
    let last = process.cpuUsage();
    const timer = setInterval(() => {
      const { user, system } = process.cpuUsage(last);
      most = Math.max(most, (user + system) / 1000);
      last = process.cpuUsage();
    }, 5);
    const seen = await observe(server, { regex: pattern });
    clearInterval(timer);
    assert.equal('code' in seen && seen.code, 'content.missing', seen.output);
    assert.ok(most < 1000, `event loop was busy for ${most} ms without a pause`);
    await server.close();
  });
}

test('[T1] an abort ends the request and closes its connection', async () => {
  const server = await rawServer(() => {});
  const context = testContext();
  const run = http.run(bind(http, { url: `http://127.0.0.1:${server.port}/` }), context);
  while (server.received() === '') await new Promise((resolve) => setImmediate(resolve));
  context.abort(new LookFailure('run.deadline', 'the run has no more time'));
  await assert.rejects(run, { code: 'run.deadline' });
  await server.closed;
  await server.close();
});
