import type { HourRow, TodayCounters } from './availability.ts';
import type { Result } from './observation.ts';
import type { State } from './state.ts';

/** A run of counted non-OK results, from the first on. */
export interface Streak {
  /** Time of the first result, milliseconds since 1970: the onset of the problem that it may become. */
  startedAt: number;
  length: number;
  worst: State;
  /** At least one result is WARNING or CRITICAL: a streak of UNKNOWN alone needs more results to become HARD. */
  judged: boolean;
}

/** A check is HARD while it has a problem. */
export interface Problem {
  onset: number;
  /** The worst state told to anybody, or null when nobody was told. */
  told: State | null;
  /** Names of the contacts that were told: the recovery goes to exactly these. */
  toldTo: string[];
  /** Parts that failed in this problem and were named: a further one is `worse`. */
  parts: string[];
  /** OK results in a row so far; `recoveries` of them end the problem. */
  okInARow: number;
  /** Events of a problem share this number: the run in which it began. */
  run: number;
}

/** The latest observation of a check, as it is shown. */
export type Latest = Omit<Result, 'check' | 'memory'>;

/** A check's remembered situation: everything that its next result is judged with. Plain JSON. */
export interface Status {
  check: string;
  firstSeenAt: number;
  /** A check that has never been OK is *new* for two hours. */
  everOk: boolean;
  latest: Latest | null;
  /** Since when the latest observed state holds. */
  since: number;
  lastScheduledAt: number | null;
  /** Class of the last scheduled result, which holds until the next one (core/availability). */
  heldClass: 0 | 1 | 2 | 3 | 4 | null;
  streak: Streak | null;
  problem: Problem | null;
  /** Runs in which the check was OK while one of its parents had failed (alerting.md section 4), and since when one has. */
  parentFailure: { since: number; okRuns: number; explained: boolean } | null;
  /** When the check last had its grace: at most once an hour. */
  graceAt: number | null;
  /** The last 25 hours, oldest first. */
  hours: HourRow[];
  today: TodayCounters | null;
  memory?: unknown;
}

export function newStatus(check: string, now: number): Status {
  return {
    check,
    firstSeenAt: now,
    everOk: false,
    latest: null,
    since: now,
    lastScheduledAt: null,
    heldClass: null,
    streak: null,
    problem: null,
    parentFailure: null,
    graceAt: null,
    hours: [],
    today: null,
  };
}

export type StateType = 'soft' | 'hard';

/** HARD while a problem lasts; SOFT while failures are too few to be one; an OK check is hard, as in Nagios. */
export function stateType(status: Status): StateType {
  return status.problem === null && status.streak !== null ? 'soft' : 'hard';
}

/** Soft checks are looked at again after `recheck` instead of `every`. */
export function isSoft(status: Status): boolean {
  return stateType(status) === 'soft';
}

export function toLatest(result: Result): Latest {
  const { at, run, state, code, output, metrics, parts, withheld, duration, scheduled } = result;
  return { at, run, state, code, output, metrics, parts, withheld, duration, scheduled };
}
