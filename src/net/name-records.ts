import { isIP, SocketAddress } from 'node:net';
import type { Answer, DecodedPacket } from 'dns-packet';
import { cleanBytes, cleanText } from '../core/text.ts';
import { toComparable } from './name-query.ts';

/** Longer chains of aliases are a mistake or an attack; resolvers give up at about this many too. */
const LONGEST_CHAIN = 16;

export interface Found {
  texts: string[];
  alias: string | null;
  problem: string | null;
}

/** The records asked for, at the end of the chain of aliases that the answer holds; records of other names do not count. */
export function findRecords(packet: DecodedPacket, { name, record }: { name: string; record: string }): Found {
  const answers = packet.answers ?? [];
  const aliases = new Map<string, string>();
  for (const answer of answers) if (answer.type === 'CNAME') aliases.set(toComparable(answer.name), toComparable(answer.data));
  const seen = new Set<string>();
  let at = toComparable(toQueryName(name, record));
  for (let next = aliases.get(at); record !== 'CNAME' && next !== undefined; next = aliases.get(at)) {
    seen.add(at);
    if (seen.has(next)) return { texts: [], alias: null, problem: `aliases run in a circle at ${cleanText(next, 60)}` };
    if (seen.size > LONGEST_CHAIN) return { texts: [], alias: null, problem: `more than ${LONGEST_CHAIN} aliases in a row` };
    at = next;
  }
  const texts = answers.filter((answer) => answer.type === record && toComparable(answer.name) === at).map(toText);
  return { texts, alias: seen.size > 0 ? at : null, problem: null };
}

/** A record as people write it: its fields with spaces between, bytes as hexadecimal. */
function toText(answer: Answer): string {
  if (answer.type === 'OPT') return '';
  const value: unknown = answer.data;
  if (answer.type === 'TXT') return cleanBytes(Buffer.concat([answer.data].flat().map((part) => Buffer.from(part))), 1000);
  if (answer.type === 'CAA') return cleanText(`${answer.data.flags ?? 0} ${answer.data.tag} ${JSON.stringify(answer.data.value)}`);
  if (typeof value !== 'object' || value === null) return cleanText(String(value));
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  return cleanText(fields.map(([, field]) => (Buffer.isBuffer(field) ? field.toString('hex') : String(field))).join(' '), 500);
}

export function isSameRecord(text: string, wanted: string, record: string): boolean {
  if (record === 'TXT') return text === wanted;
  return toCanonical(text) === toCanonical(wanted);
}

function toCanonical(text: string): string {
  if (isIP(text) === 6) return new SocketAddress({ address: text, family: 'ipv6' }).address;
  return text
    .trim()
    .split(/\s+/)
    .map((word) => toComparable(word))
    .join(' ');
}

/** The reverse name of an address (RFC 1035, section 3.5; RFC 3596, section 2.5); any other name as it is. */
export function toQueryName(name: string, record: string): string {
  if (record !== 'PTR' || !isIP(name)) return toComparable(name) || '.';
  if (isIP(name) === 4) return `${name.split('.').reverse().join('.')}.in-addr.arpa`;
  const { hostname } = new URL(`http://[${name}]/`);
  const [head = '', tail = ''] = hostname.slice(1, -1).split('::');
  const groups = (text: string) => (text === '' ? [] : text.split(':').map((group) => group.padStart(4, '0')));
  const middle = 8 - groups(head).length - groups(tail).length;
  const digits = [...groups(head), ...Array(middle).fill('0000'), ...groups(tail)].join('');
  return `${[...digits].reverse().join('.')}.ip6.arpa`;
}
