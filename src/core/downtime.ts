import { addWeeks, weeksBetween } from './calendar.ts';
import type { Downtime } from './people.ts';

/** One stretch of a downtime in which nothing is told. */
export interface Stretch {
  start: number;
  end: number;
}

/** The start of the latest window that has begun at `now`; null before the first. */
export function windowAt({ from, repeat, zone }: Downtime, now: number): number | null {
  if (now < from) return null;
  if (repeat === null) return from;
  const weeks = weeksBetween(from, now, zone);
  const start = addWeeks(from, weeks, zone);
  return start <= now ? start : addWeeks(from, weeks - 1, zone);
}

/** The stretch of a window, or null when it has not begun, or not yet. */
export function stretchOf(downtime: Downtime, window: number): Stretch | null {
  const { flexible, begun, duration, removedAt } = downtime;
  if (flexible !== null && begun?.window !== window) return null;
  const start = flexible === null ? window : (begun?.at ?? window);
  const end = Math.min(start + duration * 1000, removedAt ?? Number.POSITIVE_INFINITY);
  return end > start ? { start, end } : null;
}

/** The stretch that holds at `now`, or null. One that is longer than a week overlaps itself: then it never ends. */
export function stretchAt(downtime: Downtime, now: number): Stretch | null {
  const window = windowAt(downtime, now);
  const stretch = window === null ? null : stretchOf(downtime, window);
  return stretch !== null && now >= stretch.start && now < stretch.end ? stretch : null;
}

/**
 * Whether it held at an earlier time. Of a flexible one only the last beginning is remembered: in an earlier window it may have held
 * wherever it could.
 */
export function mayHaveHeld(downtime: Downtime, at: number): boolean {
  const { flexible, begun, duration } = downtime;
  const window = windowAt(downtime, at);
  if (flexible === null || window === null || begun === null || begun.window <= window) return stretchAt(downtime, at) !== null;
  return at < window + (flexible + duration) * 1000;
}

/** When it begins next, or null: for lists and pages. */
export function nextStart(downtime: Downtime, now: number): number | null {
  const { from, repeat, zone, removedAt } = downtime;
  if (removedAt !== null) return null;
  if (now < from) return from;
  return repeat === null ? null : addWeeks(windowAt(downtime, now) ?? from, 1, zone);
}

/** Whether nothing can come of it any more: once the end of what it held back is told, it is history. */
export function isOver(downtime: Downtime, now: number): boolean {
  const { from, repeat, flexible, duration, removedAt, begun } = downtime;
  if (removedAt !== null && removedAt <= now) return stretchAt(downtime, now) === null;
  if (repeat !== null) return false;
  const lastStart = begun?.at ?? from + (flexible ?? 0) * 1000;
  return now >= lastStart + (flexible !== null && begun === null ? 0 : duration * 1000);
}
