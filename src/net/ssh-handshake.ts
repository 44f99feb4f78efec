import {
  createDiffieHellman,
  createDiffieHellmanGroup,
  createHash,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  randomBytes,
} from 'node:crypto';
import type { Socket } from 'node:net';
import { TargetFailure } from '../core/failure.ts';
import { cleanText } from '../core/text.ts';
import { createReader, type Reader } from './limits.ts';
import { HOST_KEY_ALGORITHMS, type HostKey, insistOnSignature, toHostKey, toKeyType } from './ssh-key.ts';
import { readIdentification, readMessage, SshFields, toMpint, toPacket, toSshString, toUint32 } from './ssh-wire.ts';

export interface SshServer {
  /** Cleaned. */
  banner: string;
  /** The key that it has proven to hold. */
  hostKey: HostKey;
  /** Of all keys that it offers. */
  keyTypes: string[];
  /** Whether it knows the countermeasure against prefix truncation (Terrapin, CVE-2023-48795). */
  isStrict: boolean;
}

const OUR_LINE = 'SSH-2.0-vigie';
const KEXINIT = 20;
const KEX_START = 30;
const KEX_REPLY = 31;
const DISCONNECT = 1;
/** RFC 4253 section 11.1: disconnected by the application. */
const BY_APPLICATION = 11;

interface Exchange {
  hash: string;
  /** Our half as it stands in the packet. */
  ours: Buffer;
  /** The shared secret as a number, from the server's half. */
  derive(theirs: Buffer): Buffer;
}

/** RFC 8731, RFC 5656, RFC 8268. */
const EXCHANGES: Record<string, () => Exchange> = {
  'curve25519-sha256': startX25519,
  'curve25519-sha256@libssh.org': startX25519,
  'diffie-hellman-group14-sha256': () => startGroup('modp14', 'sha256'),
  'diffie-hellman-group16-sha512': () => startGroup('modp16', 'sha512'),
};

function startX25519(): Exchange {
  const { publicKey, privateKey } = generateKeyPairSync('x25519');
  const ours = Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url');
  const derive = (theirs: Buffer) => {
    const jwk = { kty: 'OKP', crv: 'X25519', x: theirs.toString('base64url') };
    return diffieHellman({ privateKey, publicKey: createPublicKey({ key: jwk, format: 'jwk' }) });
  };
  return { hash: 'sha256', ours: toSshString(ours), derive };
}

function startGroup(name: string, hash: string): Exchange {
  const group = createDiffieHellmanGroup(name);
  const side = createDiffieHellman(group.getPrime(), group.getGenerator());
  return { hash, ours: toMpint(side.generateKeys()), derive: (theirs) => side.computeSecret(theirs) };
}

/**
 * Goes through the key exchange of RFC 4253 up to the proof of the host key, and leaves: no login, no encryption. `wanted` are the
 * types of keys that are expected; the server shows one of these if it has any. Throws TargetFailure `ssh.*`.
 */
export async function shakeHands(socket: Socket, signal: AbortSignal, wanted: string[]): Promise<SshServer> {
  const reader = createReader(socket, signal);
  socket.write(`${OUR_LINE}\r\n`);
  const line = await readLine(reader);
  const ours = writeOffer(wanted);
  socket.write(toPacket(ours));
  const theirs = await readMessage(reader, KEXINIT);
  const offer = readOffer(theirs);
  const exchange = EXCHANGES[choose(Object.keys(EXCHANGES), offer.exchanges, 'key exchange')]?.();
  if (exchange === undefined) throw new TargetFailure('ssh.algorithms', 'no key exchange');
  choose(orderAlgorithms(wanted), offer.hostKeys, 'host key');
  socket.write(toPacket(Buffer.concat([Buffer.from([KEX_START]), exchange.ours])));
  const reply = new SshFields((await readMessage(reader, KEX_REPLY)).subarray(1));
  const blob = reply.string();
  const half = reply.string();
  const transcript = [toSshString(OUR_LINE), toSshString(Buffer.from(line, 'latin1')), toSshString(ours), toSshString(theirs)];
  const shared = toMpint(derive(exchange, half));
  const digest = createHash(exchange.hash).update(
    Buffer.concat([...transcript, toSshString(blob), exchange.ours, toSshString(half), shared]),
  );
  insistOnSignature(blob, reply.string(), digest.digest());
  socket.end(
    toPacket(Buffer.concat([Buffer.from([DISCONNECT]), toUint32(BY_APPLICATION), toSshString('looked'), toSshString('')])),
  );
  const keyTypes = [
    ...new Set(offer.hostKeys.filter((name) => !name.includes('-cert-')).map((name) => cleanText(toKeyType(name), 40))),
  ];
  return {
    banner: cleanText(line, 100),
    hostKey: toHostKey(blob),
    keyTypes,
    isStrict: offer.exchanges.includes('kex-strict-s-v00@openssh.com'),
  };
}

async function readLine(reader: Reader): Promise<string> {
  let line = '';
  await reader.read((bytes) => {
    const found = readIdentification(bytes);
    line = found?.line ?? '';
    return found?.end ?? null;
  });
  return line;
}

function derive(exchange: Exchange, theirs: Buffer): Buffer {
  try {
    return exchange.derive(theirs);
  } catch (error) {
    throw new TargetFailure('ssh.protocol', "the server's half of the key exchange is no key", { cause: error });
  }
}

/** The expected types first: of several keys, the server shows the one that can be compared. */
function orderAlgorithms(wanted: string[]): string[] {
  const isWanted = (name: string) => wanted.includes(toKeyType(name));
  return [...HOST_KEY_ALGORITHMS.filter(isWanted), ...HOST_KEY_ALGORITHMS.filter((name) => !isWanted(name))];
}

const CIPHERS = 'chacha20-poly1305@openssh.com,aes256-gcm@openssh.com,aes128-gcm@openssh.com,aes256-ctr,aes192-ctr,aes128-ctr';
const MACS =
  'hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,hmac-sha2-256,hmac-sha2-512,umac-128@openssh.com,hmac-sha1';

/** RFC 4253 section 7.1: what is never used must be agreed on all the same. */
function writeOffer(wanted: string[]): Buffer {
  const lists = [
    Object.keys(EXCHANGES).join(','),
    orderAlgorithms(wanted).join(','),
    CIPHERS,
    CIPHERS,
    MACS,
    MACS,
    'none',
    'none',
    '',
    '',
  ];
  return Buffer.concat([Buffer.from([KEXINIT]), randomBytes(16), ...lists.map(toSshString), Buffer.alloc(5)]);
}

function readOffer(payload: Buffer): { exchanges: string[]; hostKeys: string[] } {
  const fields = new SshFields(payload);
  fields.take(17);
  return { exchanges: fields.names(), hostKeys: fields.names() };
}

function choose(ours: string[], theirs: string[], what: string): string {
  const chosen = ours.find((name) => theirs.includes(name));
  if (chosen !== undefined) return chosen;
  throw new TargetFailure('ssh.algorithms', `no common ${what}: it offers ${cleanText(theirs.join(' '), 60) || 'none'}`);
}
