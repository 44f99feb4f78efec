import type { Check } from './configuration.ts';
import type { Recurring, Spell } from './status.ts';
import { formatTimeOfDay, shiftDays } from './wall-clock.ts';

const MINUTE_S = 60;
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const WEEK_MS = 7 * DAY_MS;
/** "Around" a time of day: a quarter of an hour before or after it, inclusive. */
export const AROUND_MS = 15 * MINUTE_MS;
/** The six days before need more than the failures of a week of 7 x 24 h: an hour for a change of daylight-saving time. */
const KEPT_S = 7 * 86_400 + 3600 + 15 * MINUTE_S;
const MATCHES = 4;
const CLEAN_DAYS = 3;
/** A problem of the pattern's own time of day is told when it has lasted so long. */
export const PATTERN_PATIENCE_MS = 30 * MINUTE_MS;

/**
 * Adds a scheduled failure. Two that are at most half an hour apart become one spell: every moment between them is within a quarter
 * of an hour of one, which is all that is ever asked.
 */
export function addToSpells(spells: Spell[], at: number): Spell[] {
  const second = Math.round(at / 1000);
  const kept = pruneSpells(spells, at);
  const last = kept.at(-1);
  if (last === undefined || second - last[1] > 30 * MINUTE_S) return [...kept, [second, second, 1]];
  return [...kept.slice(0, -1), [Math.min(last[0], second), Math.max(last[1], second), last[2] + 1]];
}

export function pruneSpells(spells: Spell[], at: number): Spell[] {
  const oldest = at / 1000 - KEPT_S;
  const [first] = spells;
  return first === undefined || first[1] >= oldest ? spells : spells.filter(([, last]) => last >= oldest);
}

function isNear(spells: Spell[], moment: number): boolean {
  return spells.some(([first, last]) => moment >= first * 1000 - AROUND_MS && moment <= last * 1000 + AROUND_MS);
}

/** Failures from `since` on; of a spell that began before it, as many as evenly spaced ones would be. */
function countSince(spells: Spell[], since: number): number {
  let sum = 0;
  for (const [first, last, failures] of spells) {
    if (last * 1000 < since) continue;
    if (first * 1000 >= since || failures === 1) sum += failures;
    else sum += failures - Math.ceil(((since / 1000 - first) * (failures - 1)) / (last - first));
  }
  return sum;
}

/** What the rule knows of a check when a streak begins. */
export interface PatternHistory {
  /** Before this failure. */
  spells: Spell[];
  firstSeenAt: number;
  lastScheduledAt: number | null;
}

/**
 * At the onset of a streak: whether the check failed around this time of day on at least four of the six days before, while it
 * works in more than three quarters of the week (requirement H5). Says so in words, or null.
 */
export function findPattern(
  history: PatternHistory,
  at: number,
  { every }: Pick<Check, 'every'>,
  zone: string,
): { reason: string } | null {
  const { spells, firstSeenAt, lastScheduledAt } = history;
  const [first] = spells;
  // Four days back at least, but for an hour of daylight-saving time.
  if (first === undefined || first[0] * 1000 > at - (MATCHES - 0.5) * DAY_MS) return null;
  const matches = [1, 2, 3, 4, 5, 6].filter((days) => isNear(spells, shiftDays(at, -days, zone))).length;
  if (matches < MATCHES) return null;
  const spacing = lastScheduledAt !== null && at > lastScheduledAt ? at - lastScheduledAt : every * 1000;
  const results = Math.min(WEEK_MS, at - firstSeenAt) / spacing;
  if (countSince(spells, at - WEEK_MS) >= 0.25 * results) return null;
  return { reason: `fails daily around ${formatTimeOfDay(at, zone)}: ${matches + 1} of 7 days` };
}

/** A pattern that was seen now. One that was told within 7 days is not told again: it keeps that time. */
export function startPattern(before: Recurring | null, at: number, zone: string): { recurring: Recurring; isNews: boolean } {
  const isNews = before === null || at - before.toldAt >= WEEK_MS;
  return { recurring: { at, holds: true, clearAt: toClearAt(at, zone), toldAt: isNews ? at : before.toldAt }, isNews };
}

function toClearAt(at: number, zone: string): number {
  return shiftDays(at, CLEAN_DAYS, zone) + AROUND_MS;
}

/** A failure around the pattern's time of day is its latest one; three clean days clear it. */
export function followPattern(
  recurring: Recurring | null,
  result: { at: number; isScheduledFailure: boolean; onset: number | null },
  zone: string,
): Recurring | null {
  if (recurring === null) return null;
  const { at } = result;
  if (!recurring.holds) return at - recurring.toldAt >= WEEK_MS ? null : recurring;
  if (at > recurring.clearAt) return at - recurring.toldAt >= WEEK_MS ? null : { ...recurring, holds: false };
  if (!result.isScheduledFailure) return recurring;
  const moment = findMoment(recurring, at, zone);
  if (moment === null || moment === recurring.at) return recurring;
  const latest = result.onset !== null && Math.abs(result.onset - moment) <= AROUND_MS ? result.onset : moment;
  return { ...recurring, at: latest, clearAt: toClearAt(latest, zone) };
}

/** The pattern's time on the day of `at`, if `at` is around it. */
function findMoment(recurring: Recurring, at: number, zone: string): number | null {
  for (let days = 0; days <= CLEAN_DAYS; days += 1) {
    const moment = days === 0 ? recurring.at : shiftDays(recurring.at, days, zone);
    if (Math.abs(at - moment) <= AROUND_MS) return moment;
  }
  return null;
}

/** Whether a problem that began at `onset` is the pattern's own: it waits until it has lasted half an hour. */
export function isPatternsOwn(recurring: Recurring | null, onset: number, zone: string): boolean {
  return recurring?.holds === true && findMoment(recurring, onset, zone) !== null;
}
