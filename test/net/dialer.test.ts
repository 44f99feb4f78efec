import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { TargetFailure } from '../../src/core/failure.ts';
import { isPublicAddress } from '../../src/net/address.ts';
import { createDialer } from '../../src/net/dialer.ts';
import { createReader } from '../../src/net/limits.ts';
import { testContext } from '../support/context.ts';
import { rawServer } from '../support/raw-server.ts';
import { freePort, temporaryFolder } from '../support/server.ts';

const folder = temporaryFolder();
after(() => folder.remove());

for (const address of ['8.8.8.8', '1.1.1.1', '2606:4700::1111', '2001:4860:4860::8888', '172.32.0.1', '100.128.0.1']) {
  test(`${address} is a public address`, () => assert.equal(isPublicAddress(address), true));
}
const NOT_PUBLIC = [
  '127.0.0.1',
  '10.1.2.3',
  '172.16.0.1',
  '172.31.255.255',
  '192.168.0.1',
  '169.254.169.254',
  '0.0.0.0',
  '100.64.0.1',
  '198.18.0.1',
];
for (const address of [
  ...NOT_PUBLIC,
  '192.0.2.1',
  '224.0.0.1',
  '255.255.255.255',
  '::',
  '::1',
  'fe80::1%lo',
  'fd00::1',
  'fec0::1',
  'ff02::1',
]) {
  test(`[case H22] ${address} is not a public address`, () => assert.equal(isPublicAddress(address), false));
}
for (const address of [
  '::ffff:8.8.8.8',
  '::ffff:7f00:1',
  '64:ff9b::808:808',
  '2002:7f00:1::',
  '2001::1',
  '2001:db8::1',
  'example.org',
  '127.1',
  '',
]) {
  test(`[case H22] "${address}" is not a public address`, () => assert.equal(isPublicAddress(address), false));
}

for (const host of ['127.0.0.1', '::1']) {
  test(`[T1] a socket is dialled to ${host}`, async () => {
    const server = await rawServer(() => {}, { host });
    const context = testContext();
    const socket = await context.dial({ host, port: server.port });
    assert.equal(socket.remoteAddress, host);
    assert.deepEqual(context.steps, [`connected to ${host} port ${server.port} (${host})`]);
    socket.destroy();
    await server.close();
  });
}

test('[T1] a name has the addresses of the hosts file, one that refuses is passed over, and the family is respected', async () => {
  const hostsFile = join(folder.path, 'hosts');
  writeFileSync(hostsFile, '::1 both.test # six\n127.0.0.1 Both.test alias.test\n');
  const server = await rawServer(() => {});
  const context = testContext({ resolver: { hostsFile } });
  const socket = await context.dial({ host: 'BOTH.test', port: server.port });
  assert.equal(socket.remoteAddress, '127.0.0.1');
  socket.destroy();
  assert.deepEqual(await context.resolve('both.test', 6), ['::1']);
  await assert.rejects(context.dial({ host: 'both.test', port: server.port, family: 6 }), { code: 'network.refused' });
  await server.close();
});

test('[T1] a refused connection is network.refused with address and port in words', async () => {
  const port = await freePort();
  await assert.rejects(testContext().dial({ host: '127.0.0.1', port }), (error) => {
    assert.ok(error instanceof TargetFailure);
    assert.deepEqual([error.code, error.message], ['network.refused', `127.0.0.1 port ${port} refuses connections`]);
    return true;
  });
});

test('[T1] a peer that does not accept is timeout.connect at the deadline', async () => {
  // A stopped process with a backlog of one: its queue is full after a few connections, and the next SYN gets no answer.
  const script = `const s=require('net').createServer();s.listen({port:0,host:'127.0.0.1',backlog:1},()=>{console.log(s.address().port);process.kill(process.pid,'SIGSTOP')})`;
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'ignore'] });
  const port = Number(await new Promise((resolve) => child.stdout.once('data', (bytes) => resolve(String(bytes)))));
  const fill: Socket[] = [];
  for (let i = 0; i < 6; i++) fill.push(connect(port, '127.0.0.1').on('error', () => {}));
  await new Promise((resolve) => setTimeout(resolve, 100));
  await assert.rejects(testContext({ timeoutMs: 300 }).dial({ host: '127.0.0.1', port }), (error) => {
    assert.ok(error instanceof TargetFailure);
    assert.equal(error.code, 'timeout.connect');
    assert.match(error.message, /^no connection to 127\.0\.0\.1 port \d+ within [\d.]+ s$/);
    return true;
  });
  for (const socket of fill) socket.destroy();
  child.kill('SIGKILL');
});

test('[T1] an abort destroys a socket that is already in use, and a check that waits on it learns of it', async () => {
  const server = await rawServer(() => {});
  const context = testContext();
  const socket = await context.dial({ host: '127.0.0.1', port: server.port });
  const waiting = createReader(socket, context.signal).read(() => null);
  context.abort();
  await assert.rejects(waiting, { code: 'timeout.total' });
  assert.equal(socket.destroyed, true);
  await server.closed;
  await server.close();
});

test('[T1] the filter judges what the resolver answers, once, and connects to nothing else', async () => {
  const tripwire = await rawServer(() => {});
  let asked = 0;
  const resolve = () => {
    asked += 1;
    return Promise.resolve(['127.0.0.1', '::ffff:127.0.0.1', '10.0.0.1']);
  };
  const signal = AbortSignal.timeout(60_000);
  const dialer = createDialer({ proxy: null, login: { user: '', password: '' }, resolve, signal, trace: () => {} });
  await assert.rejects(dialer.dial({ host: 'x.example', port: tripwire.port, publicOnly: true }), { code: 'network.address' });
  assert.deepEqual([asked, tripwire.connections()], [1, 0]);
  await tripwire.close();
});

for (const { name, peer, code } of [
  { name: 'is longer than the cap', peer: (s: Socket) => s.write('x'.repeat(5000)), code: 'size.wire' },
  { name: 'ends early', peer: (s: Socket) => s.end('half'), code: 'network.closed' },
  { name: 'is reset', peer: (s: Socket) => setTimeout(() => s.resetAndDestroy(), 20), code: 'network.reset' },
]) {
  test(`[T1] an answer that ${name} is ${code}`, async () => {
    const server = await rawServer(peer);
    const context = testContext();
    const socket = await context.dial({ host: '127.0.0.1', port: server.port });
    socket.write('hello');
    await assert.rejects(
      createReader(socket, context.signal, 1000).read(() => null),
      { code },
    );
    socket.destroy();
    await server.close();
  });
}

test('[T1] a reader gives answers one by one and counts what nobody has read', async () => {
  const server = await rawServer((socket) => socket.write('220 a\r\n220 b\r\nrest'));
  const context = testContext();
  const socket = await context.dial({ host: '127.0.0.1', port: server.port });
  socket.write('hello');
  const reader = createReader(socket, context.signal);
  const line = (bytes: Buffer) => (bytes.includes('\n') ? bytes.indexOf('\n') + 1 : null);
  assert.equal((await reader.read(line)).toString(), '220 a\r\n');
  assert.equal((await reader.read(line)).toString(), '220 b\r\n');
  assert.equal(reader.pending(), 4);
  socket.destroy();
  await server.close();
});
