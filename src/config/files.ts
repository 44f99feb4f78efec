import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, isAbsolute, join } from 'node:path';

/** A configuration file as it is on disk. */
export interface DiskFile {
  /** Relative to the global file's folder, unless its pattern was absolute: the name under which it is kept. */
  name: string;
  /** As people see it in messages. */
  shown: string;
  text?: string;
  /** Why it cannot be read. */
  problem?: string;
}

/** `path` may be a folder that holds `vigie.yaml`. */
export function findGlobalFile(path: string): string {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ? join(path, 'vigie.yaml') : path;
}

export function readGlobalFile(path: string): DiskFile {
  return { name: basename(path), shown: path, ...readText(path) };
}

/** Files that the patterns match, in the order of their names: reading the same folder twice is reading the same configuration. */
export function readIncluded(globalPath: string, patterns: string[]): DiskFile[] {
  const folder = dirname(globalPath);
  const names = new Set(patterns.flatMap((pattern) => expandPattern(folder, pattern)));
  return [...names].sort().map((name) => {
    const shown = isAbsolute(name) ? name : join(folder, name);
    return { name, shown, ...readText(shown) };
  });
}

function readText(path: string): { text: string } | { problem: string } {
  try {
    // A fatal decoder: a byte that is not UTF-8 would otherwise become part of a name.
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path)) };
  } catch (error) {
    return { problem: `cannot be read, expected a text file in UTF-8, found ${toReason(error)}` };
  }
}

function toReason(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code;
  return REASONS[code ?? ''] ?? code ?? String(error);
}

const REASONS: Record<string, string> = {
  ENOENT: 'no such file',
  EACCES: 'no permission to read it',
  EISDIR: 'a folder',
  ERR_ENCODING_INVALID_ENCODED_DATA: 'other bytes',
};

/** A name without `*` and `?` is taken as it is, so that a missing file is said. */
function expandPattern(folder: string, pattern: string): string[] {
  const parts = pattern.split('/').filter((part, index) => part !== '' || index === 0);
  if (!/[*?]/.test(pattern)) return [pattern];
  let found = [parts[0] === '' ? '/' : ''];
  for (const part of parts[0] === '' ? parts.slice(1) : parts) {
    found = found.flatMap((parent) => (/[*?]/.test(part) ? listMatches(folder, parent, part) : [join(parent, part)]));
  }
  return found.filter((name) => statSync(isAbsolute(name) ? name : join(folder, name), { throwIfNoEntry: false })?.isFile());
}

function listMatches(folder: string, parent: string, part: string): string[] {
  const source = part
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '[^/]*')
    .replaceAll('?', '[^/]');
  const pattern = new RegExp(`^${source}$`, 'u');
  // Hidden files are editors' and package managers' left-overs.
  const isMatch = (name: string) => pattern.test(name) && (!name.startsWith('.') || part.startsWith('.'));
  try {
    const path = isAbsolute(parent) ? parent : join(folder, parent);
    return readdirSync(path)
      .filter(isMatch)
      .map((name) => join(parent, name));
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return [];
    throw error;
  }
}

/** The whole text or the old one, also after a crash; readable by its owner only. */
export function writeAtomically(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const temporary = `${path}.new`;
  try {
    unlinkSync(temporary);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  // Exclusive: a link that somebody left under this name is not followed.
  const file = openSync(temporary, 'wx', 0o600);
  try {
    writeFileSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(temporary, path);
}
