import type { Frequency } from './configuration.ts';
import type { Result } from './observation.ts';
import { isWorse, type State } from './state.ts';
import type { RecentFailure, Trouble } from './status.ts';

/** A window that never fills up is bounded all the same: a status is small. */
const MAX_RECENT = 200;

/** WARNING and CRITICAL; UNKNOWN says nothing of the target. */
export function isFailure(state: State): boolean {
  return state === 'WARNING' || state === 'CRITICAL';
}

/**
 * Counts a scheduled result in the window. Failures inside a HARD problem do not count towards a new one, but are kept: once HARD by
 * frequency every scheduled failure counts as left.
 */
export function recordScheduled(
  trouble: Trouble,
  result: Result,
  rule: Frequency | null,
  failure: { streak: number; counts: boolean } | null,
): Pick<Trouble, 'seen' | 'recent'> {
  if (rule === null || (trouble.recent.length === 0 && failure === null)) return { seen: 0, recent: [] };
  const seen = trouble.seen + 1;
  const { at, state } = result;
  const [oldest] = trouble.recent;
  // They are in the order of time: nothing leaves the window before the oldest does.
  if (failure === null && oldest !== undefined && isInWindow(oldest, rule, seen, at)) return { seen, recent: trouble.recent };
  const added = failure === null ? [] : [{ at, place: seen, state, ...failure }];
  const inWindow = [...trouble.recent, ...added].filter((one) => isInWindow(one, rule, seen, at));
  return { seen, recent: bound(inWindow, rule.failures) };
}

/** Within so many hours means those hours, both ends included; of 20 means the newest 20 scheduled results. */
function isInWindow(one: RecentFailure, rule: Frequency, seen: number, at: number): boolean {
  return 'of' in rule ? seen - one.place < rule.of : at - one.at <= rule.within * 1000;
}

/** Of those that do not count, the newest `failures` already say that more than half of it is left. */
function bound(recent: RecentFailure[], failures: number): RecentFailure[] {
  let idle = recent.reduce((sum, one) => sum + (one.counts ? 0 : 1), 0) - failures;
  const kept = idle <= 0 ? recent : recent.filter((one) => one.counts || idle-- <= 0);
  return kept.slice(-Math.max(MAX_RECENT, failures));
}

/** A streak that became HARD was told by itself: its failures do not count. */
export function forgetStreak(recent: RecentFailure[], streak: number): RecentFailure[] {
  return recent.map((one) => (one.streak === streak ? { ...one, counts: false } : one));
}

/**
 * Whether failures that never come `attempts` in a row are too many: at least `failures` in the window, from at least half as many
 * streaks, and at least two (requirement H5). The onset is the first of them, the state the worst.
 */
export function findFrequent(
  trouble: Trouble,
  rule: Frequency | null,
  at: number,
): { onset: number; state: State; reason: string } | null {
  if (rule === null) return null;
  const counted = trouble.recent.filter((one) => one.counts && isInWindow(one, rule, trouble.seen, at));
  const [first] = counted;
  if (first === undefined || counted.length < rule.failures) return null;
  const streaks = new Set(counted.map((one) => one.streak)).size;
  if (streaks < Math.max(2, Math.ceil(rule.failures / 2))) return null;
  const state = counted.reduce<State>((worst, one) => (isWorse(one.state, worst) ? one.state : worst), first.state);
  return { onset: first.at, state, reason: `${describeWindow(counted.length, rule)}, never enough in a row` };
}

/** Only the frequency rule ends a problem by frequency: at most half of `failures` are left in the window. */
export function hasCalmed(trouble: Trouble, rule: Frequency | null, at: number): boolean {
  if (rule === null) return true;
  return trouble.recent.filter((one) => isInWindow(one, rule, trouble.seen, at)).length <= rule.failures / 2;
}

/** `6 of the last 20 results failed`, `4 results within 24 h failed`. */
export function describeWindow(failures: number, rule: Frequency): string {
  if ('of' in rule) return `${failures} of the last ${rule.of} results failed`;
  const hours = rule.within / 3600;
  return `${failures} results within ${hours >= 1 ? `${Math.round(hours * 10) / 10} h` : `${Math.round(rule.within / 60)} min`} failed`;
}
