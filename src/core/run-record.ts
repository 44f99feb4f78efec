/** One batch, as it is kept and shown. Times are milliseconds since 1970. */
export interface RunRecord {
  run: number;
  startedAt: number;
  /** null while it goes on, or when it was killed. */
  durationMs: number | null;
  due: number;
  ok: number;
  warning: number;
  critical: number;
  unknown: number;
  skipped: number;
  items: number;
  /** How much later than one interval after the previous run it began; null for the first. */
  lateMs: number | null;
}

/** Windows that availability and percentiles are told for. */
export const WINDOWS = ['24h', '7d', '30d', '90d', '1y'] as const;
export type Window = (typeof WINDOWS)[number];
/** Days of a window, today included; `24h` is read from the hours. */
export const WINDOW_DAYS: Record<Exclude<Window, '24h'>, number> = { '7d': 7, '30d': 30, '90d': 90, '1y': 365 };
