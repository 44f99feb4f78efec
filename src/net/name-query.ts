import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { isIPv6, type Socket } from 'node:net';
import { type DecodedPacket, decode, encode, type RecordType, streamEncode } from 'dns-packet';
import { type LookFailure, TargetFailure } from '../core/failure.ts';
import { createReader, formatElapsed, toAbortFailure } from './limits.ts';

export interface NameQuery {
  name: string;
  record: RecordType;
  /** Asks a validating resolver for what it would refuse (RFC 4035, CD bit). */
  unchecked?: boolean;
  /** Asks for the signatures beside the records (RFC 3225, DO bit). */
  signed?: boolean;
  /** Asks a resolver to say whether it validated (RFC 6840, section 5.7: AD bit in a question). */
  validated?: boolean;
}

const TYPE_RESPONSE = 0x8000;
const RECURSION_DESIRED = 0x0100;
const CHECKING_DISABLED = 0x0010;
const AUTHENTIC_DATA = 0x0020;
const DNSSEC_OK = 0x8000;
/** What fits into one packet on every usual path (DNS flag day 2020). */
const UDP_PAYLOAD = 1232;
/** A message over TCP has a length of two bytes (RFC 1035, section 4.2.2), so there is never more. */
const LARGEST_MESSAGE = 65_535;

/**
 * One question over UDP to one address. Messages that are not the answer (another id, another question, no response) are ignored as
 * long as there is time, since anybody can send them; so a forged one that comes first changes nothing.
 */
export function askOverUdp(query: NameQuery, address: string, port: number, signal: AbortSignal): Promise<DecodedPacket> {
  const id = randomInt(65_536);
  const began = performance.now();
  return new Promise((resolve, reject) => {
    const family = isIPv6(address) ? 6 : 4;
    // The address is literal, so nothing is looked up; dgram would otherwise hand even that to dns.lookup.
    const socket = createSocket({ type: `udp${family}`, lookup: (host, _options, done) => done(null, host, family) });
    let ignored = 0;
    const settle = (done: () => void) => {
      signal.removeEventListener('abort', onAbort);
      socket.close();
      done();
    };
    const fail = (failure: TargetFailure | LookFailure) => settle(() => reject(failure));
    const onAbort = () => {
      const failure = ignored > 0 ? toMismatch(ignored, began) : toSilence(began);
      fail(toAbortFailure(signal, failure.code, failure.message));
    };
    socket.on('error', (error: NodeJS.ErrnoException) => fail(unreachable(error)));
    socket.on('message', (bytes) => {
      const answer = readAnswer(bytes, query, id);
      if (answer === 'other') ignored += 1;
      else settle(() => (answer instanceof TargetFailure ? reject(answer) : resolve(answer)));
    });
    signal.addEventListener('abort', onAbort);
    if (signal.aborted) return onAbort();
    // A connected socket takes datagrams of this peer only, and learns of a closed port (ICMP).
    socket.connect(port, address, () => socket.send(encode(toPacket(query, id))));
  });
}

/** One question over a connected socket, which is closed afterwards. */
export async function askOverTcp(query: NameQuery, socket: Socket, signal: AbortSignal): Promise<DecodedPacket> {
  const id = randomInt(65_536);
  const began = performance.now();
  try {
    socket.write(streamEncode(toPacket(query, id)));
    const message = await createReader(socket, signal, LARGEST_MESSAGE + 2).read((bytes) => {
      const length = bytes.length < 2 ? Number.POSITIVE_INFINITY : bytes.readUInt16BE(0) + 2;
      return bytes.length >= length ? length : null;
    });
    const answer = readAnswer(message.subarray(2), query, id);
    // Nobody but the peer can put a message into this stream, so a wrong one is its mistake.
    if (answer === 'other') throw new TargetFailure('dns.mismatch', 'answer has another id or question than asked');
    if (answer instanceof TargetFailure) throw answer;
    return answer;
  } catch (error) {
    if (error instanceof TargetFailure && error.code === 'timeout.total') throw toSilence(began);
    throw error;
  } finally {
    socket.destroy();
  }
}

function toPacket(query: NameQuery, id: number) {
  return {
    type: 'query' as const,
    id,
    flags: RECURSION_DESIRED | (query.unchecked ? CHECKING_DISABLED : 0) | (query.validated ? AUTHENTIC_DATA : 0),
    questions: [{ type: query.record, name: query.name }],
    additionals: [
      {
        type: 'OPT' as const,
        name: '.',
        udpPayloadSize: UDP_PAYLOAD,
        extendedRcode: 0,
        ednsVersion: 0,
        flags: query.signed ? DNSSEC_OK : 0,
        flag_do: query.signed === true,
        options: [],
      },
    ],
  };
}

/** The answer; `other` for a message that belongs to something else; a failure when it is the answer and cannot be read. */
export function readAnswer(bytes: Buffer, query: NameQuery, id: number): DecodedPacket | 'other' | TargetFailure {
  if (bytes.length < 12 || bytes.readUInt16BE(0) !== id || (bytes.readUInt16BE(2) & TYPE_RESPONSE) === 0) return 'other';
  let packet: DecodedPacket;
  try {
    if (!isWhole(bytes)) throw new Error('a record ends behind the end of the message');
    packet = decode(bytes);
  } catch (error) {
    return new TargetFailure('dns.malformed', `answer of ${bytes.length} bytes cannot be read`, { cause: error });
  }
  const question = packet.questions?.[0];
  // A server that refuses or does not understand may leave the question out (RFC 2308 and practice); one with data may not.
  if (!question) return ((packet.flags ?? 0) & 15) === 0 ? 'other' : packet;
  const same = question.type === query.record && toComparable(question.name) === toComparable(query.name);
  return same ? packet : 'other';
}

/** RFC 1035, section 4.1: the library reads past the end of a record and would make an address of what is not there. */
function isWhole(bytes: Buffer): boolean {
  let at = 12;
  for (let i = bytes.readUInt16BE(4); i > 0; i--) at = skipName(bytes, at) + 4;
  for (let i = bytes.readUInt16BE(6) + bytes.readUInt16BE(8) + bytes.readUInt16BE(10); i > 0; i--) {
    at = skipName(bytes, at) + 10;
    if (at > bytes.length) return false;
    const length = bytes.readUInt16BE(at - 2);
    const fixed = ADDRESS_LENGTHS[bytes.readUInt16BE(at - 10)];
    if (fixed !== undefined && fixed !== length) return false;
    at += length;
  }
  return at <= bytes.length;
}

/** By record type: A and AAAA. */
const ADDRESS_LENGTHS: Record<number, number> = { 1: 4, 28: 16 };

/** A name ends with an empty label or with a pointer of two bytes. */
function skipName(bytes: Buffer, start: number): number {
  let at = start;
  for (let length = bytes[at] ?? 0; length !== 0; length = bytes[at] ?? 0) {
    if (length >= 0xc0) return at + 2;
    at += length + 1;
  }
  return at + 1;
}

/** Names compare without case and without the final dot (RFC 4343). */
export function toComparable(name: string): string {
  return name.toLowerCase().replace(/\.$/, '');
}

function toSilence(began: number): TargetFailure {
  return new TargetFailure('dns.timeout', `no answer within ${formatElapsed(began)}`);
}

function toMismatch(ignored: number, began: number): TargetFailure {
  const what = ignored === 1 ? 'one answer with' : `${ignored} answers with`;
  return new TargetFailure('dns.mismatch', `${what} another id or question, no right one within ${formatElapsed(began)}`);
}

function unreachable(error: NodeJS.ErrnoException): TargetFailure {
  const refused = error.code === 'ECONNREFUSED';
  const code = refused ? 'network.refused' : 'network.unreachable';
  return new TargetFailure(code, refused ? 'no name server on this port' : `cannot be reached (${error.code ?? error.message})`);
}
