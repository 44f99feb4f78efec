import type { HourRow, TallyIndex, TodayCounters } from './availability.ts';
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
  /** HARD by frequency: only the frequency rule ends it. */
  by?: 'frequency';
  /** Not told yet: it has to outlast its daily pattern, or the two runs of a mass failure. */
  waits?: 'pattern' | 'mass-failure';
}

/** A scheduled failure in the window of the frequency rule; `place` counts scheduled results. */
export interface RecentFailure {
  at: number;
  place: number;
  state: State;
  /** Start of its streak. */
  streak: number;
  /** False inside a HARD problem, and for a streak that became one. */
  counts: boolean;
}

/** Scheduled failures at most half an hour apart, whatever lay between: first and last, seconds since 1970, and how many. */
export type Spell = [first: number, last: number, failures: number];

/** A daily pattern, as long as it holds, and afterwards as long as it must not be told again. */
export interface Recurring {
  /** The moment of its latest failure: the wall clock of its zone says the time of day. */
  at: number;
  holds: boolean;
  /** The end of its three clean days. */
  clearAt: number;
  toldAt: number;
}

/** What earlier failures left for the rules of alerting.md section 3. A check that did not fail for a week has none. */
export interface Trouble {
  /** Scheduled results so far, counted only while there is a recent failure. */
  seen: number;
  recent: RecentFailure[];
  spells: Spell[];
  /** When HARD was entered, the last three times within 24 h. */
  hardAt: number[];
  /** While it holds, all items are held back but `now-down`. `toldTo` are those who were told that it began. */
  unstable: { onset: number; toldTo: string[] } | null;
  /** When `now-down` was told, the last 6 h. */
  downs: number[];
  /** The streak that was told as `now-down` last, by its start, and with which state. */
  down: { streak: number; told: State } | null;
  recurring: Recurring | null;
  /** Failures that were withheld and would be a problem if they counted; `said` once they have as many as it takes. */
  shadow: { startedAt: number; length: number; worst: State; said: boolean } | null;
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
  heldClass: TallyIndex | null;
  streak: Streak | null;
  problem: Problem | null;
  trouble?: Trouble;
  /** The last two runs in which it was OK, older first: one that works while its parent fails is not behind it (section 4). */
  okAt?: number[];
  /** Since when a parent's failure hides this one: after a day the digest says so. */
  unreachableSince?: number;
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
