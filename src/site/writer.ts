import { hash as oneShotHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fdatasyncSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { dirname, join, normalize, sep } from 'node:path';

export interface SiteCounts {
  written: number;
  unchanged: number;
}

/** A page that says between `before` and `after` by which run it was last changed: without other changes it is not written again. */
export type SiteFile = string | Buffer | { before: string; after: string };

/** A file that is made only when its key is not the one that it was last made with. */
export interface KeyedFile {
  key: string;
  /**
   * One of hundreds: with the same key it is not even looked at, and it is not synced to the disk. What somebody altered, or a power
   * failure left empty, is made good with the next key.
   */
  isQuiet?: boolean;
  /** A quiet one that hardly ever has another key: it is synced all the same. */
  isLasting?: boolean;
  make(): SiteFile;
}

/** A site's files by path relative to its folder, with `/`. */
export type SiteFiles = Map<string, SiteFile | KeyedFile>;

/**
 * Which files of a site we wrote: removed pages are found by it, and a file that we did not write is never touched. Its sizes and
 * digests tell unchanged files without reading them.
 */
const MANIFEST = '.vigie-files.json';
const TEMPORARY = '.vigie-new';

interface Manifest {
  [path: string]: { key: string; digest: string; size: number; mtimeMs: number };
}

/**
 * Publishes a site. All changed files are first written to temporary names and synced to the disk, then renamed, index pages last: a reader
 * never sees half a page, pages of one run come together within a moment, and the overview never links to a page that is not there
 * yet. Unchanged files are not touched; files of earlier runs that are no longer there are removed. `stamp` stands in pages that say
 * when they last changed. Throws with the path and the reason.
 */
export function writeSite(folder: string, files: SiteFiles, stamp = ''): SiteCounts {
  refuseLink(folder);
  named(folder, () => makeFolder(folder));
  const before = readManifest(folder);
  const after: Manifest = {};
  const pending: Pending[] = [];
  try {
    for (const [path, file] of files) {
      const known = before[path];
      const key = isKeyed(file) ? hash(file.key) : '';
      const isQuiet = isKeyed(file) && file.isQuiet === true;
      if (known !== undefined && known.key === key && isQuiet) {
        after[path] = known;
        continue;
      }
      const target = resolveInside(folder, path);
      const intact = known !== undefined && isAsWritten(target, known) ? known : undefined;
      if (intact !== undefined && key !== '' && intact.key === key) {
        after[path] = intact;
        continue;
      }
      const isDurable = !isQuiet || (isKeyed(file) && file.isLasting === true);
      const content = isKeyed(file) ? file.make() : file;
      const digest = digestOf(content);
      if (intact?.digest === digest) after[path] = intact.key === key ? intact : { ...intact, key };
      else pending.push({ path, key, digest, ...writeTemporary(target, toBytes(content, stamp), isDurable) });
    }
    pending.sort((a, b) => Number(isIndex(a.path)) - Number(isIndex(b.path)));
    for (const one of pending) after[one.path] = replace(one);
  } catch (error) {
    for (const { temporary } of pending) removeQuietly(temporary);
    throw error;
  }
  removeStale(folder, before, after);
  // What was found as it was written is the same object.
  const paths = Object.keys(after);
  if (paths.length !== Object.keys(before).length || paths.some((path) => after[path] !== before[path]))
    writeManifest(folder, after);
  return { written: pending.length, unchanged: files.size - pending.length };
}

/** A file that lies under its temporary name. */
interface Pending {
  path: string;
  key: string;
  digest: string;
  temporary: string;
  target: string;
  size: number;
  mtimeMs: number;
}

function toBytes(file: SiteFile, stamp: string): Buffer {
  if (Buffer.isBuffer(file)) return file;
  return Buffer.from(typeof file === 'string' ? file : file.before + stamp + file.after);
}

function isKeyed(file: SiteFile | KeyedFile): file is KeyedFile {
  return typeof file === 'object' && 'make' in file;
}

function digestOf(file: SiteFile): string {
  return typeof file === 'string' || Buffer.isBuffer(file) ? hash(file) : hash(`${file.before}\0${file.after}`);
}

function hash(content: string | Buffer): string {
  return oneShotHash('sha1', content, 'base64');
}

/** With its parents, one by one: `recursive` of Node 20 never ends where the kernel refuses with ENOENT, as under /proc. */
function makeFolder(path: string): void {
  if (existsSync(path)) return;
  makeFolder(dirname(path));
  mkdirSync(path);
}

/** `index.html` of a folder is what people open first. */
function isIndex(path: string): boolean {
  return path === 'index.html' || path.endsWith('/index.html');
}

/** A symbolic link in the folder's place could lead the pages anywhere; links above it are the administrator's. */
function refuseLink(folder: string): void {
  const found = lstatSync(folder, { throwIfNoEntry: false });
  if (found !== undefined && !found.isDirectory()) {
    throw new Error(
      `${folder}: is ${found.isSymbolicLink() ? 'a symbolic link' : 'no folder'}, expected a folder of the site's own`,
    );
  }
}

/** `/srv/site-evil` is not inside `/srv/site`. */
export function resolveInside(folder: string, path: string): string {
  const target = normalize(join(folder, path));
  if (!target.startsWith(normalize(folder + sep)) || path.includes('\0'))
    throw new Error(`${JSON.stringify(path)} leads out of ${folder}`);
  return target;
}

function isAsWritten(target: string, { size, mtimeMs }: Manifest[string]): boolean {
  const found = lstatSync(target, { throwIfNoEntry: false });
  return found?.isFile() === true && found.size === size && found.mtimeMs === mtimeMs;
}

function writeTemporary(target: string, bytes: Buffer, isDurable = true): Omit<Pending, 'path' | 'key' | 'digest'> {
  return named(target, () => {
    makeFolder(dirname(target));
    const temporary = join(dirname(target), `.${Math.random().toString(36).slice(2)}${TEMPORARY}`);
    const file = openSync(temporary, 'wx', 0o644);
    try {
      for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done);
      // A rename must not become durable before the content that it names.
      if (isDurable) fdatasyncSync(file);
      return { temporary, target, size: bytes.length, mtimeMs: fstatSync(file).mtimeMs };
    } catch (error) {
      removeQuietly(temporary);
      throw error;
    } finally {
      closeSync(file);
    }
  });
}

function replace({ temporary, target, key, digest, size, mtimeMs }: Pending): Manifest[string] {
  return named(target, () => {
    renameSync(temporary, target);
    return { key, digest, size, mtimeMs };
  });
}

function writeManifest(folder: string, manifest: Manifest): void {
  const pending = writeTemporary(join(folder, MANIFEST), Buffer.from(JSON.stringify(manifest)), false);
  replace({ ...pending, path: MANIFEST, key: '', digest: '' });
}

/** Errors name the file that was to be written. */
function named<T>(target: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw new Error(`${target}: cannot be written: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

function removeStale(folder: string, before: Manifest, after: Manifest): void {
  for (const path of Object.keys(before)) {
    if (Object.hasOwn(after, path)) continue;
    const target = resolveInside(folder, path);
    removeQuietly(target);
    if (dirname(target) !== normalize(folder)) removeEmptyFolder(dirname(target));
  }
  // A run that was killed while it wrote leaves temporary files behind.
  for (const inner of new Set(Object.keys(after).map(dirname))) {
    const path = join(folder, inner);
    for (const name of readdirSync(path)) if (name.endsWith(TEMPORARY)) removeQuietly(join(path, name));
  }
}

function removeQuietly(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

function removeEmptyFolder(path: string): void {
  try {
    rmdirSync(path);
  } catch {
    // Somebody's own file is in it: the folder stays.
  }
}

function readManifest(folder: string): Manifest {
  try {
    return JSON.parse(readFileSync(join(folder, MANIFEST), 'utf8')) as Manifest;
  } catch {
    return {};
  }
}
