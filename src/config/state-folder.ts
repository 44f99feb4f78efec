import { createHash } from 'node:crypto';
import { readFileSync, rmSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Check, Configuration } from '../core/configuration.ts';
import { writeAtomically } from './files.ts';
import type { Problem } from './problem.ts';
import type { RemovedFile } from './request.ts';

/** Last version of each file that was good together with the others. */
export interface GoodFile {
  text: string;
  /** When it was first found missing, milliseconds since 1970. */
  missingSince?: number;
}
export type GoodFiles = Map<string, GoodFile>;

/** What one set of files on disk leads to. */
export interface CachedConfiguration {
  configuration: Configuration;
  warnings: Problem[];
  problems: Problem[];
  removed: RemovedFile[];
}

/** `<state>/config`: found before the global file is understood, since it is needed when that cannot be. */
export function findConfigFolder(globalPath: string, text: string | undefined): string {
  return join(findStateFolder(globalPath, text), 'config');
}

export function findStateFolder(globalPath: string, text: string | undefined): string {
  const match = /^state:[ \t]+(?:"([^"\\\n]*)"|'([^'\n]*)'|([^#"'\s][^#\n\r]*?))[ \t\r]*(?:#.*)?$/m.exec(text ?? '');
  return resolve(dirname(globalPath), match?.[1] ?? match?.[2] ?? match?.[3] ?? 'state');
}

export function readGoodFiles(folder: string): GoodFiles {
  const parsed = readOwn(join(folder, 'good.json'));
  const files: GoodFiles = new Map();
  if (typeof parsed !== 'object' || parsed === null || !('files' in parsed) || !Array.isArray(parsed.files)) return files;
  for (const each of parsed.files as { name?: unknown; text?: unknown; missingSince?: unknown }[]) {
    if (typeof each?.name !== 'string' || typeof each.text !== 'string') continue;
    const { missingSince } = each;
    files.set(each.name, { text: each.text, ...(typeof missingSince === 'number' ? { missingSince } : {}) });
  }
  return files;
}

export function writeGoodFiles(folder: string, files: GoodFiles): void {
  const list = [...files].map(([name, file]) => ({ name, ...file }));
  writeSummed(join(folder, 'good.json'), JSON.stringify({ files: list }));
}

/** The cached configuration, if `toKey` answers its key for the include patterns under which it was read, and no removed file's day is over. */
export function readCache(
  folder: string,
  now: number,
  toKey: (include: string[]) => string | undefined,
): CachedConfiguration | undefined {
  const parsed = readOwn(join(folder, 'cache.json')) as PackedCache | undefined;
  if (!parsed || !Array.isArray(parsed.include) || typeof parsed.key !== 'string') return undefined;
  if (toKey(parsed.include) !== parsed.key) return undefined;
  const { configuration, shared, warnings, problems, removed } = parsed;
  if (removed.some(({ since, until }) => now < since || now >= until)) return undefined;
  for (const check of configuration.checks as unknown as Record<string, unknown>[]) {
    for (const key of SHARED) check[key] = shared[check[key] as number];
  }
  return { configuration, warnings, problems, removed };
}

export function writeCache(folder: string, cached: CachedConfiguration & { key: string; include: string[] }): void {
  const shared = new Map<string, number>();
  const checks = cached.configuration.checks.map((check) => {
    const packed: Record<string, unknown> = { ...check };
    for (const key of SHARED) {
      const text = JSON.stringify(check[key]);
      const index = shared.get(text) ?? shared.size;
      shared.set(text, index);
      packed[key] = index;
    }
    return packed;
  });
  const body = { ...cached, configuration: { ...cached.configuration, checks }, shared: 0 };
  writeSummed(join(folder, 'cache.json'), `${JSON.stringify(body).slice(0, -2)}[${[...shared.keys()].join(',')}]}`);
}

/** Large values that most checks have in common stand once in the cache: that is half of the time of reading it. */
const SHARED = ['origins', 'thresholds', 'retries'] as const satisfies (keyof Check)[];

interface PackedCache extends CachedConfiguration {
  key: string;
  include: string[];
  shared: unknown[];
}

/** For when the last good versions changed under it. */
export function dropCache(folder: string): void {
  rmSync(join(folder, 'cache.json'), { force: true });
}

function writeSummed(path: string, body: string): void {
  writeAtomically(path, `${hash(body)}\n${body}`);
}

/** A truncated, foreign or group-writable file is as good as none: what it would save is made again. */
function readOwn(path: string): unknown {
  try {
    if ((statSync(path).mode & 0o022) !== 0) return undefined;
    const text = readFileSync(path, 'utf8');
    const body = text.slice(65);
    return text.slice(0, 64) === hash(body) ? JSON.parse(body) : undefined;
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code !== undefined) return undefined;
    throw error;
  }
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
