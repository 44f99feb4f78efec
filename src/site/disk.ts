import {
  chmodSync,
  closeSync,
  existsSync,
  fchmodSync,
  fdatasyncSync,
  fstatSync,
  mkdirSync,
  openSync,
  rmdirSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * A site's own folder is the gate: the umask and whoever sets its mode say who may enter. What is inside is for everyone who may, whatever
 * the umask of cron is that day, and for nobody to write.
 */
const INSIDE = 0o755;
const PAGE = 0o644;

/** What the names of files end with that are not in their place yet. */
export const TEMPORARY = '.vigie-new';

/** A file that lies under its temporary name. */
export interface Temporary {
  temporary: string;
  target: string;
  size: number;
  mtimeMs: number;
}

/** In the folder of its target, so that the rename never crosses file systems. */
export function writeTemporary(target: string, bytes: Buffer, isDurable = true): Temporary {
  return named(target, () => {
    makeFolder(dirname(target), INSIDE);
    const temporary = join(dirname(target), `.${Math.random().toString(36).slice(2)}${TEMPORARY}`);
    const file = openSync(temporary, 'wx', PAGE);
    try {
      fchmodSync(file, PAGE);
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

/** Errors name the file that was to be written. */
export function named<T>(target: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw new Error(`${target}: cannot be written: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

/**
 * With its parents, one by one: `recursive` of Node 20 never ends where the kernel refuses with ENOENT, as under /proc. Nobody else may
 * write into what is made; `mode` holds whatever the umask.
 */
export function makeFolder(path: string, mode?: number): void {
  if (existsSync(path)) return;
  makeFolder(dirname(path), mode);
  mkdirSync(path, 0o755);
  if (mode !== undefined) chmodSync(path, mode);
}

export function removeQuietly(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

export function removeEmptyFolder(path: string): void {
  try {
    rmdirSync(path);
  } catch {
    // Somebody's own file is in it: the folder stays.
  }
}
