import { didYouMean } from '../config/problem.ts';
import { toDay } from '../core/availability.ts';
import { formatAge, formatTime } from '../core/calendar.ts';
import type { Check, Configuration } from '../core/configuration.ts';
import { windowFigures } from '../core/past.ts';
import { type People, watchedNow } from '../core/people.ts';
import { WINDOWS } from '../core/run-record.ts';
import { type Status, stateType } from '../core/status.ts';
import { count } from '../core/transition.ts';
import { describeSaid, toSaid } from '../core/views-people.ts';
import { toSettings } from '../core/views-settings.ts';
import { toCalendar } from '../core/views-words.ts';
import { explainWhy } from '../core/why.ts';
import { loadMetricCatalogue } from '../registry.ts';
import { type Database, openHistoryForReading } from '../store/database.ts';
import { readEvents, readStatuses, resultsReader } from '../store/history.ts';
import { PastBook } from '../store/pasts.ts';
import { readPeople } from '../store/people.ts';
import { formatTable } from '../terminal.ts';
import { type Command, type CommandContext, UsageError } from './command.ts';
import { loadFor } from './load.ts';

/** Everything about one check: where it is defined, what holds and why, what was seen, why it does or does not alert. */
export const explain: Command = {
  usage: 'explain ID',
  takes: ['ID'],
  summary: 'everything about one check',
  async run(context, { positionals }) {
    const [id = ''] = positionals;
    const { configuration } = await loadFor(context, 'read');
    const check = configuration.checks.find((one) => one.id === id);
    const ids = configuration.checks.map((one) => one.id);
    if (check === undefined)
      throw new UsageError(`explain: no check has the id ${JSON.stringify(id)}${didYouMean(id, ids)}; vigie status lists them`);
    const database = openHistoryForReading(configuration.state);
    const statuses = database === null ? new Map<string, Status>() : readStatuses(database);
    const status = statuses.get(check.id);
    print(context, `${check.id}: ${check.type}, ${check.target}`, `defined in ${check.source.file}:${check.source.line}`);
    print(context, '', 'settings', ...(await describeSettings(check, context.columns)));
    if (database !== null && status !== undefined) {
      print(
        context,
        '',
        'now',
        ...describeNow(check, status, { configuration, now: context.now, parentsDown: failedParents(check, statuses) }),
        ...describePeople(check, database, configuration, context.now),
      );
      print(context, '', 'history', ...describeHistory(database, check, status, configuration, context));
      database.close();
    } else {
      print(context, '', 'it has never run');
    }
    return 0;
  },
};

function print(context: CommandContext, ...lines: string[]): void {
  for (const line of lines) context.out(`${line}\n`);
}

async function describeSettings(check: Check, columns: number): Promise<string[]> {
  const settings = toSettings(check, await loadMetricCatalogue([check.type]));
  return formatTable(
    // Type and target stand in the heading.
    settings.slice(2).map(({ name, value, origin }) => [`  ${name}`, value, `(${origin})`]),
    columns,
  );
}

function describeNow(
  check: Check,
  status: Status,
  { configuration, now, parentsDown }: { configuration: Configuration; now: number; parentsDown: string[] },
): string[] {
  const { latest, streak, problem } = status;
  if (latest === null) return ['  no result yet'];
  const time = (at: number) => formatTime(at, configuration.timezone);
  const lines = [
    `  ${latest.state} (${stateType(status)}) since ${time(status.since)}, ${formatAge((now - status.since) / 1000)}`,
    `  seen: ${latest.output}${latest.code === '' ? '' : ` [${latest.code}]`}`,
    `  last looked: ${time(latest.at)}, run ${latest.run}, took ${latest.duration.toFixed(3)} s`,
    ...latest.parts.map((part) => `  part ${part.name} ${part.state}: ${part.output}`),
  ];
  lines.push(...explainWhy(check, status, now, parentsDown).map((line) => `  why: ${line}`));
  if (streak !== null)
    lines.push(`  streak: ${count(streak.length, 'failure')} since ${time(streak.startedAt)}, worst ${streak.worst}`);
  if (problem !== null)
    lines.push(
      `  problem since ${time(problem.onset)}, told ${problem.told ?? 'nobody'} to ${problem.toldTo.join(', ') || 'nobody'}`,
    );
  return lines;
}

/** Who said what of it, until when. */
function describePeople(check: Check, database: Database, configuration: Configuration, now: number): string[] {
  const said = readPeople(database, now);
  return [
    ...describeSaid(check, toSaid({ said, configuration, now }), toCalendar(configuration.timezone, now)),
    ...describeWatch(check, said, configuration, now),
  ].map((line) => `  people: ${line}`);
}

/** What opened the latest watch window that holds: a person's change, or what a host's report or the configuration shows by itself. */
function describeWatch(check: Check, said: People | null, { checks, timezone }: Configuration, now: number): string[] {
  const open = (said?.changes ?? []).filter((change) => watchedNow({ changes: [change] }, checks, now).has(check.id));
  const latest = open.sort((a, b) => a.at - b.at).at(-1);
  if (latest === undefined) return [];
  const { target, author, note, until } = latest;
  return [`watched in every run until ${formatTime(until, timezone)}: ${author === '' ? target : author}: ${note}`];
}

/** Parents that have failed by what is known now. */
function failedParents({ parents }: Check, statuses: Map<string, Status>): string[] {
  return parents.filter((id) => {
    const latest = statuses.get(id)?.latest;
    return latest?.state === 'CRITICAL' || latest?.withheld === 'unreachable';
  });
}

function describeHistory(
  database: Database,
  check: Check,
  status: Status,
  configuration: Configuration,
  context: CommandContext,
): string[] {
  const past = new PastBook(database, toDay(context.now)).get(check.id);
  const windows = WINDOWS.map((window) => {
    const { availability, p50, p95, p99 } = windowFigures(window, status, past);
    const seconds = (value: number | null) => (value === null ? '-' : `${value.toPrecision(2)} s`);
    return [
      `  ${window}`,
      availability === null ? 'not measured' : `${(availability * 100).toFixed(2)} % available`,
      `p50 ${seconds(p50)}`,
      `p95 ${seconds(p95)}`,
      `p99 ${seconds(p99)}`,
    ];
  });
  const time = (at: number) => formatTime(at, configuration.timezone);
  const results = resultsReader(
    database,
    10,
  )(check.id).map((row) => [`  ${time(row.at)}`, row.state, row.withheld ?? '', row.output]);
  const events = readEvents(database, 10, check.id).map((event) => [
    `  ${time(event.at)}`,
    event.kind,
    event.state ?? '',
    event.reason,
  ]);
  return [
    ...formatTable(windows, context.columns),
    ...section('last results', results, context),
    ...section('events', events, context),
  ];
}

function section(title: string, rows: string[][], context: CommandContext): string[] {
  return rows.length === 0 ? [] : ['', title, ...formatTable(rows, context.columns)];
}
