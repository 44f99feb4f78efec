import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import proxyCheck from '../../checks/proxy.ts';
import { LookFailure, TargetFailure } from '../../src/core/failure.ts';
import { createDialer } from '../../src/net/dialer.ts';
import { createResolver } from '../../src/net/resolver.ts';
import { readHandshake } from '../../src/net/socks.ts';
import { bind } from '../support/bind.ts';
import { testContext } from '../support/context.ts';
import { type RawServer, rawServer } from '../support/raw-server.ts';
import { freePort, needs, type StartedServer, startServer, temporaryFolder } from '../support/server.ts';

const toProxy = (port: number) => ({ name: 'tor', host: '127.0.0.1', port });
const TARGET = { host: 'name.example', port: 80 };

/** A proxy that says what it is told: each answer follows one message of the client. */
function scripted(...answers: (Buffer | null)[]): Promise<RawServer> {
  return rawServer((socket) => {
    const left = [...answers];
    const next = () => {
      const answer = left.shift();
      if (answer === undefined) return;
      if (answer === null) socket.end();
      else socket.write(answer);
    };
    socket.on('data', next);
    next();
  });
}
const bytes = (...values: number[]) => Buffer.from(values);
const GREETED = bytes(5, 0);
const REPLY_OK = bytes(5, 0, 0, 1, 0, 0, 0, 0, 0, 0);

test('[case K01] a proxy that is down is proxy.refused: the target has not been looked at', async () => {
  const port = await freePort();
  await assert.rejects(testContext({ proxy: toProxy(port) }).dial(TARGET), (error) => {
    assert.ok(error instanceof LookFailure);
    assert.equal(error.code, 'proxy.refused');
    return true;
  });
});

function impatient(port: number, greetingMs: number) {
  const signal = AbortSignal.timeout(60_000);
  const login = { user: 'a/b', password: '1.1' };
  return createDialer({ proxy: toProxy(port), login, resolve: createResolver(), signal, trace: () => {}, greetingMs });
}

test('[case K02] a proxy that accepts and stays silent is proxy.timeout after its own deadline', async () => {
  const server = await rawServer(() => {});
  const began = performance.now();
  await assert.rejects(impatient(server.port, 150).dial(TARGET), { code: 'proxy.timeout' });
  assert.ok(performance.now() - began < 50_000);
  await server.closed;
  await server.close();
});

test('[case K02] a proxy that is silent until the check ends is proxy.timeout too', async () => {
  const server = await rawServer(() => {});
  await assert.rejects(testContext({ proxy: toProxy(server.port), timeoutMs: 150 }).dial(TARGET), { code: 'proxy.timeout' });
  await server.close();
});

test('[case K03] a proxy that drips its greeting byte by byte is proxy.timeout, and a slow one in time works', async () => {
  const slow = (ms: number) =>
    rawServer((socket) => {
      socket.write(bytes(5));
      setTimeout(() => socket.write(bytes(0)), ms);
      socket.on('data', () => socket.write(REPLY_OK));
    });
  const server = await slow(1000);
  await assert.rejects(impatient(server.port, 100).dial(TARGET), { code: 'proxy.timeout' });
  await server.close();
  const good = await slow(30);
  (await impatient(good.port, 60_000).dial(TARGET)).destroy();
  await good.close();
});

test('[N1] a proxy that greets but has no answer for the target in time is timeout.connect of the target', async () => {
  const server = await scripted(GREETED);
  await assert.rejects(testContext({ proxy: toProxy(server.port), timeoutMs: 200 }).dial(TARGET), (error) => {
    assert.ok(error instanceof TargetFailure);
    assert.equal(error.code, 'timeout.connect');
    assert.match(error.message, /proxy got no connection to name\.example port 80 within [\d.]+ s/);
    return true;
  });
  await server.closed;
  await server.close();
});

const TARGETS = [1, 2, 3, 4, 5, 6, 7, 8, 0xf0, 0xf1, 0xf2, 0xf3, 0xf7, 0xfe];
for (const reply of [...TARGETS, 0xf4, 0xf5, 0xf6]) {
  const hex = reply.toString(16).padStart(2, '0');
  const ours = !TARGETS.includes(reply);
  const id = reply === 0xfe ? 'K05' : 'K04';
  test(`[N1] [case ${id}] reply ${hex} is socks.${hex}, ${ours ? 'our configuration' : 'the target'}`, async () => {
    const server = await scripted(GREETED, bytes(5, reply, 0, 1, 0, 0, 0, 0, 0, 0));
    await assert.rejects(testContext({ proxy: toProxy(server.port) }).dial(TARGET), (error) => {
      assert.ok(error instanceof (ours ? LookFailure : TargetFailure));
      assert.equal(error.code, `socks.${hex}`);
      assert.match(error.message, /^proxy could not reach name\.example port 80: [a-z ,]+ \([0-9A-F]{2}\)$/);
      return true;
    });
    await server.close();
  });
}

for (const { name, answers, code } of [
  { name: 'a wrong version', answers: [bytes(4, 0)], code: 'proxy.protocol' },
  { name: 'an HTTP answer', answers: [Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')], code: 'proxy.protocol' },
  { name: 'method FF', answers: [bytes(5, 0xff)], code: 'proxy.protocol' },
  { name: 'a method that was not offered', answers: [bytes(5, 1)], code: 'proxy.protocol' },
  { name: 'a refused login', answers: [bytes(5, 2), bytes(1, 1)], code: 'proxy.login' },
  { name: 'a close after the greeting', answers: [GREETED, null], code: 'proxy.protocol' },
  { name: 'a truncated reply', answers: [Buffer.concat([GREETED]), bytes(5, 0, 0, 1, 0), null], code: 'proxy.protocol' },
  { name: 'a wrong version in the reply', answers: [GREETED, bytes(4, 0, 0, 1, 0, 0, 0, 0, 0, 0)], code: 'proxy.protocol' },
  { name: 'an unknown address type', answers: [GREETED, bytes(5, 0, 0, 9, 0, 0, 0, 0, 0, 0)], code: 'proxy.protocol' },
]) {
  test(`[case K06] a proxy with ${name} is ${code}`, async () => {
    const server = await rawServer((socket) => {
      const left = [...answers];
      const next = () => {
        const answer = left.shift();
        if (answer === undefined) return;
        if (answer !== null) socket.write(answer);
        if (answer === null || left[0] === null) socket.end();
      };
      socket.on('data', next);
      next();
    });
    await assert.rejects(testContext({ proxy: toProxy(server.port) }).dial(TARGET), (error) => {
      assert.ok(error instanceof LookFailure);
      assert.equal(error.code, code, error.message);
      return true;
    });
    await server.close();
  });
}

for (const length of [0, 255]) {
  test(`[case K06] a reply with a name of ${length} bytes is read to its end, and what follows belongs to the target`, async () => {
    const reply = Buffer.concat([bytes(5, 0, 0, 3, length), Buffer.alloc(length, 'x'), bytes(0, 80), Buffer.from('220 hello\r\n')]);
    const server = await scripted(GREETED, reply);
    const socket = await testContext({ proxy: toProxy(server.port) }).dial(TARGET);
    // Nobody listens for a while: the early bytes wait in the socket.
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    const first = await new Promise<Buffer>((resolve) => socket.once('data', resolve));
    assert.equal(first.toString(), '220 hello\r\n');
    socket.destroy();
    await server.close();
  });
}

test('[N1] a handshake is understood at whatever byte it is cut', () => {
  const whole = Buffer.concat([bytes(5, 2), bytes(1, 0), bytes(5, 0, 0, 4), Buffer.alloc(16), bytes(1, 2)]);
  const stages = Array.from({ length: whole.length + 1 }, (_, cut) => readHandshake(whole.subarray(0, cut)).stage);
  assert.deepEqual(stages.slice(0, 5), ['greeting', 'greeting', 'login', 'login', 'reply']);
  assert.ok(stages.slice(5, -1).every((stage) => stage === 'reply'));
  assert.deepEqual(readHandshake(whole), { stage: 'established', length: whole.length });
});

test('[case K07] a host of more than 255 bytes is refused before anything is sent', async () => {
  const server = await scripted(GREETED, REPLY_OK);
  const host = `${'a.'.repeat(130)}example`;
  await assert.rejects(testContext({ proxy: toProxy(server.port) }).dial({ host, port: 80 }), { code: 'socks.host' });
  assert.equal(server.received(), '');
  await server.close();
});

test('[case K08] no name is resolved here: the resolver is never asked, and a DNS server of ours sees nothing', async () => {
  const server = await scripted(GREETED, REPLY_OK);
  let asked: string[] = [];
  const resolve = (name: string) => {
    asked = [...asked, name];
    return Promise.resolve([name]);
  };
  const login = { user: 'a/b', password: '1.1' };
  const dialer = createDialer({
    proxy: toProxy(server.port),
    login,
    resolve,
    signal: AbortSignal.timeout(60_000),
    trace: () => {},
  });
  (await dialer.dial({ host: 'secret.onion', port: 80 })).destroy();
  assert.deepEqual(asked, ['127.0.0.1']);
  assert.ok(server.received().includes('\u0003\u000csecret.onion'), 'the name itself goes to the proxy');
  await assert.rejects(dialer.resolve('secret.onion'), { code: 'proxy.resolve' });
  await server.close();
});

test('[case K11] user and password are the check, the run and the try', async () => {
  const server = await scripted(bytes(5, 2), bytes(1, 0), REPLY_OK);
  const context = testContext({ proxy: toProxy(server.port), check: 'website/front-page', run: 17, tryNumber: 2 });
  (await context.dial(TARGET)).destroy();
  assert.ok(server.received().includes('\u0001\u0012website/front-page\u000417.2'), JSON.stringify(server.received()));
  await server.close();
});

test('[N1] addresses of a peer that lead into the proxy’s own network are refused before anything is sent', async () => {
  const server = await scripted(GREETED, REPLY_OK);
  const context = testContext({ proxy: toProxy(server.port) });
  for (const host of ['127.0.0.1', '10.0.0.1', '::1', 'localhost', 'a.internal']) {
    await assert.rejects(context.dial({ host, port: 80, publicOnly: true }), { code: 'network.address' });
  }
  assert.equal(server.connections(), 0);
  await server.close();
});

test('[N1] the proxy check tells a working proxy from one that is down, silent or something else', async () => {
  const run = (port: number, timeoutMs?: number) =>
    proxyCheck.run(bind(proxyCheck, { address: '127.0.0.1', port }), testContext({ timeoutMs }));
  const good = await scripted(GREETED);
  assert.equal((await run(good.port)).kind, 'measured');
  await good.close();
  await assert.rejects(run(await freePort()), { code: 'network.refused' });
  for (const { answers, code, timeoutMs } of [
    { answers: [], code: 'timeout.total', timeoutMs: 200 },
    { answers: [bytes(4, 90)], code: 'socks.greeting' },
    { answers: [bytes(5, 0xff)], code: 'socks.greeting' },
    { answers: [null], code: 'network.closed' },
  ]) {
    const server = await scripted(...answers);
    await assert.rejects(run(server.port, timeoutMs), { code });
    await server.close();
  }
});

// Real proxies.
const folder = temporaryFolder();
let microsocks: StartedServer | undefined;
let microsocksPort = 0;
let echo: { port: number; close: () => void };

before(async () => {
  const server = createServer((socket: Socket) => {
    socket.on('error', () => {});
    socket.write('hello\n');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  echo = { port: address && typeof address === 'object' ? address.port : 0, close: () => server.close() };
  if (needs('microsocks').skip) return;
  microsocksPort = await freePort();
  microsocks = await startServer('microsocks', ['-i', '127.0.0.1', '-p', String(microsocksPort)], () => greets(microsocksPort));
});
after(async () => {
  await microsocks?.stop();
  echo.close();
  folder.remove();
});

async function greets(port: number): Promise<boolean> {
  const seen = await proxyCheck.run(bind(proxyCheck, { address: '127.0.0.1', port }), testContext({ timeoutMs: 300 }));
  return seen.kind === 'measured';
}

async function firstLine(socket: Socket): Promise<string> {
  const text = await new Promise<Buffer>((resolve) => socket.once('data', resolve));
  socket.destroy();
  return text.toString();
}

test('[N1] microsocks leads to its target by address and by a name that it resolves', needs('microsocks'), async () => {
  for (const host of ['127.0.0.1', 'localhost']) {
    const socket = await testContext({ proxy: toProxy(microsocksPort) }).dial({ host, port: echo.port });
    assert.equal(await firstLine(socket), 'hello\n');
  }
});

test('[N1] microsocks: a refused target is socks.05', needs('microsocks'), async () => {
  const target = { host: '127.0.0.1', port: await freePort() };
  await assert.rejects(testContext({ proxy: toProxy(microsocksPort) }).dial(target), { code: 'socks.05' });
});

test('[N1] microsocks with a fixed password is proxy.login', needs('microsocks'), async () => {
  const port = await freePort();
  const server = await startServer('microsocks', ['-i', '127.0.0.1', '-p', String(port), '-u', 'alice', '-P', 'x'], () =>
    greets(port),
  );
  await assert.rejects(testContext({ proxy: toProxy(port) }).dial({ host: '127.0.0.1', port: echo.port }), { code: 'proxy.login' });
  await server.stop();
});

test('[N1] dante leads to its target, and what its rules forbid is socks.02', needs('danted'), async () => {
  const port = await freePort();
  const forbidden = await freePort();
  const file = join(folder.path, 'danted.conf');
  writeFileSync(
    file,
    `logoutput: stderr
internal: 127.0.0.1 port = ${port}
external: lo
socksmethod: none
clientmethod: none
user.privileged: root
user.unprivileged: nobody
client pass { from: 127.0.0.0/8 to: 0.0.0.0/0 }
socks block { from: 0.0.0.0/0 to: 127.0.0.1/32 port = ${forbidden} }
socks pass { from: 127.0.0.0/8 to: 0.0.0.0/0 protocol: tcp }
`,
  );
  const server = await startServer('danted', ['-f', file, '-p', join(folder.path, 'danted.pid')], () => greets(port));
  const context = testContext({ proxy: toProxy(port) });
  assert.equal(await firstLine(await context.dial({ host: '127.0.0.1', port: echo.port })), 'hello\n');
  await assert.rejects(context.dial({ host: '127.0.0.1', port: forbidden }), { code: 'socks.02' });
  await server.stop();
});
