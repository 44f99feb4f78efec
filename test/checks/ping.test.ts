import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import ping from '../../checks/ping.ts';
import { readSummary } from '../../src/net/ping.ts';
import { bind } from '../support/bind.ts';
import { testContext } from '../support/context.ts';
import { needs } from '../support/server.ts';

const here = needs('ping', 'setpriv', 'prlimit');
const run = (values: Record<string, unknown>, timeoutMs?: number) =>
  ping.run(bind(ping, { count: 2, ...values }), testContext({ timeoutMs }));

for (const { name, values } of [
  { name: 'IPv4', values: { address: '127.0.0.1' } },
  { name: 'IPv6', values: { address: '::1' } },
  { name: 'a name of /etc/hosts', values: { address: 'localhost', family: 4 } },
]) {
  test(`[K1] a machine that is up answers over ${name}`, here, async () => {
    const seen = await run(values);
    assert.equal(seen.kind, 'measured', seen.output);
    assert.match(seen.output, /^2 of 2 packets answered in [\d.]+ ms on average$/);
    assert.equal(seen.metrics?.['loss'], 0);
    assert.ok((seen.metrics?.['rtt'] ?? 1) < 0.1);
  });
}

test('[K1] an address that is no address of the family is dns.empty', here, async () => {
  await assert.rejects(run({ address: '127.0.0.1', family: 6 }), { code: 'dns.empty' });
});

test('[K1] the deadline ends ping', here, async () => {
  const began = performance.now();
  await assert.rejects(run({ address: '127.0.0.1', count: 20 }, 500), { code: 'timeout.total' });
  assert.ok(performance.now() - began < 50_000);
});

/** Whether this machine may make network namespaces: then a dead host is a neighbour that does not exist. */
const isolated = spawnSync('unshare', ['-n', 'true']).status === 0 ? here : { skip: 'network namespaces need root' };

function inNamespace(setup: string, args: string): ReturnType<typeof readSummary> {
  const done = spawnSync('unshare', ['-n', 'sh', '-c', `${setup}; exec ping -n -q ${args}`], {
    encoding: 'utf8',
    env: { LC_ALL: 'C.UTF-8', PATH: '/usr/bin:/bin:/usr/sbin:/sbin' },
  });
  return readSummary(
    { exitCode: done.status, signal: null, stdout: done.stdout, stderr: done.stderr, truncated: false },
    '192.0.2.9',
  );
}

test('[K1] a dead host on the next wire is network.unreachable, in real ping’s own words', isolated, () => {
  const link =
    'ip link set lo up; ip link add veth0 type veth peer name veth1; ip addr add 192.0.2.1/24 dev veth0; ip link set veth0 up; ip link set veth1 up';
  const seen = inNamespace(link, '-c 2 -i 0.2 -W 4 192.0.2.9');
  assert.equal(seen.kind, 'failed');
  assert.ok('code' in seen && (seen.code === 'network.unreachable' || seen.code === 'timeout.ping'), seen.output);
  assert.equal(seen.metrics?.['loss'], 100);
});

test('[K1] a host that drops everything is timeout.ping', isolated, () => {
  // The packets leave for a neighbour that is known but not there.
  const hole =
    'ip link set lo up; ip link add veth0 type veth peer name veth1; ip addr add 192.0.2.1/24 dev veth0; ip link set veth0 up; ip link set veth1 up; ip neigh add 192.0.2.9 lladdr 02:00:00:00:00:01 dev veth0';
  const seen = inNamespace(hole, '-c 2 -i 0.2 -W 0.3 192.0.2.9');
  assert.equal(seen.kind, 'failed');
  assert.equal('code' in seen && seen.code, 'timeout.ping', seen.output);
  assert.match(seen.output, /^192\.0\.2\.9 does not answer, 2 packets sent$/);
});

test('[K1] no route at all is network.unreachable', isolated, () => {
  assert.throws(() => inNamespace('ip link set lo up', '-c 1 192.0.2.9'), { code: 'network.unreachable' });
});

const child = (stdout: string, stderr = '') => ({ exitCode: 1, signal: null, stdout, stderr, truncated: false });
const SUMMARY =
  '--- x ping statistics ---\n3 packets transmitted, 2 received, 33.3333% packet loss, time 402ms\nrtt min/avg/max/mdev = 10.1/20.5/30.9/1.0 ms\n';

test('[K1] a lost packet is a share of loss, which thresholds judge', () => {
  const seen = readSummary(child(SUMMARY), 'x');
  assert.deepEqual([seen.kind, seen.metrics], ['measured', { rtt: 0.0205, loss: 33.3 }]);
});

test('[K1] duplicates and errors do not confuse the summary', () => {
  const text = SUMMARY.replace('2 received', '2 received, +2 duplicates, +1 errors');
  assert.equal(readSummary(child(text), 'x').metrics?.['loss'], 33.3);
});

for (const { name, stdout, stderr, code } of [
  {
    name: 'no permission for ICMP',
    stdout: '',
    stderr: 'ping: socktype: SOCK_RAW\nping: socket: Operation not permitted',
    code: 'child.permission',
  },
  { name: 'nothing', stdout: '', stderr: '', code: 'child.output' },
  { name: 'something else', stdout: 'Usage: ping', stderr: '', code: 'child.output' },
]) {
  test(`[K1] ping that says ${name} is ${code}: we could not look`, () => {
    assert.throws(() => readSummary(child(stdout, stderr), 'x'), { code, name: 'Error' });
  });
}

test('[N1] ping declares that it goes through no proxy', () => {
  assert.equal(ping.proxied, false);
});
