import { chmodSync, existsSync, lstatSync, mkdirSync, renameSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { MIGRATION_FUNCTIONS, MIGRATIONS } from './schema.ts';

export type Database = Sqlite.Database;

/** Why the history cannot be used; `corrupt` files were moved aside to `movedTo`. */
export type DatabaseFault = 'locked' | 'newer' | 'corrupt' | 'full' | 'unusable';

export class DatabaseUnusable extends Error {
  readonly fault: DatabaseFault;
  constructor(fault: DatabaseFault, message: string, options?: ErrorOptions) {
    super(message, options);
    this.fault = fault;
  }
}

const BUSY_TIMEOUT_MS = 5000;

/** Named, so that the package does not search for it through a dozen files at each start. */
const nativeBinding = createRequire(import.meta.url).resolve('better-sqlite3/build/Release/better_sqlite3.node');

/** SQLite on one file; whatever it throws, `toDatabaseFault` sorts. */
export function openFile(path: string, options: Sqlite.Options = {}): Database {
  return new Sqlite(path, { ...options, nativeBinding });
}

/** The database's path inside the state folder. */
export function historyPath(state: string): string {
  return join(state, 'history.sqlite');
}

/**
 * Opens the history, makes or migrates it. A corrupt file is moved aside, never deleted, and `movedTo` says where.
 * Throws DatabaseUnusable.
 */
export function openHistory(
  state: string,
  now: number,
  migrations: readonly string[] = MIGRATIONS,
): { database: Database; isNew: boolean; movedTo: string | null } {
  makeStateFolder(state);
  const path = historyPath(state);
  refuseUnsafePath(path);
  const isNew = !existsSync(path) || statSync(path).size === 0;
  try {
    return { database: openAndMigrate(path, now, migrations), isNew, movedTo: null };
  } catch (error) {
    const fault = toDatabaseFault(error);
    if (fault.fault !== 'corrupt') throw fault;
    const movedTo = moveAside(path, now);
    return { database: openAndMigrate(path, now, migrations), isNew: true, movedTo };
  }
}

/** Opens an existing history for reading only: for `status`, `explain` and `doctor`. Null when there is none yet. */
export function openHistoryForReading(state: string): Database | null {
  const path = historyPath(state);
  if (!existsSync(path)) return null;
  try {
    const database = openFile(path, { readonly: true, timeout: BUSY_TIMEOUT_MS });
    refuseNewerSchema(database);
    return database;
  } catch (error) {
    throw toDatabaseFault(error);
  }
}

/**
 * Opens an existing history for what people say, beside a run that may be at work: never waits for the run's lock, never moves a
 * file aside. Null when there is none yet. Throws DatabaseUnusable.
 */
export function openHistoryForPeople(state: string, now: number): Database | null {
  const path = historyPath(state);
  if (!existsSync(path)) return null;
  refuseUnsafePath(path);
  try {
    return openAndMigrate(path, now, MIGRATIONS);
  } catch (error) {
    throw toDatabaseFault(error);
  }
}

function makeStateFolder(state: string): void {
  try {
    mkdirSync(state, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new DatabaseUnusable('unusable', `${state}: cannot be made a folder: ${messageOf(error)}`, { cause: error });
  }
}

/** Another user who can write the file, or choose where it leads, could rewrite the history or have us write elsewhere. */
function refuseUnsafePath(path: string): void {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isFile()) throw new DatabaseUnusable('unusable', `${path}: is not a regular file; move it away`);
  const uid = statSync(dirname(path)).uid;
  if (found.uid !== uid) {
    throw new DatabaseUnusable('unusable', `${path}: belongs to user ${found.uid}, expected the owner of its folder, ${uid}`);
  }
  if ((found.mode & 0o022) !== 0) {
    throw new DatabaseUnusable('unusable', `${path}: others may write it (mode ${(found.mode & 0o777).toString(8)}), expected 600`);
  }
}

function openAndMigrate(path: string, now: number, migrations: readonly string[]): Database {
  const database = openFile(path, { timeout: BUSY_TIMEOUT_MS });
  try {
    chmodSync(path, 0o600);
    database.pragma('journal_mode = WAL');
    database.pragma('synchronous = FULL');
    database.pragma('foreign_keys = ON');
    refuseNewerSchema(database, migrations.length);
    migrate(database, `${path}.before`, { now, migrations });
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function schemaVersion(database: Database): number {
  return database.pragma('user_version', { simple: true }) as number;
}

export function refuseNewerSchema(database: Database, newest = MIGRATIONS.length): void {
  const version = schemaVersion(database);
  if (version > newest) {
    const expected = `this vigie knows versions up to ${newest}`;
    throw new DatabaseUnusable('newer', `${database.name}: made by a newer vigie: schema ${version}, ${expected}`);
  }
}

/** An older schema is migrated in one transaction, after a copy of the file was made beside it. */
function migrate(database: Database, copy: string, { now, migrations }: { now: number; migrations: readonly string[] }): void {
  const version = schemaVersion(database);
  if (version === migrations.length) return;
  if (version > 0) database.prepare('VACUUM INTO ?').run(`${copy}-${version}-${now}`);
  for (const [name, act] of Object.entries(MIGRATION_FUNCTIONS)) database.function(name, act);
  database
    .transaction(() => {
      // A person's command may have migrated it between the two looks.
      for (const sql of migrations.slice(schemaVersion(database))) database.exec(sql);
      database.pragma(`user_version = ${migrations.length}`);
    })
    .immediate();
}

/** Gives the history another name, its log with it. Returns the new name. */
export function moveAside(path: string, now: number, why = 'corrupt'): string {
  const movedTo = `${path}.${why}-${new Date(now).toISOString().replaceAll(':', '')}`;
  for (const suffix of ['', '-wal', '-shm']) {
    if (existsSync(path + suffix)) renameSync(path + suffix, movedTo + suffix);
  }
  return movedTo;
}

/** Every error of SQLite by what can be done about it. */
export function toDatabaseFault(error: unknown): DatabaseUnusable {
  if (error instanceof DatabaseUnusable) return error;
  const code = error instanceof Sqlite.SqliteError ? error.code : '';
  const message = messageOf(error);
  if (/^SQLITE_(BUSY|LOCKED)/.test(code))
    return new DatabaseUnusable('locked', `another process holds it: ${message}`, { cause: error });
  if (/^SQLITE_(CORRUPT|NOTADB)/.test(code)) return new DatabaseUnusable('corrupt', message, { cause: error });
  if (/^SQLITE_(FULL|IOERR_WRITE)/.test(code)) return new DatabaseUnusable('full', message, { cause: error });
  return new DatabaseUnusable('unusable', message, { cause: error });
}

/** Whether an error came from SQLite at all; anything else is a bug of ours and must not look like a full disk. */
export function isDatabaseError(error: unknown): boolean {
  return error instanceof Sqlite.SqliteError || error instanceof DatabaseUnusable;
}

/** Moves a history that proved corrupt while in use aside, so that the next run begins a new one. */
export function moveCorruptHistoryAside(database: Database, now: number): string {
  const path = database.name;
  database.close();
  return moveAside(path, now);
}

/**
 * Takes the exclusive lock of one run. It is a kernel lock on a file of its own, so a killed run leaves none behind.
 * Returns the release, or null when another run holds it.
 */
export function takeLock(state: string): (() => void) | null {
  makeStateFolder(state);
  const path = join(state, 'lock.sqlite');
  refuseUnsafePath(path);
  try {
    const database = openFile(path, { timeout: 0 });
    chmodSync(path, 0o600);
    database.exec('BEGIN EXCLUSIVE');
    return () => database.close();
  } catch (error) {
    const fault = toDatabaseFault(error);
    if (fault.fault === 'locked') return null;
    throw fault;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
