import { createDecipheriv, createHash, createPrivateKey, createPublicKey, diffieHellman, timingSafeEqual } from 'node:crypto';
import { decodeBase32 } from '../core/base32.ts';
import { TargetFailure } from '../core/failure.ts';

/** What a descriptor says of its introduction points, or that only clients with a key may know. */
export type Introductions = { kind: 'open' | 'authorised'; points: number } | { kind: 'locked' } | { kind: 'refused' };

/** Tor makes three, and allows twenty. */
const MOST_POINTS = 50;
const SALT = 16;
const MAC = 32;

interface Outer {
  blinded: Buffer;
  revision: bigint;
  encrypted: Buffer;
}

/**
 * Counts the introduction points of a v3 descriptor (rend-spec-v3, sections 2.4 and 2.5), as any client does that knows the onion's name:
 * both layers are enciphered with keys that follow from it. `clientKey` is what this Tor has for the service, 32 bytes of x25519. Tor
 * has already verified who signed it. Throws TargetFailure `onion.descriptor`.
 */
export function readIntroductions(text: string, onion: string, clientKey: Buffer | null): Introductions {
  const outer = readOuter(text);
  const identity = Buffer.from(decodeBase32(onion)).subarray(0, 32);
  const credential = hash('credential', identity);
  const subcredential = hash('subcredential', credential, outer.blinded);
  const keys = { ...outer, subcredential };
  const middle = decipher(outer.encrypted, outer.blinded, 'hsdir-superencrypted-data', keys)?.toString('latin1');
  if (middle === undefined) throw broken('its first layer cannot be read');
  const inner = readMessage(middle, 'encrypted');
  const open = decipher(inner, outer.blinded, 'hsdir-encrypted-data', keys);
  if (open) return { kind: 'open', points: countPoints(open) };
  if (clientKey === null) return { kind: 'locked' };
  const cookie = findCookie(middle, clientKey, subcredential);
  const secret = cookie && Buffer.concat([outer.blinded, cookie]);
  const known = secret && decipher(inner, secret, 'hsdir-encrypted-data', keys);
  return known ? { kind: 'authorised', points: countPoints(known) } : { kind: 'refused' };
}

function broken(reason: string): TargetFailure {
  return new TargetFailure('onion.descriptor', `descriptor of the onion is not understood: ${reason}`);
}

function readOuter(text: string): Outer {
  if (!text.startsWith('hs-descriptor 3\n')) throw broken('it is not of version 3');
  const revision = /^revision-counter (\d{1,20})$/m.exec(text)?.[1];
  if (revision === undefined || BigInt(revision) >= 2n ** 64n) throw broken('it has no revision');
  return {
    blinded: readBlindedKey(readBase64(text, 'ED25519 CERT')),
    revision: BigInt(revision),
    encrypted: readMessage(text, 'superencrypted'),
  };
}

/** cert-spec, section 2.1: the extension of type 4 holds the key that signed, which here is the blinded one. */
function readBlindedKey(cert: Buffer): Buffer {
  let at = 40;
  for (let left = cert[39] ?? 0; left > 0 && at + 4 <= cert.length; left -= 1) {
    const length = cert.readUInt16BE(at);
    const value = cert.subarray(at + 4, at + 4 + length);
    if (cert[at + 2] === 4 && value.length === 32) return value;
    at += 4 + length;
  }
  throw broken('its certificate names no key');
}

function readMessage(text: string, keyword: string): Buffer {
  const start = text.indexOf(`\n${keyword}\n-----BEGIN MESSAGE-----\n`);
  if (start < 0) throw broken(`it has no part "${keyword}"`);
  return readBase64(text.slice(start), 'MESSAGE');
}

function readBase64(text: string, label: string): Buffer {
  const [head, tail] = [`-----BEGIN ${label}-----\n`, `\n-----END ${label}-----`];
  const start = text.indexOf(head);
  const end = text.indexOf(tail, start);
  if (start < 0 || end < 0) throw broken(`it has no ${label}`);
  return Buffer.from(text.slice(start + head.length, end), 'base64');
}

interface LayerKeys {
  subcredential: Buffer;
  revision: bigint;
}

/** rend-spec-v3, section 2.5.3: salt, ciphertext and MAC. null: the secret is another one. */
function decipher(bytes: Buffer, secret: Buffer, constant: string, { subcredential, revision }: LayerKeys): Buffer | null {
  if (bytes.length < SALT + MAC) throw broken('an enciphered part is too short');
  const salt = bytes.subarray(0, SALT);
  const body = bytes.subarray(SALT, -MAC);
  const keys = stretch(80, secret, subcredential, toEight(revision), salt, Buffer.from(constant));
  const [key, iv, macKey] = [keys.subarray(0, 32), keys.subarray(32, 48), keys.subarray(48)];
  const mac = hash(toEight(32n), macKey, toEight(BigInt(SALT)), salt, body);
  if (!timingSafeEqual(mac, bytes.subarray(-MAC))) return null;
  return createDecipheriv('aes-256-ctr', key, iv).update(body);
}

/** Section 2.5.1.2: each client finds its line by its key, and in it the cookie that the second layer needs. */
function findCookie(middle: string, clientKey: Buffer, subcredential: Buffer): Buffer | null {
  const ephemeral = /^desc-auth-ephemeral-key (\S{43}=?)$/m.exec(middle)?.[1];
  if (ephemeral === undefined) return null;
  const shared = agree(clientKey, Buffer.from(ephemeral, 'base64'));
  const keys = shared && stretch(40, subcredential, shared);
  if (!keys) return null;
  const id = keys.subarray(0, 8).toString('base64').replace(/=+$/, '');
  const line = middle.split('\n', 2000).find((one) => one.replace(/=+ /g, ' ').startsWith(`auth-client ${id} `));
  const [, , iv = '', cookie = ''] = line?.split(' ') ?? [];
  const nonce = Buffer.from(iv, 'base64');
  return nonce.length === 16
    ? createDecipheriv('aes-256-ctr', keys.subarray(8), nonce).update(Buffer.from(cookie, 'base64'))
    : null;
}

/** x25519; null for a point of low order, or no point at all. */
function agree(ours: Buffer, theirs: Buffer): Buffer | null {
  const toDer = (prefix: string, key: Buffer) => ({
    key: Buffer.concat([Buffer.from(prefix, 'hex'), key]),
    format: 'der' as const,
  });
  try {
    const privateKey = createPrivateKey({ ...toDer('302e020100300506032b656e04220420', ours), type: 'pkcs8' });
    const publicKey = createPublicKey({ ...toDer('302a300506032b656e032100', theirs), type: 'spki' });
    return diffieHellman({ privateKey, publicKey });
  } catch {
    return null;
  }
}

function countPoints(inner: Buffer): number {
  return inner.toString('latin1').split(/^introduction-point /m, MOST_POINTS + 1).length - 1;
}

function hash(...parts: (Buffer | string)[]): Buffer {
  const sum = createHash('sha3-256');
  for (const part of parts) sum.update(part);
  return sum.digest();
}

function stretch(length: number, ...parts: Buffer[]): Buffer {
  return createHash('shake256', { outputLength: length }).update(Buffer.concat(parts)).digest();
}

function toEight(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(value);
  return bytes;
}
