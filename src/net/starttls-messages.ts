import { TargetFailure } from '../core/failure.ts';

/**
 * The few messages that come before TLS, read as bytes: where one ends, and what it says. Each `find...` returns the length of a
 * complete message, null when more is needed, and throws TargetFailure at the first byte that cannot be right.
 */
const LF = 0x0a;
const CR = 0x0d;
/** RFC 5321 allows 512 bytes in a line, RFC 9051 recommends 8,192. */
const LONGEST_LINE = 8192;
const MOST_LINES = 100;

/** A reply of SMTP: lines `250-...`, the last one `250 ...` (RFC 5321, section 4.2.1). */
export function findReply(bytes: Buffer): number | null {
  return findLine(bytes, 'smtp', (line) => {
    if (!/^\d{3}(?:[ -]|$)/.test(line)) throw new TargetFailure('protocol.smtp', 'not a reply of SMTP, expected three digits');
    return line.charAt(3) !== '-';
  });
}

/** The lines of IMAP up to the one that begins with `tag`; for the tag `*` that is the first. */
export function findTagged(bytes: Buffer, tag: string): number | null {
  return findLine(bytes, 'imap', (line) => {
    if (line.startsWith(`${tag} `)) return true;
    if (!line.startsWith('* ')) throw new TargetFailure('protocol.imap', `not an answer of IMAP, expected "* " or "${tag} "`);
    return false;
  });
}

function findLine(bytes: Buffer, protocol: string, isLast: (line: string) => boolean): number | null {
  let start = 0;
  for (let count = 0; count < MOST_LINES; count++) {
    const end = bytes.indexOf(LF, start);
    if ((end < 0 ? bytes.length : end) - start > LONGEST_LINE) {
      throw new TargetFailure(`protocol.${protocol}`, `line longer than ${LONGEST_LINE} bytes`);
    }
    if (end < 0) return null;
    // A lone LF is a line's end to some and not to others: what smuggling is made of.
    if (end === start || bytes[end - 1] !== CR)
      throw new TargetFailure(`protocol.${protocol}`, 'line ends without CR, expected CRLF');
    if (isLast(bytes.toString('latin1', start, end - 1))) return end + 1;
    start = end + 1;
  }
  throw new TargetFailure(`protocol.${protocol}`, `more than ${MOST_LINES} lines in one answer`);
}

/** Elements inside of each other in what comes before TLS; real servers need five. */
const DEEPEST = 20;
const LONGEST_TAG = 4096;
const XML_DECLARATION = '<?xml ';

/**
 * One whole child of an XMPP stream; `depth` is 0 before the stream's own opening tag, 1 behind it. Comments, processing
 * instructions and document types are refused at their first byte (RFC 6120, section 11.1): nothing is ever expanded.
 */
export function findStanza(bytes: Buffer, depth: 0 | 1): number | null {
  const text = bytes.toString('latin1');
  let level: number = depth;
  let at = 0;
  for (;;) {
    const open = text.indexOf('<', at);
    if (open < 0 || open + 1 >= text.length) return null;
    if (depth === 0 && level === 0 && isDeclaration(text, open)) {
      const close = text.indexOf('?>', open);
      if (close < 0) return null;
      at = close + 2;
      continue;
    }
    const second = text.charAt(open + 1);
    if (second === '!' || second === '?')
      throw new TargetFailure('xml.forbidden', `"<${second}" in an XMPP stream, expected elements only`);
    const close = findTagEnd(text, open);
    if (close === null) return null;
    if (second === '/') level -= 1;
    else if (text.charAt(close - 1) !== '/') level += 1;
    if (level > DEEPEST) throw new TargetFailure('protocol.xmpp', `elements nested more than ${DEEPEST} deep`);
    if (level < 1) throw new TargetFailure('protocol.xmpp', 'the server closed the stream');
    at = close + 1;
    const isChild = second === '/' || text.charAt(close - 1) === '/';
    if (level === 1 && isChild) return at;
  }
}

/** Only the very first thing may be an XML declaration; a part of one is no reason yet to refuse it. */
function isDeclaration(text: string, open: number): boolean {
  if (text.slice(0, open).trim() !== '') return false;
  const head = text.slice(open, open + XML_DECLARATION.length);
  return head.length > 1 && XML_DECLARATION.startsWith(head.toLowerCase());
}

/** The `>` of the tag that begins at `open`, quoted ones left out; null when it has not come yet. */
function findTagEnd(text: string, open: number): number | null {
  let quote = '';
  for (let at = open + 1; at < text.length; at++) {
    const character = text.charAt(at);
    if (at - open > LONGEST_TAG) throw new TargetFailure('protocol.xmpp', `tag longer than ${LONGEST_TAG} bytes`);
    if (quote !== '') quote = character === quote ? '' : quote;
    else if (character === '"' || character === "'") quote = character;
    else if (character === '>') return at;
    else if (character === '<') throw new TargetFailure('protocol.xmpp', 'not XML: "<" inside a tag');
  }
  return null;
}

/** The last child in what `findStanza` took, without its prefix, and its text as it was sent. */
export function readStanza(bytes: Buffer): { name: string; text: string } {
  const text = bytes.toString('utf8').replace(/^\s*<\?xml [^>]*\?>/i, '');
  const child = text.replace(/^\s*<(?:\w+:)?stream(?=[\s>])(?:[^>"']|"[^"]*"|'[^']*')*>/, '').trim();
  const name = /^<(?:[\w.-]+:)?([\w.-]+)/.exec(child)?.[1] ?? '';
  return { name, text: child };
}

/** LDAPMessage 1: ExtendedRequest with the name of StartTLS (RFC 4511, section 4.14.1). */
const START_TLS_NAME = Buffer.from('1.3.6.1.4.1.1466.20037');
export const LDAP_START_TLS = Buffer.from([
  0x30,
  7 + START_TLS_NAME.length,
  2,
  1,
  1,
  0x77,
  2 + START_TLS_NAME.length,
  0x80,
  START_TLS_NAME.length,
  ...START_TLS_NAME,
]);

/** A whole LDAPMessage, which is a SEQUENCE (RFC 4511, section 4.1.1). */
export function findLdapResult(bytes: Buffer): number | null {
  const element = readElement(bytes, 0);
  if (bytes.length > 0 && bytes[0] !== 0x30) throw new TargetFailure('protocol.ldap', 'not a message of LDAP, expected a sequence');
  return element && element.end <= bytes.length ? element.end : null;
}

/** The answer to message 1, StartTLS. */
export function readLdapResult(message: Buffer): { code: number; diagnostic: Buffer } {
  const { id, tag, result } = readLdapMessage(message);
  // 0x78 is ExtendedResponse; one with another id than 1 is a notice of disconnection (id 0).
  if (tag !== 0x78 || result === null) throw unreadable();
  if (id !== 1) throw new TargetFailure('protocol.ldap', 'the server answers to something that was not asked');
  return result;
}

export interface LdapMessage {
  id: number;
  /** What kind of answer: 0x61 to a bind, 0x64 an entry, 0x65 the end of a search, 0x73 a reference, 0x78 extended. */
  tag: number;
  /** LDAPResult (RFC 4511, section 4.1.9), where the kind of answer has one. */
  result: { code: number; diagnostic: Buffer } | null;
}

const WITH_RESULT = [0x61, 0x65, 0x78];

/** The outer parts of one whole message. Throws TargetFailure `protocol.ldap`. */
export function readLdapMessage(message: Buffer): LdapMessage {
  const sequence = readElement(message, 0);
  const id = sequence && readElement(message, sequence.start);
  const response = id && readElement(message, id.end);
  if (!id || !response || response.end > message.length || id.tag !== 2) throw unreadable();
  const size = id.end - id.start;
  if (size < 1 || size > 4) throw unreadable();
  const number = message.readIntBE(id.start, size);
  if (!WITH_RESULT.includes(response.tag)) return { id: number, tag: response.tag, result: null };
  const code = readElement(message, response.start);
  const matched = code && readElement(message, code.end);
  const diagnostic = matched && readElement(message, matched.end);
  if (!code || !diagnostic || diagnostic.end > message.length || code.tag !== 10 || code.end - code.start !== 1) throw unreadable();
  const words = message.subarray(diagnostic.start, diagnostic.end);
  return { id: number, tag: response.tag, result: { code: message[code.start] ?? 255, diagnostic: words } };
}

/** The name (DN) of an entry that a search found: the first part of SearchResultEntry (RFC 4511, section 4.5.2). */
export function readLdapEntryName(message: Buffer): string {
  const sequence = readElement(message, 0);
  const id = sequence && readElement(message, sequence.start);
  const entry = id && readElement(message, id.end);
  const name = entry && readElement(message, entry.start);
  if (name?.tag !== 4 || name.end > message.length) throw unreadable();
  return message.toString('utf8', name.start, name.end);
}

function unreadable(): TargetFailure {
  return new TargetFailure('protocol.ldap', 'answer of LDAP cannot be read');
}

interface Element {
  tag: number;
  start: number;
  end: number;
}

/** Head of one BER element; null when it has not come in full. Lengths have up to two bytes: the whole preface is smaller. */
function readElement(bytes: Buffer, at: number): Element | null {
  const tag = bytes[at];
  const first = bytes[at + 1];
  if (tag === undefined || first === undefined) return null;
  if (first < 0x80) return { tag, start: at + 2, end: at + 2 + first };
  const count = first & 0x7f;
  if (count < 1 || count > 4) throw new TargetFailure('protocol.ldap', 'length of an element cannot be read');
  if (at + 2 + count > bytes.length) return null;
  const length = bytes.readUIntBE(at + 2, count);
  if (length > 65_535) throw new TargetFailure('protocol.ldap', `element of ${length} bytes`);
  return { tag, start: at + 2 + count, end: at + 2 + count + length };
}
