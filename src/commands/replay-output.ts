import { formatShortTime, formatTime, toTimestamp } from '../core/calendar.ts';
import type { Configuration } from '../core/configuration.ts';
import type { HeldBack, Item, WithheldItem } from '../core/item.ts';
import type { PlannedMessage } from '../core/mailbag.ts';
import { compareItems } from '../core/replay.ts';
import { count } from '../core/transition.ts';
import { formatDuration } from '../core/unit.ts';
import { formatTable } from '../terminal.ts';
import type { CommandContext } from './command.ts';

export interface Wanted {
  json: boolean;
  budget: boolean;
  withheld: boolean;
  sinceMs: number;
  isTimeline: boolean;
}

export interface Outcome {
  items: Item[];
  withheld: WithheldItem[];
  messages: PlannedMessage[];
  runs: number;
}

/** The contract of `--json`: one object a line for each item. */
function toLine({ at, check, host, kind, state, onset, reason, to }: Item, withheld?: HeldBack): Record<string, unknown> {
  const line = { at: toTimestamp(at), check, host, kind, state, onset: toTimestamp(onset), reason, to };
  return withheld === undefined ? line : { ...line, withheld };
}

export function printOutcome(context: CommandContext, outcome: Outcome, configuration: Configuration, wanted: Wanted): void {
  if (wanted.json) {
    for (const line of toLines(outcome, wanted)) context.out(`${JSON.stringify(line)}\n`);
    return;
  }
  const zone = configuration.timezone;
  const rows = wanted.budget
    ? outcome.messages.map(({ at, recipient, items }) => [formatTime(at, zone), recipient, describeMessage(items)])
    : outcome.items.map((item) => describeItem(item, zone));
  for (const line of formatTable(rows, context.columns)) context.out(`${line}\n`);
  if (wanted.withheld && outcome.withheld.length > 0) {
    context.out('\nheld back\n');
    const held = outcome.withheld.map(({ item, because }) => [...describeItem(item, zone).slice(0, 4), because]);
    for (const line of formatTable(held, context.columns)) context.out(`  ${line}\n`);
  }
  const what = wanted.budget ? count(outcome.messages.length, 'message') : count(outcome.items.length, 'item');
  context.out(`${rows.length > 0 ? '\n' : ''}${what} in ${count(outcome.runs, 'run')} with results\n`);
}

function toLines(outcome: Outcome, { budget, withheld }: Wanted): Record<string, unknown>[] {
  const held = withheld ? outcome.withheld : [];
  if (budget) {
    const messages = outcome.messages.map(({ at, recipient, items }) => {
      return { at: toTimestamp(at), recipient, items: items.map((item) => toLine(item)) };
    });
    return [...messages, ...held.map(({ item, because }) => toLine(item, because))];
  }
  const lines = [
    ...outcome.items.map((item) => ({ item, because: undefined })),
    ...held.map(({ item, because }) => ({ item, because })),
  ];
  return lines.sort((a, b) => compareItems(a.item, b.item)).map(({ item, because }) => toLine(item, because));
}

function describeItem(item: Item, zone: string): string[] {
  const about = item.check ?? item.host ?? '';
  return [formatTime(item.at, zone), item.kind, about, item.state ?? '', item.reason, item.to.join(', ') || 'nobody'];
}

function describeMessage(items: Item[]): string {
  const [first] = items;
  if (first === undefined) return '';
  const more = items.length > 1 ? ` (+${items.length - 1} more)` : '';
  return `${first.kind} ${first.check ?? first.host ?? ''} ${first.state ?? ''}`.trim() + more;
}

interface Comparison {
  before: Outcome;
  after: Outcome;
  configuration: Configuration;
  wanted: Wanted;
}

/** A problem that both would have told is the same item, though its reason or its time may differ by a run or two. */
function keyOf({ kind, check, host, onset }: Item): string {
  return `${kind} ${check ?? host ?? ''} ${onset}`;
}

export function printComparison(context: CommandContext, { before, after, configuration, wanted }: Comparison): void {
  const [old, next] = [new Set(before.items.map(keyOf)), new Set(after.items.map(keyOf))];
  const added = after.items.filter((item) => !old.has(keyOf(item)));
  const gone = before.items.filter((item) => !next.has(keyOf(item)));
  if (wanted.json) {
    for (const item of added) context.out(`${JSON.stringify({ change: 'new', ...toLine(item) })}\n`);
    for (const item of gone) context.out(`${JSON.stringify({ change: 'gone', ...toLine(item) })}\n`);
    return;
  }
  const time = wanted.isTimeline ? 'this timeline' : `the last ${describeSpan(wanted.sinceMs)}`;
  const [was, would] = [countMessages(before, configuration), countMessages(after, configuration)];
  context.out(`${time} would have sent ${count(would, 'message')} instead of ${was}\n`);
  for (const [title, items] of [
    ['these would be new', added],
    ['these would be gone', gone],
  ] as const) {
    if (items.length === 0) continue;
    context.out(`\n${title}: ${items.length}\n`);
    const rows = items.slice(0, MOST_SHOWN).map((item) => {
      const [, ...rest] = describeItem(item, configuration.timezone);
      return [`  ${formatShortTime(item.at, context.now, configuration.timezone)}`, ...rest];
    });
    for (const line of formatTable(rows, context.columns)) context.out(`${line}\n`);
    if (items.length > MOST_SHOWN) context.out(`  and ${items.length - MOST_SHOWN} more\n`);
  }
  if (added.length + gone.length === 0) context.out('every item would have been the same\n');
}

const MOST_SHOWN = 100;

function describeSpan(milliseconds: number): string {
  return formatDuration(milliseconds / 1000).replace(/^(\d+)d$/, '$1 days');
}

/** With `--budget` the messages; without it, all items of a run to one address are one. */
function countMessages({ items, messages }: Outcome, { contacts }: Configuration): number {
  if (messages.length > 0) return messages.length;
  const addresses = (item: Item) => new Set(item.to.flatMap((name) => contacts[name]?.mail ?? []));
  return new Set(items.flatMap((item) => [...addresses(item)].map((address) => `${item.at} ${address}`))).size;
}
