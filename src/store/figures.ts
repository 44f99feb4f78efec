import type { DayCounters, MetricCounters } from '../core/availability.ts';
import type { MeasuredResult } from '../core/figures.ts';
import type { Histogram } from '../core/histogram.ts';
import type { Metrics } from '../core/observation.ts';
import { dayBefore } from '../core/past.ts';
import type { Database } from './database.ts';

type DayRow = [string, number, number, number, number, number, number, number, number, string, string];

/** Reads the counters of a check's last 90 days, for its charts. One statement serves all checks. */
export function dayCountersReader(database: Database, today: string): (check: string) => DayCounters[] {
  const statement = database
    .prepare(`
      SELECT day, ok_s, warning_s, critical_s, unknown_s, unmeasured_s, planned_s, results, failures, latency, metrics FROM days
      WHERE check_number = (SELECT number FROM checks WHERE id = ?) AND day >= ?`)
    .raw();
  const since = dayBefore(today, 89);
  return (check) =>
    (statement.all(check, since) as DayRow[]).map(
      ([day, ok, warning, critical, unknown, unmeasured, planned, results, failures, latency, metrics]) => ({
        day,
        tally: [ok, warning, critical, unknown, unmeasured, planned],
        results,
        failures,
        latency: JSON.parse(latency) as Histogram,
        metrics: JSON.parse(metrics) as Record<string, MetricCounters>,
      }),
    );
}

/** Reads the numbers of a check's results since `since` (ms), for its charts of the last hours. What was withheld was not measured. */
export function measuredResultsReader(database: Database, since: number): (check: string) => MeasuredResult[] {
  const statement = database
    .prepare(`
      SELECT at, metrics FROM results
      WHERE check_number = (SELECT number FROM checks WHERE id = ?) AND at >= ? AND metrics IS NOT NULL AND withheld IS NULL`)
    .raw();
  return (check) =>
    (statement.all(check, since) as [number, string][]).map(([at, metrics]) => ({ at, metrics: JSON.parse(metrics) as Metrics }));
}
