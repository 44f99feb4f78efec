/** What a duration, size, share or range says is wrong with its text: `problem`, then what was `expected`. */
export class UnitError extends Error {
  readonly problem: string;
  readonly expected: string;
  constructor(problem: string, expected: string) {
    super(`${problem}, expected ${expected}`);
    this.problem = problem;
    this.expected = expected;
  }
}

const SECONDS: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

/** Binary multiples of IEC 80000-13 and decimal ones of the SI. */
const BYTES: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};

export const DURATION = 'a duration such as 30s, 5m, 12h or 7d';
export const SIZE = 'a size such as 500MiB, 2GB or 100B';
export const SHARE = 'a share such as 80%';

/** Seconds of `30s`, `5m`, `1.5h`, `7d`, `2w` or `250ms`. */
export function parseDuration(text: string): number {
  return parseQuantity(text, SECONDS, { problem: 'not a duration', expected: DURATION });
}

/** Bytes of `500MiB`, `2GB` or `100B`. */
export function parseSize(text: string): number {
  return Math.round(parseQuantity(text, BYTES, { problem: 'not a size', expected: SIZE }));
}

/** 80 of `80%`. */
export function parseShare(text: string): number {
  return parseQuantity(text, { '%': 1 }, { problem: 'not a share', expected: SHARE });
}

function parseQuantity(
  text: string,
  units: Readonly<Record<string, number>>,
  words: { problem: string; expected: string },
): number {
  const match = /^(\d{1,15}(?:\.\d{1,9})?)([A-Za-z%]{1,3})$/.exec(text);
  const factor = match?.[2] !== undefined && Object.hasOwn(units, match[2]) ? units[match[2]] : undefined;
  if (match?.[1] === undefined || factor === undefined) throw new UnitError(words.problem, words.expected);
  // 0.1 * 3600 is 360.00000000000006 in binary: nine decimals are what a person can have meant.
  return Math.round(Number(match[1]) * factor * 1e9) / 1e9;
}

/** The shortest exact way to write it: `90s`, `5m`, `36h`, `7d`, `250ms`. */
export function formatDuration(seconds: number): string {
  if (seconds === 0) return '0s';
  for (const unit of ['d', 'h', 'm', 's'] as const) {
    const factor = SECONDS[unit] ?? 1;
    if (seconds % factor === 0) return `${seconds / factor}${unit}`;
  }
  return seconds < 1 && Number.isInteger(seconds * 1000) ? `${seconds * 1000}ms` : `${seconds}s`;
}

/** The shortest exact way to write it: `500MiB`, `2GB`, `1234B`. */
export function formatSize(bytes: number): string {
  for (const unit of ['TiB', 'GiB', 'MiB', 'KiB', 'TB', 'GB', 'MB', 'kB'] as const) {
    const factor = BYTES[unit] ?? 1;
    if (bytes !== 0 && bytes % factor === 0) return `${bytes / factor}${unit}`;
  }
  return `${bytes}B`;
}

/** As one says it, three digits: `512 B`, `3.2 GiB`, `940 MiB`. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 'B';
  for (const next of ['KiB', 'MiB', 'GiB', 'TiB', 'PiB']) {
    if (value < 1023.5) break;
    value /= 1024;
    unit = next;
  }
  return `${unit === 'B' || value >= 99.95 ? Math.round(value) : Math.round(value * 10) / 10} ${unit}`;
}

export function formatShare(share: number): string {
  return `${share}%`;
}

/** A length of time in at most two units, as one says it: `45 s`, `12 min`, `3 h 20 min`, `41 days`. Seconds in. */
export function formatAge(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  const minutes = Math.round(whole / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 === 0 || hours >= 10 ? `${Math.round(minutes / 60)} h` : `${hours} h ${minutes % 60} min`;
  return `${Math.round(hours / 24)} days`;
}
