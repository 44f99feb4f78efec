import { createHash } from 'node:crypto';
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';

const PAUSE_MS = 6 * 3_600_000;

interface Outside {
  /** Milliseconds since 1970. */
  now: number;
  configPath: string;
  env: Readonly<Record<string, string | undefined>>;
  uid: number;
}

/** Where the last time of each complaint is kept when there is no configuration to say where the state is. */
function fallbackFolder(configPath: string): string {
  const path = resolve(configPath);
  return join(isFolder(path) ? path : dirname(path), 'state');
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/**
 * Whether this complaint has not been made within six hours; says yes once and remembers it: in the state folder or, where that
 * cannot be written (another's, full, read-only), in a folder of our own in memory or among the temporary files, as cron/vigie-cron
 * does. Where nothing at all can be remembered the clock decides: once in each quarter of a day.
 */
export function isFirstIn(outside: Outside, subject: string, text: string, state = fallbackFolder(outside.configPath)): boolean {
  const { now } = outside;
  const digest = digestOf(text);
  for (const path of memories(outside, subject, state)) {
    const last = readLast(path);
    if (last !== null && last.digest === digest && now - last.at < PAUSE_MS && now >= last.at) return false;
    if (remember(path, JSON.stringify({ at: now, digest }))) return true;
  }
  return now % PAUSE_MS < 60_000;
}

/** One after the other, so that the next is only made when the one before it was of no use. */
function* memories(outside: Outside, subject: string, state: string): Generator<string> {
  if (makeFolder(state)) yield join(state, `complaint-${subject}.json`);
  // Of several installations that one user runs, each has its own memory.
  for (const folder of ownFolders(outside)) yield join(folder, `complaint-${subject}-${digestOf(resolve(state))}.json`);
}

/** Below folders that others may write too: ours alone, or not used. */
function* ownFolders({ env, uid }: Outside): Generator<string> {
  const { RUNTIME_DIRECTORY, XDG_RUNTIME_DIR, TMPDIR } = env;
  for (const base of [RUNTIME_DIRECTORY, XDG_RUNTIME_DIR, TMPDIR || '/tmp', '/dev/shm']) {
    if (base === undefined || !base.startsWith('/')) continue;
    const folder = findFolder(base, `vigie-${uid}`, uid);
    if (folder !== undefined) yield folder;
  }
}

/** Whoever took our name there must not silence us: then it is one of a name that nobody can foresee. */
function findFolder(base: string, own: string, uid: number): string | undefined {
  makeFolder(join(base, own), false);
  if (isOnlyOurs(join(base, own), uid)) return join(base, own);
  try {
    const known = readdirSync(base).find((name) => name.startsWith(`${own}-`) && isOnlyOurs(join(base, name), uid));
    if (known !== undefined) return join(base, known);
    const made = mkdtempSync(join(base, `${own}-`));
    if (isOnlyOurs(made, uid)) return made;
    rmdirSync(made);
  } catch {}
  return undefined;
}

/** Whoever else may write among the temporary files can make a folder or a link of that name, but none that belongs to us. */
function isOnlyOurs(folder: string, uid: number): boolean {
  try {
    const found = lstatSync(folder);
    return found.isDirectory() && found.uid === uid && (found.mode & 0o077) === 0;
  } catch {
    return false;
  }
}

function makeFolder(path: string, recursive = true): boolean {
  try {
    mkdirSync(path, { recursive, mode: 0o700 });
    return true;
  } catch {
    return false;
  }
}

/** A full disk lets files be made, but not filled: what was remembered before stays whole. */
function remember(path: string, text: string): boolean {
  try {
    rmSync(`${path}.new`, { force: true });
    writeFileSync(`${path}.new`, text, { mode: 0o600, flag: 'wx' });
    renameSync(`${path}.new`, path);
    return true;
  } catch {
    return false;
  }
}

/** A pipe in its place would be waited for, for ever. */
function readLast(path: string): { at: number; digest: string } | null {
  try {
    if (!lstatSync(path).isFile()) return null;
    return JSON.parse(readFileSync(path, 'utf8')) as { at: number; digest: string };
  } catch {
    return null;
  }
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
