import { formatAge, formatShortTime, formatTime, toTimestamp, zoneName } from './calendar.ts';
import type { Metrics, Unit, Withheld } from './observation.ts';
import type { State } from './state.ts';

/** A time for machines and for people. */
export interface Moment {
  iso: string;
  words: string;
}

/** Of what has not happened. */
export const NO_MOMENT: Moment = { iso: '', words: '' };

/** Times in words, each made once: many results share the time of their run. */
export interface Calendar {
  /** The same in every run: `Sun 2026-11-22 14:05 UTC`. */
  full(at: number): Moment;
  /** For overview pages, which are made anew in every run: `14:05 UTC`, on another day `Sat 21 Nov 14:05 UTC`. */
  short(at: number): Moment;
  /** Under a heading that names the day: `14:05 UTC`. */
  time(at: number): Moment;
  /** Time until now in words. */
  age(at: number): string;
}

export function toCalendar(zone: string, now: number): Calendar {
  const fulls = new Map<number, Moment>();
  const shorts = new Map<number, Moment>();
  return {
    full: (at) => kept(fulls, at, () => ({ iso: toTimestamp(at), words: formatTime(at, zone) })),
    short: (at) => kept(shorts, at, () => ({ iso: toTimestamp(at), words: toShortWords(at, now, zone) })),
    time: (at) => ({ iso: toTimestamp(at), words: toShortWords(at, at, zone) }),
    age: (at) => formatAge((now - at) / 1000),
  };
}

function kept<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const found = map.get(key);
  if (found !== undefined) return found;
  const made = make();
  map.set(key, made);
  return made;
}

/** `(17:55 UTC)`, which no line breaks. */
function besideOf(at: number, zone: string): string {
  return formatTime(at, zone)
    .replace(/^[^(]*/, '')
    .replaceAll(' ', '\u00a0');
}

/** Beside it stands the time in UTC, with a day of its own only where that is another one. */
function toShortWords(at: number, now: number, zone: string): string {
  const name = zoneName(at, zone);
  const local = `${formatShortTime(at, now, zone)} ${name}`;
  return name === 'UTC' ? local : `${local} ${besideOf(at, zone)}`;
}

/** The classes that style and words of a state are chosen by. */
export type StateClass = 'ok' | 'warning' | 'critical' | 'unknown' | 'skipped' | 'planned' | 'none';

export const STATE_CLASS: Readonly<Record<State, StateClass>> = {
  OK: 'ok',
  WARNING: 'warning',
  CRITICAL: 'critical',
  UNKNOWN: 'unknown',
};

/** Why a result was not judged, for people. */
export const WITHHELD_WORDS: Readonly<Record<Withheld, string>> = {
  config: 'its configuration is not valid',
  isolated: 'our own network was down',
  clock: 'our clock jumped',
  proxy: 'its proxy does not work',
  report: "its host's report is missing",
  unreachable: 'what it depends on does not work',
  grace: 'what it depends on has only just failed',
  'not-run': 'the run was over before its turn',
};

/** `99.61 %`; anything less than always is never rounded up to 100. */
export function formatAvailability(share: number | null): string {
  if (share === null) return 'not measured';
  return share >= 1 ? '100 %' : `${(Math.floor(share * 10_000) / 100).toFixed(2)} %`;
}

/** `420 ms`, `2.4 s`, `3 min`. */
export function formatSeconds(seconds: number): string {
  if (seconds < 0.01) return `${roundTo(seconds * 1000, 2)} ms`;
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  return seconds < 100 ? `${roundTo(seconds, 3)} s` : formatAge(seconds);
}

/** As `Number(value.toPrecision(digits))`, which is slow, and tables have thousands of figures. */
function roundTo(value: number, digits: number): number {
  const size = Math.abs(value);
  if (!(size >= 1e-3 && size < 1e4)) return Number(value.toPrecision(digits));
  const factor = 10 ** (digits - 1 - Math.floor(Math.log10(size)));
  return factor >= 1 ? Math.round(value * factor) / factor : Number(value.toPrecision(digits));
}

export function formatLatency(seconds: number | null): string {
  return seconds === null ? '–' : formatSeconds(seconds);
}

const SIZES = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;

/** A metric's value as one says it: `1.8 TiB`, `91.4 %`, `11 days`. */
export function formatMetric(value: number, unit: Unit): string {
  if (unit === 's') return value < 0 ? `${value} s` : formatSeconds(value);
  if (unit === '%') return `${roundTo(value, 4)} %`;
  if (unit === 'd') return formatDays(Math.round(value * 10) / 10);
  if (unit === '') return String(Number.isInteger(value) && Math.abs(value) < 1e6 ? value : Number(value.toPrecision(6)));
  const step = value < 1024 ? 0 : Math.min(SIZES.length - 1, Math.floor(Math.log2(value) / 10));
  return `${roundTo(value / 1024 ** step, 3)} ${SIZES[step]}`;
}

function formatDays(days: number): string {
  return `${days} ${days === 1 ? 'day' : 'days'}`;
}

/** Unit and label of each metric, by check type: what the types declare. */
export type MetricCatalogue = Readonly<Record<string, Readonly<Record<string, { unit: Unit; label: string }>>>>;

/** The most telling number of a result: its answer time, or its first metric. */
export function metricUnit(catalogue: MetricCatalogue, type: string, metric: keyof Metrics): Unit {
  return catalogue[type]?.[metric]?.unit ?? '';
}

/** `website, mail and 3 more`. */
export function listSome(words: string[], most: number): string {
  if (words.length <= most) return words.join(', ');
  return `${words.slice(0, most).join(', ')} and ${words.length - most} more`;
}
