import { createHash, createPublicKey, type JsonWebKey, type KeyObject, verify } from 'node:crypto';
import { TargetFailure } from '../core/failure.ts';
import { cleanText } from '../core/text.ts';
import { SshFields } from './ssh-wire.ts';

/** What a server proves to hold. */
export interface HostKey {
  /** Such as `ssh-ed25519`. */
  type: string;
  blob: Buffer;
  /** `SHA256:` and base64 without padding, as ssh-keygen writes it. */
  fingerprint: string;
}

/** A key that is expected. */
export interface PinnedKey {
  type: string;
  /** As it stands in known_hosts. */
  base64: string;
  fingerprint: string;
}

const CURVES: Record<string, { crv: string; size: number; hash: string }> = {
  nistp256: { crv: 'P-256', size: 32, hash: 'sha256' },
  nistp384: { crv: 'P-384', size: 48, hash: 'sha384' },
  nistp521: { crv: 'P-521', size: 66, hash: 'sha512' },
};
const RSA_HASHES: Record<string, string> = { 'rsa-sha2-256': 'sha256', 'rsa-sha2-512': 'sha512' };

/** Algorithms of a host key's signature that are accepted, the best first; SHA-1 (`ssh-rsa`) is not. */
export const HOST_KEY_ALGORITHMS = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'rsa-sha2-512',
  'rsa-sha2-256',
];

/** The key's type of a signature algorithm: three algorithms go with one RSA key. */
export function toKeyType(algorithm: string): string {
  return Object.hasOwn(RSA_HASHES, algorithm) ? 'ssh-rsa' : algorithm;
}

export function toHostKey(blob: Buffer): HostKey {
  return { type: cleanText(new SshFields(blob).string().toString('latin1'), 40), blob, fingerprint: toFingerprint(blob) };
}

function toFingerprint(blob: Buffer): string {
  return `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`;
}

/** `ssh-ed25519 AAAA...` as in a `.pub` file, or a line of known_hosts or ssh-keyscan; null for anything else. */
export function parsePinnedKey(text: string): PinnedKey | null {
  const [, type = '', base64 = ''] = /(?:^|\s)((?:ssh|ecdsa)-[a-z0-9-]+)\s+(AAAA[A-Za-z0-9+/]+={0,2})(?:\s|$)/.exec(text) ?? [];
  const blob = Buffer.from(base64, 'base64');
  const isWhole = type !== '' && blob.length > 4 + type.length && blob.subarray(4, 4 + type.length).toString('latin1') === type;
  return isWhole ? { type, base64, fingerprint: toFingerprint(blob) } : null;
}

/** Throws TargetFailure `ssh.signature` unless the owner of the key signed this (RFC 4253 section 6.6, 5656, 8332, 8709). */
export function insistOnSignature(blob: Buffer, signature: Buffer, signed: Buffer): void {
  if (!isSigned(blob, signature, signed)) {
    throw new TargetFailure('ssh.signature', 'the server cannot prove that it owns its host key');
  }
}

function isSigned(blob: Buffer, signature: Buffer, signed: Buffer): boolean {
  const fields = new SshFields(signature);
  const algorithm = fields.string().toString('latin1');
  const value = fields.string();
  const key = new SshFields(blob);
  if (key.string().toString('latin1') !== toKeyType(algorithm)) return false;
  const curve = CURVES[algorithm.replace('ecdsa-sha2-', '')];
  if (algorithm === 'ssh-ed25519') {
    return verify(null, signed, toKey({ kty: 'OKP', crv: 'Ed25519', x: toBase64Url(key.string()) }), value);
  }
  if (curve !== undefined) {
    const dsaEncoding = 'ieee-p1363' as const;
    return verify(curve.hash, signed, { key: readEcdsaKey(key, curve), dsaEncoding }, readEcdsaValue(value, curve.size));
  }
  const hash = RSA_HASHES[algorithm];
  if (hash === undefined) return false;
  const e = toBase64Url(trim(key.string()));
  return verify(hash, signed, toKey({ kty: 'RSA', e, n: toBase64Url(trim(key.string())) }), value);
}

function readEcdsaKey(key: SshFields, { crv, size }: { crv: string; size: number }): KeyObject {
  key.string();
  const point = key.string();
  const x = toBase64Url(point.subarray(1, 1 + size));
  return toKey({ kty: 'EC', crv, x, y: toBase64Url(point.subarray(1 + size, 1 + 2 * size)) });
}

/** Two numbers, each made as long as the curve's. */
function readEcdsaValue(value: Buffer, size: number): Buffer {
  const fields = new SshFields(value);
  return Buffer.concat(
    [trim(fields.string()), trim(fields.string())].map((number) =>
      Buffer.concat([Buffer.alloc(Math.max(0, size - number.length)), number]),
    ),
  );
}

function toKey(jwk: JsonWebKey): KeyObject {
  try {
    return createPublicKey({ key: jwk, format: 'jwk' });
  } catch (error) {
    throw new TargetFailure('ssh.signature', 'the host key is none: its numbers are wrong', { cause: error });
  }
}

function trim(number: Buffer): Buffer {
  const start = number.findIndex((byte) => byte !== 0);
  return number.subarray(start < 0 ? number.length : start);
}

function toBase64Url(bytes: Buffer): string {
  return bytes.toString('base64url');
}
