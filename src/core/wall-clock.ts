/**
 * Local times without the calendar's library, which a run loads only to write mail or pages. The rules need two things of it:
 * the same time on another day, and the time of day in words.
 */
const formats = new Map<string, Intl.DateTimeFormat>();

/** Making a format costs a millisecond, so each zone has one. */
function formatOf(zone: string): Intl.DateTimeFormat {
  let format = formats.get(zone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-GB', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
    });
    formats.set(zone, format);
  }
  return format;
}

const DAY_MS = 86_400_000;

/** What a clock on the wall shows, as if it were UTC: milliseconds since 1970. */
function toWall(at: number, zone: string): number {
  if (zone === 'UTC') return at;
  const parts: Record<string, number> = {};
  for (const { type, value } of formatOf(zone).formatToParts(at)) parts[type] = Number(value);
  const { year = 1970, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
  return Date.UTC(year, month - 1, day, hour, minute, second) + (((at % 1000) + 1000) % 1000);
}

/**
 * The moment at which the wall clock shows the same time so many days later (or earlier, if negative), right across a change to or
 * from daylight-saving time. A time that a change leaves out is the one as long after the change; of one that comes twice the first.
 */
export function shiftDays(at: number, days: number, zone: string): number {
  const wanted = toWall(at, zone) + days * DAY_MS;
  if (zone === 'UTC') return wanted;
  // The offsets a day before and after: whatever change there is lies between them.
  const early = wanted - (toWall(wanted - DAY_MS, zone) - (wanted - DAY_MS));
  const late = wanted - (toWall(wanted + DAY_MS, zone) - (wanted + DAY_MS));
  if (toWall(early, zone) === wanted) return early;
  if (toWall(late, zone) === wanted) return late;
  return early;
}

/** `04:10`. */
export function formatTimeOfDay(at: number, zone: string): string {
  return new Date(toWall(at, zone)).toISOString().slice(11, 16);
}
