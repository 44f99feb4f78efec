import { createHash } from 'node:crypto';
import { TargetFailure } from '../core/failure.ts';
import { cleanBytes } from '../core/text.ts';
import { type Bencoded, decodeBencode } from './bencode.ts';

export interface Torrent {
  name: string;
  /** 20 bytes. */
  infoHash: Buffer;
  /** Bytes of all files. */
  length: number;
  pieceLength: number;
  /** SHA-1 of each piece, one behind the other. */
  pieces: Buffer;
  pieceCount: number;
  /** Addresses, each once. */
  trackers: string[];
}

/** A torrent file (BEP 3, trackers by BEP 12). Throws TargetFailure `torrent.syntax`, `bencode.*`. */
export function parseTorrent(bytes: Buffer): Torrent {
  const { value, spans } = decodeBencode(bytes);
  const info = value instanceof Map ? value.get('info') : undefined;
  const span = spans.get('info');
  if (!(value instanceof Map) || !(info instanceof Map) || span === undefined) throw refuse('an info dictionary');
  const [name, pieces, pieceLength] = [info.get('name'), info.get('pieces'), info.get('piece length')];
  if (!Buffer.isBuffer(pieces)) throw refuse('pieces by SHA-1 (a torrent of version 2 alone is not understood)');
  if (!Buffer.isBuffer(name) || !isCount(pieceLength) || pieceLength === 0) throw refuse('a name and a piece length');
  const length = toLength(info.get('length'), info.get('files'));
  const pieceCount = Math.ceil(length / pieceLength);
  if (pieces.length !== pieceCount * 20 || pieceCount === 0) throw refuse('a hash of each piece');
  const trackers = [...new Set([value.get('announce'), ...flatten(value.get('announce-list'))].flatMap(toAddress))].slice(0, 20);
  const infoHash = createHash('sha1').update(span).digest();
  return { name: cleanBytes(name, 80), infoHash, length, pieceLength, pieces, pieceCount, trackers };
}

function refuse(expected: string): TargetFailure {
  return new TargetFailure('torrent.syntax', `the file is no torrent: expected ${expected}`);
}

function isCount(value: Bencoded | undefined): value is number {
  return typeof value === 'number' && value >= 0;
}

function toLength(length: Bencoded | undefined, files: Bencoded | undefined): number {
  if (isCount(length)) return length;
  if (!Array.isArray(files)) throw refuse('a length or files');
  return files.reduce<number>((sum, file) => {
    const size = file instanceof Map ? file.get('length') : undefined;
    if (!isCount(size)) throw refuse('a length of each file');
    return sum + size;
  }, 0);
}

function flatten(tiers: Bencoded | undefined): Bencoded[] {
  return Array.isArray(tiers) ? tiers.flatMap((tier) => (Array.isArray(tier) ? tier : [])) : [];
}

function toAddress(value: Bencoded | undefined): string[] {
  const text = Buffer.isBuffer(value) ? value.toString('latin1') : '';
  return text.length <= 500 && /^(?:https?|udp):\/\/[!-~]+$/.test(text) && URL.canParse(text) ? [text] : [];
}
