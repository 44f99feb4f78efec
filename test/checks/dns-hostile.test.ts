import assert from 'node:assert/strict';
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import dnsModule from 'node:dns';
import { syncBuiltinESMExports } from 'node:module';
import { createServer, type Server } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { type Answer, decode, encode, type Packet, streamEncode, TRUNCATED_RESPONSE } from 'dns-packet';
import dns from '../../checks/dns.ts';
import { codeOf, runCheck } from '../support/check.ts';
import { testContext } from '../support/context.ts';

type Reply = (query: ReturnType<typeof decode>, send: (bytes: Buffer) => void, from: RemoteInfo) => void;

/** A name server that says what the test wants, over UDP; `overTcp` on the same port, which is refused when absent. */
async function fakeServer(reply: Reply, overTcp?: (query: ReturnType<typeof decode>) => Buffer) {
  const socket = createSocket({ type: 'udp4', lookup: (host, _options, done) => done(null, host, 4) });
  socket.on('message', (bytes, from) => reply(decode(bytes), (answer) => socket.send(answer, from.port, from.address), from));
  const tcp = createServer((peer) => {
    peer.on('error', () => {});
    peer.once('data', (bytes) => peer.write(overTcp ? overTcp(decode(bytes.subarray(2))) : ''));
  });
  const port = await bindBoth(socket, tcp);
  if (!overTcp) tcp.close();
  const stop = () => {
    socket.close();
    tcp.close();
  };
  return { at: `127.0.0.1:${port}`, port, stop };
}

/** One port of both protocols: TCP chooses, since on this machine hardly anything else holds ports of UDP. */
async function bindBoth(socket: Socket, tcp: Server): Promise<number> {
  await new Promise<void>((resolve) => tcp.listen(0, '127.0.0.1', resolve));
  const address = tcp.address();
  const port = address && typeof address === 'object' ? address.port : 0;
  try {
    await new Promise<void>((resolve, reject) => socket.once('error', reject).bind(port, '127.0.0.1', resolve));
  } catch (error) {
    tcp.close();
    socket.close();
    throw error;
  }
  return port;
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

describe('dns check on a faulty or hostile name server', () => {
  const ask = async (
    reply: Reply,
    options: Record<string, unknown> = {},
    timeoutMs?: number,
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
    assert.match(seen.output, /no answer within [\d.]+ s/);
  });

  it("[case D04] this machine's own resolvers that say nothing leave us blind: unknown", async (t) => {
    const silent = await fakeServer(() => {});
    useResolvers(t, [silent.at, '127.0.0.1:1']);
    const seen = await runCheck(dns, { name: 'www.site.test' }, testContext({ timeoutMs: 200 }));
    silent.stop();
    assert.deepEqual([seen.kind, codeOf(seen)], ['unknown', 'dns.resolver']);
  });

  it("[K24] of this machine's resolvers the first that knows decides, and SERVFAIL of one does not", async (t) => {
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
    const late = await fakeServer(() => {});
    const quick = await fakeServer((query, send) => send(respond(query, { answers: [A('www.site.test', '192.0.2.1')] })));
    const lookup = t.mock.method(dnsModule, 'lookup');
    syncBuiltinESMExports();
    t.after(() => {
      t.mock.restoreAll();
      syncBuiltinESMExports();
    });
    const contexts = Array.from({ length: 50 }, () => testContext({ timeoutMs: 60_000 }));
    const order: string[] = [];
    const slow = contexts.map(async (context) => {
      const seen = await runCheck(dns, { name: 'www.site.test', servers: [late.at] }, context);
      order.push(codeOf(seen));
    });
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
    await new Promise<void>((resolve) => stranger.bind(0, '127.0.0.1', resolve));
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

  it('[K24] an answer that cannot be read', async () => {
    const seen = await ask((query, send) => {
      const bytes = respond(query, { answers: [A('www.site.test', '192.0.2.1')] });
      send(bytes.subarray(0, bytes.length - 3));
    });
    assert.equal(codeOf(seen), 'dns.malformed');
  });

  it('[K24] an aborted signal ends the check, in every transport', async () => {
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
