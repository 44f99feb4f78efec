import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Workspace {
  /** Without blanks or quotes, as programs that split their settings at blanks want it. */
  path: string;
  /** Writes a file that nobody else can read; returns its path. */
  write(name: string, text: string): string;
}

/** Gives a program a folder of its own, mode 0700, and removes it when `use` has ended. */
export async function withWorkspace<T>(use: (workspace: Workspace) => Promise<T>): Promise<T> {
  const base = /^[\w./-]+$/.test(tmpdir()) ? tmpdir() : '/tmp';
  const path = mkdtempSync(join(base, 'vigie-'));
  const write = (name: string, text: string) => {
    const file = join(path, name);
    writeFileSync(file, text, { mode: 0o600, flag: 'wx' });
    return file;
  };
  try {
    return await use({ path, write });
  } finally {
    rmSync(path, { recursive: true, force: true });
  }
}
