import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import type { Context } from '../check-type.ts';
import { LookFailure, TargetFailure } from '../core/failure.ts';
import { cleanText } from '../core/text.ts';
import { isInside, type ListedFile, parseParagraph, type Release, withoutPacking } from './apt-release.ts';
import { insistOnOneSignedText, readKeyring, type Verified, verifySigned } from './gpgv.ts';

/** Gets one file below the suite's folder or the repository's; null where there is none (HTTP 404). */
export type Fetch = (path: string, maxSize: number) => Promise<Buffer | null>;

const MAX_RELEASE = 4 * 1024 * 1024;
const MAX_SIGNATURE = 64 * 1024;
/** What a compressed Packages file may become. */
const MAX_UNPACKED = 256 * 1024 * 1024;

/** The signed Release file: InRelease, or where there is none Release with Release.gpg. Throws TargetFailure, LookFailure. */
export async function fetchRelease(fetch: Fetch, keyringPath: string, context: Context): Promise<Verified> {
  const keyring = readKeyring(keyringPath);
  const inline = await fetch('InRelease', MAX_RELEASE);
  if (inline !== null) {
    insistOnOneSignedText(inline.toString('latin1'));
    return verifySigned({ text: inline }, keyring, context);
  }
  const text = await fetch('Release', MAX_RELEASE);
  if (text === null) throw new TargetFailure('apt.missing', 'neither InRelease nor Release is there (HTTP 404)');
  const signature = await fetch('Release.gpg', MAX_SIGNATURE);
  if (signature === null) throw new TargetFailure('apt.not_signed', 'Release.gpg is not there (HTTP 404), expected a signature');
  return verifySigned({ text, signature }, keyring, context);
}

export interface Wanted {
  /** Default: all that the Release file names. */
  components: string[] | undefined;
  architectures: string[] | undefined;
}

/** The listed indexes of these components and architectures; throws TargetFailure `apt.not_listed` for a pair without any. */
export function chooseFiles({ fields, files }: Release, wanted: Wanted): ListedFile[] {
  const words = (name: string) => (fields.get(name) ?? '').split(/\s+/).filter((word) => word !== '');
  const components = wanted.components ?? words('components');
  const architectures = wanted.architectures ?? words('architectures').filter((name) => name !== 'all');
  if (components.length === 0 || architectures.length === 0) {
    throw new TargetFailure('apt.not_listed', 'the Release file names no components or no architectures');
  }
  return components.flatMap((component) =>
    architectures.flatMap((architecture) => {
      const folder = `${component}/${architecture === 'source' ? 'source' : `binary-${architecture}`}/`;
      const found = files.filter(({ path }) => path.startsWith(folder));
      if (!found.some(({ path }) => /\/(?:Packages|Sources)(?:\.\w+)?$/.test(path))) {
        const where = `${cleanText(component, 30)} ${cleanText(architecture, 20)}`;
        throw new TargetFailure('apt.not_listed', `the Release file lists no index of ${where}`);
      }
      return found;
    }),
  );
}

export interface IndexCheck {
  fetch: Fetch;
  release: Release;
  maxSize: number;
  trace: (step: string) => void;
}

/**
 * Gets each index by its name, and by its hash where the suite says so, and compares. Returns how many were right. An index that is
 * listed unpacked may be there only packed: archives list it so that unpacked results can be compared.
 */
export async function checkIndexes(chosen: ListedFile[], check: IndexCheck): Promise<number> {
  const packed = new Set(chosen.filter(({ path }) => withoutPacking(path) !== path).map(({ path }) => withoutPacking(path)));
  const byHash = (check.release.fields.get('acquire-by-hash') ?? '').toLowerCase() === 'yes';
  let right = 0;
  for (const file of chosen) {
    const mayBeMissing = packed.has(file.path);
    const isThere = await checkFile(file, file.path, { ...check, mayBeMissing });
    if (!isThere) continue;
    right += 1;
    if (byHash) await checkFile(file, toHashPath(file, check.release.algorithm), { ...check, mayBeMissing });
  }
  if (right === 0) throw new TargetFailure('apt.index', 'no index of the chosen components and architectures is there');
  return right;
}

function toHashPath({ path, hash }: ListedFile, algorithm: string): string {
  return `${path.slice(0, path.lastIndexOf('/'))}/by-hash/${algorithm.toUpperCase()}/${hash}`;
}

async function checkFile(file: ListedFile, path: string, check: IndexCheck & { mayBeMissing: boolean }): Promise<boolean> {
  const bytes = await getListed(file, path, check);
  if (bytes === null) {
    if (check.mayBeMissing) return false;
    throw new TargetFailure('apt.index', `${toShown(path)} is not there (HTTP 404), expected ${file.size} bytes`);
  }
  compare(file, path, { bytes, algorithm: check.release.algorithm });
  check.trace(`${toShown(path)}: ${bytes.length} bytes, ${check.release.algorithm} right`);
  return true;
}

/** Reads hardly more than what is listed. Throws TargetFailure `apt.too_large`, `apt.index_size`. */
async function getListed(file: ListedFile, path: string, { fetch, maxSize }: IndexCheck): Promise<Buffer | null> {
  if (file.size > maxSize) {
    throw new TargetFailure('apt.too_large', `${toShown(path)} has ${file.size} bytes, expected at most ${maxSize} (max_size)`);
  }
  try {
    return await fetch(path, file.size);
  } catch (error) {
    if (!(error instanceof TargetFailure) || !error.code.startsWith('size.')) throw error;
    const output = `${toShown(path)} is longer than the ${file.size} bytes that are listed`;
    throw new TargetFailure('apt.index_size', output, { cause: error });
  }
}

function compare(file: ListedFile, path: string, { bytes, algorithm }: { bytes: Buffer; algorithm: string }): void {
  if (bytes.length !== file.size) {
    throw new TargetFailure('apt.index_size', `${toShown(path)} has ${bytes.length} bytes, expected ${file.size}`);
  }
  const hash = createHash(algorithm).update(bytes).digest('hex');
  if (hash !== file.hash) {
    const seen = `${algorithm} ${hash.slice(0, 8)}…`;
    throw new TargetFailure('apt.index_hash', `${toShown(path)} has ${seen}, expected ${file.hash.slice(0, 8)}…`);
  }
}

/** The end of a path says more than its beginning, and the end of a hash nothing. */
function toShown(path: string): string {
  const clean = cleanText(path.replace(/(\/by-hash\/\w+\/[0-9a-f]{8})[0-9a-f]+$/, '$1…'), 200);
  return clean.length <= 48 ? clean : `…${clean.slice(-47)}`;
}

/** Looks one package up in the chosen indexes, gets it from the repository and compares. Returns its bytes' number. */
export async function checkPackage(
  name: string,
  chosen: ListedFile[],
  check: IndexCheck & { fetchPool: Fetch; context: Context },
): Promise<number> {
  const indexes = chosen.filter(({ path }) => /\/Packages(?:\.gz|\.xz)?$/.test(path));
  const done = new Set<string>();
  // What unpacks quickest first.
  indexes.sort((a, b) => packingRank(a.path) - packingRank(b.path));
  for (const index of indexes) {
    if (done.has(withoutPacking(index.path))) continue;
    const bytes = await getListed(index, index.path, check);
    if (bytes === null) continue;
    compare(index, index.path, { bytes, algorithm: check.release.algorithm });
    done.add(withoutPacking(index.path));
    const file = findPackage(await unpack(bytes, index.path, check.context), name);
    if (file === null) continue;
    const found = await getListed(file, file.path, { ...check, fetch: check.fetchPool });
    if (found === null) throw new TargetFailure('apt.package', `${toShown(file.path)} is not there (HTTP 404)`);
    compare(file, file.path, { bytes: found, algorithm: 'sha256' });
    check.trace(`${toShown(file.path)}: ${found.length} bytes, sha256 right`);
    return found.length;
  }
  throw new TargetFailure('apt.package', `no index lists package ${cleanText(name, 60)}`);
}

function packingRank(path: string): number {
  return path.endsWith('.gz') ? 0 : path.endsWith('.xz') ? 2 : 1;
}

async function unpack(bytes: Buffer, path: string, context: Context): Promise<string> {
  if (path.endsWith('.gz')) {
    try {
      return gunzipSync(bytes, { maxOutputLength: MAX_UNPACKED }).toString('utf8');
    } catch (error) {
      throw new TargetFailure('apt.packing', `${toShown(path)} cannot be unpacked`, { cause: error });
    }
  }
  if (!path.endsWith('.xz')) return bytes.toString('utf8');
  const { exitCode, stdout, truncated } = await context.spawn({ file: 'xz', args: ['-dc'], input: bytes, maxOutput: MAX_UNPACKED });
  if (exitCode !== 0) throw new TargetFailure('apt.packing', `${toShown(path)} cannot be unpacked`);
  if (truncated) throw new LookFailure('apt.packing', `${toShown(path)} is longer than ${MAX_UNPACKED} bytes when unpacked`);
  return stdout;
}

/** The first paragraph about the package: an index may hold a hundred thousand, only that one is taken apart. */
export function findPackage(index: string, name: string): ListedFile | null {
  const line = `Package: ${name}\n`;
  const at = index.startsWith(line) ? 0 : index.indexOf(`\n${line}`);
  if (at < 0) return null;
  const before = at === 0 ? -1 : index.lastIndexOf('\n\n', at);
  const end = index.indexOf('\n\n', at + 1);
  const fields = parseParagraph(index.slice(before < 0 ? 0 : before + 2, end < 0 ? index.length : end));
  const path = (fields.get('filename') ?? '').replace(/^\.\//, '');
  const size = fields.get('size') ?? '';
  const hash = (fields.get('sha256') ?? '').toLowerCase();
  if (!isInside(path) || !/^\d{1,15}$/.test(size) || !/^[0-9a-f]{64}$/.test(hash)) {
    throw new TargetFailure('apt.package', `package ${cleanText(name, 60)} has no usable Filename, Size and SHA256`);
  }
  return { path, size: Number(size), hash };
}
