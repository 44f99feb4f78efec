import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import dns from '../../checks/dns.ts';
import { codeOf, problemsOf, runCheck } from '../support/check.ts';
import { testContext } from '../support/context.ts';
import { type NameServer, startNsd } from '../support/nsd.ts';
import { needs } from '../support/server.ts';
import { startMicrosocks } from '../support/socks.ts';
import { startUnbound } from '../support/unbound.ts';

describe('dns check on a real name server', needs('nsd'), () => {
  let nsd: NameServer;
  before(async () => {
    nsd = await startNsd();
  });
  after(() => nsd.stop());

  const rows = [
    { name: 'an address', options: { name: 'www.site.test', expect: ['192.0.2.10'] }, code: 'measured', records: 1 },
    {
      name: 'an IPv6 address, however it is written',
      options: { name: 'www.site.test', record: 'AAAA', expect: ['2001:DB8:0::10'] },
      code: 'measured',
      records: 1,
    },
    {
      name: 'an alias is followed in the answer',
      options: { name: 'old.site.test', expect: ['192.0.2.10'] },
      code: 'measured',
      records: 1,
    },
    {
      name: 'a mail exchanger',
      options: { name: 'site.test', record: 'MX', expect: ['10 mail.site.test.'] },
      code: 'measured',
      records: 1,
    },
    {
      name: 'a service record',
      options: { name: '_xmpp-client._tcp.site.test', record: 'SRV', expect: ['5 0 5222 www.site.test'] },
      code: 'measured',
      records: 1,
    },
    {
      name: 'a certification authority record',
      options: { name: 'site.test', record: 'CAA', expect: ['0 issue "ca.example"'] },
      code: 'measured',
      records: 1,
    },
    { name: 'a text', options: { name: 'site.test', record: 'TXT', expect: ['v=spf1 -all'] }, code: 'measured', records: 1 },
    {
      name: 'another record than expected',
      options: { name: 'www.site.test', expect: ['192.0.2.99'] },
      code: 'content.missing',
      records: 1,
    },
    { name: '[case D01] a name that does not exist', options: { name: 'gone.site.test' }, code: 'dns.nxdomain', records: 0 },
    { name: 'a name that must not exist', options: { name: 'gone.site.test', rcode: 'NXDOMAIN' }, code: 'measured', records: 0 },
    {
      name: 'a name that exists and must not',
      options: { name: 'www.site.test', rcode: 'NXDOMAIN' },
      code: 'dns.rcode',
      records: 1,
    },
    {
      name: '[case D03] a zone that the server does not have',
      options: { name: 'www.example.org' },
      code: 'dns.refused',
      records: 0,
    },
    { name: '[case D13] only an IPv6 address', options: { name: 'v6only.site.test' }, code: 'dns.empty', records: 0 },
    { name: '[case D13] only an IPv4 address', options: { name: 'mail.site.test', record: 'AAAA' }, code: 'dns.empty', records: 0 },
    { name: '[case D14] no error and no record', options: { name: 'ns.site.test', record: 'MX' }, code: 'dns.empty', records: 0 },
    { name: '[case D15] a time to live of 0', options: { name: 'brief.site.test' }, code: 'measured', records: 1 },
    { name: '[case D15] a time to live of 2^31 - 1', options: { name: 'long.site.test' }, code: 'measured', records: 1 },
  ];
  for (const transport of ['udp', 'tcp']) {
    for (const row of rows) {
      it(`[K24] over ${transport}: ${row.name}`, async () => {
        const seen = await runCheck(dns, { ...row.options, servers: [`127.0.0.1:${nsd.port}`], transport }, testContext());
        assert.equal(codeOf(seen), row.code, seen.output);
        assert.equal(seen.metrics?.['records'], row.records);
        assert.ok((seen.metrics?.['time'] ?? 0) > 0);
        assert.ok(seen.output.length <= 140, seen.output);
      });
    }
  }

  it('[N1] through a proxy the question goes over TCP, and the proxy connects', needs('microsocks'), async () => {
    const proxy = await startMicrosocks();
    try {
      const context = testContext({ proxy: { name: 'socks', host: '127.0.0.1', port: proxy.port } });
      const seen = await runCheck(dns, { name: 'www.site.test', servers: [`127.0.0.1:${nsd.port}`] }, context);
      assert.equal(codeOf(seen), 'measured', seen.output);
      assert.ok(context.steps.some((step) => step.includes('over tcp')));
    } finally {
      await proxy.stop();
    }
  });

  it('[K24] several servers are parts, and the failing one makes the check fail by name', async () => {
    const servers = [`127.0.0.1:${nsd.port}`, '127.0.0.1:1'];
    const seen = await runCheck(dns, { name: 'www.site.test', servers }, testContext());
    assert.equal(codeOf(seen), 'network.refused');
    assert.deepEqual(
      seen.parts?.map(({ name, state }) => [name, state]),
      [
        [servers[0], 'OK'],
        [servers[1], 'CRITICAL'],
      ],
    );
    assert.match(seen.output, /^1 of 2 fail, 127\.0\.0\.1:1: /);
  });

  it('[K24] both transports are two parts', async () => {
    const seen = await runCheck(
      dns,
      { name: 'www.site.test', servers: [`127.0.0.1:${nsd.port}`], transport: 'both' },
      testContext(),
    );
    assert.equal(codeOf(seen), 'measured');
    assert.deepEqual(
      seen.parts?.map(({ name }) => name.split(' ')[1]),
      ['udp', 'tcp'],
    );
  });
});

describe('dns check on a resolver that validates', needs('nsd', 'unbound', 'ldns-signzone', 'ldns-keygen'), () => {
  const rows = [
    { name: 'a zone with good signatures', expires: '20400101', code: 'measured', output: /192\.0\.2\.10/ },
    {
      name: '[case D16] a zone whose signatures have expired',
      expires: '20260101',
      code: 'dns.servfail',
      output: /SERVFAIL.*without DNSSEC validation/,
    },
  ];
  for (const { name, expires, code, output } of rows) {
    it(`[K24] ${name}`, async () => {
      const resolver = await startUnbound(expires);
      const seen = await runCheck(dns, { name: 'www.site.test', servers: [`127.0.0.1:${resolver.port}`] }, testContext());
      const behind = await runCheck(
        dns,
        { name: 'www.site.test', servers: [`127.0.0.1:${resolver.authority.port}`] },
        testContext(),
      );
      await resolver.stop();
      assert.equal(codeOf(seen), code, seen.output);
      assert.match(seen.output, output);
      assert.equal(codeOf(behind), 'measured');
    });
  }
});

describe('dns check through a proxy', () => {
  const context = () => testContext({ proxy: { name: 'tor', host: '127.0.0.1', port: 1 } });

  it('[N1] UDP cannot go through a proxy: a problem of the configuration, and nothing is sent', async () => {
    const seen = await runCheck(dns, { name: 'a.test', servers: ['192.0.2.1'], transport: 'udp' }, context());
    assert.deepEqual([seen.kind, codeOf(seen)], ['unknown', 'option.transport']);
    assert.match(seen.output, /transport udp cannot go through proxy tor, expected tcp/);
  });

  it("[N1] this machine's resolvers are never asked for a check that has a proxy", async () => {
    const seen = await runCheck(dns, { name: 'a.test' }, context());
    assert.deepEqual([seen.kind, codeOf(seen)], ['unknown', 'option.servers']);
  });
});

describe('dns options', () => {
  const rows = [
    { name: 'a label that is too long', options: { name: `${'a'.repeat(64)}.test` }, key: 'name' },
    { name: 'an empty label', options: { name: 'a..test' }, key: 'name' },
    { name: 'a server that is no address or name', options: { name: 'a.test', servers: ['2001:db8::1:99999:'] }, key: 'servers' },
    { name: 'a port that is none', options: { name: 'a.test', servers: ['ns:70000'] }, key: 'servers' },
    {
      name: 'records expected of a name that must not exist',
      options: { name: 'a.test', rcode: 'NXDOMAIN', expect: ['x'] },
      key: 'expect',
    },
  ];
  for (const { name, options, key } of rows) {
    it(`${name} is a problem of ${key}`, () => assert.deepEqual(Object.keys(problemsOf(dns, options)), [key]));
  }

  it('[K24] addresses and names of servers, with and without port, are fine', () => {
    const servers = ['192.0.2.1', '192.0.2.1:5353', '2001:db8::1', '[2001:db8::1]:53', 'ns.example.org', 'ns.example.org:53'];
    assert.deepEqual(problemsOf(dns, { name: 'example.org.', servers }), {});
  });
});
