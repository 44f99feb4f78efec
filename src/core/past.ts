import {
  addTally,
  availability,
  type DayCounters,
  EMPTY_TALLY,
  type Histogram,
  type HourRow,
  mergeHistograms,
  percentile,
  type Tally,
  type TallyClass,
  worstClass,
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

/** One cell of a bar. */
export interface BarCell {
  /** `2026-11-22`, or an hour `2026-11-22T14:00Z`. */
  label: string;
  class: TallyClass | 'none';
  availability: number | null;
  critical: number;
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

/** Availability and percentiles of a window, today included. */
export function windowFigures(window: Window, status: Status, past: Past | undefined): WindowFigures {
  const today = status.today;
  if (window === '24h') {
    const tally = status.hours.reduce<Tally>((sum, row) => addTally(sum, toTally(row)), EMPTY_TALLY);
    return toFigures(
      tally,
      status.hours.reduce<Histogram>((sum, row) => mergeHistograms(sum, row[6]), {}),
    );
  }
  const before = past?.windows[window];
  return toFigures(
    addTally(before?.tally ?? EMPTY_TALLY, today?.tally ?? EMPTY_TALLY),
    mergeHistograms(before?.latency ?? {}, today?.latency ?? {}),
  );
}

function toFigures(tally: Tally, latency: Histogram): WindowFigures {
  return {
    availability: availability(tally),
    critical: tally[2],
    unmeasured: tally[3] + tally[4],
    p50: percentile(latency, 0.5),
    p95: percentile(latency, 0.95),
    p99: percentile(latency, 0.99),
  };
}

/** The last 90 days, oldest first, today last. */
export function dayBar(today: string, status: Status, past: Past | undefined): BarCell[] {
  const cells = Array.from({ length: 89 }, (_, i) => toCell(dayBefore(today, 89 - i), past?.days[i]?.tally ?? EMPTY_TALLY));
  return [...cells, toCell(today, status.today?.day === today ? status.today.tally : EMPTY_TALLY)];
}

/** The last 24 hours, oldest first, the current one last. */
export function hourBar(now: number, status: Status): BarCell[] {
  const current = Math.floor(now / 3_600_000);
  const byHour = new Map(status.hours.map((row) => [row[0], toTally(row)]));
  return Array.from({ length: 24 }, (_, i) => {
    const hour = current - 23 + i;
    return toCell(`${new Date(hour * 3_600_000).toISOString().slice(0, 13)}:00Z`, byHour.get(hour) ?? EMPTY_TALLY);
  });
}

function toTally([, ok, warning, critical, unknown, unmeasured]: HourRow): Tally {
  return [ok, warning, critical, unknown, unmeasured];
}

function toCell(label: string, tally: Tally): BarCell {
  return { label, class: worstClass(tally), availability: availability(tally), critical: tally[2] };
}
