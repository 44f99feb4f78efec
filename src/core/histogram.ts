/**
 * Counts by bucket of a logarithmic histogram: bucket b holds values in [GAMMA^b, GAMMA^(b+1)). Pairs of bucket and count in one
 * list, buckets ascending: a run reads thousands of them, and a list is read five times as fast as an object.
 */
export type Histogram = number[];

/** Values in one bucket differ by at most 5 %, so a percentile is right within 2.5 %. */
const GAMMA = 1.05;
const LOG_GAMMA = Math.log(GAMMA);
/** GAMMA^700 is 7e14 seconds: every time that there is has its place. */
const LAST_BUCKET = 700;

/** The answer time of a check, seconds: its metric `time`, or a ping's `rtt`. */
export function latencyOf(metrics: Record<string, number>): number | null {
  const value = metrics['time'] ?? metrics['rtt'];
  return value !== undefined && value > 0 ? value : null;
}

export function addToHistogram(histogram: Histogram, value: number): void {
  const bucket = Math.floor(Math.log(value) / LOG_GAMMA);
  let place = 0;
  while (place < histogram.length && (histogram[place] ?? 0) < bucket) place += 2;
  if (histogram[place] === bucket) histogram[place + 1] = (histogram[place + 1] ?? 0) + 1;
  else histogram.splice(place, 0, bucket, 1);
}

/** The sum of histograms. */
export class HistogramSum {
  private readonly counts = new Float64Array(2 * LAST_BUCKET + 1);
  private low = this.counts.length;
  private high = -1;
  total = 0;

  add(histogram: Histogram): void {
    for (let i = 0; i < histogram.length; i += 2) {
      const place = Math.min(2 * LAST_BUCKET, Math.max(0, (histogram[i] ?? 0) + LAST_BUCKET));
      const count = histogram[i + 1] ?? 0;
      this.counts[place] = (this.counts[place] ?? 0) + count;
      this.total += count;
      if (place < this.low) this.low = place;
      if (place > this.high) this.high = place;
    }
  }

  clear(): void {
    if (this.high >= 0) this.counts.fill(0, this.low, this.high + 1);
    this.low = this.counts.length;
    this.high = -1;
    this.total = 0;
  }

  toHistogram(): Histogram {
    const histogram: Histogram = [];
    for (let place = this.low; place <= this.high; place += 1) {
      const count = this.counts[place] ?? 0;
      if (count > 0) histogram.push(place - LAST_BUCKET, count);
    }
    return histogram;
  }

  /** The values below which the ascending `shares` of all observations lie (nearest rank); null without observations. */
  percentiles(shares: readonly number[]): (number | null)[] {
    let [place, seen] = [this.low, this.counts[this.low] ?? 0];
    return shares.map((share) => {
      if (this.total === 0) return null;
      const rank = Math.ceil(share * this.total);
      while (place < this.high && (seen < rank || seen === 0)) {
        place += 1;
        seen += this.counts[place] ?? 0;
      }
      return GAMMA ** (place - LAST_BUCKET + 0.5);
    });
  }
}

const sum = new HistogramSum();

/** The percentiles of several histograms together, right within 2.5 %. Pages ask for thousands of them: one sum serves them all. */
export function percentiles(histograms: readonly Histogram[], shares: readonly number[]): (number | null)[] {
  sum.clear();
  for (const histogram of histograms) sum.add(histogram);
  return sum.percentiles(shares);
}
