import { DateTime, Settings } from 'luxon';
import { dayBefore } from './past.ts';

export { formatAge } from './unit.ts';

// All that is written is English. Asking the system for its language costs 30 ms of every run.
Settings.defaultLocale = 'en-US';

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'] as const;
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const;

/** Times for people: each carries its zone, and UTC beside it where they differ. `Sun 2026-11-22 14:05 CET (13:05 UTC)`. */
export function formatTime(at: number, zone: string): string {
  const offset = offsetOf(at, zone);
  const utc = toWall(at, 0);
  if (offset === 0) return `${utc.day} ${utc.date} ${utc.time} UTC`;
  const local = toWall(at, offset);
  const beside = utc.date === local.date ? utc.time : `${utc.day} ${utc.time}`;
  return `${local.day} ${local.date} ${local.time} ${zoneName(at, zone)} (${beside} UTC)`;
}

/** Short form for tables: today `14:05`, else `Sun 22 Nov 14:05`, without a zone: the page says it once. */
export function formatShortTime(at: number, now: number, zone: string): string {
  const local = toWall(at, offsetOf(at, zone));
  const isToday = local.date === toWall(now, offsetOf(now, zone)).date;
  return isToday ? local.time : `${local.day} ${toDayAndMonth(local.date)} ${local.time}`;
}

/** `12 Nov`. */
export function formatDate(at: number, zone: string): string {
  return toDayAndMonth(toWall(at, offsetOf(at, zone)).date);
}

/** `Sun 2026-11-22` of `2026-11-22`. */
export function formatDay(date: string): string {
  return `${toWall(Date.parse(`${date}T00:00:00Z`), 0).day} ${date}`;
}

/** Minutes east of UTC. */
function offsetOf(at: number, zone: string): number {
  return zone === 'UTC' ? 0 : inZone(at, zone).offset;
}

/** What a clock and a calendar on the wall show. Pages hold thousands of times, and luxon's own formatting costs a tenth of a run. */
function toWall(at: number, offset: number): { day: string; date: string; time: string } {
  const shifted = new Date(at + offset * 60_000);
  const iso = shifted.toISOString();
  return { day: DAYS[shifted.getUTCDay()] ?? '', date: iso.slice(0, 10), time: iso.slice(11, 16) };
}

function toDayAndMonth(date: string): string {
  return `${Number(date.slice(8))} ${MONTHS[Number(date.slice(5, 7)) - 1] ?? ''}`;
}

/** RFC 3339 in UTC, to the second. */
export function toTimestamp(at: number): string {
  return new Date(at).toISOString().replace(/\.\d{3}Z$/, 'Z');
}

function inZone(at: number, zone: string): DateTime {
  return DateTime.fromMillis(at, { zone, locale: 'en' });
}

/** Zone and offset to its name: it takes longer to find than all else of a time together. */
const names = new Map<string, string>();

/**
 * `CET`, `EST`, or `UTC` wherever the local time is UTC's. Each English knows the short names of its own part of the world only, and
 * says `GMT+1` for the others.
 */
export function zoneName(at: number, zone: string): string {
  if (zone === 'UTC') return 'UTC';
  const local = inZone(at, zone);
  if (local.offset === 0) return 'UTC';
  const key = `${zone} ${local.offset}`;
  const known = names.get(key);
  if (known !== undefined) return known;
  const found = ['en-GB', 'en-US', 'en-AU'].map((locale) => local.setLocale(locale).toFormat('ZZZZ'));
  const name = found.find((one) => !/^(GMT|UTC)/.test(one)) ?? local.toFormat('ZZZZ');
  names.set(key, name);
  return name;
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
