import { createHash } from 'node:crypto';
import { decodeBase32 } from '../core/base32.ts';

/**
 * What is wrong with a version 3 onion name, or undefined. A mistyped address is not "service down": its checksum shows it.
 * rend-spec-v3 section 6: base32(key | checksum | version), checksum = SHA3-256(".onion checksum" | key | version), two bytes.
 */
export function findOnionProblem(host: string): string | undefined {
  const match = /(?:^|\.)([^.]*)\.onion\.?$/i.exec(host);
  if (!match) return undefined;
  const label = (match[1] ?? '').toLowerCase();
  if (!/^[a-z2-7]{56}$/.test(label)) return 'not an onion address';
  const bytes = decodeBase32(label);
  const key = bytes.subarray(0, 32);
  const version = bytes.subarray(34, 35);
  if (version[0] !== 3) return 'not a version 3 onion address';
  const checksum = createHash('sha3-256').update('.onion checksum').update(key).update(version).digest();
  return checksum[0] === bytes[32] && checksum[1] === bytes[33] ? undefined : 'a mistyped onion address: its checksum is wrong';
}
