import { formatAge, formatDate, formatTime } from './calendar.ts';
import type { Entry } from './coalesce.ts';
import { type Item, type ItemKind, isRecovery } from './item.ts';
import { cleanText } from './text.ts';

const WIDTH = 72;
const INDENT = '  ';
const LABEL_WIDTH = 8;
const TEXT_WIDTH = WIDTH - INDENT.length - LABEL_WIDTH;
const MAX_PARTS = 10;
const MAX_NOTES = 12;
const MAX_BRIEF_LINES = 6;

export interface EntryContext {
  timezone: string;
  /** The private site's address, or null. */
  url: string | null;
}

export const WORDS: Record<ItemKind | 'weekly', string> = {
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
  weekly: 'WEEKLY',
};

/** What these say is how a check fails, not what it says at the moment. */
const TOLD_BY_REASON = new Set<Item['kind']>(['frequent', 'recurring', 'unstable']);

/** Short and stable: `PROBLEM website/front-page CRITICAL: HTTP 503, expected 200`. */
export function headline({ item, over }: Entry): string {
  const subject = item.check ?? item.host ?? '';
  const length = formatAge((item.at - item.onset) / 1000);
  if (over !== null) return `OVER ${subject} was ${over.state} for ${length}`;
  if (item.check !== null && isRecovery(item)) return `${WORDS[item.kind]} ${subject} after ${length}`;
  const words = [WORDS[item.kind], subject, item.check === null ? '' : (item.state ?? '')].filter((word) => word !== '').join(' ');
  return cleanText(`${words}: ${item.facts === null || TOLD_BY_REASON.has(item.kind) ? item.reason : item.facts.output}`, 150);
}

/** Everything that is known, most important first. */
export function describeEntry(entry: Entry, context: EntryContext): string[] {
  const { item, over } = entry;
  const { facts } = item;
  if (facts === null) return describeWhole(item);
  const isOver = over !== null || isRecovery(item);
  const lines = [...describeHead(entry, facts.title), ...describeTime(entry, context)];
  lines.push(...labelled(isOver ? 'now' : 'seen', quote(facts.output)), ...describeParts(facts.failingParts));
  if (!isOver) {
    lines.push(...labelled('where', wrap(`${facts.type}: ${facts.target}`)), ...labelled('why', wrap(item.reason)));
    lines.push(
      ...labelled(
        'changed',
        (facts.changes ?? []).flatMap((change) => quote(change)),
      ),
    );
    if (facts.affected !== null) lines.push(...labelled('hides', wrap(`unreachable behind it: ${facts.affected}`)));
    if (facts.also.length > 0) lines.push(...labelled('also', wrap(describeAlso(facts.also))));
  }
  const last = describePast(item, context);
  if (last !== null) lines.push(...labelled('before', wrap(last)));
  if (facts.notes !== null && !isOver) lines.push(...labelled('notes', describeNotes(facts.notes)));
  if (context.url !== null) lines.push(...labelled('page', [`${context.url.replace(/\/?$/, '/')}${facts.page}`]));
  if (!isOver) {
    lines.push(...labelled('ack', [`vigie ack ${item.check} --until 30h --note "on it"`]));
    lines.push(...labelled('explain', [`vigie explain ${item.check}`]));
  }
  return lines;
}

/** What is further down: the line of the subject, and what was seen. */
export function describeBriefly(entry: Entry, { timezone }: EntryContext): string[] {
  const { item, over } = entry;
  if (item.kind === 'weekly') return describeWhole(item);
  if (item.facts === null) return describeWhole(item).slice(0, MAX_BRIEF_LINES);
  if (over !== null || isRecovery(item)) return [headline(entry)];
  const seen = quote(item.facts.output)[0] ?? '';
  return [`${headOf(entry)} since ${formatTime(item.onset, timezone)}`, ...labelled('', [seen])];
}

/** A host or the whole. What its lines say may come from peers, but for the weekly mail, which is all ours. */
function describeWhole(item: Item): string[] {
  const subject = item.host === null ? '' : ` ${item.host}`;
  const head = wrap(`${WORDS[item.kind]}${subject}: ${item.reason}`, '', WIDTH);
  if (item.kind !== 'weekly') return [...head, ...item.lines.flatMap(quote).map((line) => `${INDENT}${line}`)];
  const lines = item.lines.flatMap((line) => {
    const indent = INDENT + (/^ */.exec(line)?.[0] ?? '');
    return wrap(line.trimStart(), '', WIDTH - indent.length - 2).map((text, i) => `${indent}${i === 0 ? '' : INDENT}${text}`);
  });
  return [...head, ...lines];
}

/** The title stands beside the id, or below it where the line is full. */
function describeHead(entry: Entry, title: string): string[] {
  const { item } = entry;
  const head = headOf(entry);
  if (title === item.host || title === item.check) return [head];
  const named = cleanText(title, 60);
  return head.length + named.length + 4 <= WIDTH ? [`${head}  (${named})`] : [head, `${INDENT}(${named})`];
}

function headOf({ item, over }: Entry): string {
  if (over !== null) return `OVER ${item.check}`;
  if (isRecovery(item)) return `${WORDS[item.kind]} ${item.check}`;
  const isPlain = item.kind === 'problem' || item.kind === 'worse';
  return isPlain ? `${item.state} ${item.check}` : `${WORDS[item.kind]} ${item.check} ${item.state}`;
}

function describeParts(failing: string[]): string[] {
  const parts = failing.slice(0, MAX_PARTS).flatMap((part) => quote(part));
  const hidden = failing.length - MAX_PARTS;
  return labelled('parts', hidden > 0 ? [...parts, `and ${hidden} more`] : parts);
}

/** A runbook's address stays whole; a text is wrapped, and cut where it would bury what follows. */
function describeNotes(notes: string): string[] {
  const lines = notes
    .trim()
    .split(/\r?\n/)
    .flatMap((line) => wrap(line.trim()));
  return lines.length > MAX_NOTES ? [...lines.slice(0, MAX_NOTES - 1), 'and more: see the page'] : lines;
}

function describeAlso(ids: string[]): string {
  const named = ids.slice(0, 5).join(', ');
  return ids.length > 5 ? `${named} and ${ids.length - 5} more are failing` : `${named} ${ids.length === 1 ? 'is' : 'are'} failing`;
}

function describeTime({ item, over }: Entry, { timezone }: EntryContext): string[] {
  const length = formatAge((item.at - item.onset) / 1000);
  if (over === null && !isRecovery(item))
    return labelled('since', wrap(`${formatTime(item.onset, timezone)}${item.at > item.onset ? `, ${length} before this` : ''}`));
  const state = over?.state ?? item.facts?.was ?? null;
  const was = state === null ? '' : `${state} `;
  const times = [`${was}from ${formatTime(item.onset, timezone)}`, `to ${formatTime(item.at, timezone)}, ${length}`];
  return labelled('was', times);
}

/** "third time in 90 days; 12 Nov, 6 min, anna: uwsgi restarted": the check's own history is the first thing one asks. */
function describePast(item: Item, { timezone }: EntryContext): string | null {
  const earlier = (item.facts?.past ?? []).filter((problem) => problem.onset < item.onset);
  if (earlier.length === 0) return null;
  const listed = earlier.slice(0, 3).map(({ onset, duration, note }) => {
    const length = duration === null ? '' : `, ${formatAge(duration)}`;
    return `${formatDate(onset, timezone)}${length}${note === undefined ? '' : `, ${cleanText(note, 120)}`}`;
  });
  return `${ordinal(earlier.length + 1)} time in 90 days; ${listed.join('; ')}`;
}

function ordinal(number: number): string {
  const words = ['', 'first', 'second', 'third', 'fourth', 'fifth', 'sixth', 'seventh', 'eighth', 'ninth'];
  return words[number] ?? `${number}th or later`;
}

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
