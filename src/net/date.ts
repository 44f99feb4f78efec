const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** Milliseconds since 1970 of a date of HTTP or mail (RFC 9110, RFC 5322), of ISO 8601, or of seconds since 1970; null if it is none. */
export function parseDate(text: string): number | null {
  const trimmed = text.trim();
  if (trimmed.length > 60) return null;
  if (/^\d{9,11}(\.\d{1,9})?$/.test(trimmed)) return Number(trimmed) * 1000;
  // A bare date or time without zone is UTC: what it would be otherwise depends on where vigie runs.
  const iso = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?))?\s*(Z|UTC|[+-]\d{2}:?\d{2})?$/.exec(trimmed);
  if (iso) return toTime(`${iso[1]}T${iso[2] ?? '00:00'}${toZone(iso[3])}`, iso[1] ?? '');
  const english =
    /^(?:[A-Z][a-z]{2,8},? )?(\d{1,2})[ -]([A-Z][a-z]{2})[ -](\d{4}) (\d{2}:\d{2}(?::\d{2})?)(?: (GMT|UTC|[+-]\d{4}))?$/.exec(
      trimmed,
    );
  if (english === null) return null;
  const [, day = '', month = '', year = '', clock = '', zone] = english;
  const number = MONTHS.indexOf(month) + 1;
  const date = `${year}-${String(number).padStart(2, '0')}-${day.padStart(2, '0')}`;
  return toTime(`${date}T${clock}${toZone(zone)}`, date);
}

function toZone(zone: string | undefined): string {
  if (zone === undefined || zone === 'Z' || zone === 'UTC' || zone === 'GMT') return 'Z';
  return zone.length === 5 ? `${zone.slice(0, 3)}:${zone.slice(3)}` : zone;
}

/**
 * 30 February is no date, although `Date` takes it for 2 March. A leap second is one (RFC 3339 section 5.7, RFC 9110 section 5.6.7):
 * it is the first of the next minute, as on a clock that knows none.
 */
function toTime(iso: string, day: string): number | null {
  const isLeap = /:60(?=[.Z+-])/.test(iso);
  const at = Date.parse(isLeap ? iso.replace(/:60(?=[.Z+-])/, ':59') : iso) + (isLeap ? 1000 : 0);
  const midnight = Date.parse(`${day}T00:00:00Z`);
  return Number.isNaN(at) || Number.isNaN(midnight) || new Date(midnight).toISOString().slice(0, 10) !== day ? null : at;
}
