import { formatAge, formatDate, formatTime } from './calendar.ts';
import type { Item, ItemKind } from './item.ts';
import { isWorse, type State } from './state.ts';
import { cleanText } from './text.ts';
import { count } from './transition.ts';

/** A message lists at most so many items; the private page has them all. */
const MAX_ITEMS = 60;
/** So many of them with everything that is known, the others in two lines each: a telephone shows twenty lines. */
const MAX_DETAILED = 5;
const WIDTH = 72;

/** One line of the digest: an item, or a problem and its recovery that nobody was told of in time. */
export interface Entry {
  item: Item;
  /** The problem was over before anybody could be told: when it began, and its worst state. */
  over: { onset: number; state: State } | null;
}

export interface MessageText {
  subject: string;
  body: string;
}

const WORDS: Record<ItemKind, string> = {
  problem: 'PROBLEM',
  worse: 'WORSE',
  recovery: 'RECOVERED',
  frequent: 'FREQUENT',
  recurring: 'RECURRING',
  unstable: 'UNSTABLE',
  stable: 'STABLE',
  reminder: 'REMINDER',
  escalation: 'ESCALATION',
  'downtime-end': 'DOWNTIME OVER',
  reboot: 'REBOOT',
  noisy: 'NOISY',
  new: 'NEW',
  started: 'STARTED',
  isolated: 'ISOLATED',
  'isolation-over': 'ISOLATION OVER',
  'mass-failure': 'MASS FAILURE',
  clock: 'CLOCK',
  'run-gap': 'RUN GAP',
  overlap: 'OVERLAP',
  config: 'CONFIG',
  removed: 'REMOVED',
  database: 'DATABASE',
  credentials: 'CREDENTIALS',
};

/**
 * Makes one entry of what is owed for one check while nothing could be delivered: problem and recovery become "was CRITICAL from ..
 * to ..", problem and worse become the worse one. Items are in the order in which they were planned.
 */
export function coalesce(items: Item[]): Entry[] {
  const entries: Entry[] = [];
  /** Where the entry of each problem stands that is not over. */
  const open = new Map<string, number>();
  for (const item of items) {
    const problem = `${item.check} ${item.onset}`;
    const index = item.check === null ? undefined : open.get(problem);
    const before = index === undefined ? undefined : entries[index];
    if (index === undefined || before === undefined) {
      if (item.kind === 'problem' || item.kind === 'worse') open.set(problem, entries.length);
      entries.push({ item, over: null });
    } else if (item.kind === 'recovery') {
      entries[index] = { item, over: { onset: before.item.onset, state: before.item.state ?? 'UNKNOWN' } };
      open.delete(problem);
    } else {
      entries[index] = { item: { ...item, kind: before.item.kind, state: worseOf(before.item.state, item.state) }, over: null };
    }
  }
  return entries.sort((a, b) => rank(a) - rank(b) || a.item.at - b.item.at);
}

function worseOf(a: State | null, b: State | null): State | null {
  return a !== null && b !== null && isWorse(a, b) ? a : (b ?? a);
}

/** Most important first: what is wrong by state, then what concerns the whole, then what is over. */
function rank({ item, over }: Entry): number {
  if (over !== null) return 9;
  if (item.kind === 'recovery') return 8;
  if (item.kind === 'started') return 7;
  if (item.check === null && item.host === null) return 2;
  return { CRITICAL: 0, WARNING: 3, UNKNOWN: 4, OK: 5 }[item.state ?? 'OK'];
}

export interface MessageContext {
  timezone: string;
  now: number;
  /** The private site's address, or null. */
  url: string | null;
}

/** Subject and body of a digest, plain text, most important first (alerting.md section 11). */
export function composeText(items: Item[], context: MessageContext): MessageText {
  const entries = coalesce(items);
  const shown = entries.slice(0, MAX_ITEMS);
  const first = shown[0];
  if (first === undefined) throw new Error('a message without items');
  const more = entries.length > 1 ? ` (+${entries.length - 1} more)` : '';
  const rest = entries.length - shown.length;
  const detailed = shown.slice(0, MAX_DETAILED).map((entry) => describeEntry(entry, context));
  const brief = shown.slice(MAX_DETAILED).map((entry) => describeBriefly(entry, context));
  const body = [
    ...detailed.map((lines) => lines.join('\n')),
    ...(brief.length > 0 ? [brief.flat().join('\n')] : []),
    ...(rest > 0 ? [`and ${count(rest, 'more change')}: see the page`] : []),
    signature(context),
  ];
  return { subject: `[vigie] ${headline(first)}${more}`, body: `${body.join('\n\n')}\n` };
}

/** Short and stable: `PROBLEM website/front-page CRITICAL: HTTP 503, expected 200`. */
function headline({ item, over }: Entry): string {
  const subject = item.check ?? item.host ?? '';
  const length = formatAge((item.at - item.onset) / 1000);
  if (over !== null) return `OVER ${subject} was ${over.state} for ${length}`;
  if (item.kind === 'recovery') return `RECOVERED ${subject} after ${length}`;
  const words = [WORDS[item.kind], subject, item.check === null ? '' : (item.state ?? '')].filter((word) => word !== '').join(' ');
  return cleanText(`${words}: ${item.facts === null ? item.reason : item.facts.output}`, 150);
}

function describeEntry(entry: Entry, context: MessageContext): string[] {
  const { item, over } = entry;
  const { facts } = item;
  if (facts === null) return describeWhole(item);
  const isOver = over !== null || item.kind === 'recovery';
  const lines = [`${headOf(entry)}${facts.title === item.host || facts.title === item.check ? '' : `  (${facts.title})`}`];
  lines.push(...describeTime(entry, context), ...labelled(isOver ? 'now' : 'seen', quote(facts.output)));
  const parts = facts.failingParts.slice(0, MAX_PARTS).flatMap((part) => quote(part));
  const hidden = facts.failingParts.length - MAX_PARTS;
  lines.push(...labelled('parts', hidden > 0 ? [...parts, `and ${hidden} more`] : parts));
  if (!isOver) {
    lines.push(...labelled('where', wrap(`${facts.type}: ${facts.target}`)), ...labelled('why', wrap(item.reason)));
    if (facts.affected !== null) lines.push(...labelled('hides', wrap(`unreachable behind it: ${facts.affected}`)));
    if (facts.also.length > 0) lines.push(...labelled('also', wrap(describeAlso(facts.also))));
  }
  const last = describePast(item, context);
  if (last !== null) lines.push(...labelled('before', wrap(last)));
  if (facts.notes !== null && !isOver) lines.push(...labelled('notes', [facts.notes]));
  if (context.url !== null) lines.push(...labelled('page', [`${context.url.replace(/\/?$/, '/')}${facts.page}`]));
  if (!isOver) lines.push(...labelled('more', [`vigie explain ${item.check}`]));
  return lines;
}

function describeWhole(item: Item): string[] {
  const subject = item.host === null ? '' : ` ${item.host}`;
  return [
    ...wrap(`${WORDS[item.kind]}${subject}: ${item.reason}`, '', WIDTH),
    ...item.lines.flatMap(quote).map((line) => `${INDENT}${line}`),
  ];
}

function headOf({ item, over }: Entry): string {
  if (over !== null) return `OVER ${item.check}`;
  return `${item.kind === 'recovery' ? WORDS.recovery : item.state} ${item.check}`;
}

/** What is further down: the line of the subject, and what was seen. */
function describeBriefly(entry: Entry, { timezone }: MessageContext): string[] {
  const { item, over } = entry;
  if (item.facts === null) return describeWhole(item).slice(0, 6);
  if (over !== null || item.kind === 'recovery') return [headline(entry)];
  const seen = quote(item.facts.output)[0] ?? '';
  return [`${headOf(entry)} since ${formatTime(item.onset, timezone)}`, ...labelled('', [seen])];
}

function describeAlso(ids: string[]): string {
  const named = ids.slice(0, 5).join(', ');
  return ids.length > 5 ? `${named} and ${ids.length - 5} more are failing` : `${named} ${ids.length === 1 ? 'is' : 'are'} failing`;
}

function describeTime({ item, over }: Entry, { timezone }: MessageContext): string[] {
  const length = formatAge((item.at - item.onset) / 1000);
  if (over === null && item.kind !== 'recovery')
    return labelled('since', wrap(`${formatTime(item.onset, timezone)}${item.at > item.onset ? `, ${length} before this` : ''}`));
  const state = over?.state ?? item.facts?.was ?? null;
  const was = state === null ? '' : `${state} `;
  const times = [`${was}from ${formatTime(item.onset, timezone)}`, `to ${formatTime(item.at, timezone)}, ${length}`];
  return labelled('was', times);
}

/** "third time in 90 days; 12 Nov, 6 min": the check's own history is the first thing one asks. */
function describePast(item: Item, { timezone }: MessageContext): string | null {
  const earlier = (item.facts?.past ?? []).filter((problem) => problem.onset < item.onset);
  if (earlier.length === 0) return null;
  const listed = earlier.slice(0, 3).map(({ onset, duration }) => {
    const date = formatDate(onset, timezone);
    return duration === null ? date : `${date}, ${formatAge(duration)}`;
  });
  return `${ordinal(earlier.length + 1)} time in 90 days; ${listed.join('; ')}`;
}

function ordinal(number: number): string {
  const words = ['', 'first', 'second', 'third', 'fourth', 'fifth', 'sixth', 'seventh', 'eighth', 'ninth'];
  return words[number] ?? `${number}th or later`;
}

function signature({ url, timezone, now }: MessageContext): string {
  const made = `vigie, ${formatTime(now, timezone)}`;
  return url === null ? `-- \n${made}` : `-- \n${made}\n${url}`;
}

const INDENT = '  ';
const LABEL_WIDTH = 8;
const TEXT_WIDTH = WIDTH - INDENT.length - LABEL_WIDTH;
const MAX_PARTS = 10;

function labelled(label: string, lines: string[]): string[] {
  return lines.map((line, i) => `${INDENT}${(i === 0 ? label : '').padEnd(LABEL_WIDTH)}${line}`);
}

/** Text from outside stands behind `>` on every line, so that it never looks like a line of ours. */
function quote(text: string): string[] {
  // A word that is longer than a line is cut where the line ends.
  const longWord = new RegExp(`\\S{${TEXT_WIDTH - 2}}(?=\\S)`, 'gu');
  return wrap(cleanText(text, 500).replace(longWord, '$& '), '> ');
}

function wrap(text: string, prefix = '', columns = TEXT_WIDTH): string[] {
  const width = columns - prefix.length;
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(prefix + line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, prefix + line];
}
