import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { test } from 'node:test';
import packet, { type Answer } from 'dns-packet';
import { createResolver, type ResolverSettings } from '../../src/net/resolver.ts';

interface NameServer {
  address: string;
  questions: string[];
  close(): void;
}

/** rcode in the low bits of the flags, or the addresses to answer with, or null for silence. */
type Reply = number | string[] | null;

async function nameServer(reply: (type: string, n: number) => Reply, delayMs = 0): Promise<NameServer> {
  const socket: Socket = createSocket('udp4');
  const questions: string[] = [];
  const timers: NodeJS.Timeout[] = [];
  socket.on('message', (bytes, from) => {
    const query = packet.decode(bytes);
    const question = query.questions?.[0];
    const type = String(question?.type);
    questions.push(`${question?.name} ${type}`);
    const what = reply(type, questions.length);
    if (what === null) return;
    const answers = typeof what === 'number' ? [] : what.map((data) => ({ type, name: question?.name, ttl: 0, data }) as Answer);
    const flags = packet.RECURSION_DESIRED | (typeof what === 'number' ? what : 0);
    const message = packet.encode({ type: 'response', id: query.id ?? 0, flags, questions: query.questions ?? [], answers });
    timers.push(setTimeout(() => socket.send(message, from.port, from.address), delayMs));
  });
  const close = () => {
    for (const timer of timers) clearTimeout(timer);
    socket.close();
  };
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  return { address: `127.0.0.1:${socket.address().port}`, questions, close };
}

const resolverOf = (server: NameServer, more: ResolverSettings = {}) =>
  createResolver({ hostsFile: null, servers: [server.address], timeoutMs: 60_000, tries: 1, ...more });
const soon = (ms = 60_000) => AbortSignal.timeout(ms);
const only = (wanted: string, addresses: string[]) => (type: string) => (type === wanted ? addresses : []);

for (const { name, reply, code } of [
  { name: '[case D01] NXDOMAIN', reply: () => 3, code: 'dns.nxdomain' },
  { name: '[case D02] SERVFAIL', reply: () => 2, code: 'dns.servfail' },
  { name: '[case D03] REFUSED', reply: () => 5, code: 'dns.refused' },
  { name: '[case D04] no answer', reply: () => null, code: 'dns.timeout' },
  { name: '[case D14] an empty answer', reply: () => [], code: 'dns.empty' },
]) {
  for (const family of [undefined, 4, 6] as const) {
    test(`${name} is ${code}${family ? ` for IPv${family}` : ''}`, async () => {
      const server = await nameServer(reply);
      const resolve = resolverOf(server, code === 'dns.timeout' ? { timeoutMs: 100 } : {});
      await assert.rejects(resolve('www.example', family, soon()), { code });
      server.close();
    });
  }
}

test('[case D13] a name with addresses of one family only has these', async () => {
  const six = await nameServer(only('AAAA', ['2001:db8::1']));
  assert.deepEqual(await resolverOf(six)('www.example', undefined, soon()), ['2001:db8::1']);
  await assert.rejects(resolverOf(six)('www.example', 4, soon()), { code: 'dns.empty', message: /has no IPv4 address$/ });
  six.close();
  const four = await nameServer(only('A', ['192.0.2.1', '192.0.2.2']));
  assert.deepEqual(await resolverOf(four)('www.example', undefined, soon()), ['192.0.2.1', '192.0.2.2']);
  four.close();
});

test('[T1] addresses of both families take turns', async () => {
  const server = await nameServer((type) => (type === 'A' ? ['192.0.2.1', '192.0.2.2'] : ['2001:db8::1']));
  assert.deepEqual(await resolverOf(server)('www.example', undefined, soon()), ['2001:db8::1', '192.0.2.1', '192.0.2.2']);
  server.close();
});

test('[T1] a name server that swallows questions for one family does not hold back the other', async () => {
  const server = await nameServer((type) => (type === 'A' ? ['192.0.2.1'] : null));
  const began = performance.now();
  assert.deepEqual(await resolverOf(server)('www.example', undefined, soon()), ['192.0.2.1']);
  assert.ok(performance.now() - began < 50_000);
  server.close();
});

test('[case D05] an answer that comes too late is dns.timeout at the check’s deadline, and nothing lingers', async () => {
  const server = await nameServer(() => ['192.0.2.1'], 3000);
  const began = performance.now();
  await assert.rejects(resolverOf(server)('www.example', 4, soon(150)), { code: 'dns.timeout' });
  assert.ok(performance.now() - began < 50_000);
  server.close();
});

test('[case D05] fifty silent questions do not delay another check’s name', async () => {
  const silent = await nameServer(() => null);
  const quick = await nameServer(() => ['192.0.2.1']);
  const slow = Array.from({ length: 50 }, () => resolverOf(silent)('www.example', 4, soon(4000)));
  let areSettled = false;
  const settled = Promise.allSettled(slow).finally(() => {
    areSettled = true;
  });
  assert.deepEqual(await resolverOf(quick)('www.example', 4, soon()), ['192.0.2.1']);
  assert.equal(areSettled, false);
  assert.ok((await settled).every(({ status }) => status === 'rejected'));
  silent.close();
  quick.close();
});

test('[T1] literal addresses and names of the hosts file are never asked for', async () => {
  const server = await nameServer(() => ['192.0.2.1']);
  assert.deepEqual(await resolverOf(server)('192.0.2.7', undefined, soon()), ['192.0.2.7']);
  assert.deepEqual(await resolverOf(server)('::1', 6, soon()), ['::1']);
  assert.deepEqual(await resolverOf(server, { hostsFile: '/etc/hosts' })('localhost', 4, soon()), ['127.0.0.1']);
  assert.deepEqual(server.questions, []);
  server.close();
});

for (const name of ['', 'a b', `${'x'.repeat(300)}`, '<script>']) {
  test(`[case D11] "${name.slice(0, 10)}" is no name and is not asked for`, async () => {
    const server = await nameServer(() => 3);
    await assert.rejects(resolverOf(server)(name, 4, soon()), { code: 'dns.name' });
    assert.deepEqual(server.questions, []);
    server.close();
  });
}
