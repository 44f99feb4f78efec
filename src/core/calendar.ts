import { DateTime } from 'luxon';

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
