import assert from 'node:assert/strict';
import { chmodSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import bitcoin from '../../checks/bitcoin.ts';
import type { Observation } from '../../src/check-type.ts';
import { codeOf, problemsOf, runCheck } from '../support/check.ts';
import { type TestContextSettings, testContext } from '../support/context.ts';
import { AT, HOUR, lookAt } from '../support/derived.ts';
import { freePort, needs, temporaryFolder } from '../support/server.ts';
import { startMicrosocks } from '../support/socks.ts';

const HEIGHT = 850_000;

interface Served {
  port: number;
  close(): Promise<void>;
}

function serve(answer: (request: IncomingMessage, body: string, response: ServerResponse) => void): Promise<Served> {
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (bytes) => {
      body += bytes;
    });
    request.on('end', () => answer(request, body, response));
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const close = () =>
        new Promise<void>((done) => {
          server.closeAllConnections();
          server.close(() => done());
        });
      resolve({ port: address && typeof address === 'object' ? address.port : 0, close });
    });
  });
}

/** As bitcoind answers: 401 without the login, 500 with an error, one method. */
function serveNode(login: string, height: () => string): Promise<Served> {
  return serve((request, body, response) => {
    if (request.headers.authorization !== `Basic ${Buffer.from(login).toString('base64')}`) return response.writeHead(401).end();
    const call = JSON.parse(body) as { id: string; method: string };
    if (call.method !== 'getblockcount') return response.writeHead(403).end();
    const text = height();
    response.writeHead(text.includes('"error":{') ? 500 : 200);
    return response.end(text.includes('{') ? text : `{"result":${text},"error":null,"id":${JSON.stringify(call.id)}}`);
  });
}

describe('bitcoin check', () => {
  const work = temporaryFolder();
  const file = join(work.path, 'height');
  const cookie = join(work.path, 'cookie');
  const open: Served[] = [];
  let answer = String(HEIGHT);
  let node: Served;
  let cookieNode: Served;

  before(async () => {
    node = await serveNode('vigie:CANARY-password', () => answer);
    cookieNode = await serveNode('__cookie__:CANARY-cookie', () => answer);
    writeFileSync(cookie, '__cookie__:CANARY-cookie');
    chmodSync(cookie, 0o600);
  });
  after(async () => {
    await node.close();
    await cookieNode.close();
    work.remove();
  });
  afterEach(async () => {
    answer = String(HEIGHT);
    for (const one of open.splice(0)) await one.close();
  });

  /** Sources with these answers: a text, or null for one that accepts and is silent. */
  const sourcesOf = async (answers: (string | null)[], extra: Record<string, unknown> = {}) => {
    const sources: Record<string, unknown>[] = [];
    for (const text of answers) {
      const one = await serve((_request, _body, response) => {
        if (text !== null) response.end(text);
      });
      open.push(one);
      sources.push({ name: `source${sources.length + 1}`, url: `http://127.0.0.1:${one.port}/`, ...extra });
    }
    return sources;
  };
  const run = async (answers: (string | null)[], given: Record<string, unknown> = {}, settings: TestContextSettings = {}) => {
    const context = testContext({ secrets: { PASSWORD: 'CANARY-password' }, ...settings });
    const rpc = { url: `http://127.0.0.1:${node.port}/`, user: 'vigie', password: { env: 'PASSWORD' } };
    const sources = await sourcesOf(answers);
    const seen: Observation = await runCheck(bitcoin, { rpc, sources, source_timeout: 60, ...given }, context);
    assert.ok(!JSON.stringify([seen, context.steps]).includes('CANARY'));
    return seen;
  };
  const near = (...lags: number[]) => lags.map((lag) => String(HEIGHT + lag));

  it('[K8] a node at the height that its sources agree on, by password', async () => {
    const seen = await run(near(0, 0, 0));
    assert.equal(seen.kind, 'measured', seen.output);
    assert.equal(seen.output, 'height 850000, as say 3 of 3 sources');
    assert.deepEqual(seen.metrics, { height: HEIGHT, lag: 0, rewound: 0, outvoted: 0, silent: 0 });
  });

  it('[K8] by cookie, which others must not be able to read', async () => {
    const rpc = { url: `http://127.0.0.1:${cookieNode.port}/`, cookie: { file: cookie } };
    assert.equal((await run(near(0), { rpc })).kind, 'measured');
    chmodSync(cookie, 0o644);
    assert.equal(codeOf(await run(near(0), { rpc })), 'secret.mode');
    chmodSync(cookie, 0o600);
  });

  it('[K8] from a file that the node writes: a number, or a place in JSON, fresh', async () => {
    const now = Date.now();
    const given = (extra = {}) => ({ rpc: undefined, file: { path: file, max_age: 900, ...extra } });
    writeFileSync(file, `${HEIGHT}\n`);
    assert.equal((await run(near(3), given(), { now })).metrics?.['lag'], 3);
    writeFileSync(file, JSON.stringify({ chain: 'main', blocks: HEIGHT - 1 }));
    assert.equal((await run(near(0), given({ json: 'blocks' }), { now })).metrics?.['lag'], 1);
    utimesSync(file, now / 1000 - 1000, now / 1000 - 1000);
    const stale = await run(near(0), given(), { now });
    assert.deepEqual([stale.kind, codeOf(stale)], ['unknown', 'file.stale']);
    assert.equal(codeOf(await run(near(0), given({ path: join(work.path, 'none') }), { now })), 'file.missing');
    writeFileSync(file, 'error: could not connect\n');
    assert.equal(codeOf(await run(near(0), given(), { now: Date.now() })), 'bitcoin.height');
  });

  it('[K8] the lag in blocks is measured behind and ahead', async () => {
    const behind = await run(near(8, 8, 9));
    assert.equal(behind.metrics?.['lag'], 8);
    assert.equal(behind.output, 'height 850000, 8 blocks behind 3 of 3 sources');
    const ahead = await run(near(-5, -5, -5));
    assert.equal(ahead.output, 'height 850000, 5 blocks ahead of 3 of 3 sources');
    assert.deepEqual(bitcoin.thresholds['lag'], { warning: '-3:3', critical: '-6:6' });
  });

  it('[K8] a source that lies is outvoted and named', async () => {
    const seen = await run([String(HEIGHT), String(HEIGHT - 1), '999999', String(HEIGHT)]);
    assert.equal(seen.kind, 'measured');
    assert.equal(seen.output, 'height 850000, as say 3 of 4 sources; source3 says 999999');
    assert.deepEqual([seen.metrics?.['lag'], seen.metrics?.['outvoted']], [0, 1]);
    assert.deepEqual(
      seen.parts?.map(({ name, state }) => `${name} ${state}`),
      ['source1 OK', 'source2 OK', 'source3 WARNING', 'source4 OK'],
    );
  });

  it('[K8] a source that is silent or refuses is named and not waited for beyond its time', async () => {
    const sources = await sourcesOf([String(HEIGHT), String(HEIGHT), null]);
    sources.push({ name: 'gone', url: `http://127.0.0.1:${await freePort()}/` });
    const seen = await run([], { sources, quorum: 2, source_timeout: 1 });
    assert.equal(seen.output, 'height 850000, as say 2 of 4 sources; source3 is silent, gone is silent');
    assert.equal(seen.metrics?.['silent'], 2);
    assert.match(seen.parts?.[2]?.output ?? '', /no answer within 1 s/);
    assert.match(seen.parts?.[3]?.output ?? '', /refuses connections/);
  });

  const undecided: { name: string; answers: (string | null)[]; quorum?: number }[] = [
    { name: 'too few answers', answers: [String(HEIGHT), 'x', '<html>'] },
    { name: 'all of them of different minds', answers: ['1', '500', '100000'] },
    { name: 'two against two, though two were enough', answers: ['800000', '800001', '850000', '850000'], quorum: 2 },
  ];
  for (const { name, answers, quorum } of undecided) {
    it(`[W1] ${name}: nothing is known, and the node is not blamed`, async () => {
      const seen = await run(answers, { quorum });
      assert.deepEqual([seen.kind, codeOf(seen)], ['unknown', 'bitcoin.quorum'], seen.output);
      assert.equal(seen.metrics?.['lag'], undefined);
      assert.match(seen.output, /source\d (says|is silent)/);
    });
  }

  it('[K8] a source may hold the height inside of JSON', async () => {
    const sources = await sourcesOf([`{"data":{"height":${HEIGHT}}}`], { json: 'data.height' });
    assert.equal((await run([], { sources })).metrics?.['lag'], 0);
  });

  const hostile: { name: string; text: string; code: string }[] = [
    { name: 'negative', text: '-1', code: 'bitcoin.height' },
    { name: 'a string', text: '"850000"', code: 'bitcoin.height' },
    { name: '1e308', text: '1e308', code: 'bitcoin.height' },
    { name: '2^53+1', text: '9007199254740993', code: 'bitcoin.height' },
    { name: 'a fraction', text: '850000.5', code: 'bitcoin.height' },
    { name: 'null', text: 'null', code: 'bitcoin.height' },
    { name: 'deep', text: '['.repeat(100_000) + ']'.repeat(100_000), code: 'bitcoin.height' },
    { name: 'of another request', text: '{"result":850000,"error":null,"id":"other"}', code: 'bitcoin.answer' },
    { name: 'not JSON', text: '{oops', code: 'bitcoin.answer' },
    { name: 'longer than allowed', text: `{"result":"${'x'.repeat(300_000)}"}`, code: 'size.body' },
    {
      name: 'an error while the node starts',
      text: '{"result":null,"error":{"code":-28,"message":"Loading block index\\u001b[31m…"},"id":"vigie"}',
      code: 'bitcoin.error',
    },
  ];
  for (const { name, text, code } of hostile) {
    it(`[case A06] a node whose answer is ${name} is ${code}`, async () => {
      answer = text;
      const seen = await run(near(0, 0, 0));
      assert.deepEqual([seen.kind, codeOf(seen)], ['failed', code], seen.output);
      assert.ok(seen.output.length <= 160 && !seen.output.includes('\u001b'));
    });
    it(`[case A06] a source whose answer is ${name} is silent`, async () => {
      const seen = await run([text, ...near(0, 0)]);
      assert.deepEqual([seen.metrics?.['silent'], seen.metrics?.['lag']], [1, 0], seen.output);
    });
  }

  it('[case A07] a height below that of the last run is measured, with a WARNING threshold', async () => {
    const seen = await run(near(0, 0), {}, { memory: { height: HEIGHT + 4 } });
    assert.equal(seen.metrics?.['rewound'], 4);
    assert.deepEqual(bitcoin.thresholds['rewound'], { warning: 0 });
    assert.deepEqual(seen.memory, { height: HEIGHT });
  });

  it('[K8] a node that refuses the login or is down is failed', async () => {
    const secrets = { PASSWORD: 'CANARY-wrong' };
    assert.equal(codeOf(await run(near(0), {}, { secrets })), 'bitcoin.login');
    const rpc = { url: `http://127.0.0.1:${await freePort()}/`, user: 'vigie', password: { env: 'PASSWORD' } };
    assert.equal(codeOf(await run(near(0), { rpc })), 'network.refused');
  });

  it('[N2] works through a SOCKS proxy, whose own fault is none of the sources', needs('microsocks'), async () => {
    const proxy = await startMicrosocks();
    const settings = { proxy: { name: 'socks', host: '127.0.0.1', port: proxy.port } };
    assert.equal((await run(near(0, 1, 0), {}, settings)).kind, 'measured');
    await proxy.stop();
    writeFileSync(file, String(HEIGHT));
    const down = await run(near(0, 0), { rpc: undefined, file: { path: file, max_age: 900 } }, settings);
    assert.deepEqual([down.kind, codeOf(down)], ['unknown', 'proxy.refused']);
  });

  const source = { url: 'http://192.0.2.1/' };
  const rpcOf = (login: object) => ({ rpc: { url: 'http://192.0.2.1/', ...login }, sources: [source] });
  const given = { path: '/x', max_age: 900 };
  const wrong: { name: string; options: Record<string, unknown>; key: string }[] = [
    { name: 'neither a file nor rpc', options: { sources: [source] }, key: 'file' },
    { name: 'a file and rpc', options: { file: given, ...rpcOf({ cookie: { env: 'X' } }) }, key: 'file' },
    { name: 'rpc without a login', options: rpcOf({}), key: 'rpc' },
    { name: 'rpc with two logins', options: rpcOf({ cookie: { env: 'X' }, user: 'u', password: { env: 'Y' } }), key: 'rpc' },
    { name: 'one server twice', options: { file: given, sources: [source, { url: 'http://192.0.2.1/b' }] }, key: 'sources' },
    { name: 'a quorum beyond the sources', options: { file: given, sources: [source], quorum: 2 }, key: 'quorum' },
    { name: 'a path that is none', options: { file: given, sources: [{ ...source, json: 'a..b' }] }, key: 'sources' },
  ];
  for (const { name, options, key } of wrong) {
    it(`[A1] ${name} is refused by the configuration`, () => assert.deepEqual(Object.keys(problemsOf(bitcoin, options)), [key]));
  }
});

describe("a bitcoin node's height in its host's report", () => {
  const PATH = '/run/bitcoin/height';
  const look = async (files: object[]) => {
    const source = await serve((_request, _body, response) => response.end(String(HEIGHT)));
    const options = { reported: { path: PATH, max_age: 900 }, sources: [{ url: `http://127.0.0.1:${source.port}/` }] };
    const seen = await lookAt(bitcoin, { files: { list: files } }, { options });
    await source.close();
    return seen;
  };

  it('[K8] is what the node itself wrote down', async () => {
    const seen = await look([{ path: PATH, modified: AT - 60, size: 7, number: HEIGHT - 4 }]);
    assert.deepEqual([seen.output, seen.metrics?.['lag']], [`height ${HEIGHT - 4}, 4 blocks behind 1 of 1 sources`, 4]);
  });

  for (const { name, files, code } of [
    { name: 'an old file', files: [{ path: PATH, modified: AT - HOUR, size: 7, number: HEIGHT }], code: 'file.stale' },
    { name: 'no file', files: [{ path: PATH, modified: null, size: 0, number: null }], code: 'file.missing' },
    { name: 'a file without a number', files: [{ path: PATH, modified: AT, size: 0, number: null }], code: 'file.number' },
    { name: 'a file that the agent does not report', files: [], code: 'file.unasked' },
  ]) {
    it(`[K8] ${name} says nothing of the node: UNKNOWN ${code}`, async () => {
      const seen = await look(files);
      assert.deepEqual([seen.kind, codeOf(seen)], ['unknown', code]);
    });
  }

  it('[K8] only then it reads the report, and its sources are still asked through the proxy', () => {
    const reads = bitcoin.readsReport;
    assert.ok(typeof reads === 'function');
    assert.deepEqual([reads({ reported: { path: PATH } } as never), reads({} as never)], [true, false]);
    assert.ok(bitcoin.proxied);
  });
});
