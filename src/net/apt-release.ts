import { TargetFailure } from '../core/failure.ts';
import { cleanText } from '../core/text.ts';

/** One index that a Release file lists. */
export interface ListedFile {
  /** Below the suite's folder, such as `main/binary-amd64/Packages.gz`. */
  path: string;
  size: number;
  /** Hexadecimal, lower case. */
  hash: string;
}

export interface Release {
  fields: Map<string, string>;
  /** Of the hashes in `files`. */
  algorithm: 'sha512' | 'sha256';
  files: ListedFile[];
}

const MAX_FILES = 100_000;
/** The first that is listed counts: both are strong, and SHA256 is the one by which archives offer files in `by-hash`. */
const ALGORITHMS = [
  ['SHA256', 'sha256', 64],
  ['SHA512', 'sha512', 128],
] as const;

/**
 * A Release file: one paragraph of fields, and for each hash a list of indexes. Throws TargetFailure `apt.syntax`, and `apt.weak` where
 * only hashes stand that apt does not believe. https://wiki.debian.org/DebianRepository/Format
 */
export function parseRelease(text: string): Release {
  const fields = parseParagraph(text);
  for (const [name, algorithm, digits] of ALGORITHMS) {
    const list = fields.get(name.toLowerCase());
    if (list !== undefined) return { fields, algorithm, files: parseFiles(list, digits) };
  }
  const found = fields.has('md5sum') || fields.has('sha1') ? 'MD5 or SHA1' : 'no hashes';
  throw new TargetFailure('apt.weak', `the Release file lists ${found}, expected SHA256 or SHA512`);
}

/**
 * The fields of one paragraph (Debian Policy, section 5.1), names in lower case, continuation lines joined with line breaks.
 * Throws TargetFailure `apt.syntax` for a second paragraph, a field that stands twice, and lines that are no field.
 */
export function parseParagraph(text: string): Map<string, string> {
  const lines = text.replace(/\r?\n$/, '').split('\n');
  const fields = new Map<string, string[]>();
  let current: string[] | undefined;
  let number = 0;
  for (const line of lines) {
    number += 1;
    if (/^[ \t]+[^ \t\r]/.test(line) && current !== undefined) {
      current.push(line.trim());
      continue;
    }
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(0, colon)).toLowerCase();
    if (!/^[!-9;-~]{1,100}$/.test(name) || name.startsWith('-') || fields.has(name)) {
      throw new TargetFailure('apt.syntax', `line ${number} is no new field: "${cleanText(line, 40)}"`);
    }
    current = [line.slice(colon + 1).trim()];
    fields.set(name, current);
  }
  return new Map([...fields].map(([name, values]) => [name, values.join('\n')]));
}

function parseFiles(list: string, digits: number): ListedFile[] {
  const files = new Map<string, ListedFile>();
  for (const line of list.split('\n')) {
    if (line === '') continue;
    const [hash = '', size = '', path = '', ...rest] = line.split(/[ \t]+/);
    const isHash = hash.length === digits && /^[0-9a-fA-F]+$/.test(hash);
    if (!isHash || !/^\d{1,15}$/.test(size) || !isInside(path) || rest.length > 0 || files.has(path) || files.size === MAX_FILES) {
      throw new TargetFailure('apt.syntax', `no hash, size and new path: "${cleanText(line, 60)}"`);
    }
    files.set(path, { path, size: Number(size), hash: hash.toLowerCase() });
  }
  return [...files.values()];
}

/** Whether a path that a peer named stays below the folder that it is meant for. */
export function isInside(path: string): boolean {
  const steps = path.split('/');
  return path.length <= 1000 && !/[\\?#%\0-\x20\x7f]/.test(path) && steps.every((step) => !['', '.', '..'].includes(step));
}

/** `main/binary-amd64/Packages` of `main/binary-amd64/Packages.xz`: what several files hold, each packed in its own way. */
export function withoutPacking(path: string): string {
  return path.replace(/\.(?:gz|xz|bz2|lzma|lz4|zst)$/, '');
}
