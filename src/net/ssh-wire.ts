import { TargetFailure } from '../core/failure.ts';
import { cleanBytes, cleanText } from '../core/text.ts';
import type { Reader } from './limits.ts';

/** Takes apart what RFC 4251 section 5 puts together. Throws TargetFailure `ssh.protocol` when a field ends beyond its packet. */
export class SshFields {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  take(length: number): Buffer {
    const end = this.#at + length;
    if (end > this.#bytes.length) throw new TargetFailure('ssh.protocol', 'a field of the answer ends beyond its packet');
    const taken = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return taken;
  }

  byte(): number {
    return this.take(1).readUInt8();
  }

  uint32(): number {
    return this.take(4).readUInt32BE();
  }

  uint64(): number {
    return Number(this.take(8).readBigUInt64BE());
  }

  string(): Buffer {
    return this.take(this.uint32());
  }

  names(): string[] {
    const list = this.string().toString('latin1');
    return list === '' ? [] : list.split(',');
  }
}

export function toSshString(value: Buffer | string): Buffer {
  const bytes = typeof value === 'string' ? Buffer.from(value, 'utf8') : value;
  return Buffer.concat([toUint32(bytes.length), bytes]);
}

export function toUint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** A positive number of RFC 4251: no leading zeros, but one where the first bit would make it negative. */
export function toMpint(value: Buffer): Buffer {
  let start = 0;
  while (start < value.length && value[start] === 0) start += 1;
  const bytes = value.subarray(start);
  return toSshString(((bytes[0] ?? 0) & 0x80) === 0 ? bytes : Buffer.concat([Buffer.alloc(1), bytes]));
}

/** RFC 4253 section 6, before encryption: blocks of eight bytes, at least four of padding. */
export function toPacket(payload: Buffer): Buffer {
  const padding = 8 - ((payload.length + 5) % 8);
  const length = padding < 4 ? padding + 8 : padding;
  return Buffer.concat([toUint32(payload.length + length + 1), Buffer.from([length]), payload, Buffer.alloc(length)]);
}

/** RFC 4253 section 6.1 asks for 35,000; lists of algorithms of real servers have 2,000. */
const MAX_PACKET = 40_000;

/** Where an unencrypted packet ends, or null for "not yet". */
export function findPacketEnd(bytes: Buffer): number | null {
  if (bytes.length < 4) return null;
  const length = bytes.readUInt32BE();
  if (length < 5 || length > MAX_PACKET) {
    throw new TargetFailure('ssh.protocol', `packet of ${length} bytes, expected 5 to ${MAX_PACKET}`);
  }
  return bytes.length < length + 4 ? null : length + 4;
}

export function toPayload(packet: Buffer): Buffer {
  const padding = packet[4] ?? 0;
  if (padding + 5 >= packet.length) throw new TargetFailure('ssh.protocol', 'a packet is nothing but padding');
  return packet.subarray(5, packet.length - padding);
}

/** RFC 4253 section 4.2: other lines may come before; 255 bytes with the line break. */
const MAX_LINES = 50;
const MAX_LINE = 255;

/**
 * The identification line without its end, such as `SSH-2.0-OpenSSH_9.2p1`, and where it ends; null for "not yet". Throws
 * TargetFailure `ssh.banner`.
 */
export function readIdentification(bytes: Buffer): { line: string; end: number } | null {
  for (let start = 0, count = 1; ; count += 1) {
    const end = bytes.indexOf(10, start);
    const line = bytes.subarray(start, end < 0 ? bytes.length : end);
    if (line.length >= MAX_LINE)
      throw new TargetFailure('ssh.banner', `line of ${line.length} bytes or more, expected less than 255`);
    if (end < 0) return null;
    if (line.subarray(0, 4).toString('latin1') === 'SSH-') return { line: checkIdentification(line), end: end + 1 };
    if (count >= MAX_LINES) throw new TargetFailure('ssh.banner', `${MAX_LINES} lines without SSH-2.0, last ${quote(line)}`);
    start = end + 1;
  }
}

function checkIdentification(line: Buffer): string {
  const text = line.toString('latin1').replace(/\r$/, '');
  // RFC 4253 section 5.1: 1.99 is a server that speaks 2.0 and the older protocol.
  if (!/^SSH-(2\.0|1\.99)-/.test(text)) throw new TargetFailure('ssh.banner', `banner ${quote(line)}, expected SSH-2.0`);
  return text;
}

function quote(bytes: Buffer): string {
  return JSON.stringify(cleanBytes(bytes, 40));
}

const IGNORE = 2;
const UNIMPLEMENTED = 3;
const DEBUG = 4;
const DISCONNECT = 1;
const MAX_IDLE_PACKETS = 16;

/** The next packet that says something, which is to be of this kind. Throws TargetFailure `ssh.disconnect` or `ssh.protocol`. */
export async function readMessage(reader: Reader, wanted: number): Promise<Buffer> {
  for (let count = 0; count < MAX_IDLE_PACKETS; count += 1) {
    const payload = toPayload(await reader.read(findPacketEnd));
    const kind = payload[0] ?? 0;
    if (kind === wanted) return payload;
    if (kind === DISCONNECT) throw toDisconnectFailure(payload);
    if (kind !== IGNORE && kind !== DEBUG && kind !== UNIMPLEMENTED) {
      throw new TargetFailure('ssh.protocol', `message of kind ${kind}, expected ${wanted}`);
    }
  }
  throw new TargetFailure('ssh.protocol', `${MAX_IDLE_PACKETS} messages that say nothing, expected one of kind ${wanted}`);
}

function toDisconnectFailure(payload: Buffer): TargetFailure {
  const fields = new SshFields(payload.subarray(1));
  const reason = fields.uint32();
  return new TargetFailure('ssh.disconnect', `disconnects (${reason}): ${cleanText(fields.string().toString('utf8'), 50)}`);
}
