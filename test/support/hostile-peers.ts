import { createSocket } from 'node:dgram';
import type { Socket } from 'node:net';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { decode, encode } from 'dns-packet';
import { certificateRig, DAY } from './certificates.ts';
import { rawServer } from './raw-server.ts';
import { type LocalServer, startRawServer, startTlsServer } from './tls-server.ts';

/** What a page or a mail must show as text, in every encoding trick that we know. */
export const EVIL =
  '<script>alert(1)</script>"><img src=x onerror=alert(2)>{{7*7}}${7*7}\\\\" \u001b[31mred\u001b]0;title\u0007\u202egnp.\u2066x\u2069\u200b\u0085\r\nBcc: thief@evil.example\r\n\r\n.\r\n';
/** As much of it as may stand in a header: with control characters Node refuses the whole answer (case H15). */
const EVIL_HEADER = Buffer.from(EVIL.replace(/[\u0000-\u001f\u0085]/g, ' ').trim());
const EVIL_BYTES = Buffer.concat([Buffer.from(EVIL), Buffer.from([0xff, 0xfe, 0xc0, 0xaf, 0xed, 0xa0, 0x80])]);

/** One peer and the drop-in's lines of a check on it. */
export interface Peer {
  name: string;
  /** Options as flow YAML, without braces. */
  check: string;
  /** The reason code that the check must end with. */
  code: string;
  stop(): unknown;
}

type Script = (socket: Socket) => void;

/** Writes as fast as the peer takes it, for ever. */
function pour(socket: Socket, chunk: Buffer | string): void {
  const go = () => {
    while (!socket.destroyed && socket.write(chunk));
    if (!socket.destroyed) socket.once('drain', go);
  };
  go();
}

function drip(socket: Socket, text: string): void {
  const timer = setInterval(() => socket.write(text), 100);
  socket.on('close', () => clearInterval(timer));
}

const HEAD = 'HTTP/1.1 200 OK\r\n';
const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024));
const brotliBomb = brotliCompressSync(Buffer.alloc(16 * 1024 * 1024));
const encoded = (name: string, bytes: Buffer): Script => {
  return (socket) => {
    socket.write(`${HEAD}Content-Encoding: ${name}\r\nContent-Length: ${bytes.length}\r\n\r\n`);
    socket.end(bytes);
  };
};

const HTTP: { name: string; code: string; more?: string; script: Script }[] = [
  { name: 'silent', code: 'timeout.total', script: () => {} },
  {
    name: 'header-drip',
    code: 'timeout.total',
    script: (socket) => {
      socket.write(HEAD);
      drip(socket, `X-${Math.random()}: y\r\n`);
    },
  },
  {
    name: 'body-drip',
    code: 'timeout.total',
    script: (socket) => {
      socket.write(`${HEAD}\r\n`);
      drip(socket, 'x');
    },
  },
  {
    name: 'endless-body',
    code: 'size.body',
    script: (socket) => {
      socket.write(`${HEAD}\r\n`);
      pour(socket, Buffer.alloc(65_536, 'x'));
    },
  },
  {
    name: 'endless-headers',
    code: 'protocol.header_overflow',
    script: (socket) => {
      socket.write(HEAD);
      pour(socket, `X-Filler: ${'y'.repeat(8000)}\r\n`);
    },
  },
  { name: 'gzip-bomb', code: 'encoding.refused', script: encoded('gzip', bomb) },
  { name: 'brotli-bomb', code: 'encoding.refused', script: encoded('br', brotliBomb) },
  { name: 'garbage', code: 'protocol.', script: (socket) => pour(socket, Buffer.from('\x00\x01\xfe garbage \r\n', 'latin1')) },
  {
    name: 'evil-status',
    code: 'http.status',
    script: (socket) => {
      socket.write(`HTTP/1.1 302 `);
      socket.write(EVIL_HEADER);
      socket.write('\r\nLocation: ');
      socket.write(EVIL_HEADER);
      socket.end('\r\nContent-Length: 0\r\n\r\n');
    },
  },
  {
    name: 'evil-header',
    code: 'header.wrong',
    more: 'response_headers: { X-Powered-By: sense }',
    script: (socket) => {
      socket.write(`${HEAD}X-Powered-By: `);
      socket.write(EVIL_HEADER);
      socket.end('\r\nContent-Length: 0\r\n\r\n');
    },
  },
  {
    name: 'evil-body',
    code: 'content.missing',
    more: 'body: Welcome',
    script: (socket) => {
      socket.write(`${HEAD}Content-Length: ${EVIL_BYTES.length}\r\n\r\n`);
      socket.end(EVIL_BYTES);
    },
  },
];

/** Every peer that breaks rules, hides, floods or speaks in attacks; all of them wait on 127.0.0.1. */
export async function startHostilePeers(): Promise<Peer[]> {
  const peers: Peer[] = [];
  for (const { name, code, more, script } of HTTP) {
    const { port, close } = await rawServer(script);
    const rest = more === undefined ? '' : `, ${more}`;
    peers.push({ name, code, check: `type: http, url: "http://127.0.0.1:${port}/"${rest}`, stop: close });
  }
  const raw = async (name: string, code: string, more: string, onConnect: Script) => {
    const server = await startRawServer(onConnect);
    peers.push({ name, code, check: `${more}, address: 127.0.0.1, port: ${server.port}`, stop: server.stop });
    return server;
  };
  await raw('evil-banner', 'timeout.total', 'type: tcp, expect: "220 "', (socket) => void socket.write(EVIL_BYTES));
  await raw('tls-stall', 'timeout.total', 'type: tls', (socket) => void socket.write(Buffer.from([22, 3, 3, 64, 0, 2])));
  await raw('banner-flood', 'size.wire', 'type: tls, starttls: smtp', (socket) => pour(socket, `220-${'x'.repeat(900)}\r\n`));
  peers.push(...(await startTlsPeers()), ...(await startNamePeers()));
  return peers;
}

async function startTlsPeers(): Promise<Peer[]> {
  const rig = certificateRig();
  const expired = rig.issue('expired', { notBefore: Date.now() - 40 * DAY, notAfter: Date.now() - 10 * DAY });
  const evil = rig.issue('evil', { cn: EVIL, san: [`${EVIL}.example`, 'a\0b.example', 'DNS:site.test'] });
  const one = async (name: string, code: string, server: LocalServer): Promise<Peer> => {
    const trust = `server_name: site.test, tls: { ca: ${rig.caFile} }`;
    return { name, code, check: `type: tls, address: 127.0.0.1, port: ${server.port}, ${trust}`, stop: server.stop };
  };
  const peer = await one('tls-expired', 'tls.expired', await startTlsServer(expired));
  const stop = () => {
    peer.stop();
    rig.remove();
  };
  return [{ ...peer, stop }, await one('tls-evil-name', 'tls.name', await startTlsServer(evil))];
}

/** A name server that never answers and one whose TXT is an attack. */
async function startNamePeers(): Promise<Peer[]> {
  const silent = createSocket('udp4');
  const evil = createSocket('udp4');
  evil.on('message', (bytes, from) => {
    const { id, questions = [] } = decode(bytes);
    const name = questions[0]?.name ?? '';
    const data = [EVIL_BYTES.subarray(0, 250)];
    evil.send(
      encode({ type: 'response', id: id ?? 0, questions, answers: [{ type: 'TXT', name, data }] }),
      from.port,
      from.address,
    );
  });
  for (const socket of [silent, evil]) await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  const at = (socket: typeof silent) => `servers: "127.0.0.1:${socket.address().port}"`;
  const fifty = Array.from({ length: 50 }, (_, index) => ({
    name: `dns-silent-${index}`,
    code: 'dns.timeout',
    check: `type: dns, name: n${index}.example.org, ${at(silent)}`,
    stop: () => {},
  }));
  const text = `type: dns, name: evil.example.org, record: TXT, expect: "v=spf1 -all", ${at(evil)}`;
  return [
    ...fifty,
    { name: 'dns-evil-text', code: 'content.missing', check: text, stop: () => [silent, evil].map((socket) => socket.close()) },
  ];
}
