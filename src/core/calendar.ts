import { DateTime } from 'luxon';
import { dayBefore } from './past.ts';

export { formatAge } from './unit.ts';

/** Times for people: each carries its zone, and UTC beside it where they differ. `Sun 2026-11-22 14:05 CET (13:05 UTC)`. */
export function formatTime(at: number, zone: string): string {
  const local = inZone(at, zone);
  const text = `${local.toFormat('ccc yyyy-MM-dd HH:mm')} ${zoneName(at, zone)}`;
  if (local.offset === 0) return local.toFormat("ccc yyyy-MM-dd HH:mm 'UTC'");
  const utc = DateTime.fromMillis(at, { zone: 'utc', locale: 'en' });
  return `${text} (${utc.toFormat(utc.day === local.day ? 'HH:mm' : 'ccc HH:mm')} UTC)`;
}

/** Short form for tables: today `14:05`, else `Sun 22 Nov 14:05`, without a zone: the page says it once. */
export function formatShortTime(at: number, now: number, zone: string): string {
  const local = inZone(at, zone);
  return local.hasSame(inZone(now, zone), 'day') ? local.toFormat('HH:mm') : local.toFormat('ccc d LLL HH:mm');
}

/** `12 Nov`. */
export function formatDate(at: number, zone: string): string {
  return inZone(at, zone).toFormat('d LLL');
}

/** RFC 3339 in UTC, to the second. */
export function toTimestamp(at: number): string {
  return new Date(at).toISOString().replace(/\.\d{3}Z$/, 'Z');
}

function inZone(at: number, zone: string): DateTime {
  return DateTime.fromMillis(at, { zone, locale: 'en' });
}

/**
 * `CET`, `EST`, or `UTC` wherever the local time is UTC's. Each English knows the short names of its own part of the world only, and
 * says `GMT+1` for the others.
 */
export function zoneName(at: number, zone: string): string {
  const local = inZone(at, zone);
  if (local.offset === 0) return 'UTC';
  const names = ['en-GB', 'en-US', 'en-AU'].map((locale) => local.setLocale(locale).toFormat('ZZZZ'));
  return names.find((name) => !/^(GMT|UTC)/.test(name)) ?? local.toFormat('ZZZZ');
}

/** The same wall-clock time so many weeks later, right across a daylight-saving change. */
export function addWeeks(at: number, weeks: number, zone: string): number {
  return inZone(at, zone).plus({ weeks }).toMillis();
}

/** Whole weeks by the wall clock, rounded to the nearest week below or at most one too many. */
export function weeksBetween(from: number, to: number, zone: string): number {
  return Math.floor(inZone(to, zone).diff(inZone(from, zone), 'weeks').weeks);
}

/**
 * A time as people write it: ISO 8601 with a zone, local to `zone` without one (`2026-12-01T08:00`, `2026-12-01`), or null. A local
 * time that a daylight-saving change skips is the hour after; one that it repeats is the first.
 */
export function parseTime(text: string, zone: string): number | null {
  if (!/^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?(?:Z|[+-]\d\d:?\d\d)?)?$/.test(text)) return null;
  const parsed = DateTime.fromISO(text.replace(' ', 'T'), { zone });
  return parsed.isValid ? parsed.toMillis() : null;
}

/** A moment on the wall clock. */
export interface LocalTime {
  /** `2026-11-22`. */
  date: string;
  /** 1 Monday to 7 Sunday. */
  weekday: number;
  /** Whole minutes after midnight, as a clock shows them. */
  minutes: number;
}

export function toLocal(at: number, zone: string): LocalTime {
  const local = inZone(at, zone);
  return { date: local.toISODate() ?? '', weekday: local.weekday, minutes: local.hour * 60 + local.minute };
}

/**
 * When a clock shows that time on that day; 1440 minutes is the next midnight. A time that daylight saving leaves out is as much later
 * as the clock jumps, one that comes twice is the first.
 */
export function fromLocal(date: string, minutes: number, zone: string): number {
  const midnight = DateTime.fromISO(date, { zone, locale: 'en' }).plus({ days: Math.floor(minutes / 1440) });
  return midnight.set({ hour: Math.floor((minutes % 1440) / 60), minute: minutes % 60 }).toMillis();
}

/** The day so many days later. */
export function addDays(date: string, days: number): string {
  return dayBefore(date, -days);
}

export function daysBetween(from: string, to: string): number {
  return Math.round((Date.parse(`${to}T00:00:00Z`) - Date.parse(`${from}T00:00:00Z`)) / 86_400_000);
}
