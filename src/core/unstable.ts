import type { Priority } from './configuration.ts';
import type { State } from './state.ts';
import { isWorse } from './state.ts';
import type { Streak, Trouble } from './status.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const QUIET_MS = 12 * HOUR_MS;
const DOWNS_KEPT_MS = 6 * HOUR_MS;

/** HARD is entered once more. */
export function enterHard(hardAt: number[], at: number): number[] {
  return [...hardAt.filter((entered) => at - entered <= DAY_MS), at].slice(-3);
}

/** The third entering of HARD within 24 h, by streak or frequency, makes a check unstable. */
export function isThird(hardAt: number[]): boolean {
  return hardAt.length >= 3;
}

/** Unstable ends with the first counted result, 12 h or more after the last entering of HARD, that is not SOFT. */
export function isStableAgain({ unstable, hardAt }: Trouble, at: number, isSoft: boolean): boolean {
  return unstable !== null && !isSoft && at - (hardAt.at(-1) ?? 0) >= QUIET_MS;
}

/** How long a streak of a check that is not told as usual must last until it is told as `now-down`: each one of 6 h doubles it. */
export function nowDownPatienceMs(priority: Priority, downs: number): number {
  const doublings = priority === 'critical' ? downs - 1 : downs;
  return doublings < 0 ? 0 : Math.min(60, 15 * 2 ** doublings) * MINUTE_MS;
}

/**
 * But a real outage is always told: a streak that is long enough to be HARD and has lasted, while the check is unstable or HARD by
 * frequency. Told once for a streak, and once more for a state above the one told.
 */
export function findNowDown(
  trouble: Trouble,
  streak: Streak,
  { at, priority }: { at: number; priority: Priority },
): { trouble: Trouble; state: State } | null {
  const downs = trouble.downs.filter((told) => at - told < DOWNS_KEPT_MS);
  const isTold = trouble.down?.streak === streak.startedAt;
  if (isTold && !isWorse(streak.worst, trouble.down?.told ?? 'OK')) return null;
  if (!isTold && at - streak.startedAt < nowDownPatienceMs(priority, downs.length)) return null;
  const down = { streak: streak.startedAt, told: streak.worst };
  return { trouble: { ...trouble, downs: [...downs, at], down }, state: streak.worst };
}
