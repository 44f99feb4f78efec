/** One moment and what was counted then. */
export interface Point {
  /** Days, from anywhere. */
  at: number;
  value: number;
}

/** A line through points that outliers do not bend: the median of the slopes between all pairs (Theil and Sen). */
export interface Trend {
  /** A day. */
  slope: number;
  /** So great a share of all pairs (`tail`, a quarter) falls faster than the one, rises faster than the other: how sure the slope is. */
  slopeLow: number;
  slopeHigh: number;
  /** The line at the moment of the last point. */
  last: number;
}

/** At most so many points: there are as many pairs as half their square. */
const MAX_POINTS = 120;

/** null for less than three moments. */
export function findTrend(given: readonly Point[], tail = 0.25): Trend | null {
  const points = thin(given);
  const slopes: number[] = [];
  points.forEach((a, i) => {
    for (const b of points.slice(i + 1)) if (b.at > a.at) slopes.push((b.value - a.value) / (b.at - a.at));
  });
  const end = points.at(-1);
  if (end === undefined || slopes.length < 3) return null;
  slopes.sort((a, b) => a - b);
  const slope = quantile(slopes, 0.5);
  const ends = points.map(({ at, value }) => value + slope * (end.at - at)).sort((a, b) => a - b);
  return { slope, slopeLow: quantile(slopes, tail), slopeHigh: quantile(slopes, 1 - tail), last: quantile(ends, 0.5) };
}

/** Every so manieth of too many, always the last. */
function thin(points: readonly Point[]): Point[] {
  const step = Math.ceil(points.length / MAX_POINTS);
  return points.filter((_, index) => (points.length - 1 - index) % step === 0);
}

function quantile(sorted: number[], share: number): number {
  const place = (sorted.length - 1) * share;
  const low = sorted[Math.floor(place)] ?? 0;
  const high = sorted[Math.ceil(place)] ?? low;
  return low + (high - low) * (place - Math.floor(place));
}
