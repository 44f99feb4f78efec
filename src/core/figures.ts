import { addTally, countMetric, type DayCounters, type MetricCounters, type Tally } from './availability.ts';
import { type Histogram, percentiles } from './histogram.ts';
import type { Metrics } from './observation.ts';
import { toTally } from './past.ts';
import type { Status } from './status.ts';
import type { Triple } from './views-chart.ts';

/** What one check did in one hour or day: what charts and their tables are made of. */
export interface Figures {
  /** Null where nothing was measured. */
  tally: Tally | null;
  latency: Triple | null;
  /** The least, the mean and the most of each metric. */
  metrics: Map<string, Triple>;
}

/** One stored result's numbers; `at` is milliseconds since 1970. */
export interface MeasuredResult {
  at: number;
  metrics: Metrics;
}

const HOUR_MS = 3_600_000;
const NOTHING: Figures = { tally: null, latency: null, metrics: new Map() };
const SHARES = [0.5, 0.95, 0.99] as const;

/** The figures of these days (UTC), oldest first, today last. */
export function dailyFigures(days: readonly string[], rows: DayCounters[], status: Status | undefined): Figures[] {
  const today = days.at(-1) ?? '';
  const byDay = new Map(rows.map((row) => [row.day, row]));
  const current = status?.today;
  if (current?.day === today) {
    // A clock that went back has stored a part of today already.
    const stored = byDay.get(today);
    byDay.set(today, stored === undefined ? current : { ...current, tally: addTally(stored.tally, current.tally) });
  }
  return days.map((day) => {
    const row = byDay.get(day);
    return row === undefined ? NOTHING : { tally: row.tally, latency: toTriple(row.latency), metrics: toTriples(row.metrics) };
  });
}

/** The last 24 hours, the current one last: answer times from the status, other metrics from the stored results. */
export function hourlyFigures(now: number, results: MeasuredResult[], status: Status | undefined): Figures[] {
  const first = Math.floor(now / HOUR_MS) - 23;
  const counters = Array.from({ length: 24 }, (): Record<string, MetricCounters> => ({}));
  for (const { at, metrics } of results) {
    const row = counters[Math.floor(at / HOUR_MS) - first];
    if (row !== undefined) for (const name in metrics) countMetric(row, name, metrics[name] ?? 0);
  }
  const hours = new Map((status?.hours ?? []).map((row) => [row[0], row]));
  return counters.map((metrics, i) => {
    const hour = hours.get(first + i);
    if (hour === undefined) return { ...NOTHING, metrics: toTriples(metrics) };
    return { tally: toTally(hour), latency: toTriple(hour[7]), metrics: toTriples(metrics) };
  });
}

function toTriple(latency: Histogram): Triple | null {
  const [p50 = null, p95 = null, p99 = null] = percentiles([latency], SHARES);
  return p50 === null || p95 === null || p99 === null ? null : [p50, p95, p99];
}

function toTriples(metrics: Record<string, MetricCounters>): Map<string, Triple> {
  const entries = Object.entries(metrics).filter(([, { count }]) => count > 0);
  return new Map(entries.map(([name, { min, max, sum, count }]) => [name, [min, Math.min(max, Math.max(min, sum / count)), max]]));
}
