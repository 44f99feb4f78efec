import {
  addTally,
  availability,
  type DayCounters,
  EMPTY_TALLY,
  type Histogram,
  type HourRow,
  mergeHistograms,
  percentiles,
  type Tally,
} from './availability.ts';
import { WINDOW_DAYS, type Window } from './run-record.ts';
import type { Status } from './status.ts';

/** Sums over the days before today, made once a day, so that a run's cost does not grow with the history. */
export interface Past {
  /** The day (UTC) that it was made for: it covers the days before. */
  day: string;
  windows: Record<Exclude<Window, '24h'>, { tally: Tally; latency: Histogram }>;
  /** The last 89 days before today, oldest first; absent days are null. */
  days: ({ day: string; tally: Tally } | null)[];
}

export interface WindowFigures {
  /** 0 to 1, or null when nothing was measured. */
  availability: number | null;
  /** Seconds. */
  critical: number;
  unmeasured: number;
  p50: number | null;
  p95: number | null;
  p99: number | null;
}

const DAY_MS = 86_400_000;

export function dayBefore(day: string, days: number): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) - days * DAY_MS).toISOString().slice(0, 10);
}

/** `rows` are the days of one check before `today`, in any order. */
export function summarisePast(today: string, rows: Pick<DayCounters, 'day' | 'tally' | 'latency'>[]): Past {
  const windows = Object.fromEntries(
    Object.entries(WINDOW_DAYS).map(([window, days]) => {
      const first = dayBefore(today, days - 1);
      const inside = rows.filter((row) => row.day >= first && row.day < today);
      const tally = inside.reduce<Tally>((sum, row) => addTally(sum, row.tally), EMPTY_TALLY);
      return [window, { tally, latency: inside.reduce<Histogram>((sum, row) => mergeHistograms(sum, row.latency), {}) }];
    }),
  ) as Past['windows'];
  const byDay = new Map(rows.map((row) => [row.day, row.tally]));
  const days = Array.from({ length: 89 }, (_, i) => {
    const day = dayBefore(today, 89 - i);
    const tally = byDay.get(day);
    return tally === undefined ? null : { day, tally };
  });
  return { day: today, windows, days };
}

const SHARES = [0.5, 0.95, 0.99] as const;

/** Availability and percentiles of a window, today included. */
export function windowFigures(window: Window, status: Status, past: Past | undefined): WindowFigures {
  const [p50 = null, p95 = null, p99 = null] = percentiles(latenciesOf(window, status, past), SHARES);
  const tally = windowTally(window, status, past);
  return { availability: availability(tally), critical: tally[2], unmeasured: tally[3] + tally[4], p50, p95, p99 };
}

/** Seconds by class of a window, today included: the last 24 hours are read from the hours, the others from the days before. */
export function windowTally(window: Window, status: Status, past: Past | undefined): Tally {
  if (window === '24h') return status.hours.reduce<Tally>((sum, row) => addTally(sum, toTally(row)), EMPTY_TALLY);
  return addTally(past?.windows[window].tally ?? EMPTY_TALLY, status.today?.tally ?? EMPTY_TALLY);
}

function latenciesOf(window: Window, status: Status, past: Past | undefined): Histogram[] {
  if (window === '24h') return status.hours.map((row) => row[6]);
  return [past?.windows[window].latency ?? {}, status.today?.latency ?? {}];
}

function toTally([, ok, warning, critical, unknown, unmeasured]: HourRow): Tally {
  return [ok, warning, critical, unknown, unmeasured];
}
