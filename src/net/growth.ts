import { findTrend, type Point } from '../core/trend.ts';

/** Something that fills up, in bytes. */
export interface Filling {
  name: string;
  used: number;
  room: number;
}

/** How much was used, a sample every six hours, for a week: what a check remembers of it fits into its 4 KiB. */
export interface GrowthMemory {
  /** Number of the six hours of the last sample. */
  slot: number;
  /** By name: MiB in base 36, blanks between, the last of `slot`; empty where it was not seen. */
  used: Record<string, string>;
  /** By name: MiB a day, of those that clearly grow. Found with each sample: it is too dear for every look. */
  pace: Record<string, number>;
}

const SLOT_MS = 6 * 3600_000;
const DAY_MS = 86_400_000;
const SLOTS = 28;
const MIB = 1024 ** 2;
/** Bytes of JSON, with room for what holds it. */
const MAX_MEMORY = 3800;
/** A line through less than two days says nothing. */
const MIN_DAYS = 2;
const MIN_POINTS = 8;
/** Further ahead than a year nobody can see. */
const MAX_DAYS = 365;

/**
 * Days until each is full, by the line through the last week; absent where it does not clearly grow, where too little is known, or
 * where that is more than a year away. And what to remember: of many the fullest.
 */
export function followGrowth(
  before: unknown,
  fillings: Filling[],
  now: number,
): { days: Map<string, number>; memory: GrowthMemory } {
  const known = readMemory(before);
  const slot = Math.floor(now / SLOT_MS);
  const memory = slot > known.slot ? remember(known, fillings, slot) : known;
  const days = new Map<string, number>();
  for (const { name, room } of fillings) {
    const pace = Object.hasOwn(memory.pace, name) ? (memory.pace[name] ?? 0) : 0;
    const exact = room / (pace * MIB);
    const left = exact < 2 ? Math.round(exact * 100) / 100 : Math.round(exact * 10) / 10;
    // What is full already will not be.
    if (pace > 0 && room > 0 && left <= MAX_DAYS) days.set(name, left);
  }
  return { days, memory };
}

function remember(known: GrowthMemory, fillings: Filling[], slot: number): GrowthMemory {
  const gap = Math.min(SLOTS, slot - known.slot - 1);
  const used: [string, string][] = [];
  const pace: [string, number][] = [];
  let size = 0;
  for (const { name, used: bytes } of fillings.toSorted((a, b) => toFullness(b) - toFullness(a))) {
    const text = Object.hasOwn(known.used, name) ? (known.used[name] ?? '') : '';
    const earlier = text === '' ? [] : [...text.split(' '), ...new Array<string>(gap).fill('')];
    const samples = [...earlier, Math.round(bytes / MIB).toString(36)].slice(-SLOTS);
    const own = findPace(samples);
    const kept = samples.join(' ').trimStart();
    // Twice the name, the samples, and what JSON has around them.
    size += 2 * JSON.stringify(name).length + kept.length + 16;
    if (size > MAX_MEMORY) break;
    used.push([name, kept]);
    if (own !== null) pace.push([name, own]);
  }
  // Not by assignment: `__proto__` is the name of a mount like any other.
  return { slot, used: Object.fromEntries(used), pace: Object.fromEntries(pace) };
}

function toFullness({ used, room }: Filling): number {
  return used + room === 0 ? 0 : used / (used + room);
}

function readMemory(memory: unknown): GrowthMemory {
  const { slot, used, pace } = (memory ?? {}) as Partial<GrowthMemory>;
  const isWhole =
    typeof slot === 'number' && typeof used === 'object' && used !== null && typeof pace === 'object' && pace !== null;
  return isWhole ? { slot, used, pace } : { slot: -1, used: {}, pace: {} };
}

/** MiB a day; null where that is not clear. */
function findPace(samples: string[]): number | null {
  const points = samples.flatMap((sample, index): Point[] => {
    const value = Number.parseInt(sample, 36);
    return Number.isFinite(value) ? [{ at: (index * SLOT_MS) / DAY_MS, value }] : [];
  });
  const span = (points.at(-1)?.at ?? 0) - (points[0]?.at ?? 0);
  if (points.length < MIN_POINTS || span < MIN_DAYS) return null;
  const trend = findTrend(points);
  // One large file, or logs that come and go, are no line: a quarter of the pairs would not grow.
  return trend === null || trend.slopeLow <= 0 ? null : Number(trend.slope.toPrecision(4));
}
