import type { Socket } from 'node:net';
import { type ChildResult, type Context, cleanText, LookFailure, TargetFailure } from '../check-type.ts';
import { parseDate } from './date.ts';
import type { DirectoryEntry } from './entries.ts';
import { openForwarder } from './forwarder.ts';
import { createReader, type Reader } from './limits.ts';
import { withWorkspace } from './workspace.ts';

/** Bytes of a list of modules with the words of the day before it. */
const MAX_MODULE_LIST = 256 * 1024;
const MAX_GREETING = 1024;
/** Of the daemon's own protocol: 29 is of 2004, 32 of today; the client refuses what is far beyond what it knows. */
const OLDEST_PROTOCOL = 20;
const NEWEST_PROTOCOL = 40;

/** The version that `@RSYNCD: 32.0 sha512 md5` names. Throws TargetFailure `rsync.protocol`. */
export function parseGreeting(line: string): number {
  const version = Number(/^@RSYNCD: (\d{1,9})(?:\.\d{1,9})?(?: [\w -]*)?$/.exec(line)?.[1] ?? Number.NaN);
  if (version >= OLDEST_PROTOCOL && version <= NEWEST_PROTOCOL) return version;
  const seen = JSON.stringify(cleanText(line, 40));
  throw new TargetFailure('rsync.protocol', `greeting ${seen}, expected protocol ${OLDEST_PROTOCOL} to ${NEWEST_PROTOCOL}`);
}

/** Names of modules: what stands before the tab; other lines are words of the day. Throws TargetFailure `rsync.error`. */
export function parseModules(text: string): string[] {
  const names = new Set<string>();
  for (const line of text.split('\n')) {
    if (line.startsWith('@ERROR')) throw new TargetFailure('rsync.error', cleanText(line, 80));
    const tab = line.indexOf('\t');
    if (tab > 0) names.add(cleanText(line.slice(0, tab).trimEnd(), 100));
  }
  return [...names];
}

/** Asks a daemon for its modules, without the rsync program. Throws TargetFailure `rsync.*`, `size.wire`. */
export async function listModules(socket: Socket, context: Context): Promise<string[]> {
  const reader = createReader(socket, context.signal, MAX_MODULE_LIST);
  try {
    const greeting = await readLine(reader);
    const version = parseGreeting(greeting);
    socket.write(`@RSYNCD: ${Math.min(version, 31)}.0\n#list\n`);
    const list = await reader.read((bytes) => {
      const end = bytes.indexOf('@RSYNCD: EXIT\n');
      if (end >= 0) return end;
      // An error is the last that a daemon says.
      return bytes.subarray(0, 6).toString('latin1') === '@ERROR' && bytes.includes(10) ? bytes.length : null;
    });
    const modules = parseModules(list.toString('utf8'));
    context.trace(`${cleanText(greeting, 60)}: ${modules.length} modules ${cleanText(modules.join(' '), 100)}`);
    return modules;
  } finally {
    socket.destroy();
  }
}

async function readLine(reader: Reader): Promise<string> {
  const line = await reader.read((bytes) => {
    const end = bytes.indexOf(10);
    if (end < 0 && bytes.length > MAX_GREETING)
      throw new TargetFailure('rsync.protocol', 'greeting without end, expected @RSYNCD:');
    return end < 0 ? null : end + 1;
  });
  return line.toString('latin1').trimEnd();
}

const ENTRY = /^([-dlbcps])[-rwxsStT]{9}[.+@]?\s+([\d,.]{1,30}) (\d{4}\/\d{2}\/\d{2} \d{2}:\d{2}:\d{2}) (.+)$/;

/** What `rsync --list-only` prints with `TZ=UTC`; `\#033` stands for a character that must not reach a terminal. */
export function parseFileList(text: string): DirectoryEntry[] {
  const entries: DirectoryEntry[] = [];
  for (const line of text.split('\n')) {
    const [, kind, size = '', date = '', rest = ''] = ENTRY.exec(line) ?? [];
    const name = kind === 'l' ? (rest.split(' -> ')[0] ?? '') : rest;
    if (kind === undefined || name === '.' || name === '..') continue;
    entries.push({
      name,
      isDirectory: kind === 'd',
      at: parseDate(date.replaceAll('/', '-')),
      size: Number(size.replace(/[,.]/g, '')),
    });
  }
  return entries;
}

export interface RsyncTarget {
  address: string;
  port: number;
  login: { user: string; password: string } | null;
}

const MAX_LIST = 4 * 1024 * 1024;
/** The list of a directory is compressed by rsync's own encoding: less on the wire than in words. */
const MAX_WIRE = 16 * 1024 * 1024;

/**
 * The entries of `module/path/`, by the rsync program, which only lists: it has an empty folder and may write no byte to any file.
 * Throws TargetFailure `rsync.*`, `listing.missing`, `auth.refused`, `size.output`, `child.signal`.
 */
export function listDirectory({ address, port, login }: RsyncTarget, path: string, context: Context): Promise<DirectoryEntry[]> {
  return withWorkspace(async (workspace) => {
    const forwarder = await openForwarder({ host: address, port }, context, { maxBytes: MAX_WIRE });
    try {
      const user = login === null ? '' : `${login.user}@`;
      const url = `rsync://${user}127.0.0.1:${forwarder.port}/${path.replace(/\/*$/, '/')}`;
      const child = await context.spawn({
        file: 'rsync',
        args: ['--list-only', '--no-motd', '--no-human-readable', '--', url],
        // Without a password rsync would ask for one.
        env: { TZ: 'UTC', RSYNC_PASSWORD: login?.password ?? '', HOME: workspace.path },
        cwd: workspace.path,
        maxOutput: MAX_LIST,
        maxFile: 0,
      });
      forwarder.insist();
      judgeRsync(child, path);
      const entries = parseFileList(child.stdout);
      context.trace(`${cleanText(path, 60)}: ${entries.length} entries`);
      return entries;
    } finally {
      forwarder.close();
    }
  });
}

/** Throws what a run of rsync that went wrong means. */
export function judgeRsync({ exitCode, signal, stderr, truncated }: ChildResult, path: string): void {
  const where = cleanText(path, 40);
  if (signal !== null) throw new TargetFailure('child.signal', `the answer for ${where} ended rsync by ${signal}`);
  if (truncated) throw new TargetFailure('size.output', `the list of ${where} is longer than ${MAX_LIST} bytes`);
  if (exitCode === 0) return;
  if (/auth failed on module/.test(stderr)) throw new TargetFailure('auth.refused', `login for ${where} is refused`);
  if (/Unknown module/.test(stderr)) throw new TargetFailure('rsync.module', `module of ${where} is not there`);
  if (/(change_dir|link_stat) .*No such file/.test(stderr)) throw new TargetFailure('listing.missing', `${where} is not there`);
  const lines = stderr.split('\n').filter((line) => line.trim() !== '');
  const said = cleanText(lines.find((line) => line.startsWith('@ERROR')) ?? lines[0] ?? `exit code ${exitCode}`, 80);
  // rsync(1), exit values: 13 and 14 are errors of its own side, 22 is memory.
  if (exitCode === 22) throw new TargetFailure('memory.child', `the list of ${where} takes more memory than rsync may have`);
  if (exitCode === 1 || exitCode === 14) throw new LookFailure('rsync.local', said);
  const isProtocol = exitCode === 2 || exitCode === 12 || /protocol version|digest name list/.test(stderr);
  throw new TargetFailure(isProtocol ? 'rsync.protocol' : 'rsync.failed', said);
}
