import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import dns from '../../checks/dns.ts';
import { compareSerials, isNewer } from '../../src/net/name-authority.ts';
import { codeOf, problemsOf, runCheck } from '../support/check.ts';
import { type TestContextSettings, testContext } from '../support/context.ts';
import { startNamed } from '../support/named.ts';
import { type NameServer, SITE_ZONE, startNsd } from '../support/nsd.ts';
import { needs } from '../support/server.ts';
import { startMicrosocks } from '../support/socks.ts';
import { startUnbound, type ValidatingResolver } from '../support/unbound.ts';

const NOON = Date.UTC(2026, 10, 22, 12, 0, 0);
const MINUTE = 60_000;

function run(servers: NameServer[], options: Record<string, unknown>, settings: TestContextSettings = {}) {
  const list = servers.map(({ port }) => `127.0.0.1:${port}`);
  return runCheck(dns, { name: 'site.test', record: 'SOA', servers: list, ...options }, testContext({ now: NOON, ...settings }));
}

describe('dns check on the servers of one zone, the real nsd and named', needs('nsd', 'named'), () => {
  let nsd: NameServer;
  let named: NameServer;
  let old: NameServer;
  before(async () => {
    nsd = await startNsd();
    named = await startNamed();
    old = await startNsd(SITE_ZONE.replace('2026010101', '2025123101'));
  });
  after(async () => {
    for (const server of [nsd, named, old]) await server?.stop();
  });

  it('[K24] servers of the zone answer with authority and the same serial', async () => {
    const seen = await run([nsd, named], { authoritative: true, serial_within: 600 });
    assert.equal(seen.kind, 'measured', seen.output);
    assert.equal(seen.output, '2 servers, serial 2026010101');
    assert.equal(seen.metrics?.['serial_lag'], 0);
  });

  it('[K24] an old serial is borne for as long as a transfer may take, and then fails with its server', async () => {
    const options = { serial_within: 600 };
    const first = await run([nsd, named, old], options);
    assert.equal(first.kind, 'measured', first.output);
    assert.match(first.output, /1 behind for 0 s$/);
    const later = await run([nsd, named, old], options, { now: NOON + 10 * MINUTE, memory: first.memory });
    assert.equal(later.kind, 'measured', later.output);
    assert.equal(later.metrics?.['serial_lag'], 600);
    const late = await run([nsd, named, old], options, { now: NOON + 11 * MINUTE, memory: later.memory });
    assert.equal(codeOf(late), 'dns.serial');
    const names = [old, nsd].map(({ port }) => `127.0.0.1:${port}`);
    assert.equal(late.output, `${names[0]} has serial 2025123101 for 11 min, expected 2026010101 as ${names[1]}`);
    assert.deepEqual(
      late.parts?.map(({ state }) => state),
      ['OK', 'OK', 'CRITICAL'],
    );
  });

  it('[K24] with 0 s a difference fails at once', async () => {
    assert.equal(codeOf(await run([nsd, old], { serial_within: 0 })), 'dns.serial');
  });

  it('[K24] a server that is down fails for itself, and serials of the others are still compared', async () => {
    const gone = { ...old, port: 1 };
    const seen = await run([nsd, gone, old], { serial_within: 600 });
    assert.equal(codeOf(seen), 'network.refused');
    assert.match(JSON.stringify(seen.memory), /"at":2,"serial":2025123101/);
  });

  it('[N2] works through a SOCKS proxy, over TCP', needs('microsocks'), async () => {
    const proxy = await startMicrosocks();
    const through = { proxy: { name: 'socks', host: '127.0.0.1', port: proxy.port } };
    const seen = await run([nsd, named], { authoritative: true, serial_within: 600 }, through);
    await proxy.stop();
    assert.equal(seen.output, '2 servers, serial 2026010101');
  });

  it('[K24] an unsigned answer is dns.not_signed where signatures are expected', async () => {
    assert.equal(codeOf(await run([named], { signed: true })), 'dns.not_signed');
  });
});

describe('dns check on a signed zone', needs('nsd', 'unbound', 'ldns-signzone', 'ldns-keygen'), () => {
  let resolver: ValidatingResolver;
  before(async () => {
    resolver = await startUnbound('20400101');
  });
  after(() => resolver?.stop());

  it('[K24] a resolver says that it validated; one that asks nobody who does is dns.not_validated', async () => {
    const options = { name: 'www.site.test', record: 'A', validated: true };
    assert.equal((await run([resolver], options)).kind, 'measured');
    assert.equal(codeOf(await run([resolver.authority], options)), 'dns.not_validated');
  });

  it('[K24] a resolver has no authority', async () => {
    const seen = await run([resolver], { authoritative: true });
    assert.equal(codeOf(seen), 'dns.not_authoritative');
    assert.match(seen.output, /answer without authority \(AA\), expected it$/);
  });

  it('[K24] the days until the first signature ends are measured, of records and of aliases', async () => {
    const expected = (Date.UTC(2040, 0, 1) - NOON) / 86_400_000;
    for (const options of [{ record: 'SOA' }, { name: 'old.site.test', record: 'A' }, { name: 'site.test', record: 'TXT' }]) {
      const seen = await run([resolver.authority], { signed: true, ...options });
      assert.equal(seen.kind, 'measured', seen.output);
      assert.ok(Math.abs((seen.metrics?.['signature_days'] ?? 0) - expected) < 1, String(seen.metrics?.['signature_days']));
    }
    assert.deepEqual(dns.thresholds['signature_days'], { warning: '3:', critical: '1:' });
  });

  it('[case D16] a signature that has ended, or has not begun, is dns.signature even on a server that does not validate', async () => {
    const ended = await run([resolver.authority], { signed: true }, { now: Date.UTC(2040, 0, 2) });
    assert.equal(codeOf(ended), 'dns.signature');
    assert.match(ended.output, /signature ended 2040-01-01T00:00Z, expected a newer one$/);
    const early = await run([resolver.authority], { signed: true }, { now: Date.UTC(2024, 0, 1) });
    assert.match(early.output, /signature begins 2025-01-01T00:00Z, expected earlier$/);
  });
});

describe('serials', () => {
  for (const [a, b, wanted] of [
    [2, 1, true],
    [1, 2, false],
    [1, 1, false],
    [0, 0xffff_ffff, true],
    [0xffff_ffff, 0, false],
    [0x8000_0000, 1, true],
  ] as const) {
    it(`[K24] ${a} is ${wanted ? '' : 'not '}newer than ${b}`, () => assert.equal(isNewer(a, b), wanted));
  }

  const compare = (serials: (number | null)[], before: Parameters<typeof compareSerials>[1], minutes: number) =>
    compareSerials(
      serials.map((serial, at) => ({ label: `ns${at}`, serial })),
      before,
      { now: NOON + minutes * MINUTE, within: 600 },
    );

  it('[K24] a new serial begins the time anew, the same one does not', () => {
    const first = compare([5, 3], [], 0);
    assert.equal(compare([9, 3], first.behind, 5).lag, 300);
    assert.equal(compare([9, 5], first.behind, 5).lag, 0);
  });

  it('[case C01] a clock that went back makes nobody late', () => {
    const future = [{ at: 1, serial: 3, since: NOON + 3600 * MINUTE }];
    assert.deepEqual(compare([5, 3], future, 0).late, []);
  });

  it('[K24] without any serial there is nothing to compare', () => {
    assert.deepEqual(compare([null, null], [], 0), { behind: [], lag: 0, fault: null, late: [] });
  });

  it('[A1] serials are compared of SOA records of two servers or more', () => {
    const options = { name: 'site.test', serial_within: 0 };
    assert.deepEqual(Object.keys(problemsOf(dns, { ...options, record: 'A', servers: ['a', 'b'] })), ['serial_within']);
    assert.deepEqual(Object.keys(problemsOf(dns, { ...options, record: 'SOA', servers: ['a'] })), ['serial_within']);
    assert.deepEqual(Object.keys(problemsOf(dns, { ...options, record: 'SOA', servers: ['a', 'b'] })), []);
  });
});
