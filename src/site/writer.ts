import { hash as oneShotHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { dirname, join, normalize, sep } from 'node:path';
import { makeFolder, named, removeEmptyFolder, removeQuietly, TEMPORARY, type Temporary, writeTemporary } from './disk.ts';
import type { FileFault, KeyedFile, Remedy, Since, SiteFile, SiteFiles } from './site-file.ts';

export interface SiteCounts {
  written: number;
  unchanged: number;
}

/**
 * Which files of a site we wrote: removed pages are found by it, and a file that we did not write is never touched. Its sizes and
 * digests tell unchanged files without reading them.
 */
const MANIFEST = '.vigie-files.json';

interface Manifest {
  [path: string]: Entry;
}

/** `since` is there while the file cannot be made; its key is then that of none, so that each run tries again. */
interface Entry {
  key: string;
  digest: string;
  size: number;
  mtimeMs: number;
  since?: Since;
}

/**
 * Publishes a site. All changed files are first written to temporary names and synced to the disk, then renamed, index pages last: a reader
 * never sees half a page, pages of one run come together within a moment, and the overview never links to a page that is not there
 * yet. Unchanged files are not touched; files of earlier runs that are no longer there are removed. `stamp` stands in pages that say
 * when they last changed. Throws with the path and the reason; with a remedy not for a file that cannot be made.
 */
export function writeSite(
  folder: string,
  files: SiteFiles,
  stamp = '',
  remedy: Remedy | null = null,
): SiteCounts & { faults: FileFault[] } {
  refuseLink(folder);
  named(folder, () => makeFolder(folder));
  const before = readManifest(folder);
  const work: Work = { folder, before, after: {}, pending: [], faults: [], stamp, remedy };
  const { after, pending, faults } = work;
  try {
    for (const [path, file] of files) writeOne(work, path, file);
    pending.sort((a, b) => Number(isIndex(a.path)) - Number(isIndex(b.path)));
    for (const one of pending) after[one.path] = replace(one);
  } catch (error) {
    for (const { temporary } of pending) removeQuietly(temporary);
    throw error;
  }
  if (faults.length > 0 && remedy?.keepsRest === true) keepRest(before, after);
  removeStale(folder, before, after);
  // What was found as it was written is the same object.
  const paths = Object.keys(after);
  if (paths.length !== Object.keys(before).length || paths.some((path) => after[path] !== before[path]))
    writeManifest(folder, after);
  return { written: pending.length, unchanged: files.size - pending.length, faults };
}

/** One publication as far as it has come. */
interface Work {
  folder: string;
  before: Manifest;
  after: Manifest;
  pending: Pending[];
  faults: FileFault[];
  stamp: string;
  remedy: Remedy | null;
}

/** Where a file stands, and what was written there last: `known` as we remember it, `intact` if it is still so. */
interface Place {
  path: string;
  target: string;
  known: Entry | undefined;
  intact: Entry | undefined;
}

/** What is remembered of what is put there. */
type Mark = Pick<Entry, 'key' | 'since'> & { isDurable: boolean };

/** A file that lies under its temporary name. */
type Pending = Temporary & Pick<Entry, 'key' | 'digest' | 'since'> & { path: string };

function writeOne(work: Work, path: string, file: SiteFile | KeyedFile): void {
  const { folder, before, after, faults } = work;
  const known = before[path];
  const key = isKeyed(file) && file.key !== null ? hash(file.key) : '';
  const isQuiet = isKeyed(file) && file.isQuiet === true;
  if (known !== undefined && known.key === key && isQuiet) {
    after[path] = known;
    return;
  }
  const target = resolveInside(folder, path);
  const intact = known !== undefined && isAsWritten(target, known) ? known : undefined;
  if (intact !== undefined && key !== '' && intact.key === key) {
    after[path] = intact;
    return;
  }
  const place = { path, target, known, intact };
  let content: SiteFile;
  try {
    content = isKeyed(file) ? file.make(faults) : file;
  } catch (error) {
    mend(work, place, error);
    return;
  }
  put(work, place, content, { key, isDurable: !isQuiet || (isKeyed(file) && file.isLasting === true) });
}

function put({ after, pending, stamp }: Work, { path, target, intact }: Place, content: SiteFile, mark: Mark): void {
  const { isDurable, ...kept } = mark;
  const digest = digestOf(content);
  if (intact?.digest !== digest) {
    pending.push({ path, digest, ...kept, ...writeTemporary(target, toBytes(content, stamp), isDurable) });
  } else if (intact.key === kept.key && intact.since === kept.since) {
    after[path] = intact;
  } else {
    const { size, mtimeMs } = intact;
    after[path] = { digest, size, mtimeMs, ...kept };
  }
}

/** What has stood there since the fault came stays as it is: it says so. */
function mend(work: Work, place: Place, error: unknown): void {
  const { after, faults, remedy } = work;
  const { path, target, known, intact } = place;
  if (remedy === null || remedy.isFatal(error)) throw error;
  const since = known?.since ?? remedy.now;
  faults.push({ path, since, error });
  if (intact?.since !== undefined) {
    after[path] = intact;
    return;
  }
  const content = remedy.replace(path, since, intact === undefined ? null : readFileSync(target, 'utf8'));
  if (content !== null) put(work, place, content, { key: '', since, isDurable: true });
  else if (known !== undefined) after[path] = { ...known, key: '', since };
}

function keepRest(before: Manifest, after: Manifest): void {
  for (const [path, known] of Object.entries(before)) after[path] ??= known;
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

function isAsWritten(target: string, { size, mtimeMs }: Entry): boolean {
  const found = lstatSync(target, { throwIfNoEntry: false });
  return found?.isFile() === true && found.size === size && found.mtimeMs === mtimeMs;
}

function replace({ temporary, target, key, digest, size, mtimeMs, since }: Pending): Entry {
  return named(target, () => {
    renameSync(temporary, target);
    return { key, digest, size, mtimeMs, ...(since === undefined ? {} : { since }) };
  });
}

function writeManifest(folder: string, manifest: Manifest): void {
  const pending = writeTemporary(join(folder, MANIFEST), Buffer.from(JSON.stringify(manifest)), false);
  replace({ ...pending, path: MANIFEST, key: '', digest: '' });
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

function readManifest(folder: string): Manifest {
  try {
    return JSON.parse(readFileSync(join(folder, MANIFEST), 'utf8')) as Manifest;
  } catch {
    return {};
  }
}
