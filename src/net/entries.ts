import { type Bound, cleanText, formatAge, type Metrics, type Observation, option } from '../check-type.ts';
import { matchesGlob } from './match.ts';

/** One entry of a directory, however it was listed. */
export interface DirectoryEntry {
  name: string;
  isDirectory: boolean;
  /** Milliseconds since 1970; null where none is shown. */
  at: number | null;
  /** Bytes; null where none is shown. */
  size: number | null;
}

/** Options of every type that looks at the entries of directories. */
export const entryOptions = {
  match: option.list('Which entries count: patterns such as `*.iso`.', option.text('A pattern.', { maxLength: 200 }), {
    default: ['*'],
    orOne: true,
    minItems: 1,
  }),
  min_entries: option.integer('So many entries at least.', { default: 1, min: 0 }),
  max_age: option.duration('The newest entry is no older.', { optional: true, min: 60 }),
  min_size: option.size('The newest entry is no smaller; rounded sizes count as the most they can mean.', { optional: true }),
};
export type EntryOptions = Bound<typeof entryOptions>;

export const entryMetrics = {
  entries: { unit: '', label: 'Entries', help: 'Entries that fit; of the directory with the fewest.' },
  age: { unit: 's', label: 'Newest', help: 'Age of the newest entry that fits; of the directory where it is oldest.' },
  newest_size: { unit: 'B', label: 'Size of the newest', help: 'As it is listed; of the directory where it is smallest.' },
} as const;

/** Metrics of which the lowest of several directories counts. */
export const LOWEST_ENTRY_METRICS = ['entries', 'newest_size'];

interface Clock {
  now: number;
  /** A date further ahead is none: it must not make what is old look new. */
  maxAheadMs: number;
}

/** Whether there are enough, whether the newest is new and large enough: `listing.few`, `listing.no_date`, `listing.stale`, `listing.small`. */
export function judgeEntries(entries: DirectoryEntry[], bound: EntryOptions, { now, maxAheadMs }: Clock): Observation {
  const found = entries
    .filter(({ name }) => bound.match.some((pattern) => matchesGlob(pattern, name)))
    .map((entry) => ((entry.at ?? 0) > now + maxAheadMs ? { ...entry, at: null } : entry));
  const newest = found.reduce<DirectoryEntry | null>((best, entry) => ((entry.at ?? -1) > (best?.at ?? -1) ? entry : best), null);
  const metrics: Metrics = { entries: found.length, ...toFigures(newest, now) };
  const fault = findFault(bound, found, { newest, now });
  if (fault !== null) return { kind: 'failed', ...fault, metrics };
  const last = newest === null ? '' : `, newest ${cleanText(newest.name, 40)}${toAge(newest, now)}`;
  return { kind: 'measured', output: `${found.length} entries${last}`, metrics };
}

function findFault(
  { min_entries: minEntries, max_age: maxAge, min_size: minSize, match }: EntryOptions,
  found: DirectoryEntry[],
  { newest, now }: { newest: DirectoryEntry | null; now: number },
): { code: string; output: string } | null {
  const pattern = cleanText(match.join(' '), 30);
  if (found.length < minEntries) {
    return { code: 'listing.few', output: `${found.length} entries like ${pattern}, expected at least ${minEntries}` };
  }
  if (maxAge !== undefined) {
    if (newest?.at == null) return { code: 'listing.no_date', output: `no entry like ${pattern} has a date, expected one` };
    const age = (now - newest.at) / 1000;
    if (age > maxAge) {
      const seen = `newest is ${cleanText(newest.name, 40)}, ${formatAge(age)} old`;
      return { code: 'listing.stale', output: `${seen}, expected at most ${formatAge(maxAge)}` };
    }
  }
  if (minSize !== undefined && newest !== null && (newest.size ?? 0) < minSize) {
    const seen = newest.size === null ? 'no size' : `${newest.size} bytes`;
    return { code: 'listing.small', output: `${cleanText(newest.name, 40)} has ${seen}, expected at least ${minSize}` };
  }
  return null;
}

function toFigures(newest: DirectoryEntry | null, now: number): Metrics {
  return {
    ...(newest?.at == null ? {} : { age: Math.max(0, Math.round((now - newest.at) / 1000)) }),
    ...(newest?.size == null ? {} : { newest_size: newest.size }),
  };
}

function toAge({ at }: DirectoryEntry, now: number): string {
  return at === null ? '' : `, ${formatAge((now - at) / 1000)} old`;
}
