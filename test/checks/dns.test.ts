import assert from 'node:assert/strict';
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import dnsModule from 'node:dns';
import { syncBuiltinESMExports } from 'node:module';
import { createServer, type Server } from 'node:net';
import { after, before, describe, it, type TestContext } from 'node:test';
import { type Answer, decode, encode, type Packet, streamEncode, TRUNCATED_RESPONSE } from 'dns-packet';
import dns from '../../checks/dns.ts';
import { codeOf, problemsOf, runCheck } from '../support/check.ts';
import { testContext } from '../support/context.ts';
import { type NameServer, startNsd } from '../support/nsd.ts';
import { needs } from '../support/server.ts';
import { startMicrosocks } from '../support/socks.ts';
import { startUnbound } from '../support/unbound.ts';

type Reply = (query: ReturnType<typeof decode>, send: (bytes: Buffer) => void, from: RemoteInfo) => void;

/** A name server that says what the test wants, over UDP; `overTcp` on the same port, which is refused when absent. */
async function fakeServer(reply: Reply, overTcp?: (query: ReturnType<typeof decode>) => Buffer) {
  const socket = createSocket({ type: 'udp4', lookup: (host, _options, done) => done(null, host, 4) });
  socket.on('message', (bytes, from) => reply(decode(bytes), (answer) => socket.send(answer, from.port, from.address), from));
  const port = await bind(socket);
  let tcp: Server | undefined;
  if (overTcp) {
    tcp = createServer((peer) => {
      peer.on('error', () => {});
      peer.once('data', (bytes) => peer.write(overTcp(decode(bytes.subarray(2)))));
    });
    await new Promise<void>((resolve) => tcp?.listen(port, '127.0.0.1', resolve));
  }
  const stop = () => {
    socket.close();
    tcp?.close();
  };
  return { at: `127.0.0.1:${port}`, port, stop };
}

function bind(socket: Socket): Promise<number> {
  return new Promise((resolve) => socket.bind(0, '127.0.0.1', () => resolve(socket.address().port)));
}

function useResolvers(t: TestContext, servers: string[]): void {
  const before = dnsModule.getServers();
  t.after(() => dnsModule.setServers(before));
  dnsModule.setServers(servers);
}

function respond(query: ReturnType<typeof decode>, change: Packet & { rcode?: number } = {}): Buffer {
  const { rcode = 0, ...rest } = change;
  return encode({ type: 'response', id: query.id, questions: query.questions, ...rest, flags: (rest.flags ?? 0) | rcode });
}

const A = (name: string, data: string, ttl = 60): Answer => ({ type: 'A', name, data, ttl });
const CNAME = (name: string, data: string): Answer => ({ type: 'CNAME', name, data, ttl: 60 });

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

  it('several servers are parts, and the failing one makes the check fail by name', async () => {
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

  it('both transports are two parts', async () => {
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

describe('dns check on a faulty or hostile name server', () => {
  const ask = async (
    reply: Reply,
    options: Record<string, unknown> = {},
    timeoutMs = 3000,
    overTcp?: (query: ReturnType<typeof decode>) => Buffer,
  ) => {
    const server = await fakeServer(reply, overTcp);
    try {
      return await runCheck(dns, { name: 'www.site.test', servers: [server.at], ...options }, testContext({ timeoutMs }));
    } finally {
      server.stop();
    }
  };

  it('[case D02] SERVFAIL', async () => {
    const seen = await ask((query, send) => send(respond(query, { rcode: 2 })));
    assert.deepEqual([seen.kind, codeOf(seen)], ['failed', 'dns.servfail']);
    assert.match(seen.output, /^www\.site\.test A: SERVFAIL in .*, expected NOERROR$/);
  });

  it('[case D04] a named server that says nothing has failed, at the deadline', async () => {
    const seen = await ask(() => {}, {}, 200);
    assert.deepEqual([seen.kind, codeOf(seen)], ['failed', 'dns.timeout']);
    assert.match(seen.output, /no answer within 0\.2/);
  });

  it("[case D04] this machine's own resolvers that say nothing leave us blind: unknown", async (t) => {
    const silent = await fakeServer(() => {});
    useResolvers(t, [silent.at, '127.0.0.1:1']);
    const seen = await runCheck(dns, { name: 'www.site.test' }, testContext({ timeoutMs: 200 }));
    silent.stop();
    assert.deepEqual([seen.kind, codeOf(seen)], ['unknown', 'dns.resolver']);
  });

  it("of this machine's resolvers the first that knows decides, and SERVFAIL of one does not", async (t) => {
    const broken = await fakeServer((query, send) => send(respond(query, { rcode: 2 })));
    const good = await fakeServer((query, send) =>
      setImmediate(() => send(respond(query, { answers: [A('www.site.test', '192.0.2.1')] }))),
    );
    const silent = await fakeServer(() => {});
    useResolvers(t, [broken.at, silent.at, good.at]);
    const seen = await runCheck(dns, { name: 'www.site.test' }, testContext());
    for (const server of [broken, good, silent]) server.stop();
    assert.equal(codeOf(seen), 'measured', seen.output);
  });

  it('[case D05] fifty servers that answer too late delay no other check, and no thread is taken', async (t) => {
    const lookup = t.mock.method(dnsModule, 'lookup');
    syncBuiltinESMExports();
    t.after(() => {
      t.mock.restoreAll();
      syncBuiltinESMExports();
    });
    const late = await fakeServer(() => {});
    const contexts = Array.from({ length: 50 }, () => testContext({ timeoutMs: 60_000 }));
    const order: string[] = [];
    const slow = contexts.map(async (context) => {
      const seen = await runCheck(dns, { name: 'www.site.test', servers: [late.at] }, context);
      order.push(codeOf(seen));
    });
    const quick = await fakeServer((query, send) => send(respond(query, { answers: [A('www.site.test', '192.0.2.1')] })));
    for (let i = 0; i < 20; i++)
      order.push(codeOf(await runCheck(dns, { name: 'www.site.test', servers: [quick.at] }, testContext())));
    for (const context of contexts) context.abort();
    await Promise.all(slow);
    late.stop();
    quick.stop();
    assert.deepEqual(order, [...Array(20).fill('measured'), ...Array(50).fill('dns.timeout')]);
    assert.equal(lookup.mock.callCount(), 0);
  });

  it('[case D06] truncated over UDP and refused over TCP', async () => {
    const seen = await ask((query, send) => send(respond(query, { flags: TRUNCATED_RESPONSE })));
    assert.deepEqual([seen.kind, codeOf(seen)], ['failed', 'dns.truncated']);
    assert.match(seen.output, /truncated over UDP, and over TCP: .*refuses/);
  });

  it('[case D07] 5,000 records come over TCP and are counted, the output names four', async () => {
    const truncated: Reply = (query, send) => send(respond(query, { flags: TRUNCATED_RESPONSE }));
    const seen = await ask(truncated, { record: 'TXT' }, 5000, (query) => frame(packRecords(respond(query), 5000)));
    assert.equal(codeOf(seen), 'measured', seen.output);
    assert.equal(seen.metrics?.['records'], 5000);
    assert.match(seen.output, /and 4996 more/);
    assert.ok(seen.output.length < 200);
  });

  it('[case D07] a count of 65,535 records that are not there is a malformed answer', async () => {
    const seen = await ask(
      () => {},
      { transport: 'tcp' },
      5000,
      (query) => {
        const message = respond(query);
        message.writeUInt16BE(65_535, 6);
        return frame(message);
      },
    );
    assert.equal(codeOf(seen), 'dns.malformed');
  });

  it('[case D08] aliases that run in a circle', async () => {
    const seen = await ask((query, send) =>
      send(respond(query, { answers: [CNAME('www.site.test', 'b.test'), CNAME('b.test', 'www.site.test')] })),
    );
    assert.equal(codeOf(seen), 'dns.loop');
  });

  it('[case D08] a chain of twenty aliases is too long, one of ten is followed', async () => {
    const chain = (length: number) =>
      Array.from({ length }, (_, i) => CNAME(i === 0 ? 'www.site.test' : `n${i}.test`, `n${i + 1}.test`));
    const long = await ask((query, send) => send(respond(query, { answers: [...chain(20), A('n20.test', '192.0.2.1')] })));
    assert.equal(codeOf(long), 'dns.loop');
    const short = await ask((query, send) => send(respond(query, { answers: [...chain(10), A('n10.test', '192.0.2.1')] })));
    assert.equal(codeOf(short), 'measured');
  });

  const forgeries: { name: string; forge: (query: ReturnType<typeof decode>) => Buffer }[] = [
    {
      name: 'a wrong id',
      forge: (query) => respond({ ...query, id: ((query.id ?? 0) + 1) & 0xffff }, { answers: [A('www.site.test', '6.6.6.6')] }),
    },
    {
      name: 'a wrong question',
      forge: (query) => respond(query, { questions: [{ type: 'A', name: 'evil.test' }], answers: [A('evil.test', '6.6.6.6')] }),
    },
    { name: 'a query instead of a response', forge: (query) => encode({ ...query, type: 'query' }) },
    {
      name: 'records without the question',
      forge: (query) => respond(query, { questions: [], answers: [A('www.site.test', '6.6.6.6')] }),
    },
    { name: 'a few bytes', forge: () => Buffer.from('hello') },
  ];
  for (const { name, forge } of forgeries) {
    it(`[case D09] ${name} is ignored, and the right answer behind it counts`, async () => {
      const seen = await ask((query, send) => {
        send(forge(query));
        send(respond(query, { answers: [A('www.site.test', '192.0.2.1')] }));
      });
      assert.equal(codeOf(seen), 'measured', seen.output);
      assert.match(seen.output, /192\.0\.2\.1 /);
    });

    it(`[case D09] ${name} alone is no answer`, async () => {
      const seen = await ask((query, send) => send(forge(query)), {}, 200);
      assert.equal(codeOf(seen), 'dns.mismatch');
    });
  }

  it('[case D09] an answer from another address or port is not even received', async () => {
    const stranger = createSocket('udp4');
    await bind(stranger);
    const seen = await ask(
      (query, _send, from) => {
        stranger.send(respond(query, { answers: [A('www.site.test', '6.6.6.6')] }), from.port, from.address);
      },
      {},
      200,
    );
    stranger.close();
    assert.equal(codeOf(seen), 'dns.timeout');
  });

  it('[case D09] a spoofed answer that comes after the right one changes nothing', async () => {
    const seen = await ask((query, send) => {
      send(respond(query, { answers: [A('www.site.test', '192.0.2.1')] }));
      send(respond(query, { answers: [A('www.site.test', '6.6.6.6')] }));
    });
    assert.match(seen.output, /192\.0\.2\.1 /);
  });

  it('[case D09] over TCP a wrong id is the server own mistake', async () => {
    const seen = await ask(
      () => {},
      { transport: 'tcp' },
      2000,
      (query) => streamEncode({ type: 'response', id: ((query.id ?? 0) + 1) & 0xffff, questions: query.questions }),
    );
    assert.equal(codeOf(seen), 'dns.mismatch');
  });

  it('[case D10] a text with escape codes, bidi and markup is shown as harmless text', async () => {
    const text = '\u001b[31mred\u001b[0m <script>alert(1)</script> \u202eevil\r\nBcc: x@y';
    const seen = await ask(
      (query, send) => send(respond(query, { answers: [{ type: 'TXT', name: 'www.site.test', data: [text] }] })),
      { record: 'TXT' },
    );
    assert.equal(codeOf(seen), 'measured');
    assert.match(seen.output, /red <script>alert\(1\)<\/script> evil Bcc: x@y/);
    assert.doesNotMatch(seen.output, /[\p{Cc}\p{Cf}]/u);
  });

  it('[case D11] a record that is a name with markup stays text, and a wrong one does not match', async () => {
    const seen = await ask(
      (query, send) => send(respond(query, { answers: [CNAME('www.site.test', '<script>alert(1)</script>.test')] })),
      {
        record: 'CNAME',
        expect: ['good.test'],
      },
    );
    assert.equal(codeOf(seen), 'content.missing');
    assert.match(seen.output, /<script>alert\(1\)<\/script>\.test; expected good\.test/);
  });

  it('[case D12] records of other names in the answer do not count, whatever they point to', async () => {
    const seen = await ask((query, send) => send(respond(query, { answers: [A('other.test', '127.0.0.1')] })));
    assert.equal(codeOf(seen), 'dns.empty');
  });

  it('[case D15] a time to live with the highest bit set', async () => {
    const seen = await ask((query, send) => send(respond(query, { answers: [A('www.site.test', '192.0.2.1', 2 ** 31)] })));
    assert.equal(codeOf(seen), 'measured');
  });

  it('an answer that cannot be read', async () => {
    const seen = await ask((query, send) => {
      const bytes = respond(query, { answers: [A('www.site.test', '192.0.2.1')] });
      send(bytes.subarray(0, bytes.length - 3));
    });
    assert.equal(codeOf(seen), 'dns.malformed');
  });

  it('an aborted signal ends the check, in every transport', async () => {
    for (const transport of ['udp', 'tcp']) {
      const context = testContext();
      context.abort();
      const seen = await runCheck(dns, { name: 'a.test', servers: ['127.0.0.1:1'], transport }, context);
      assert.match(codeOf(seen), /timeout/);
    }
  });
});

/** Empty texts of 12 bytes each, as servers pack them: the name is a pointer to the question. */
function packRecords(response: Buffer, count: number): Buffer {
  response.writeUInt16BE(count, 6);
  return Buffer.concat([response, ...Array<Buffer>(count).fill(Buffer.from([0xc0, 12, 0, 16, 0, 1, 0, 0, 0, 60, 0, 0]))]);
}

function frame(message: Buffer): Buffer {
  const head = Buffer.alloc(2);
  head.writeUInt16BE(message.length);
  return Buffer.concat([head, message]);
}

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

  it('addresses and names of servers, with and without port, are fine', () => {
    const servers = ['192.0.2.1', '192.0.2.1:5353', '2001:db8::1', '[2001:db8::1]:53', 'ns.example.org', 'ns.example.org:53'];
    assert.deepEqual(problemsOf(dns, { name: 'example.org.', servers }), {});
  });
});
