import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import type { Context } from '../check-type.ts';
import { TargetFailure } from '../core/failure.ts';
import { cleanBytes } from '../core/text.ts';
import { isPublicAddress, withoutBrackets } from './address.ts';
import { type Bencoded, decodeBencode } from './bencode.ts';
import { requestHttp } from './http.ts';
import { toAbortFailure } from './limits.ts';
import type { Torrent } from './torrent.ts';

export interface Peer {
  host: string;
  port: number;
}

export interface Announced {
  /** What the tracker says: no proof of anything. */
  seeds: number;
  peers: Peer[];
}

export interface Announce {
  torrent: Torrent;
  peerId: Buffer;
  event: 'started' | 'stopped';
  /** Whether only public addresses are asked: the torrent named the tracker, not the configuration. */
  publicOnly: boolean;
}

/** Of ours, as if we listened there: trackers want one. */
const PORT = 6881;
const MAX_ANSWER = 64 * 1024;
const MAX_PEERS = 200;

/** Asks one tracker who has the torrent. Throws TargetFailure `tracker.*` and those of HTTP. */
export function announce(tracker: string, what: Announce, context: Context): Promise<Announced> {
  return tracker.startsWith('udp:') ? announceOverUdp(new URL(tracker), what, context) : announceOverHttp(tracker, what, context);
}

async function announceOverHttp(tracker: string, what: Announce, context: Context): Promise<Announced> {
  const { torrent, peerId, event, publicOnly } = what;
  const url = new URL(tracker);
  const percent = (bytes: Buffer) => bytes.toString('hex').replace(/../g, '%$&');
  const rest = `port=${PORT}&uploaded=0&downloaded=0&left=${torrent.length}&compact=1&numwant=50&event=${event}`;
  const query = `info_hash=${percent(torrent.infoHash)}&peer_id=${percent(peerId)}&${rest}`;
  url.search = `${url.search === '' ? '?' : `${url.search}&`}${query}`;
  const dial: Context['dial'] = (target) => context.dial({ ...target, publicOnly });
  const { status, body } = await requestHttp({ url: url.href, maxBody: MAX_ANSWER }, { ...context, dial });
  if (status !== 200) throw new TargetFailure('tracker.status', `HTTP ${status} from the tracker, expected 200`);
  return parseAnnounced(body);
}

/** The answer over HTTP (BEP 3, compact by BEP 23, IPv6 by BEP 7). Throws TargetFailure `tracker.refused`, `tracker.answer`, `bencode.*`. */
export function parseAnnounced(body: Buffer): Announced {
  const { value } = decodeBencode(body);
  if (!(value instanceof Map)) throw new TargetFailure('tracker.answer', 'the answer of the tracker is no dictionary');
  const reason = value.get('failure reason');
  if (reason !== undefined) {
    const words = Buffer.isBuffer(reason) ? cleanBytes(reason, 80) : 'no reason';
    throw new TargetFailure('tracker.refused', `the tracker refuses: ${words}`);
  }
  const seeds = value.get('complete');
  const peers = [...toPeers(value.get('peers')), ...readPeers(toBytes(value.get('peers6')), 16)];
  return { seeds: typeof seeds === 'number' ? Math.max(0, seeds) : 0, peers: peers.slice(0, MAX_PEERS) };
}

function toBytes(value: Bencoded | undefined): Buffer {
  return Buffer.isBuffer(value) ? value : Buffer.alloc(0);
}

function toPeers(value: Bencoded | undefined): Peer[] {
  if (!Array.isArray(value)) return readPeers(toBytes(value), 4);
  return value.slice(0, MAX_PEERS).flatMap((one) => {
    const [host, port] = one instanceof Map ? [one.get('ip'), one.get('port')] : [];
    const isPeer = Buffer.isBuffer(host) && /^[0-9A-Fa-f.:]{2,45}$/.test(host.toString('latin1'));
    return isPeer && typeof port === 'number' && port > 0 && port < 65_536 ? [{ host: host.toString('latin1'), port }] : [];
  });
}

/** Addresses of `size` bytes with a port behind each. */
function readPeers(bytes: Buffer, size: 4 | 16): Peer[] {
  const peers: Peer[] = [];
  for (let at = 0; at + size + 2 <= bytes.length && peers.length < MAX_PEERS; at += size + 2) {
    const port = bytes.readUInt16BE(at + size);
    const address = bytes.subarray(at, at + size);
    const host = size === 4 ? address.join('.') : (address.toString('hex').match(/.{4}/g) ?? []).join(':');
    if (port > 0) peers.push({ host, port });
  }
  return peers;
}

/** BEP 15: a connection, then the announce. Direct only; a datagram that gets lost is sent once more. */
async function announceOverUdp(url: URL, what: Announce, context: Context): Promise<Announced> {
  const host = withoutBrackets(url.hostname);
  const addresses = await context.resolve(host);
  const [address] = what.publicOnly ? addresses.filter(isPublicAddress) : addresses;
  if (address === undefined) throw new TargetFailure('network.address', 'the tracker is at no public address');
  const ask = await openUdp(address, Number(url.port) || 80, context.signal);
  try {
    const connection = (await ask.exchange(0, Buffer.from('0000041727101980', 'hex'), Buffer.alloc(0))).subarray(8, 16);
    const { torrent, peerId, event } = what;
    const body = Buffer.alloc(82);
    torrent.infoHash.copy(body, 0);
    peerId.copy(body, 20);
    body.writeBigUInt64BE(BigInt(torrent.length), 48);
    body.writeUInt32BE(event === 'started' ? 2 : 3, 64);
    randomBytes(4).copy(body, 72);
    body.writeInt32BE(50, 76);
    body.writeUInt16BE(PORT, 80);
    const answer = await ask.exchange(1, connection, body);
    if (answer.length < 20) throw new TargetFailure('tracker.answer', `${answer.length} bytes from the tracker, expected 20`);
    return { seeds: answer.readUInt32BE(16), peers: readPeers(answer.subarray(20), address.includes(':') ? 16 : 4) };
  } finally {
    ask.close();
  }
}

const RESEND_MS = 1500;

interface UdpConversation {
  exchange(action: number, connection: Buffer, body: Buffer): Promise<Buffer>;
  close(): void;
}

/** A connected socket: datagrams of others do not come through. Those with another transaction are ignored. */
async function openUdp(address: string, port: number, signal: AbortSignal): Promise<UdpConversation> {
  const family = address.includes(':') ? 6 : 4;
  const socket = createSocket({ type: `udp${family}`, lookup: (host, _options, done) => done(null, host, family) });
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.connect(port, address, resolve);
  });
  const exchange = (action: number, connection: Buffer, body: Buffer) =>
    new Promise<Buffer>((resolve, reject) => {
      const transaction = randomBytes(4);
      const datagram = Buffer.concat([connection, Buffer.from([0, 0, 0, action]), transaction, body]);
      const send = () => socket.send(datagram);
      const timer = setInterval(send, RESEND_MS);
      const settle = (act: () => void) => {
        clearInterval(timer);
        socket.removeAllListeners();
        socket.on('error', () => {});
        signal.removeEventListener('abort', onAbort);
        act();
      };
      const fail = (code: string, words: string) => settle(() => reject(new TargetFailure(code, words)));
      const onAbort = () => settle(() => reject(toAbortFailure(signal, 'tracker.silent', 'the tracker does not answer over UDP')));
      socket.on('error', () => fail('tracker.refused', 'nothing listens at the UDP port of the tracker'));
      socket.on('message', (bytes) => {
        if (bytes.length < 8 || !bytes.subarray(4, 8).equals(transaction)) return;
        const found = bytes.readUInt32BE(0);
        if (found === 3) fail('tracker.refused', `the tracker refuses: ${cleanBytes(bytes.subarray(8), 80)}`);
        else if (found !== action || bytes.length < 16) fail('tracker.answer', `the tracker answers action ${found}`);
        else settle(() => resolve(bytes));
      });
      signal.addEventListener('abort', onAbort);
      if (signal.aborted) return onAbort();
      send();
    });
  return { exchange, close: () => socket.close() };
}
