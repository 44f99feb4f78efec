import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Context } from '../check-type.ts';
import { LookFailure, TargetFailure } from '../core/failure.ts';
import { cleanText } from '../core/text.ts';

export interface Signed {
  /** A clearsigned text, or the bytes that `signature` is for. */
  text: Buffer;
  /** A detached signature, armoured or not; absent: the text is clearsigned. */
  signature?: Buffer;
}

export interface Verified {
  /** What the signature is for, and nothing else of the file. */
  content: Buffer;
  /** Of the primary keys whose signatures are good, hexadecimal, upper case. */
  fingerprints: string[];
}

const MAX_KEYRING = 1024 * 1024;

/** The keys of a file as gpgv wants them: binary. Throws LookFailure `key.missing`, `key.format`. */
export function readKeyring(path: string): Buffer {
  const name = cleanText(path, 60);
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    const reason = cleanText((error as NodeJS.ErrnoException).code ?? 'unknown', 20);
    throw new LookFailure('key.missing', `${name}: keys cannot be read (${reason})`, { cause: error });
  }
  if (bytes.length > MAX_KEYRING) throw new LookFailure('key.format', `${name}: longer than ${MAX_KEYRING} bytes`);
  const keys = bytes.includes('-----BEGIN PGP') ? removeArmour(bytes.toString('latin1')) : bytes;
  // RFC 9580, section 4.2: the first bit of a packet is set; the first packet of a key is of type 6.
  const first = keys[0] ?? 0;
  const type = (first & 0x40) === 0 ? (first >> 2) & 0x0f : first & 0x3f;
  if ((first & 0x80) === 0 || type !== 6) throw new LookFailure('key.format', `${name}: holds no OpenPGP public key`);
  return keys;
}

/** All blocks of an armoured file (RFC 9580, section 6.2), one behind the other. */
function removeArmour(text: string): Buffer {
  const blocks = text.matchAll(/-----BEGIN PGP PUBLIC KEY BLOCK-----\s*\n(?:[^\n]*:[^\n]*\n)*\s*\n?([A-Za-z0-9+/=\s]*?)-----END/g);
  return Buffer.concat([...blocks].map(([, body = '']) => Buffer.from(body.replace(/\n=[^\n]*\s*$/, ''), 'base64')));
}

/**
 * gpgv also takes texts before, between and behind signed ones, and says nothing of them. Here a file is one signed text, as apt wants
 * it. Throws TargetFailure `apt.not_signed`, `apt.truncated`, `apt.extra`.
 */
export function insistOnOneSignedText(text: string): void {
  const lines = text.replace(/\s+$/, '').split(/\r?\n/);
  if (lines[0] !== '-----BEGIN PGP SIGNED MESSAGE-----') {
    throw new TargetFailure('apt.not_signed', `not clearsigned: begins with "${cleanText(lines[0] ?? '', 40)}"`);
  }
  const start = lines.indexOf('');
  const signature = lines.indexOf('-----BEGIN PGP SIGNATURE-----');
  const end = lines.indexOf('-----END PGP SIGNATURE-----');
  if (start < 0 || signature < start || end < signature) {
    throw new TargetFailure('apt.truncated', 'the signature is not complete');
  }
  const isHeader = (line: string) => /^Hash: [A-Za-z0-9, -]+$/.test(line);
  const isArmour = (line: string) => /^(?:[A-Za-z0-9+/=]*|(?:Version|Comment): .*)$/.test(line);
  const hasForeignLines =
    !lines.slice(1, start).every(isHeader) ||
    // In a signed text a line never begins with a dash that is not escaped (RFC 9580, section 7.2).
    lines.slice(start, signature).some((line) => line.startsWith('-') && !line.startsWith('- ')) ||
    !lines.slice(signature + 1, end).every(isArmour);
  if (hasForeignLines || end !== lines.length - 1) {
    throw new TargetFailure('apt.extra', 'text outside of the signature, expected one signed text and nothing else');
  }
}

/** Verifies with Debian's gpgv against these keys alone. Throws TargetFailure `signature.*`, LookFailure `gpgv.failed`. */
export async function verifySigned({ text, signature }: Signed, keyring: Buffer, context: Context): Promise<Verified> {
  const folder = mkdtempSync(join(tmpdir(), 'vigie-gpgv-'));
  const file = (name: string) => join(folder, name);
  try {
    writeFileSync(file('keys.gpg'), keyring);
    writeFileSync(file('text'), text);
    if (signature) writeFileSync(file('signature'), signature);
    const signed = signature ? [file('signature'), file('text')] : ['--output', file('content'), file('text')];
    // Weak digests as apt refuses them. `--homedir`: no file of ours or root's has a say.
    const weak = ['--weak-digest', 'SHA1', '--weak-digest', 'RIPEMD160'];
    const args = ['--homedir', folder, '--keyring', file('keys.gpg'), ...weak, '--status-fd', '1', ...signed];
    const { exitCode, signal, stdout, stderr } = await context.spawn({ file: 'gpgv', args, maxOutput: 64 * 1024 });
    const { good, bad } = readStatus(stdout);
    if (bad !== null) throw new TargetFailure(bad.code, bad.words);
    if (good.length === 0) {
      throw new LookFailure('gpgv.failed', `gpgv ended with ${exitCode ?? signal}: ${cleanText(stderr, 100)}`);
    }
    return { content: signature ? text : readFileSync(file('content')), fingerprints: good };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const VERDICTS: Record<string, [code: string, words: string]> = {
  BADSIG: ['signature.bad', 'the signature is wrong: the file was altered'],
  EXPSIG: ['signature.expired', 'the signature has expired'],
  EXPKEYSIG: ['signature.key_expired', 'the key of the signature has expired'],
  REVKEYSIG: ['signature.key_revoked', 'the key of the signature was revoked'],
  NO_PUBKEY: ['signature.foreign', 'signed by a foreign key'],
  NODATA: ['signature.none', 'there is no signature'],
  UNEXPECTED: ['signature.none', 'there is no signature'],
  ERRSIG: ['signature.refused', 'the signature cannot be checked or its hash is too weak'],
};

/**
 * What gpgv says to programs, in `doc/DETAILS` of GnuPG. A signature by another key beside a good one is usual while keys change; a
 * wrong one never is.
 */
function readStatus(text: string): { good: string[]; bad: { code: string; words: string } | null } {
  const lines = text.split('\n').flatMap((line) => (line.startsWith('[GNUPG:] ') ? [line.slice(9).split(' ')] : []));
  const good: string[] = [];
  const faults: string[][] = [];
  let isGood = false;
  for (const words of lines) {
    const [keyword = ''] = words;
    if (keyword === 'GOODSIG') isGood = true;
    else if (keyword === 'NEWSIG') isGood = false;
    else if (keyword === 'VALIDSIG' && isGood) good.push(words[10] ?? words[1] ?? '');
    else if (Object.hasOwn(VERDICTS, keyword)) faults.push(words);
  }
  const fault = faults.find(([keyword]) => keyword === 'BADSIG') ?? (good.length > 0 ? undefined : pickFault(faults));
  if (fault === undefined) return { good, bad: null };
  const [code, words] = VERDICTS[fault[0] ?? ''] ?? ['signature.refused', ''];
  const key = /^[0-9A-F]{16,64}$/.test(fault[1] ?? '') ? ` (${fault[1]})` : '';
  return { good, bad: { code, words: `${words}${key}` } };
}

/** ERRSIG comes with NO_PUBKEY, and says less. */
function pickFault(faults: string[][]): string[] | undefined {
  return Object.keys(VERDICTS)
    .map((keyword) => faults.find(([found]) => found === keyword))
    .find((fault) => fault !== undefined);
}
