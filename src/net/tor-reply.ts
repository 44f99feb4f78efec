import { LookFailure } from '../core/failure.ts';
import { cleanText } from '../core/text.ts';

/** One line of a reply; `block` is the text that follows a line of the form `250+`. */
export interface ReplyLine {
  text: string;
  block?: string;
}

/** A reply to a command, or with status 650 an event: control-spec, section 2.3. */
export interface TorReply {
  status: number;
  lines: ReplyLine[];
}

/** Longer lines and replies of more lines are none that Tor sends to what is asked here. */
const LONGEST_LINE = 8 * 1024;
const MOST_LINES = 1000;

/** The first reply that the bytes hold and its length, or null while it is not complete. Throws LookFailure `control.protocol`. */
export function readTorReply(bytes: Buffer): { reply: TorReply; length: number } | null {
  const lines: ReplyLine[] = [];
  let status: number | undefined;
  let start = 0;
  for (;;) {
    const line = readLine(bytes, start);
    if (line === null) return null;
    const match = /^(\d{3})([ +-])/.exec(line.text);
    const [, digits = '', kind] = match ?? [];
    if (!match || (status !== undefined && status !== Number(digits))) throw unexpectedLine(line.text);
    status = Number(digits);
    start = line.end;
    const last: ReplyLine = { text: line.text.slice(4) };
    lines.push(last);
    if (lines.length > MOST_LINES) throw new LookFailure('control.protocol', `Tor answers with more than ${MOST_LINES} lines`);
    if (kind === ' ') return { reply: { status, lines }, length: start };
    if (kind !== '+') continue;
    const block = readBlock(bytes, start);
    if (block === null) return null;
    last.block = block.text;
    start = block.end;
  }
}

function readLine(bytes: Buffer, start: number): { text: string; end: number } | null {
  const end = bytes.indexOf('\r\n', start, 'latin1');
  if ((end < 0 ? bytes.length : end) - start > LONGEST_LINE) {
    throw new LookFailure('control.protocol', `Tor answers with a line of more than ${LONGEST_LINE} bytes`);
  }
  return end < 0 ? null : { text: bytes.toString('utf8', start, end), end: end + 2 };
}

/** A block ends with a line that is a single dot; a dot at the beginning of another line is doubled. */
function readBlock(bytes: Buffer, start: number): { text: string; end: number } | null {
  const isEmpty = bytes.toString('latin1', start, start + 3) === '.\r\n';
  const found = isEmpty ? start - 2 : bytes.indexOf('\r\n.\r\n', start, 'latin1');
  if (found < 0) return null;
  const text = isEmpty ? '' : bytes.toString('utf8', start, found);
  return { text: text.replaceAll('\r\n', '\n').replace(/^\.\./gm, '.'), end: found + 5 };
}

function unexpectedLine(text: string): LookFailure {
  return new LookFailure('control.protocol', `no reply of a Tor control port: "${cleanText(text, 40)}"`);
}

/** What an event about a descriptor says: control-spec, section 4.1.25. */
export interface DescriptorEvent {
  action: string;
  /** Without `.onion`. */
  onion: string;
  /** Fingerprint of the directory with its `$`, or another word of Tor's. */
  directory: string;
  reason: string;
}

/** `HS_DESC REQUESTED name NO_AUTH $fingerprint~nickname id REASON=...`, or null for something else. */
export function readDescriptorEvent(text: string): DescriptorEvent | null {
  const [name, action = '', onion = '', , directory = '', ...more] = text.split(' ', 20);
  if (name !== 'HS_DESC') return null;
  const reason = more.find((word) => word.startsWith('REASON='))?.slice(7) ?? '';
  return { action, onion, directory: /^\$[0-9A-F]{40}/.exec(directory)?.[0] ?? '', reason };
}

/** `METHODS=A,B COOKIEFILE="..."` of the reply to PROTOCOLINFO; unknown words are passed over. */
export function readLoginOffer({ lines }: TorReply): { methods: string[]; cookieFile: string | null } {
  const line = lines.find(({ text }) => text.startsWith('AUTH '))?.text ?? '';
  const methods = / METHODS=([A-Z0-9,_-]{1,200})/.exec(line)?.[1]?.split(',') ?? [];
  const quoted = / COOKIEFILE="((?:[^"\\]|\\.){1,4096})"/.exec(line)?.[1];
  return { methods, cookieFile: quoted === undefined ? null : unquote(quoted) };
}

/** Backslash escapes as in C, with octal bytes: control-spec, section 2.1.1. */
function unquote(text: string): string {
  const names: Record<string, string> = { n: '\n', r: '\r', t: '\t' };
  const latin = text.replace(/\\([0-3]?[0-7]{1,2}|.)/g, (_, code: string) =>
    /^[0-7]/.test(code) ? String.fromCharCode(Number.parseInt(code, 8)) : (names[code] ?? code),
  );
  return latin === text ? text : Buffer.from(latin, 'latin1').toString('utf8');
}

/** A text as QuotedString. The caller makes sure that it holds no line break. */
export function quoteForTor(text: string): string {
  return `"${text.replace(/[\\"]/g, '\\$&')}"`;
}
