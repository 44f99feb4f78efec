import type { DayCounters } from './availability.ts';
import type { Check, Configuration } from './configuration.ts';
import { isAwaited } from './dependency.ts';
import type { Evaluated } from './evaluate.ts';
import type { HostChange } from './host-changes.ts';
import type { Event } from './item.ts';
import type { Plan } from './notify.ts';
import type { Result } from './observation.ts';
import type { Move, Owed } from './outbox.ts';
import type { PeopleUpdate } from './people.ts';
import type { HostReport } from './report.ts';
import type { RunRecord } from './run-record.ts';
import { type Due, dueAs, isRecheckDue, spreadCrowd } from './schedule.ts';
import { isSelected } from './selection.ts';
import { isSoft, type Status } from './status.ts';

/** One check that is due in this batch. */
export interface DueCheck {
  check: Check;
  due: Exclude<Due, null>;
  /** What the check's last run left. */
  memory: unknown;
  /** What it reads: the runner has it before the check's turn. */
  report?: HostReport;
}

/** Everything that one batch stores, in one transaction. */
export interface BatchRecord {
  run: RunRecord;
  results: Result[];
  /** Every status that changed. */
  statuses: Status[];
  finished: { check: string; days: DayCounters[] }[];
  events: Event[];
  owed: Owed[];
  /** What becomes of items that wait since earlier runs. */
  moves: Move[];
  /** What later runs must know, by key: stored in the same transaction, so that nothing is told twice after a crash. */
  remember: Record<string, string>;
  /** What became of what people said; null when nobody said anything. */
  people: PeopleUpdate | null;
  /** What hosts newly said of themselves. */
  reports: HostReport[];
  /** What hosts newly say to have changed by themselves. */
  changes: HostChange[];
}

/**
 * The checks of this batch: those whose time has come, those that `force` (a PATTERN) names, the parents of soft checks, which are
 * due in every run (alerting.md section 2), what waited for a parent that has come back, and those inside of a watch window.
 */
export function chooseDue(
  configuration: Configuration,
  statuses: Map<string, Status>,
  { now, force, watched }: { now: number; force: string | null; watched?: ReadonlySet<string> | undefined },
): DueCheck[] {
  const { checks, interval } = configuration;
  const wanted = new Set<string>();
  const want = ({ id, report }: Check) => {
    wanted.add(id);
    if (report !== undefined) wanted.add(report);
  };
  for (const check of checks) {
    const status = statuses.get(check.id);
    if (!check.enabled) continue;
    if (force !== null && isSelected(force, check)) want(check);
    if (status !== undefined && isAwaited(status, check.parents, statuses) && isRecheckDue(check, status, interval, now))
      want(check);
    if (watched?.has(check.id) === true) want(check);
    if (status !== undefined && isSoft(status)) for (const parent of check.parents) wanted.add(parent);
  }
  const due = new Map(checks.map((check) => [check.id, dueAs(check, statuses.get(check.id), interval, now)]));
  const scheduled = checks.filter((check) => check.report === undefined && due.get(check.id) === 'scheduled');
  const held = new Set(scheduled);
  for (const check of spreadCrowd(scheduled, statuses, interval, now)) held.delete(check);
  const isDue = (check: Check) => check.enabled && (wanted.has(check.id) || (due.get(check.id) !== null && !held.has(check)));
  const chosen = new Set(checks.filter((check) => check.report === undefined && isDue(check)).map(({ id }) => id));
  // What reads a host's report comes with it: with each one while it is soft, or waited for one.
  const isWaiting = (id: string) => statuses.get(id)?.latest?.withheld === 'report';
  const reads = (check: Check) =>
    check.report !== undefined && chosen.has(check.report) && (isDue(check) || (check.enabled && isWaiting(check.id)));
  return checks
    .filter((check) => chosen.has(check.id) || reads(check))
    .map((check) => ({ check, due: due.get(check.id) ?? 'recheck', memory: statuses.get(check.id)?.memory }));
}

/** What the batch was, before pages and mail. */
export function toRunRecord(
  run: number,
  now: number,
  previous: { startedAt: number } | null,
  { evaluated, items, interval }: { evaluated: Evaluated[]; items: number; interval: number },
): RunRecord {
  const counted = evaluated.filter(({ result }) => result.withheld === null);
  const number = (state: string) => counted.filter(({ result }) => result.state === state).length;
  return {
    run,
    startedAt: now,
    durationMs: null,
    due: evaluated.length,
    ok: number('OK'),
    warning: number('WARNING'),
    critical: number('CRITICAL'),
    unknown: number('UNKNOWN'),
    skipped: evaluated.length - counted.length,
    items,
    lateMs: previous === null ? null : Math.max(0, now - previous.startedAt - interval * 1000),
  };
}

/** Puts a plan, and what is told of it to whom, into what is stored. */
export function toBatchRecord(
  run: RunRecord,
  evaluated: Evaluated[],
  plan: Plan,
  told: Pick<BatchRecord, 'owed' | 'moves' | 'remember'>,
  people: PeopleUpdate | null = null,
): BatchRecord {
  return {
    run,
    ...told,
    people,
    changes: [],
    reports: evaluated.flatMap(({ result }) => (result.report?.isNews === true ? result.report.report : [])),
    results: evaluated.map(({ result }) => result),
    statuses: [...plan.changed].flatMap((id) => plan.statuses.get(id) ?? []),
    finished: evaluated
      .filter(({ finished }) => finished.length > 0)
      .map(({ check, finished }) => ({ check: check.id, days: finished })),
    events: plan.events,
  };
}
