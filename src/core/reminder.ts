import { daysBetween, toLocal } from './calendar.ts';
import type { Check, Priority, Reminders } from './configuration.ts';

const HOUR_S = 3600;
const DAY_S = 86_400;
const WEEK_S = 7 * DAY_S;
const DAYS_OF_HIGH: Reminders = { after: [DAY_S, 2 * DAY_S, 4 * DAY_S, 8 * DAY_S], every: WEEK_S };

/** Reminders of a problem that nobody acknowledges, by priority (alerting.md section 7). */
export const REMINDERS: Record<Priority, Reminders> = {
  critical: { after: [HOUR_S, 4 * HOUR_S], every: DAY_S },
  high: DAYS_OF_HIGH,
  medium: DAYS_OF_HIGH,
  low: { after: [], every: WEEK_S },
};

export function remindersOf({ remind, priority }: Pick<Check, 'remind' | 'priority'>): Reminders {
  return remind ?? REMINDERS[priority];
}

/**
 * Reminders within a day come at their hour, by themselves: how many are due by now. Several that passed unseen, since nothing ran
 * meanwhile, are one.
 */
export function countEarly(reminders: Reminders, toldAt: number, now: number): number {
  return reminders.after.filter((after) => after < DAY_S && now >= toldAt + after * 1000).length;
}

/** When the next one within a day is due, or null; `early` of them are behind us. */
export function nextEarly(reminders: Reminders, toldAt: number, early: number): number | null {
  const after = reminders.after.filter((each) => each < DAY_S)[early];
  return after === undefined ? null : toldAt + after * 1000;
}

/**
 * Those of a day and more stand in the daily digest and are counted in days of the calendar: told on Monday at any hour, "on days 1, 2
 * and 4" are the digests of Tuesday, Wednesday and Friday. `since` is the day of the last digest before this one that was looked at.
 */
export function isDueInDigest(reminders: Reminders, toldAt: number, at: { today: string; since: string; zone: string }): boolean {
  const told = toLocal(toldAt, at.zone).date;
  const last = daysBetween(told, at.since);
  // Digests that never came, since nothing ran, are made up for by the next one.
  for (let day = Math.max(1, last + 1); day <= daysBetween(told, at.today); day += 1) if (isDay(reminders, day)) return true;
  return false;
}

function isDay({ after, every }: Reminders, day: number): boolean {
  const days = after.filter((each) => each >= DAY_S).map((each) => Math.round(each / DAY_S));
  if (days.includes(day)) return true;
  const first = days.at(-1) ?? 0;
  return every !== null && day > first && (day - first) % Math.round(every / DAY_S) === 0;
}
