import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import type { CheckType } from '../check-type.ts';
import type { Configuration } from '../core/configuration.ts';
import type { DiskFile } from './files.ts';
import type { Problem } from './problem.ts';

export interface LoadRequest {
  /** The global file, or a folder that holds `vigie.yaml`. */
  path: string;
  loadType(name: string): Promise<CheckType | undefined>;
  typeNames: string[];
  /** Changes when a type's declaration may have changed: modification times and sizes of their files. */
  typesFingerprint: string;
  /** Of vigie: another version may resolve the same files in another way. */
  version: string;
  /** Milliseconds since 1970. */
  now: number;
  /**
   * `run`: what does not validate is replaced by its last good version, and state is written. `read`: the same, and nothing is
   * written. `check`: only what the files say counts.
   */
  mode: 'run' | 'read' | 'check';
  /** Called before files are read the slow way: they have changed since they were last read. */
  beforeFiles?(): Promise<void>;
}

/** A file that is gone; its checks go on until then. */
export interface RemovedFile {
  name: string;
  since: number;
  until: number;
}

export interface LoadedConfiguration {
  configuration: Configuration;
  warnings: Problem[];
  /** Why last good versions are used: one `config` item, a banner, exit code 1. Empty when all files are good. */
  problems: Problem[];
  removed: RemovedFile[];
  /** It came from the cache: neither YAML nor the schema library were loaded. */
  isCached: boolean;
}

/** The same key means the same configuration; undefined when a file cannot be read. */
export function toCacheKey(request: LoadRequest, files: DiskFile[]): string | undefined {
  if (files.some((file) => file.text === undefined)) return undefined;
  return toFingerprint([
    request.version,
    request.typesFingerprint,
    ...request.typeNames,
    // Paths in the configuration are absolute: in a folder that was moved or copied, with its cache, the same words mean another place.
    resolve(files[0]?.shown ?? ''),
    ...files.flatMap((file) => [file.shown, file.text ?? '']),
  ]);
}

/** SHA-256 over texts of which none can run into the next. */
export function toFingerprint(parts: string[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(`${Buffer.byteLength(part)}:`).update(part);
  return hash.digest('hex');
}
