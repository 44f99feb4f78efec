import { readFileSync, statSync } from 'node:fs';
import { createMessage, encrypt, readKey } from 'openpgp';
import { cleanText } from '../core/text.ts';

/** Public keys with many signatures are large; nobody's is larger than this. */
const MAX_KEY_BYTES = 1024 * 1024;

/** The text in armour, or why it could not be encrypted. */
export type Encrypted = { armored: string; problem: null } | { armored: null; problem: string };

/**
 * Encrypts a part of a mail (RFC 3156) to the key of a file, armored or binary. Never throws: a key that is expired, revoked, made for
 * signatures only or unreadable is a problem in words.
 */
export async function encryptFor(keyFile: string, part: Uint8Array, now: number): Promise<Encrypted> {
  try {
    const encryptionKeys = await readPublicKey(keyFile);
    const message = await createMessage({ binary: new Uint8Array(part) });
    const armored = await encrypt({ message, encryptionKeys, date: new Date(now), format: 'armored' });
    return { armored: String(armored).replace(/\r?\n/g, '\r\n'), problem: null };
  } catch (error) {
    return { armored: null, problem: `${keyFile}: ${describe(error)}` };
  }
}

async function readPublicKey(file: string): Promise<Awaited<ReturnType<typeof readKey>>> {
  const { size } = statSync(file);
  if (size > MAX_KEY_BYTES) throw new Error(`${size} bytes, expected a public key of at most ${MAX_KEY_BYTES}`);
  const bytes = readFileSync(file);
  const isArmored = bytes.subarray(0, 4096).includes('-----BEGIN PGP');
  const key = await (isArmored ? readKey({ armoredKey: bytes.toString('latin1') }) : readKey({ binaryKey: new Uint8Array(bytes) }));
  if (key.isPrivate()) throw new Error('a private key, expected a public one: gpg --export --armor ADDRESS');
  return key;
}

/** The library wraps the reason: `Error encrypting message: Primary key is expired`. */
function describe(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return cleanText(message.replace(/^Error encrypting message: /, '').replace(/^ENOENT: /, ''), 150);
}

/** When the key ends and whether it can encrypt now, for `vigie doctor`: the problem in words, or null. */
export async function examineKey(keyFile: string, now: number): Promise<{ problem: string | null; expiresAt: number | null }> {
  const { problem } = await encryptFor(keyFile, new Uint8Array([0]), now);
  if (problem !== null) return { problem, expiresAt: null };
  const expires = await (await readPublicKey(keyFile)).getExpirationTime();
  return { problem: null, expiresAt: expires instanceof Date ? expires.getTime() : null };
}
