import { constants, type FileHandle, open, readdir, unlink } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { LookFailure } from '../core/failure.ts';
import { cleanText } from '../core/text.ts';
import { askCapabilities, createImapTalk, logInToImap, openMailbox, quote } from './imap-talk.ts';
import { toAbortFailure } from './limits.ts';
import { findToken, TOKEN_HEADER } from './roundtrip.ts';

/** A message that says of itself that it is ours; its token is still to be proven. */
export interface Letter {
  token: string;
  arrivedAt: number;
  /** A UID, or a path. */
  name: string;
}

export interface Mailbox {
  /** The newest letters that bear this tag. */
  find(tag: string): Promise<Letter[]>;
  remove(letters: Letter[]): Promise<void>;
  close(): void;
}

/** Of a mailbox of a hundred thousand messages, ours are few; a peer's copies of them must not become work without end. */
const MOST_LETTERS = 200;
const MOST_FILES = 2000;
const HEAD_BYTES = 16_384;
/** Older messages are not looked at: a mailbox with all mail of ten years stays cheap to search. */
const LOOK_BACK_MS = 14 * 86_400_000;

interface ImapLogin {
  user: string;
  password: string;
  mailbox: string;
  /** Whether the greeting was read on the way to TLS. */
  isGreeted: boolean;
  now: number;
}

type Watch = { signal: AbortSignal; trace(step: string): void };

/** Messages are searched for by the server and read up to their header line, however large they are. */
export async function openImapMailbox(socket: Socket, login: ImapLogin, { signal, trace }: Watch): Promise<Mailbox> {
  const talk = createImapTalk(socket, signal, trace);
  if (!login.isGreeted) await talk.greet();
  await logInToImap(talk, login.user, login.password);
  const canExpunge = (await askCapabilities(talk)).includes('UIDPLUS');
  await openMailbox(talk, login.mailbox, true);
  return {
    find: async (tag) => {
      const { untagged } = await talk.command(
        `UID SEARCH UNDELETED SINCE ${toImapDate(login.now - LOOK_BACK_MS)} HEADER ${TOKEN_HEADER} ${quote(tag)}`,
        'imap.search',
      );
      const uids = untagged.flatMap(({ line }) => /^\* SEARCH((?: \d{1,10})*)/i.exec(line)?.[1]?.trim().split(' ') ?? []);
      const newest = uids.filter((uid) => uid !== '').slice(-MOST_LETTERS);
      if (newest.length === 0) return [];
      const what = `(INTERNALDATE BODY.PEEK[HEADER.FIELDS (${TOKEN_HEADER})]<0.300>)`;
      const answer = await talk.command(`UID FETCH ${newest.join(',')} ${what}`, 'imap.search');
      return answer.untagged.flatMap(({ line, literals: [head] }) => {
        const name = /[( ]UID (\d{1,10})[ )]/i.exec(line)?.[1];
        const token = head ? findToken(head) : null;
        if (name === undefined || token === null || !newest.includes(name)) return [];
        const date = Date.parse((/INTERNALDATE "([^"]{10,40})"/i.exec(line)?.[1] ?? '').trim().replace('-', ' ').replace('-', ' '));
        return [{ token, name, arrivedAt: Number.isNaN(date) ? login.now : date }];
      });
    },
    remove: async (letters) => {
      const uids = letters.map(({ name }) => name).join(',');
      await talk.command(`UID STORE ${uids} +FLAGS.SILENT (\\Deleted)`, 'imap.delete');
      // EXPUNGE alone would take what others have marked (RFC 4315): without UIDPLUS, marked is all that ours are.
      if (canExpunge) await talk.command(`UID EXPUNGE ${uids}`, 'imap.delete');
    },
    close: () => {
      talk.leave();
      socket.destroy();
    },
  };
}

/** `22-Nov-2026` (RFC 9051, section 9). */
function toImapDate(ms: number): string {
  const [, day, month, year] = new Date(ms).toUTCString().split(' ');
  return `${day}-${month}-${year}`;
}

/** A maildir (its files are whole as soon as they are in `new`), read by us: no link is followed, no FIFO waited for. */
export async function openMaildir(folder: string, { now, signal }: { now: number; signal: AbortSignal }): Promise<Mailbox> {
  const list = async (part: 'new' | 'cur') => {
    try {
      return (await readdir(join(folder, part))).map((name) => join(folder, part, name));
    } catch (error) {
      const reason = cleanText((error as NodeJS.ErrnoException).code ?? 'unknown', 20);
      throw new LookFailure('maildir.unreadable', `${cleanText(join(folder, part), 80)}: cannot be read (${reason})`, {
        cause: error,
      });
    }
  };
  return {
    find: async (tag) => {
      const recent = [...(await list('new')), ...(await list('cur'))].filter((path) => isRecent(path, now));
      const letters: Letter[] = [];
      for (const path of recent.sort((a, b) => timeOf(b) - timeOf(a)).slice(0, MOST_FILES)) {
        if (signal.aborted) throw toAbortFailure(signal, 'timeout.total', 'maildir not read in time');
        const letter = await readLetter(path);
        if (letter?.token.startsWith(`${tag}.`)) letters.push(letter);
      }
      return letters.slice(0, MOST_LETTERS);
    },
    remove: async (letters) => {
      for (const { name } of letters) await unlink(name).catch(ignoreMissing);
    },
    close: () => {},
  };
}

/** Somebody else may have taken the file away meanwhile, or moved it from `new` to `cur`: the next run sees. */
function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw new LookFailure('maildir.delete', `file of the maildir cannot be deleted (${error.code})`);
}

/** Names begin with the second of the delivery. */
function timeOf(path: string): number {
  return Number(/\/(\d{9,11})[^/]*$/.exec(path)?.[1] ?? 0) * 1000;
}

function isRecent(path: string, now: number): boolean {
  return timeOf(path) > now - LOOK_BACK_MS;
}

async function readLetter(path: string): Promise<Letter | null> {
  let file: FileHandle;
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch {
    // A link, or gone meanwhile: not ours.
    return null;
  }
  try {
    const facts = await file.stat();
    if (!facts.isFile()) return null;
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
    const token = findToken(buffer.subarray(0, bytesRead));
    return token === null ? null : { token, name: path, arrivedAt: Math.round(facts.mtimeMs) };
  } finally {
    await file.close();
  }
}
