import { formatAge, formatShortTime, toLocal, zoneName } from './calendar.ts';
import type { Configuration } from './configuration.ts';
import type { State } from './state.ts';
import type { Status } from './status.ts';
import { count } from './transition.ts';

/** What the history says of the week before. Times are milliseconds since 1970. */
export interface WeekFacts {
  /** Problems that began or ended in it, oldest first. */
  problems: { check: string; state: State; onset: number; endedAt: number | null }[];
  /** Failures that ended before they were a problem, one entry for each. */
  soft: { check: string; at: number }[];
  messages: { sent: number; failed: number };
  /** Items by check, the most first. */
  noisiest: { check: string; items: number }[];
  runs: number;
  statuses: Map<string, Status>;
  /** Acknowledgements and downtimes that end in the week to come, in words. */
  ending: string[];
}

export const WEEK_MS = 7 * 86_400_000;
/** Failures on so many days of a week are no chance, though none of them was told. */
const NEAR_MISS_DAYS = 5;
const DUE_DAYS = 30;
const MAX_LINES = 15;

/** The weekly mail (alerting.md section 7): it comes every Monday, so that silence is proven. Lines begin with their indent. */
export function composeWeek(week: WeekFacts, configuration: Configuration, now: number): { reason: string; lines: string[] } {
  const { timezone } = configuration;
  const ended = week.problems.filter(({ endedAt }) => endedAt !== null).length;
  const reason = `${count(week.problems.length, 'problem')}, ${ended} ended; ${count(week.messages.sent, 'message')} sent`;
  const lines = [
    ...section(
      'What broke',
      week.problems.map((problem) => describeProblem(problem, now, timezone)),
    ),
    ...section(
      `Near misses: failed on ${NEAR_MISS_DAYS} or more days, never long enough to be told`,
      nearMisses(week.soft, timezone),
    ),
    ...section(`Due within ${DUE_DAYS} days`, dueSoon(configuration, week.statuses)),
    ...section('Ending this week', week.ending),
    ...section(
      'Most often in the mail',
      week.noisiest.slice(0, 5).map(({ check, items }) => `${check}: ${count(items, 'line')}`),
    ),
    describeWatch(week, configuration),
  ];
  return { reason, lines };
}

function section(title: string, entries: string[]): string[] {
  if (entries.length === 0) return [`${title}: nothing`];
  const rest = entries.length - MAX_LINES;
  const shown = entries.slice(0, MAX_LINES).map((entry) => `  ${entry}`);
  return [`${title}:`, ...shown, ...(rest > 0 ? [`  and ${rest} more`] : [])];
}

function describeProblem({ check, state, onset, endedAt }: WeekFacts['problems'][number], now: number, zone: string): string {
  const length = endedAt === null ? 'not over' : formatAge((endedAt - onset) / 1000);
  return `${check} ${state}, ${formatShortTime(onset, now, zone)} ${zoneName(onset, zone)}, ${length}`;
}

function nearMisses(soft: WeekFacts['soft'], zone: string): string[] {
  const byCheck = new Map<string, { days: Set<string>; failures: number }>();
  for (const { check, at } of soft) {
    const one = byCheck.get(check) ?? { days: new Set<string>(), failures: 0 };
    one.days.add(toLocal(at, zone).date);
    byCheck.set(check, { days: one.days, failures: one.failures + 1 });
  }
  return [...byCheck]
    .filter(([, { days }]) => days.size >= NEAR_MISS_DAYS)
    .sort(([, a], [, b]) => b.failures - a.failures)
    .map(([check, { days, failures }]) => `${check}: ${count(failures, 'failure')} on ${days.size} of 7 days`);
}

/** What says how many days it has left: certificates, and disks by their pace. */
const DUE = { days_left: 'certificate expires', full_in: 'full' };

function dueSoon({ checks }: Configuration, statuses: Map<string, Status>): string[] {
  const due = checks.flatMap(({ id, enabled }) =>
    Object.entries(DUE).flatMap(([metric, what]) => {
      const days = statuses.get(id)?.latest?.metrics[metric];
      return enabled && days !== undefined && days < DUE_DAYS ? [{ id, what, days: Math.floor(days) }] : [];
    }),
  );
  return due.sort((a, b) => a.days - b.days).map(({ id, what, days }) => `${id}: ${what} in ${count(days, 'day')}`);
}

function describeWatch({ runs, statuses, messages }: WeekFacts, { checks }: Configuration): string {
  const watched = checks.filter(({ enabled }) => enabled);
  const failing = watched.filter(({ id }) => (statuses.get(id)?.latest?.state ?? 'OK') !== 'OK').length;
  const mail = `${count(messages.sent, 'message')} sent, ${messages.failed === 0 ? 'none' : messages.failed} failed`;
  return `Watched: ${count(watched.length, 'check')} in ${count(runs, 'run')}, ${failing} failing now; ${mail}`;
}
