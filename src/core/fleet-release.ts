import type { FleetDay } from './fleet.ts';
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

/** `debian 12 bookworm` to 12; testing, without a number, is newer than all. null for other systems. */
function toNumber(release: string): number | null {
  const [id, version] = release.split(' ');
  if (id !== 'debian') return null;
  const number = Number.parseFloat(version ?? '');
  return Number.isFinite(number) ? number : Infinity;
}

/**
 * When the last host leaves the older releases of Debian, by the line through the days since the newest one was first seen. Days are
 * oldest first; null without a host of Debian. Testing is no release that others are upgraded to.
 */
export function forecastRelease(days: readonly FleetDay[], today: string): ReleaseForecast | null {
  const last = days.at(-1);
  const numbers = Object.keys(last?.releases ?? {}).flatMap((name) => toNumber(name) ?? []);
  const stable = numbers.filter(Number.isFinite);
  if (last === undefined || stable.length === 0) return null;
  const newest = Math.max(...stable);
  const name = Object.keys(last.releases).find((release) => toNumber(release) === newest) ?? '';
  const begun = days.filter(({ releases }) => Object.keys(releases).some((release) => toNumber(release) === newest));
  const points = begun.map((day): Point => ({ at: Date.parse(day.day) / DAY_MS, value: countOld(day, newest) }));
  const old = countOld(last, newest);
  const all = Object.entries(last.releases).reduce((sum, [release, count]) => sum + (toNumber(release) === null ? 0 : count), 0);
  const forecast = { newest: name, old, all, date: null };
  if (old === 0) return { ...forecast, words: `all ${all} run ${name} or newer${sinceWhen(begun, newest)}` };
  return { ...forecast, ...foretell(points, old, today) };
}

function countOld({ releases }: FleetDay, newest: number): number {
  return Object.entries(releases).reduce(
    (sum, [release, count]) => sum + ((toNumber(release) ?? Infinity) < newest ? count : 0),
    0,
  );
}

function sinceWhen(days: readonly FleetDay[], newest: number): string {
  const lastOld = days.findLastIndex((day) => countOld(day, newest) > 0);
  const first = lastOld < 0 ? undefined : days[lastOld + 1];
  return first === undefined ? '' : `, since ${first.day}`;
}

function foretell(points: Point[], old: number, today: string): Pick<ReleaseForecast, 'date' | 'words'> {
  const known = Math.round((points.at(-1)?.at ?? 0) - (points[0]?.at ?? 0));
  const left = `${old} to go`;
  if (known < MIN_DAYS) return { date: null, words: `${left}; no date yet: ${known} days are known, ${MIN_DAYS} are needed` };
  const trend = findTrend(points);
  const done = Math.max(0, ...points.map(({ value }) => value)) - old;
  if (trend === null || trend.slope >= 0 || done <= 0)
    return {
      date: null,
      words: `${left}; no date: in ${known} days ${done > 0 ? `only ${done} were upgraded` : 'none was upgraded'}`,
    };
  const after = (slope: number) => Math.max(1, Math.ceil(old / -slope));
  const days = after(trend.slope);
  if (days > MAX_DAYS) return { date: null, words: `${left}; at the pace of ${known} days not within ten years` };
  const date = addTo(today, days);
  const early = addTo(today, after(trend.slopeLow));
  const late = trend.slopeHigh < 0 && after(trend.slopeHigh) <= MAX_DAYS ? addTo(today, after(trend.slopeHigh)) : null;
  const pace = `${done} in ${known} days`;
  const range = late === null ? `not before ${early} and perhaps much later: the pace is uneven` : describeRange(early, late);
  return { date, words: `${left}; about ${date} at the pace so far (${pace}), ${range}` };
}

function describeRange(early: string, late: string): string {
  return early === late ? 'the pace is even' : `likely between ${early} and ${late}`;
}

function addTo(day: string, days: number): string {
  return new Date(Date.parse(day) + days * DAY_MS).toISOString().slice(0, 10);
}
