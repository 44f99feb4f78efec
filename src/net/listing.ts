import { parseDate } from './date.ts';

/** One entry of a directory index. */
export interface Entry {
  /** Decoded, without the slash of a directory. */
  name: string;
  isDirectory: boolean;
  url: string;
  /** Milliseconds since 1970, read as UTC; null where the index shows none. */
  at: number | null;
  /** Bytes, the most that a rounded figure such as `1.2M` can mean; null where the index shows none. */
  size: number | null;
}

const MAX_ENTRIES = 20_000;
/** What stands behind a link is looked at so far. */
const MAX_TAIL = 400;
const ENTITIES: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: ' ' };

/**
 * The entries of a directory index as nginx, Apache and lighttpd write it: each link to a direct child, with the date and the size
 * that stand behind it. Links elsewhere (to the parent, to other orders, to scripts, to other sites) are none. One pass, no way back.
 */
export function parseListing(html: string, base: string): Entry[] {
  const folder = new URL(base);
  const entries = new Map<string, Entry>();
  const tags = new Set<string>();
  for (let at = findLink(html, 0); at >= 0 && entries.size < MAX_ENTRIES; ) {
    const end = html.indexOf('>', at);
    if (end < 0) break;
    const next = findLink(html, end + 1);
    const tail = html.slice(end + 1, Math.min(next < 0 ? html.length : next, end + 1 + MAX_TAIL));
    const tag = html.slice(at, Math.min(end, at + 4096));
    const entry = tags.has(tag) ? null : toEntry(tag, tail, folder);
    tags.add(tag);
    if (entry !== null && !entries.has(entry.name)) entries.set(entry.name, entry);
    at = next;
  }
  return [...entries.values()];
}

/** Where the next `<a ` begins, in either case. */
function findLink(html: string, from: number): number {
  const pattern = /<a[\s]/gi;
  pattern.lastIndex = from;
  return pattern.exec(html)?.index ?? -1;
}

function toEntry(tag: string, tail: string, folder: URL): Entry | null {
  const href = /\shref\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))/i.exec(tag);
  const link = decodeEntities(href?.[1] ?? href?.[2] ?? href?.[3] ?? '');
  const path = PLAIN_LINK.test(link) ? link : toPath(link, folder);
  const [, segment, slash] = /^([^/]+)(\/?)$/.exec(path ?? '') ?? [];
  const name = segment === undefined ? null : decodeName(segment);
  if (name === null || name === '.' || name === '..') return null;
  const text = decodeEntities(tail.replace(/<[^>]*>/g, ' '));
  return { name, isDirectory: slash === '/', url: `${folder.origin}${folder.pathname}${path}`, ...readFigures(text) };
}

/** Most links: a name and perhaps a slash, for which no address needs to be taken apart. */
const PLAIN_LINK = /^[A-Za-z0-9_~+,@-][A-Za-z0-9._~+,@-]*\/?$/;

/** What stands behind the folder's own path; null for a link that leads elsewhere. */
function toPath(link: string, folder: URL): string | null {
  if (link === '' || /[\0-\x20\x7f]/.test(link) || !URL.canParse(link, folder.href)) return null;
  const { origin, search, hash, pathname } = new URL(link, folder);
  const isInside = origin === folder.origin && search === '' && hash === '' && pathname.startsWith(folder.pathname);
  return isInside ? pathname.slice(folder.pathname.length) : null;
}

/** A name with a slash, a NUL or a control character in it is no file's. */
function decodeName(segment: string): string | null {
  try {
    const name = decodeURIComponent(segment);
    return /[\0-\x1f\x7f/]/.test(name) || name.length > 255 ? null : name;
  } catch {
    return null;
  }
}

function decodeEntities(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|([a-z]{2,6}));/gi, (whole, decimal, hexadecimal, name) => {
    if (name !== undefined) return ENTITIES[String(name).toLowerCase()] ?? whole;
    const point = decimal === undefined ? Number.parseInt(hexadecimal, 16) : Number(decimal);
    return point > 0 && point <= 0x10ffff ? String.fromCodePoint(point) : ' ';
  });
}

const DATE =
  /(?<!\d)(?:(\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}(?::\d{2})?)|(\d{2}-[A-Z][a-z]{2}-\d{4} \d{2}:\d{2}(?::\d{2})?)|(\d{4})-([A-Z][a-z]{2})-(\d{2}) (\d{2}:\d{2}(?::\d{2})?))/;
const FACTORS: Record<string, number> = { '': 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3, T: 1024 ** 4 };

function readFigures(text: string): Pick<Entry, 'at' | 'size'> {
  const date = DATE.exec(text);
  if (date === null) return { at: null, size: null };
  const [whole, iso, english, year, month, day, clock] = date;
  const at = parseDate(iso ?? english ?? `${day}-${month}-${year} ${clock}`);
  const behind = text.slice(date.index + whole.length);
  const size = /^\s*(\d{1,15})(\.\d{1,3})?\s?([KMGT]?)i?B?\b/.exec(behind);
  if (size === null) return { at, size: null };
  const [, number = '', fraction = '', unit = ''] = size;
  // One more in the last digit that is shown: a size that was rounded or cut off must not fail a minimum that the file meets.
  const rounding = unit === '' ? 0 : 1 / 10 ** Math.max(0, fraction.length - 1);
  return { at, size: Math.floor((Number(number + fraction) + rounding) * (FACTORS[unit] ?? 1)) };
}
