import { createHash } from 'node:crypto';
import type { Dirent } from 'node:fs';
import {
  closeSync,
  fsyncSync,
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

/** A site's files by path relative to its folder, with `/`. */
export type SiteFiles = Map<string, string | Buffer>;

/**
 * Which files of a site we wrote: removed pages are found by it, and a file that we did not write is never touched. Its sizes and
 * digests tell unchanged files without reading them.
 */
const MANIFEST = '.vigie-files.json';

interface Manifest {
  [path: string]: { digest: string; size: number; mtimeMs: number };
}

/**
 * Publishes a site: each file is written to a temporary name, fsynced and renamed, index pages last, so that a reader never sees
 * half a page and the overview never links to a page that is not there yet. Unchanged files are not touched; files of earlier
 * runs that are no longer there are removed. Throws with the path and the reason.
 */
export function writeSite(folder: string, files: SiteFiles): SiteCounts {
  refuseLink(folder);
  mkdirSync(folder, { recursive: true });
  const before = readManifest(folder);
  const after: Manifest = {};
  const counts: SiteCounts = { written: 0, unchanged: 0 };
  for (const path of [...files.keys()].sort((a, b) => Number(isIndex(a)) - Number(isIndex(b)))) {
    const content = files.get(path) ?? '';
    const bytes = typeof content === 'string' ? Buffer.from(content) : content;
    const target = resolveInside(folder, path);
    const digest = createHash('sha256').update(bytes).digest('base64');
    const known = before[path];
    if (known?.digest === digest && isAsWritten(target, known)) {
      after[path] = known;
      counts.unchanged += 1;
    } else {
      after[path] = { digest, size: bytes.length, mtimeMs: writeAtomically(target, bytes) };
      counts.written += 1;
    }
  }
  removeStale(folder, before, after);
  if (counts.written > 0 || Object.keys(before).length !== files.size) {
    writeAtomically(join(folder, MANIFEST), Buffer.from(JSON.stringify(after)));
  }
  return counts;
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

/** Returns the file's modification time. */
function writeAtomically(target: string, bytes: Buffer): number {
  mkdirSync(dirname(target), { recursive: true });
  const temporary = join(dirname(target), `.${Math.random().toString(36).slice(2)}.vigie-new`);
  try {
    const file = openSync(temporary, 'wx', 0o644);
    try {
      for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, target);
    return lstatSync(target).mtimeMs;
  } catch (error) {
    removeQuietly(temporary);
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
  // A run that was killed while it wrote leaves a temporary file behind.
  for (const entry of listFolder(folder)) {
    if (entry.isFile() && entry.name.endsWith('.vigie-new')) removeQuietly(join(entry.parentPath, entry.name));
  }
}

function listFolder(folder: string): Dirent[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true });
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
