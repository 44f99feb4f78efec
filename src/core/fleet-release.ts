import type { FleetDay } from './fleet.ts';
import { count } from './transition.ts';
import { findTrend, type Point } from './trend.ts';

/** How far the upgrade to the newest release is, and when it will be complete. */
export interface ReleaseForecast {
  newest: string;
  /** Hosts with an older one, and with any. */
  old: number;
  all: number;
  /** `YYYY-MM-DD`: never in the past. null where nobody can say. */
  date: string | null;
  /** The whole answer, with how sure it is. */
  words: string;
}

const DAY_MS = 86_400_000;
const MIN_DAYS = 14;
/** Further ahead the fleet will be another one. */
const MAX_DAYS = 3650;
/** The pace is that of so many changes at the end, and of all within so many days: people slow down and speed up. */
const PACE_CHANGES = 12;
const PACE_DAYS = 30;
/** Of the pairs, on each side: what is "likely" then holds about three times of four in upgrades at random moments. */
const TAIL = 0.05;

/** `debian 12 bookworm` to 12; testing, without a number, is newer than all. null for other systems. */
function toNumber(release: string): number | null {
  const [id, version] = release.split(' ');
  if (id !== 'debian') return null;
  const number = Number.parseFloat(version ?? '');
  return Number.isFinite(number) ? number : Infinity;
}

/**
 * When the last host leaves the older releases of Debian, by the line through the days on which their number changed. Days are oldest
 * first; null without a host of Debian. Testing is no release that others are upgraded to.
 */
export function forecastRelease(days: readonly FleetDay[], today: string): ReleaseForecast | null {
  const last = days.at(-1);
  const numbers = Object.keys(last?.releases ?? {}).flatMap((name) => toNumber(name) ?? []);
  const stable = numbers.filter(Number.isFinite);
  if (last === undefined || stable.length === 0) return null;
  const newest = findNewest(last, stable);
  const name = Object.keys(last.releases).find((release) => toNumber(release) === newest) ?? '';
  const begun = days.filter(({ releases }) => Object.keys(releases).some((release) => toNumber(release) === newest));
  const points = begun.map((day): Point => ({ at: Date.parse(day.day) / DAY_MS, value: countOld(day, newest) }));
  const old = countOld(last, newest);
  const all = Object.entries(last.releases).reduce((sum, [release, hosts]) => sum + (toNumber(release) === null ? 0 : hosts), 0);
  const forecast = { newest: name, old, all, date: null };
  const alone = describeAlone(last, newest);
  if (old === 0) return { ...forecast, words: `${describeAll(last, all)} ${name} or newer${sinceWhen(begun, newest)}${alone}` };
  const foretold = foretell(points, findChanges(points, begun.length < days.length), old, today);
  return { ...forecast, ...foretold, words: foretold.words + alone };
}

/**
 * What two hosts run: what one alone says may be a slip, or a lie that would make all others old. Where no release has two hosts,
 * the oldest.
 */
function findNewest({ releases }: FleetDay, numbers: readonly number[]): number {
  const hostsOf = (number: number) =>
    Object.entries(releases).reduce((sum, [name, hosts]) => sum + (toNumber(name) === number ? hosts : 0), 0);
  const shared = numbers.filter((number) => hostsOf(number) > 1);
  return shared.length > 0 ? Math.max(...shared) : Math.min(...numbers);
}

function describeAlone({ releases }: FleetDay, newest: number): string {
  const names = Object.keys(releases).filter((name) => {
    const number = toNumber(name) ?? 0;
    return number > newest && Number.isFinite(number);
  });
  if (names.length === 0) return '';
  const more = names.length > 2 ? ` and ${names.length - 2} more` : '';
  return `; ${names.slice(0, 2).join(', ')}${more}: on one host only, not taken for the newest`;
}

/** A host that is silent, or that no report is read of, may run anything. */
function describeAll({ hosts, retiring, releases }: FleetDay, all: number): string {
  const known = Object.values(releases).reduce((sum, one) => sum + one, 0);
  const isWhole = hosts <= retiring.length + known;
  if (all === 1) return `the one host${isWhole ? '' : ' that reports'} runs`;
  return `all ${all}${isWhole ? '' : ' that report'} run`;
}

function countOld({ releases }: FleetDay, newest: number): number {
  return Object.entries(releases).reduce(
    (sum, [release, hosts]) => sum + ((toNumber(release) ?? Infinity) < newest ? hosts : 0),
    0,
  );
}

function sinceWhen(days: readonly FleetDay[], newest: number): string {
  const lastOld = days.findLastIndex((day) => countOld(day, newest) > 0);
  const first = lastOld < 0 ? undefined : days[lastOld + 1];
  return first === undefined ? '' : `, since ${first.day}`;
}

/**
 * The days on which there was another number than on the day before. A number that was there for one day only is none: a machine was
 * silent. The first day counts where the days before it are known.
 */
function findChanges(points: readonly Point[], isFirstKnown: boolean): Point[] {
  const steady = points.map(({ at, value }, i) => {
    const [low, middle, high] = [points[i - 1]?.value ?? value, value, points[i + 1]?.value ?? value];
    return { at, value: Math.max(Math.min(low, middle), Math.min(Math.max(low, middle), high)) };
  });
  return steady.filter(({ value }, i) => (i === 0 ? isFirstKnown : value !== steady[i - 1]?.value));
}

type Foretold = Pick<ReleaseForecast, 'date' | 'words'>;

function foretell(points: readonly Point[], changes: readonly Point[], old: number, today: string): Foretold {
  const [first, last] = [points[0]?.at ?? 0, points.at(-1)?.at ?? 0];
  const known = Math.round(last - first);
  const left = `${old} to go`;
  if (known < MIN_DAYS) return { date: null, words: `${left}; no date yet: ${count(known, 'day')} known, ${MIN_DAYS} needed` };
  const done = Math.max(0, ...points.map(({ value }) => value)) - old;
  if (done <= 0) return { date: null, words: `${left}; no date: in ${known} days none was upgraded` };
  const latest = changes.at(-1)?.at ?? last;
  const trend = findTrend(
    changes.filter(({ at }, i) => i >= changes.length - PACE_CHANGES || at >= latest - PACE_DAYS),
    TAIL,
  );
  // Upgraded, but perhaps removed or marked as retiring: who is gone is not told apart.
  const seen = `${done} fewer in ${known} days`;
  if (trend === null) return { date: null, words: `${left}; no date yet: ${seen}, at too few moments to see a pace` };
  if (trend.slope >= 0) return { date: null, words: `${left}; no date: ${seen}, but none of late` };
  const waited = Date.parse(today) / DAY_MS - latest;
  const days = toDays(old, trend.slope, waited);
  const pace = `the pace of late (${describePace(-trend.slope)})`;
  if (days > MAX_DAYS) return { date: null, words: `${left}; at ${pace} not within ten years` };
  const date = addTo(today, days);
  const early = addTo(today, toDays(old, trend.slopeLow, waited));
  const lateDays = trend.slopeHigh < 0 ? toDays(old, trend.slopeHigh, waited) : Infinity;
  const isPause = waited > longestWait(changes);
  const why = isPause ? `none since ${addTo(today, -waited)}` : 'the pace is uneven';
  const range =
    isPause || lateDays > MAX_DAYS
      ? `not before ${early} and perhaps much later: ${why}`
      : describeRange(early, addTo(today, lateDays));
  return { date, words: `${left}; about ${date} at ${pace}, ${range}` };
}

/** From the last change on, of which some days have passed; the next one is due now at the earliest. */
function toDays(old: number, slope: number, waited: number): number {
  const each = -1 / slope;
  return Math.max(1, Math.round(Math.max(old * each - waited, (old - 1) * each)));
}

function longestWait(changes: readonly Point[]): number {
  return Math.max(...changes.slice(1).map(({ at }, i) => at - (changes[i]?.at ?? at)));
}

function describePace(aDay: number): string {
  const days = Math.round(1 / aDay);
  return days > 1 ? `one every ${days} days` : `${Math.round(aDay * 10) / 10} a day`;
}

function describeRange(early: string, late: string): string {
  return early === late ? 'the pace is even' : `likely between ${early} and ${late}`;
}

function addTo(day: string, days: number): string {
  return new Date(Date.parse(day) + days * DAY_MS).toISOString().slice(0, 10);
}
