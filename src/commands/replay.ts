import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { loadConfiguration } from '../config/load.ts';
import { formatShortTime, formatTime, toTimestamp } from '../core/calendar.ts';
import type { Configuration } from '../core/configuration.ts';
import type { HeldBack, Item, WithheldItem } from '../core/item.ts';
import type { PlannedMessage } from '../core/mailbag.ts';
import { compareItems, Replay, type ReplayRun } from '../core/replay.ts';
import { ReplayTelling } from '../core/replay-telling.ts';
import { readTimeline, TimelineError } from '../core/timeline.ts';
import { count } from '../core/transition.ts';
import { formatDuration, parseDuration, UnitError } from '../core/unit.ts';
import { openHistoryForReading } from '../store/database.ts';
import { readPastRuns } from '../store/past-runs.ts';
import { formatTable } from '../terminal.ts';
import { type Arguments, type Command, type CommandContext, UsageError } from './command.ts';
import { toTypes } from './load.ts';

/** What a daily pattern looks back, and a day for what was going on before that: judged, and not shown. */
const WARM_UP_MS = 8 * 86_400_000;

/** The past once more: which items this configuration would have sent, or what another would change. */
export const replay: Command = {
  usage: 'replay [--since 30d]',
  takes: [],
  summary: 'which items this configuration would have sent',
  options: {
    since: { type: 'string' },
    timeline: { type: 'string' },
    json: { type: 'boolean' },
    budget: { type: 'boolean' },
    withheld: { type: 'boolean' },
  },
  help: [
    '--since D        how far back; default 30d',
    '--timeline FILE  replays a file instead of the history: one JSON object a line',
    '--config OTHER   after the word replay: what this other configuration would change, against the one in use',
    '--budget         after the budgets, hours and digests: the messages of each recipient',
    '--withheld       also what would have been held back, each with its reason',
    '--json           one JSON object a line',
  ],
  async run(context, given) {
    const { own, other } = chooseConfigurations(context, given.values['timeline'] !== undefined);
    const configuration = await load(context, own);
    const wanted = toWanted(given);
    const before = replayAll(configuration, readRuns(context, given, configuration), wanted);
    if (other === null) {
      print(context, before, configuration, wanted);
      return 0;
    }
    const otherConfiguration = await load(context, other);
    // The history is that of the configuration in use: the other one may not even have a state folder.
    const runs = readRuns(context, given, { ...otherConfiguration, state: configuration.state });
    const after = replayAll(otherConfiguration, runs, wanted);
    printComparison(context, { before, after, configuration, wanted });
    return 0;
  },
};

/**
 * Given twice, the first is in use. Given once, after the command and for the history, it is the other one if one is in use without it;
 * a timeline belongs to no configuration, so there it is simply the one.
 */
function chooseConfigurations(
  { configs, defaultConfig }: CommandContext,
  isTimeline: boolean,
): { own: string; other: string | null } {
  const [first, second] = configs;
  if (second !== undefined) return { own: first?.path ?? second.path, other: second.path };
  if (first === undefined) return { own: defaultConfig ?? '/etc/vigie', other: null };
  if (isTimeline || first.isBefore || defaultConfig === null || isSame(first.path, defaultConfig))
    return { own: first.path, other: null };
  return { own: defaultConfig, other: first.path };
}

function isSame(a: string, b: string): boolean {
  const toFile = (path: string) => {
    const file = path.endsWith('.yaml') || path.endsWith('.yml') ? path : join(path, 'vigie.yaml');
    return existsSync(file) ? realpathSync(file) : resolve(file);
  };
  return toFile(a) === toFile(b);
}

async function load(context: CommandContext, path: string): Promise<Configuration> {
  return (await loadConfiguration({ ...toTypes(context), path, mode: 'read' })).configuration;
}

interface Wanted {
  json: boolean;
  budget: boolean;
  withheld: boolean;
  sinceMs: number;
  isTimeline: boolean;
}

function toWanted({ values }: Arguments): Wanted {
  return {
    json: values['json'] === true,
    budget: values['budget'] === true,
    withheld: values['withheld'] === true,
    sinceMs: parseSince(values['since']),
    isTimeline: values['timeline'] !== undefined,
  };
}

function parseSince(value: string | boolean | undefined): number {
  try {
    return parseDuration(typeof value === 'string' ? value : '30d') * 1000;
  } catch (error) {
    if (!(error instanceof UnitError)) throw error;
    throw new UsageError(`replay: --since: ${error.message}, found ${JSON.stringify(value)}`);
  }
}

interface Source {
  runs: Iterable<ReplayRun>;
  /** Items before it are not shown: what was going on then is judged, so that the beginning is right. */
  from: number;
}

function readRuns(context: CommandContext, { values }: Arguments, configuration: Configuration): Source {
  const file = values['timeline'];
  if (typeof file === 'string') return { runs: readRunsOf(file, configuration), from: Number.NEGATIVE_INFINITY };
  const database = openHistoryForReading(configuration.state);
  if (database === null)
    throw new UsageError(`replay: no history in ${configuration.state} yet, expected a run before: vigie run, or --timeline FILE`);
  const from = context.now - parseSince(values['since']);
  const runs = readPastRuns(database, configuration, { since: from - WARM_UP_MS, until: context.now + 1 });
  return { runs: closing(runs, () => database.close()), from };
}

function* closing<T>(items: Iterable<T>, close: () => void): Generator<T> {
  try {
    yield* items;
  } finally {
    close();
  }
}

function* readRunsOf(file: string, configuration: Configuration): Generator<ReplayRun> {
  let text: string;
  try {
    text = readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    throw new UsageError(`replay: cannot read ${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
  try {
    yield* readTimeline(text, configuration);
  } catch (error) {
    if (!(error instanceof TimelineError)) throw error;
    throw new UsageError(`${file}:${error.line}: ${error.message}`);
  }
}

interface Outcome {
  items: Item[];
  withheld: WithheldItem[];
  messages: PlannedMessage[];
  runs: number;
}

function replayAll(configuration: Configuration, { runs, from }: Source, { budget }: Wanted): Outcome {
  const outcome: Outcome = { items: [], withheld: [], messages: [], runs: 0 };
  let past: Replay | null = null;
  let telling: ReplayTelling | null = null;
  for (const run of runs) {
    past ??= new Replay(configuration, run.at);
    telling ??= budget ? new ReplayTelling(configuration, past.statuses) : null;
    const played = past.play(run);
    telling?.take(run.at, played);
    if (run.at < from) continue;
    outcome.runs += 1;
    if (played.items.length + played.withheld.length === 0) continue;
    // A line of the next digest is no item by itself.
    outcome.items.push(...played.items.filter((item) => item.digest === undefined));
    outcome.withheld.push(...played.withheld);
  }
  outcome.items.sort(compareItems);
  if (telling !== null) {
    outcome.messages = telling.messages.filter(({ at }) => at >= from);
    outcome.withheld.push(...telling.withheld.filter(({ item }) => item.at >= from));
  }
  outcome.withheld.sort((a, b) => compareItems(a.item, b.item));
  return outcome;
}

/** The contract of `--json`: one object a line for each item. */
function toLine({ at, check, host, kind, state, onset, reason, to }: Item, withheld?: HeldBack): Record<string, unknown> {
  const line = { at: toTimestamp(at), check, host, kind, state, onset: toTimestamp(onset), reason, to };
  return withheld === undefined ? line : { ...line, withheld };
}

function print(context: CommandContext, outcome: Outcome, configuration: Configuration, wanted: Wanted): void {
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

function printComparison(context: CommandContext, { before, after, configuration, wanted }: Comparison): void {
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
