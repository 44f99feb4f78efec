import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { mkdirSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import bittorrent from '../../checks/bittorrent.ts';
import type { Observation } from '../../src/check-type.ts';
import { codeOf, problemsOf, runCheck } from '../support/check.ts';
import { type TestContextSettings, testContext } from '../support/context.ts';
import { type Nginx, startNginx } from '../support/nginx.ts';
import { rawServer } from '../support/raw-server.ts';
import { freePort, needs, temporaryFolder } from '../support/server.ts';
import { startMicrosocks } from '../support/socks.ts';
import { startOpentracker, startTransmission } from '../support/torrents.ts';

const PIECE = 16 * 1024;
const CONTENT = randomBytes(PIECE * 3 + 100);

function bencode(value: unknown): Buffer {
  if (typeof value === 'number') return Buffer.from(`i${value}e`);
  if (typeof value === 'string') return bencode(Buffer.from(value));
  if (Buffer.isBuffer(value)) return Buffer.concat([Buffer.from(`${value.length}:`), value]);
  if (Array.isArray(value)) return Buffer.concat([Buffer.from('l'), ...value.map(bencode), Buffer.from('e')]);
  const entries = Object.entries(value as object).flatMap(([key, item]) => [bencode(key), bencode(item)]);
  return Buffer.concat([Buffer.from('d'), ...entries, Buffer.from('e')]);
}

function pieceHashes(): Buffer {
  const hashes: Buffer[] = [];
  for (let at = 0; at < CONTENT.length; at += PIECE) {
    hashes.push(
      createHash('sha1')
        .update(CONTENT.subarray(at, at + PIECE))
        .digest(),
    );
  }
  return Buffer.concat(hashes);
}

const INFO = { length: CONTENT.length, name: 'os-1.0.iso', 'piece length': PIECE, pieces: pieceHashes() };
const INFO_HASH = createHash('sha1').update(bencode(INFO)).digest();

function makeTorrent(trackers: string[]): Buffer {
  return bencode({ announce: trackers[0] ?? '', 'announce-list': trackers.map((one) => [one]), info: INFO });
}

const run = (given: Record<string, unknown>, settings: TestContextSettings = {}): Promise<Observation> =>
  runCheck(bittorrent, { allow_private: true, peer_timeout: 60, ...given }, testContext(settings));

/** Until it is as wanted, at most 10 times: transmission refuses an address whose last connection it has not yet seen end. */
async function settle(given: Record<string, unknown>, settings: TestContextSettings = {}): Promise<Observation> {
  for (let time = 1; ; time += 1) {
    const seen = await run(given, settings);
    if (seen.kind === 'measured' || time === 10) return seen;
    await new Promise((resolve) => setTimeout(resolve, 600));
  }
}

describe(
  'bittorrent check with the real opentracker and transmission',
  needs('opentracker', 'transmission-daemon', 'nginx'),
  () => {
    const work = temporaryFolder();
    const file = join(work.path, 'os.torrent');
    let tracker: Awaited<ReturnType<typeof startOpentracker>>;
    let seed: Awaited<ReturnType<typeof startTransmission>>;
    let web: Nginx;
    let http = '';
    let udp = '';
    before(async () => {
      tracker = await startOpentracker(work.path, [INFO_HASH.toString('hex')]);
      http = `http://127.0.0.1:${tracker.port}/announce`;
      udp = `udp://127.0.0.1:${tracker.port}/announce`;
      mkdirSync(join(work.path, 'files'));
      writeFileSync(join(work.path, 'files/os-1.0.iso'), CONTENT);
      writeFileSync(file, makeTorrent([http, udp]));
      seed = await startTransmission(work.path, file);
      web = await startNginx();
      // What counts is that the tracker knows of it.
      const deadline = performance.now() + 120_000;
      while ((await run({ file, peer_timeout: 2 })).kind !== 'measured' && performance.now() < deadline) {
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
    });
    after(async () => {
      await seed?.stop();
      await tracker?.stop();
      await web?.stop();
      work.remove();
    });

    for (const name of ['http', 'udp']) {
      it(`[K9] a seed that a tracker names over ${name} proves to have all pieces`, async () => {
        const seen = await settle({ file, trackers: [name === 'http' ? http : udp] });
        assert.equal(seen.kind, 'measured', seen.output);
        assert.match(seen.output, /^os-1\.0\.iso: 1 seeds of \d peers$/);
        assert.deepEqual([seen.metrics?.['seeds'], seen.metrics?.['announced_seeds']], [1, 1]);
      });
    }

    it('[K9] one piece is fetched and right', async () => {
      const seen = await settle({ file, piece: true, piece_timeout: 25 });
      assert.equal(seen.kind, 'measured', seen.output);
      assert.match(seen.output, /a piece is right$/);
    });

    it('[K9] the newest torrent of a listing, and one by its address', async () => {
      mkdirSync(join(web.root, 'torrents'));
      writeFileSync(join(web.root, 'torrents/os-1.0.torrent'), makeTorrent([http]));
      writeFileSync(join(web.root, 'torrents/os-0.9.torrent'), 'old');
      const url = `http://127.0.0.1:${web.port}/torrents/`;
      assert.equal((await settle({ listing: { url, match: 'os-*.torrent' } })).kind, 'measured');
      assert.equal(codeOf(await run({ listing: { url, match: '*.magnet' } })), 'listing.none');
      assert.equal((await settle({ url: `${url}os-1.0.torrent` })).kind, 'measured');
      assert.equal(codeOf(await run({ url: `${url}os-0.9.torrent` })), 'bencode.syntax');
    });

    it('[K9] fewer seeds than wanted, and a tracker that is gone beside one that answers', async () => {
      assert.equal(codeOf(await run({ file, min_seeds: 2 })), 'seed.few');
      const seen = await settle({ file, trackers: [http, `http://127.0.0.1:${await freePort()}/announce`] });
      assert.equal(seen.metrics?.['trackers_failed'], 1, seen.output);
      assert.deepEqual(
        seen.parts?.map(({ state }) => state),
        ['OK', 'WARNING'],
      );
    });

    it('[K9] a torrent that the tracker does not serve is refused in its words', async () => {
      const other = join(work.path, 'other.torrent');
      writeFileSync(other, bencode({ announce: http, info: { ...INFO, name: 'other' } }));
      assert.equal(codeOf(await run({ file: other })), 'tracker.refused');
    });

    it('[case B06] without allow_private no private tracker or peer is dialled', async () => {
      assert.match(codeOf(await run({ file, allow_private: false })), /^(?:redirect|network)\.address$/);
      const seen = await run({ file, allow_private: false, trackers: [http] });
      assert.equal(codeOf(seen), 'seed.few');
      assert.ok((seen.metrics?.['peers'] ?? 0) >= 1);
    });

    it('[N2] works through a SOCKS proxy over HTTP; UDP is told apart', needs('microsocks'), async () => {
      const proxy = await startMicrosocks();
      const settings = { proxy: { name: 'socks', host: '127.0.0.1', port: proxy.port } };
      assert.equal((await settle({ file, trackers: [http] }, settings)).kind, 'measured');
      assert.equal(codeOf(await run({ file, trackers: [udp] }, settings)), 'option.udp');
      await proxy.stop();
    });
  },
);

describe('bittorrent check against hostile trackers and peers', () => {
  const work = temporaryFolder();
  const file = join(work.path, 'os.torrent');
  writeFileSync(file, makeTorrent(['http://192.0.2.1/announce']));
  after(() => work.remove());

  /** A tracker that answers all with this body. */
  const track = async (body: Buffer, head = 'HTTP/1.1 200 OK') => {
    const head2 = `${head}\r\nContent-Length: ${body.length}\r\n\r\n`;
    const server = await rawServer((socket) => socket.end(Buffer.concat([Buffer.from(head2), body])));
    return { ...server, url: `http://127.0.0.1:${server.port}/announce` };
  };
  const told = async (body: Buffer, head?: string, given: Record<string, unknown> = {}): Promise<Observation> => {
    const tracker = await track(body, head);
    const seen = await run({ file, trackers: [tracker.url], peer_timeout: 1, ...given });
    await tracker.close();
    return seen;
  };
  /** A swarm of one peer that answers the greeting so. */
  const meet = async (answer: (socket: Socket) => void, given: Record<string, unknown> = {}): Promise<Observation> => {
    const peer = await rawServer((socket) => answer(socket));
    const address = Buffer.from([127, 0, 0, 1, peer.port >> 8, peer.port & 255]);
    const seen = await told(bencode({ complete: 1_000_000_000, peers: address }), undefined, given);
    await peer.close();
    return seen;
  };
  const greeting = (hash = INFO_HASH) =>
    Buffer.concat([Buffer.from('\x13BitTorrent protocol', 'latin1'), Buffer.alloc(8), hash, Buffer.alloc(20, 65)]);
  const message = (id: number, body = Buffer.alloc(0)) => {
    const head = Buffer.alloc(5, id);
    head.writeUInt32BE(body.length + 1);
    return Buffer.concat([head, body]);
  };
  const ALL = message(5, Buffer.from([0xf0]));

  const answers: { name: string; body: Buffer; code: RegExp }[] = [
    { name: '[case B01] nested 100,000 deep', body: Buffer.alloc(50_000, 'l'), code: /^bencode\.depth$/ },
    { name: '[case B02] with a leading zero', body: Buffer.from('d8:completei01ee'), code: /^bencode\.syntax$/ },
    { name: '[case B02] with -0', body: Buffer.from('d8:completei-0ee'), code: /^bencode\.syntax$/ },
    {
      name: '[case B02] with a number beyond all',
      body: Buffer.from(`d8:completei${'9'.repeat(40)}ee`),
      code: /^bencode\.syntax$/,
    },
    { name: '[case B03] with a text longer than all', body: Buffer.from('d5:peers999999999:abce'), code: /^bencode\.syntax$/ },
    { name: '[case B04] with a key that stands twice', body: Buffer.from('d1:ai1e1:ai2ee'), code: /^bencode\.syntax$/ },
    { name: '[K9] that is a web page', body: Buffer.from('<html>'), code: /^bencode\.syntax$/ },
  ];
  for (const { name, body, code } of answers) {
    it(`${name}: the answer of a tracker is refused`, async () => assert.match(codeOf(await told(body)), code));
  }

  it('[case B05] a redirect of the tracker is not followed', async () => {
    const seen = await told(Buffer.alloc(0), 'HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/');
    assert.equal(codeOf(seen), 'tracker.status');
  });

  it('[case B06] a billion seeds that nobody proves are no seed, and a thousand peers are not all dialled', async () => {
    const port = await freePort();
    const peers = Buffer.concat(
      Array.from({ length: 1000 }, (_, i) => Buffer.from([127, 0, i >> 8, i & 255, port >> 8, port & 255])),
    );
    const seen = await told(bencode({ complete: 1_000_000_000, peers }));
    assert.equal(codeOf(seen), 'seed.few');
    assert.deepEqual([seen.metrics?.['announced_seeds'], seen.metrics?.['peers']], [1_000_000_000, 200]);
  });

  it('[case B07] a UDP tracker with another transaction is not heard', async () => {
    const socket = createSocket('udp4');
    await new Promise<void>((resolve) => {
      socket.bind(0, '127.0.0.1', resolve);
    });
    socket.on('message', (_bytes, from) => socket.send(Buffer.alloc(200), from.port, from.address));
    const seen = await run({ file, trackers: [`udp://127.0.0.1:${socket.address().port}`], peer_timeout: 1 });
    socket.close();
    assert.match(codeOf(seen), /^(?:tracker\.silent|timeout\.part)$/);
  });

  const swarms: { name: string; answer: (socket: Socket) => void }[] = [
    { name: 'greets with another torrent', answer: (socket) => socket.write(Buffer.concat([greeting(Buffer.alloc(20)), ALL])) },
    {
      name: 'sends a bitfield without end',
      answer: (socket) => socket.write(Buffer.concat([greeting(), message(5, Buffer.alloc(60_000, 255))])),
    },
    { name: 'announces a message of 4 GB', answer: (socket) => socket.write(Buffer.concat([greeting(), Buffer.alloc(5, 255)])) },
    {
      name: 'sends empty messages without end',
      answer: (socket) => socket.write(Buffer.concat([greeting(), Buffer.alloc(40_000)])),
    },
    {
      name: 'has not all pieces',
      answer: (socket) => socket.write(Buffer.concat([greeting(), message(5, Buffer.from([0xe0])), message(15)])),
    },
    { name: 'speaks HTTP', answer: (socket) => socket.write(`HTTP/1.1 400 Bad Request\r\n\r\n${'x'.repeat(200)}`) },
    { name: 'is silent', answer: () => {} },
  ];
  for (const { name, answer } of swarms) {
    it(`[case B08] a peer that ${name} is no seed`, async () => {
      const seen = await meet(answer);
      assert.equal(codeOf(seen), 'seed.few', seen.output);
      assert.equal(seen.metrics?.['seeds'], 0);
    });
  }

  it('[case B09] a seed that serves no piece, or a wrong one, is seed.not_serving', async () => {
    const given = { piece: true, piece_timeout: 1 };
    const silent = await meet((socket) => socket.write(Buffer.concat([greeting(), ALL])), given);
    assert.equal(codeOf(silent), 'seed.not_serving');
    assert.match(silent.output, /serve no piece/);
    const wrong = await meet((socket) => {
      socket.write(Buffer.concat([greeting(), ALL, message(1)]));
      socket.on('data', (bytes) => {
        const at = bytes.lastIndexOf(Buffer.from([0, 0, 0, 13, 6]));
        if (at < 0) return;
        const length = bytes.readUInt32BE(at + 13);
        socket.write(message(7, Buffer.concat([bytes.subarray(at + 5, at + 13), Buffer.alloc(length)])));
      });
    }, given);
    assert.equal(codeOf(wrong), 'seed.not_serving');
    assert.match(wrong.output, /serve what is wrong/);
  });

  it('[A1] one of file, url and listing says which torrent', () => {
    assert.deepEqual(Object.keys(problemsOf(bittorrent, {})), ['file']);
    assert.deepEqual(problemsOf(bittorrent, { file: '/x' }), {});
  });
});
