import { closeSync, existsSync, openSync, renameSync, rmSync } from 'node:fs';
import {
  type Database,
  DatabaseUnusable,
  historyPath,
  moveAside,
  openFile,
  refuseNewerSchema,
  toDatabaseFault,
} from './database.ts';

/** A file that travels with the history in a backup: its place is a word that `restore` understands. */
export interface CarriedFile {
  place: string;
  mode: number;
  content: Buffer;
}

/**
 * Writes one file with the whole history and these files in it; safe beside a run, since SQLite copies one moment of the database.
 * It is complete or not there: written under another name, and renamed.
 */
export function writeBackup(database: Database, target: string, files: CarriedFile[]): void {
  const temporary = `${target}.vigie-new`;
  rmSync(temporary, { force: true });
  // Made before SQLite opens it, so that it is never readable by others.
  closeSync(openSync(temporary, 'wx', 0o600));
  database.prepare('VACUUM INTO ?').run(temporary);
  const copy = openFile(temporary);
  try {
    copy.exec('CREATE TABLE carried (place TEXT PRIMARY KEY, mode INTEGER NOT NULL, content BLOB NOT NULL) WITHOUT ROWID');
    const insert = copy.prepare('INSERT INTO carried VALUES (:place, :mode, :content)');
    for (const file of files) insert.run(file);
  } finally {
    copy.close();
  }
  renameSync(temporary, target);
}

/**
 * Puts the history of a backup into the state folder; one that is there is moved aside, never deleted. The caller holds the lock. Throws
 * DatabaseUnusable when the file is no backup, damaged, or of a newer vigie.
 */
export function restoreBackup(file: string, state: string, now: number): { files: CarriedFile[]; movedTo: string | null } {
  const path = historyPath(state);
  const temporary = `${path}.vigie-new`;
  const backup = openBackup(file);
  try {
    const files = backup.prepare('SELECT place, mode, content FROM carried ORDER BY place').all() as CarriedFile[];
    rmSync(temporary, { force: true });
    closeSync(openSync(temporary, 'wx', 0o600));
    backup.prepare('VACUUM INTO ?').run(temporary);
    const copy = openFile(temporary);
    copy.exec('DROP TABLE carried');
    copy.close();
    const movedTo = existsSync(path) ? moveAside(path, now, 'replaced') : null;
    renameSync(temporary, path);
    return { files, movedTo };
  } finally {
    backup.close();
  }
}

function openBackup(file: string): Database {
  try {
    const backup = openFile(file, { readonly: true, fileMustExist: true });
    refuseNewerSchema(backup);
    const answer = backup.pragma('integrity_check(1)', { simple: true });
    if (answer !== 'ok') throw new DatabaseUnusable('corrupt', `${file}: ${String(answer)}`);
    const hasCarried = backup.prepare("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'carried'").get();
    if (hasCarried === undefined) throw new DatabaseUnusable('unusable', `${file}: a database, but no backup of vigie`);
    return backup;
  } catch (error) {
    throw toDatabaseFault(error);
  }
}
