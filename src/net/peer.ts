import { createHash, randomInt } from 'node:crypto';
import type { Context } from '../check-type.ts';
import { TargetFailure } from '../core/failure.ts';
import { createReader, type Reader } from './limits.ts';
import type { Torrent } from './torrent.ts';
import type { Peer } from './tracker.ts';

/** BEP 3; the reserved bit of BEP 6 lets a seed say "all" instead of a bitfield. */
const GREETING = Buffer.concat([Buffer.from('\x13BitTorrent protocol', 'latin1'), Buffer.from([0, 0, 0, 0, 0, 0, 0, 4])]);
const BLOCK = 16 * 1024;
/** Messages of others than what is waited for: endless ones are no conversation. */
const MAX_MESSAGES = 2000;
const UNCHOKE = 1;
const HAVE = 4;
const BITFIELD = 5;
const PIECE = 7;
const HAVE_ALL = 14;
const HAVE_NONE = 15;

export interface PeerLook {
  torrent: Torrent;
  peerId: Buffer;
  publicOnly: boolean;
  /** Whether one piece is fetched and compared. */
  piece: boolean;
  /** Called as soon as the peer says that it has every piece: what comes later may fail. */
  onComplete?: () => void;
}

export interface PeerSeen {
  /** It says that it has every piece. */
  complete: boolean;
  /** It served a piece that was right; null where none was asked for. */
  serves: boolean | null;
}

/**
 * Greets a peer and reads what it has; from a complete one a piece is fetched if asked. Throws TargetFailure `peer.*` and those of
 * the connection.
 */
export async function lookAtPeer({ host, port }: Peer, look: PeerLook, context: Context): Promise<PeerSeen> {
  const { torrent, peerId, publicOnly } = look;
  const socket = await context.dial({ host, port, publicOnly });
  try {
    socket.write(Buffer.concat([GREETING, torrent.infoHash, peerId]));
    const longest = Math.max(Math.ceil(torrent.pieceCount / 8) + 5, BLOCK + 13, 64 * 1024);
    const reader = createReader(socket, context.signal, longest);
    const greeting = await reader.read((bytes) => (bytes.length >= 68 ? 68 : null));
    if (!greeting.subarray(0, 20).equals(GREETING.subarray(0, 20))) {
      throw new TargetFailure('peer.protocol', 'the peer does not speak BitTorrent');
    }
    if (!greeting.subarray(28, 48).equals(torrent.infoHash))
      throw new TargetFailure('peer.info_hash', 'the peer greets with another torrent');
    const complete = await readCompleteness(reader, torrent, longest);
    if (complete) look.onComplete?.();
    if (!complete || !look.piece) return { complete, serves: null };
    const serves = await fetchPiece(reader, (bytes) => socket.write(bytes), { torrent, longest });
    return { complete, serves };
  } finally {
    socket.destroy();
  }
}

interface PeerMessage {
  id: number;
  body: Buffer;
}

async function readMessage(reader: Reader, longest: number): Promise<PeerMessage> {
  for (let count = 0; count < MAX_MESSAGES; count += 1) {
    const bytes = await reader.read((seen) => {
      const length = seen.length < 4 ? null : seen.readUInt32BE(0);
      if (length !== null && length + 4 > longest) throw new TargetFailure('peer.message', `a message of ${length} bytes`);
      return length !== null && seen.length >= length + 4 ? length + 4 : null;
    });
    // Without a body it only keeps the connection alive.
    if (bytes.length > 4) return { id: bytes[4] ?? 0, body: bytes.subarray(5) };
  }
  throw new TargetFailure('peer.message', `more than ${MAX_MESSAGES} empty messages`);
}

/** A bitfield comes first; some seeds say piece by piece what they have instead. */
async function readCompleteness(reader: Reader, { pieceCount }: Torrent, longest: number): Promise<boolean> {
  const had = new Set<number>();
  for (let count = 0; count < MAX_MESSAGES + pieceCount; count += 1) {
    const { id, body } = await readMessage(reader, longest);
    if (id === HAVE_ALL) return true;
    if (id === HAVE_NONE) return false;
    if (id === BITFIELD) {
      for (const index of readBitfield(body, pieceCount)) had.add(index);
    } else if (id === HAVE && body.length === 4 && body.readUInt32BE(0) < pieceCount) had.add(body.readUInt32BE(0));
    else continue;
    if (had.size === pieceCount) return true;
    // A bitfield with gaps may be a seed's that hides some (against throttling): what it has more it says next.
    if (id === BITFIELD && had.size < pieceCount - 64) return false;
  }
  return false;
}

/** The pieces that a bitfield has. Throws TargetFailure `peer.bitfield` for one of another length, or with bits beyond the last piece. */
export function readBitfield(body: Buffer, pieceCount: number): number[] {
  const isPlain = (body.at(-1) ?? 0) % 2 ** ((8 - (pieceCount % 8)) % 8) === 0;
  if (body.length !== Math.ceil(pieceCount / 8) || !isPlain) {
    throw new TargetFailure('peer.bitfield', `a bitfield of ${body.length} bytes, expected one for ${pieceCount} pieces`);
  }
  return Array.from({ length: pieceCount }, (_, i) => i).filter((i) => ((body[i >> 3] ?? 0) & (128 >> (i & 7))) !== 0);
}

function toMessage(id: number, ...numbers: number[]): Buffer {
  const bytes = Buffer.alloc(5 + numbers.length * 4);
  bytes.writeUInt32BE(1 + numbers.length * 4);
  bytes[4] = id;
  for (const [i, number] of numbers.entries()) bytes.writeUInt32BE(number, 5 + i * 4);
  return bytes;
}

/** Interested, unchoked, one piece of chance block by block, SHA-1. */
async function fetchPiece(
  reader: Reader,
  send: (bytes: Buffer) => void,
  { torrent, longest }: { torrent: Torrent; longest: number },
): Promise<boolean> {
  const index = randomInt(torrent.pieceCount);
  const size = Math.min(torrent.pieceLength, torrent.length - index * torrent.pieceLength);
  send(toMessage(2));
  const next = async (wanted: number) => {
    for (let count = 0; count < MAX_MESSAGES; count += 1) {
      const message = await readMessage(reader, longest);
      if (message.id === wanted) return message.body;
    }
    throw new TargetFailure('peer.message', 'endless messages instead of the piece');
  };
  await next(UNCHOKE);
  const hash = createHash('sha1');
  for (let offset = 0; offset < size; offset += BLOCK) {
    const length = Math.min(BLOCK, size - offset);
    send(toMessage(6, index, offset, length));
    const body = await next(PIECE);
    const isBlock = body.length === 8 + length && body.readUInt32BE(0) === index && body.readUInt32BE(4) === offset;
    if (!isBlock) throw new TargetFailure('peer.piece', 'the peer serves another block than asked for');
    hash.update(body.subarray(8));
  }
  return hash.digest().equals(torrent.pieces.subarray(index * 20, index * 20 + 20));
}
