import { addTally, availability, type DayCounters, EMPTY_TALLY, type HourRow, type Tally } from './availability.ts';
import { type Histogram, HistogramSum, percentiles } from './histogram.ts';
import { WINDOW_DAYS, type Window } from './run-record.ts';
import type { Status } from './status.ts';

/**
 * Sums over the days before today, made once a day, so that a run's cost does not grow with the history. A run reads one of each
 * check, so it is kept short: most days are one digit.
 */
export interface Past {
  /** The day (UTC) that it was made for: it covers the days before. */
  day: string;
  windows: Record<Exclude<Window, '24h'>, { tally: Tally; latency: Histogram }>;
  /** The last 89 days before today, oldest first: null without results, 0 for a day that was OK throughout. */
  days: (Tally | 0 | null)[];
}

export interface WindowFigures {
  /** 0 to 1, or null when nothing was measured. */
  availability: number | null;
  /** Seconds. */
  critical: number;
  unmeasured: number;
  planned: number;
  p50: number | null;
  p95: number | null;
  p99: number | null;
}

const DAY_MS = 86_400_000;
const DAY_S = 86_400;
/** Credits are whole seconds: a day of 288 results may be short of a few. */
const ROUNDING_S = 300;
const FULL_DAY: Tally = [DAY_S, 0, 0, 0, 0, 0];

export function dayBefore(day: string, days: number): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) - days * DAY_MS).toISOString().slice(0, 10);
}

/** `rows` are the days of one check before `today`, in any order. */
export function summarisePast(today: string, rows: Pick<DayCounters, 'day' | 'tally' | 'latency'>[]): Past {
  const windows = {} as Past['windows'];
  const newestFirst = rows.filter((row) => row.day < today).sort((a, b) => (a.day < b.day ? 1 : -1));
  let tally = EMPTY_TALLY;
  const latency = new HistogramSum();
  let next = 0;
  // Each window holds the shorter one before it, so every row is added once.
  for (const [window, days] of Object.entries(WINDOW_DAYS) as [keyof Past['windows'], number][]) {
    const first = dayBefore(today, days - 1);
    for (let row = newestFirst[next]; row !== undefined && row.day >= first; row = newestFirst[++next]) {
      tally = addTally(tally, row.tally);
      latency.add(row.latency);
    }
    windows[window] = { tally, latency: latency.toHistogram() };
  }
  const byDay = new Map(rows.map((row) => [row.day, row.tally]));
  // A new installation has no past, and hundreds of checks.
  const days = Array.from({ length: 89 }, (_, i) => (byDay.size === 0 ? null : shorten(byDay.get(dayBefore(today, 89 - i)))));
  return { day: today, windows, days };
}

function shorten(tally: Tally | undefined): Tally | 0 | null {
  if (tally === undefined) return null;
  return tally[0] >= DAY_S - ROUNDING_S && tally[1] + tally[2] + tally[3] + tally[4] + tally[5] === 0 ? 0 : tally;
}

/** The tallies of the last 90 days (UTC), oldest first, today last. */
export function dayTallies(today: string, status: Status | undefined, past: Past | undefined): Tally[] {
  const isCurrent = past?.day === today;
  const tallies = Array.from({ length: 89 }, (_, i) => {
    const day = isCurrent ? past.days[i] : null;
    return day === 0 ? FULL_DAY : (day ?? EMPTY_TALLY);
  });
  return [...tallies, status?.today?.day === today ? status.today.tally : EMPTY_TALLY];
}

const SHARES = [0.5, 0.95, 0.99] as const;

/** Availability and percentiles of a window, today included. */
export function windowFigures(window: Window, status: Status, past: Past | undefined): WindowFigures {
  const [p50 = null, p95 = null, p99 = null] = percentiles(latenciesOf(window, status, past), SHARES);
  const tally = windowTally(window, status, past);
  return {
    availability: availability(tally),
    critical: tally[2],
    unmeasured: tally[3] + tally[4],
    planned: tally[5],
    p50,
    p95,
    p99,
  };
}

/** Seconds by class of a window, today included: the last 24 hours are read from the hours, the others from the days before. */
export function windowTally(window: Window, status: Status, past: Past | undefined): Tally {
  if (window === '24h') return status.hours.reduce<Tally>((sum, row) => addTally(sum, toTally(row)), EMPTY_TALLY);
  return addTally(past?.windows[window].tally ?? EMPTY_TALLY, status.today?.tally ?? EMPTY_TALLY);
}

function latenciesOf(window: Window, status: Status, past: Past | undefined): Histogram[] {
  if (window === '24h') return status.hours.map((row) => row[7]);
  return [past?.windows[window].latency ?? [], status.today?.latency ?? []];
}

/** What an hour's row says of its seconds. */
export function toTally([, ok, warning, critical, unknown, unmeasured, planned]: HourRow): Tally {
  return [ok, warning, critical, unknown, unmeasured, planned];
}
