import { addToHistogram, type Histogram, latencyOf } from './histogram.ts';
import type { Result, Withheld } from './observation.ts';
import type { State } from './state.ts';
import type { Status } from './status.ts';

/**
 * Seconds that a check spent in each class; "not measured" is all that was withheld (but for `unreachable`), "planned" what was
 * CRITICAL while a downtime held.
 */
export type Tally = [ok: number, warning: number, critical: number, unknown: number, unmeasured: number, planned: number];
export const TALLY_CLASSES = ['ok', 'warning', 'critical', 'unknown', 'skipped', 'planned'] as const;
export type TallyClass = (typeof TALLY_CLASSES)[number];

export interface MetricCounters {
  min: number;
  max: number;
  sum: number;
  count: number;
}

/** What one check did in one day (UTC), counted as it happens. */
export interface DayCounters {
  /** `2026-11-22`, UTC. */
  day: string;
  tally: Tally;
  results: number;
  failures: number;
  latency: Histogram;
  metrics: Record<string, MetricCounters>;
}
export type TodayCounters = DayCounters;

/** One hour of a check: hours since 1970, seconds by class, answer times. A row, not an object: a status holds 25 of them. */
export type HourRow = [hour: number, ...tally: Tally, latency: Histogram];

export const EMPTY_TALLY: Tally = [0, 0, 0, 0, 0, 0];
const HOUR_MS = 3_600_000;
const HOURS_KEPT = 25;
/** Where the classes of a tally stand in an hour's row. */
const HOUR_FIELDS = [1, 2, 3, 4, 5, 6] as const;

export function addTally(a: Tally, b: Tally): Tally {
  return [a[0] + b[0], a[1] + b[1], a[2] + b[2], a[3] + b[3], a[4] + b[4], a[5] + b[5]];
}

/** Where a class stands in a tally. */
export type TallyIndex = 0 | 1 | 2 | 3 | 4 | 5;

/**
 * A result withheld as `unreachable` was a real outage for whoever uses the check's target; other withheld ones were not measured. An
 * outage that was planned is one of its own kind.
 */
export function toTallyIndex(state: State, withheld: Withheld | null, isPlanned: boolean): TallyIndex {
  if (withheld !== null && withheld !== 'unreachable') return 4;
  const index = withheld === null ? ({ OK: 0, WARNING: 1, CRITICAL: 2, UNKNOWN: 3 } as const)[state] : 2;
  return index === 2 && isPlanned ? 5 : index;
}

/**
 * The share of measured time that a check was not CRITICAL, 0 to 1; null when nothing was measured. UNKNOWN is not measured: we could
 * not look. Planned downtime counts neither way: it is shown apart.
 */
export function availability(tally: Tally): number | null {
  const measured = tally[0] + tally[1] + tally[2];
  return measured > 0 ? (tally[0] + tally[1]) / measured : null;
}

/** The class that a bar's cell shows: the worst that happened, even for a moment. */
export function worstClass(tally: Tally): TallyClass | 'none' {
  if (tally[2] > 0) return 'critical';
  if (tally[1] > 0) return 'warning';
  if (tally[5] > 0) return 'planned';
  if (tally[3] > 0) return 'unknown';
  if (tally[0] > 0) return 'ok';
  return tally[4] > 0 ? 'skipped' : 'none';
}

/** `2026-11-22`, UTC. */
export function toDay(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}

/**
 * Counts a new result: the time since the previous scheduled one goes to that one's class, for a result holds until the next
 * scheduled one. Beyond twice its interval a result holds no longer: the rest is a gap, which counts nowhere.
 * Returns the new hour and day counters and the days that are over.
 */
export function countResult(
  status: Status,
  result: Result,
  every: number,
): { hours: HourRow[]; today: DayCounters; finished: DayCounters[] } {
  const counters = new Counters(status);
  const held = status.lastScheduledAt;
  if (result.scheduled && held !== null && status.heldClass !== null && result.at > held) {
    counters.credit(held, Math.min(result.at, held + 2 * every * 1000), status.heldClass);
  }
  counters.observe(result);
  return counters.close(result.at);
}

class Counters {
  readonly hours: HourRow[];
  readonly days: DayCounters[];

  constructor(status: Status) {
    this.hours = status.hours.map((row) => row.slice() as HourRow);
    this.days = status.today === null ? [] : [copyDay(status.today)];
  }

  credit(from: number, to: number, index: TallyIndex): void {
    for (let start = from; start < to; ) {
      const hour = Math.floor(start / HOUR_MS);
      const end = Math.min(to, (hour + 1) * HOUR_MS);
      const seconds = Math.round((end - start) / 1000);
      this.hourOf(hour)[HOUR_FIELDS[index]] += seconds;
      this.dayOf(toDay(start)).tally[index] += seconds;
      start = end;
    }
  }

  observe(result: Result): void {
    const day = this.dayOf(toDay(result.at));
    if (result.scheduled) {
      day.results += 1;
      if (result.withheld === null && (result.state === 'WARNING' || result.state === 'CRITICAL')) day.failures += 1;
    }
    if (result.withheld !== null) return;
    const latency = latencyOf(result.metrics);
    if (latency !== null) {
      addToHistogram(day.latency, latency);
      const row = this.hourOf(Math.floor(result.at / HOUR_MS));
      row[7] = row[7].slice();
      addToHistogram(row[7], latency);
    }
    for (const name in result.metrics) countMetric(day.metrics, name, result.metrics[name] ?? 0);
  }

  close(at: number): { hours: HourRow[]; today: DayCounters; finished: DayCounters[] } {
    const today = this.dayOf(toDay(at));
    const oldest = Math.floor(at / HOUR_MS) - HOURS_KEPT + 1;
    return { hours: this.hours.filter(([hour]) => hour >= oldest), today, finished: this.days.filter((day) => day !== today) };
  }

  private hourOf(hour: number): HourRow {
    let row = this.hours.find(([other]) => other === hour);
    if (row === undefined) {
      row = [hour, ...EMPTY_TALLY, []];
      this.hours.push(row);
    }
    return row;
  }

  private dayOf(day: string): DayCounters {
    let row = this.days.find((other) => other.day === day);
    if (row === undefined) {
      row = emptyDay(day);
      this.days.push(row);
    }
    return row;
  }
}

function copyDay(day: DayCounters): DayCounters {
  const metrics: DayCounters['metrics'] = {};
  for (const name in day.metrics) {
    const counters = day.metrics[name];
    if (counters !== undefined) metrics[name] = { ...counters };
  }
  return { ...day, tally: [...day.tally], latency: day.latency.slice(), metrics };
}

export function emptyDay(day: string): DayCounters {
  return { day, tally: [...EMPTY_TALLY], results: 0, failures: 0, latency: [], metrics: {} };
}

/**
 * Of one result, hour or day, far more than a type declares: a machine's plug-ins name their own, and with new names in every result they
 * would fill the disk, the page and the night's packing.
 */
export const MOST_METRICS = 100;

export function countMetric(metrics: Record<string, MetricCounters>, name: string, value: number): void {
  const counters = Object.hasOwn(metrics, name) ? metrics[name] : undefined;
  if (counters === undefined) {
    if (Object.keys(metrics).length >= MOST_METRICS) return;
    metrics[name] = { min: value, max: value, sum: value, count: 1 };
    return;
  }
  counters.min = Math.min(counters.min, value);
  counters.max = Math.max(counters.max, value);
  counters.sum += value;
  counters.count += 1;
}
