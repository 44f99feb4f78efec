import type { Socket } from 'node:net';
import { TargetFailure } from '../core/failure.ts';
import { cleanBytes } from '../core/text.ts';
import { createReader } from './limits.ts';
import { redact } from './redact.ts';

/** One answer with its literals; what is fetched is bounded by what is asked for. */
const MAX_ANSWER = 256 * 1024;
const MAX_LINES = 2000;

/** A line `* ...`; each literal in it is taken out and stands in `literals`. */
interface Untagged {
  line: string;
  literals: Buffer[];
}

export interface ImapAnswer {
  /** The words behind OK, cleaned. */
  text: string;
  untagged: Untagged[];
}

export interface ImapTalk {
  /** The greeting, when it is still to come. Throws TargetFailure `protocol.imap`. */
  greet(): Promise<string>;
  /**
   * One command and its answer; `proof` follows the server's request for more; it is shown nowhere, nor is a command with `all`.
   * Throws TargetFailure with `code` when the answer is NO, `imap.unavailable`, `imap.bye`, `protocol.imap`.
   */
  command(text: string, code: string, hidden?: { proof?: string; all?: boolean }): Promise<ImapAnswer>;
  /** What no answer from here on is shown with. */
  hide(...secrets: string[]): void;
  /** Says goodbye; whatever comes of it is no failure. */
  leave(): void;
}

/** An IMAP client as far as checks need one: imapflow connects by itself, and so not through the dialer and its proxies. */
export function createImapTalk(socket: Socket, signal: AbortSignal, trace: (step: string) => void): ImapTalk {
  const reader = createReader(socket, signal, MAX_ANSWER);
  const hidden: string[] = [];
  let count = 0;
  return {
    hide: (...secrets) => hidden.push(...secrets),
    greet: async () => {
      const bytes = await reader.read((received) => findAnswer(received, '*'));
      const text = cleanBytes(Buffer.from(withoutCode(bytes.toString('latin1')), 'latin1'), 100);
      trace(`imap: < ${text}`);
      if (!/^\* OK\b/i.test(text)) throw new TargetFailure('protocol.imap', `greeting: ${JSON.stringify(text)}, expected * OK`);
      return text;
    },
    command: async (text, code, { proof, all = false } = {}) => {
      count += 1;
      const tag = `v${count}`;
      trace(`imap: > ${all ? '***' : text}`);
      socket.write(`${tag} ${text}\r\n`);
      let bytes = await reader.read((received) => findAnswer(received, tag, { isContinued: proof !== undefined, hidden }));
      if (proof !== undefined && /^\+/m.test(bytes.toString('latin1'))) {
        trace('imap: > ***');
        socket.write(`${proof}\r\n`);
        bytes = await reader.read((received) => findAnswer(received, tag, { hidden }));
      }
      const { last: words, untagged } = readAnswer(bytes);
      const last = redact(words, hidden);
      trace(`imap: < ${cleanBytes(Buffer.from(last, 'latin1'), 100)}`);
      const status = /^\S+ (OK|NO|BAD)\b ?/i.exec(last)?.[1]?.toUpperCase();
      const shown = cleanBytes(Buffer.from(last.slice(tag.length + 1), 'latin1'), 80);
      if (status === 'OK') return { text: shown.slice(3), untagged };
      // RFC 5530, section 3: the server's own trouble, not an answer to what was asked.
      const isBusy = /\[(?:UNAVAILABLE|SERVERBUG|INUSE|LIMIT)\]/i.test(last);
      const verb = text.split(' ')[0] ?? '';
      const kind = status === 'NO' ? (isBusy ? 'imap.unavailable' : code) : 'protocol.imap';
      throw new TargetFailure(kind, `${verb}: ${JSON.stringify(shown)}, expected OK`);
    },
    leave: () => {
      trace('imap: > LOGOUT');
      socket.write('v0 LOGOUT\r\n');
    },
  };
}

/**
 * Length of the answer up to its line with `tag` (or, with `isContinued`, up to a request for more), null when more is to come.
 * Literals, `{12}` at a line's end and then so many bytes (RFC 9051, section 4.3), are skipped as they are.
 */
export function findAnswer(bytes: Buffer, tag: string, { isContinued = false, hidden = [] as string[] } = {}): number | null {
  const show = (text: string) => JSON.stringify(cleanBytes(Buffer.from(redact(text, hidden), 'latin1'), 60));
  let at = 0;
  for (let count = 0; count < MAX_LINES; count += 1) {
    const line = readLine(bytes, at);
    if (line === null) return null;
    if (line.text.startsWith(`${tag} `)) return line.end;
    if (line.text.startsWith('+') && isContinued) return line.end;
    if (/^\* BYE\b/i.test(line.text)) {
      throw new TargetFailure('imap.bye', `the server ends the session: ${show(line.text)}`);
    }
    if (!line.text.startsWith('* ')) {
      throw new TargetFailure('protocol.imap', `not an answer of IMAP: ${show(line.text)}, expected "* " or "${tag} "`);
    }
    at = line.end;
  }
  throw new TargetFailure('protocol.imap', `more than ${MAX_LINES} lines in one answer`);
}

/** A line with its literals; null when it is not whole. */
function readLine(bytes: Buffer, start: number): { text: string; literals: Buffer[]; end: number } | null {
  const literals: Buffer[] = [];
  let text = '';
  let at = start;
  for (;;) {
    const end = bytes.indexOf('\r\n', at, 'latin1');
    if (end < 0) return null;
    const piece = bytes.toString('latin1', at, end);
    text += piece;
    const length = /\{(\d{1,9})\}$/.exec(piece.slice(-12))?.[1];
    if (length === undefined) return { text, literals, end: end + 2 };
    at = end + 2 + Number(length);
    if (Number(length) > MAX_ANSWER) throw new TargetFailure('size.wire', `a literal of ${length} bytes`);
    if (at > bytes.length) return null;
    literals.push(bytes.subarray(end + 2, at));
  }
}

function readAnswer(bytes: Buffer): { last: string; untagged: Untagged[] } {
  const lines: Untagged[] = [];
  for (let at = 0; at < bytes.length; ) {
    const line = readLine(bytes, at);
    if (line === null) break;
    lines.push({ line: line.text, literals: line.literals });
    at = line.end;
  }
  return { last: lines.at(-1)?.line ?? '', untagged: lines.slice(0, -1) };
}

/** A greeting without its list of capabilities (RFC 9051, section 7.1). */
function withoutCode(text: string): string {
  return text.replace(/ \[[^\]\r\n]*\]/, '');
}

/** Capabilities, in upper case. */
export async function askCapabilities(talk: ImapTalk): Promise<string[]> {
  const { untagged } = await talk.command('CAPABILITY', 'protocol.imap');
  const line = untagged.find(({ line: text }) => /^\* CAPABILITY /i.test(text))?.line ?? '';
  return line.toUpperCase().split(' ').slice(2);
}

/** Throws TargetFailure `imap.auth`, `imap.no_auth`. */
export async function logInToImap(talk: ImapTalk, user: string, password: string): Promise<void> {
  const offers = await askCapabilities(talk);
  const proof = Buffer.from(`\0${user}\0${password}`).toString('base64');
  talk.hide(proof, password, quote(password));
  if (offers.includes('AUTH=PLAIN')) {
    await talk.command('AUTHENTICATE PLAIN', 'imap.auth', { proof });
  } else if (offers.includes('LOGINDISABLED') || !isQuotable(user) || !isQuotable(password)) {
    throw new TargetFailure('imap.no_auth', 'login: the server offers no AUTH=PLAIN, expected it');
  } else {
    await talk.command(`LOGIN ${quote(user)} ${quote(password)}`, 'imap.auth', { all: true });
  }
}

/** How many messages a mailbox holds, opened for reading only unless `forWriting`. Throws TargetFailure `imap.mailbox`. */
export async function openMailbox(talk: ImapTalk, mailbox: string, forWriting = false): Promise<number> {
  const { untagged } = await talk.command(`${forWriting ? 'SELECT' : 'EXAMINE'} ${quote(mailbox)}`, 'imap.mailbox');
  const exists = untagged.map(({ line }) => /^\* (\d{1,10}) EXISTS/i.exec(line)?.[1]).findLast((text) => text !== undefined);
  if (exists === undefined) throw new TargetFailure('protocol.imap', 'mailbox opened without a count of messages, expected EXISTS');
  return Number(exists);
}

/** Printable ASCII: all that a quoted string can hold in every version of IMAP. */
function isQuotable(text: string): boolean {
  return /^[ -~]*$/.test(text);
}

export function quote(text: string): string {
  return `"${text.replace(/[\\"]/g, '\\$&')}"`;
}
