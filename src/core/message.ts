import { formatTime } from './calendar.ts';
import { coalesce, type Entry, headEntry, sortEntries } from './coalesce.ts';
import { describeBriefly, describeEntry, type EntryContext, headline } from './entry.ts';
import { type Item, ownerOf } from './item.ts';
import { formatReplyToken } from './reply-token.ts';
import { count } from './transition.ts';

/** A message lists at most so many items; the private page has them all. */
const MAX_ITEMS = 60;
/** And so many of one host: it cannot bury another. */
const MAX_OF_OWNER = 10;
/** So many of them with everything that is known, the others in two lines each: a telephone shows twenty lines. */
const MAX_DETAILED = 5;
const MAX_OWNERS_COUNTED = 5;

export interface MessageText {
  subject: string;
  /** A subject that says nothing of what is wrong: for mail whose text is encrypted or withheld. */
  discreetSubject: string;
  body: string;
}

export interface MessageContext extends EntryContext {
  now: number;
  /** What a reply must quote to acknowledge; absent where no mailbox is read. */
  token?: string;
}

/** Subject and body of a digest, plain text, most important first (alerting.md section 11). */
export function composeText(items: Item[], context: MessageContext): MessageText {
  const entries = sortEntries(coalesce(items));
  const head = headEntry(entries);
  if (head === undefined) throw new Error('a message without items');
  const { shown, hidden } = choose(entries);
  const more = entries.length > 1 ? ` (+${entries.length - 1} more)` : '';
  const detailed = shown.slice(0, MAX_DETAILED).map((entry) => describeEntry(entry, context));
  const brief = shown.slice(MAX_DETAILED).map((entry) => describeBriefly(entry, context));
  const body = [
    ...detailed.map((lines) => lines.join('\n')),
    ...(brief.length > 0 ? [brief.flat().join('\n')] : []),
    ...(hidden.length > 0 ? [describeHidden(hidden)] : []),
    signature(context),
  ];
  const isDigest = head.item.digest !== undefined;
  const subject = `[vigie] ${isDigest ? 'DIGEST ' : ''}${headline(head)}${more}`;
  return { subject, discreetSubject: `[vigie] ${isDigest ? 'DIGEST' : wordOf(head)}${more}`, body: `${body.join('\n\n')}\n` };
}

function wordOf(entry: Entry): string {
  return headline(entry).split(' ')[0] ?? '';
}

/** The first of each host, up to the message's end: at most 10 of a host and 60 in all. */
function choose(entries: Entry[]): { shown: Entry[]; hidden: Entry[] } {
  const shown: Entry[] = [];
  const hidden: Entry[] = [];
  const byOwner = new Map<string, number>();
  for (const entry of entries) {
    const owner = ownerOf(entry.item);
    const number = owner === null ? 0 : (byOwner.get(owner) ?? 0);
    const isShown = shown.length < MAX_ITEMS && number < MAX_OF_OWNER;
    if (isShown && owner !== null) byOwner.set(owner, number + 1);
    (isShown ? shown : hidden).push(entry);
  }
  return { shown, hidden };
}

/** `and 440 more changes: see the page`, and how many of them are which host's, where it has several. */
function describeHidden(hidden: Entry[]): string {
  const byOwner = new Map<string, number>();
  for (const { item } of hidden) byOwner.set(ownerOf(item) ?? '', (byOwner.get(ownerOf(item) ?? '') ?? 0) + 1);
  const most = [...byOwner].filter(([owner, number]) => owner !== '' && number > 1).sort(([, a], [, b]) => b - a);
  const named = most.slice(0, MAX_OWNERS_COUNTED).map(([owner, number]) => `  ${owner}: ${number}`);
  return [`and ${count(hidden.length, 'more change')}: see the page`, ...named].join('\n');
}

function signature({ url, timezone, now, token }: MessageContext): string {
  const made = `vigie, ${formatTime(now, timezone)}`;
  const lines = ['-- ', made, ...(url === null ? [] : [url]), ...(token === undefined ? [] : [formatReplyToken(token)])];
  return lines.join('\n');
}
