import type { Threshold } from './configuration.ts';
import type { Unit } from './observation.ts';
import type { Range } from './range.ts';
import { formatMetric } from './views-words.ts';

/** Three values of one column, ascending: p50, p95 and p99 of answer times, or the least, the mean and the most of a metric. */
export type Triple = readonly [low: number, middle: number, high: number];

/** Heights of a column's three layers in hundredths of the chart; null where nothing was measured. */
export type Column = Triple | null;

/** One chart: columns of three layers, drawn by classes alone. Everything that it shows stands in words and in a table as well. */
export interface ChartView {
  title: string;
  /** What a screen reader says instead of the columns. */
  words: string;
  /** The newest value in words, for the line above the chart. */
  legend: string;
  columns: Column[];
  /** The scale: its top, its middle and its bottom. */
  ticks: { at: number; words: string }[];
  limits: { at: number; class: 'warning' | 'critical'; words: string }[];
  /** Thresholds that lie beyond the scale, in words. */
  beyond: string;
  layers: readonly [low: string, middle: string, high: string];
  ends: [from: string, to: string];
}

export interface ChartSeries {
  title: string;
  unit: Unit;
  layers: readonly [low: string, middle: string, high: string];
  /** Which of the three is said of the newest column, and how. */
  said: 0 | 1 | 2;
  say(value: string): string;
  values: (Triple | null)[];
  /** One label a column: hours or days. */
  labels: string[];
  threshold: Threshold | undefined;
  ends: [from: string, to: string];
}

/** A threshold far above all that was ever measured would press the columns flat: beyond this it is said in words. */
const FARTHEST = 3;

/** Null where fewer than two columns were measured: one number needs no picture. */
export function toChart(series: ChartSeries): ChartView | null {
  const span = spanOf(series.values);
  if (span === null) return null;
  const { least, most } = span;
  const bounds = boundsOf(series.threshold);
  const near = bounds.filter(({ at }) => at <= FARTHEST * most && at >= Math.min(0, FARTHEST * least));
  const top =
    series.unit === '%' && most <= 100 && most > 20 ? 100 : roundUp(Math.max(0, most, ...near.map(({ at }) => at)), series.unit);
  const bottom = -roundUp(-Math.min(0, least, ...near.map(({ at }) => at)), series.unit);
  const place = (value: number) => (top === bottom ? 0 : Math.round(((value - bottom) / (top - bottom)) * 100));
  const far = bounds.filter((bound) => !near.includes(bound));
  return {
    title: series.title,
    words: describeSeries(series, span),
    legend: describeLast(series),
    columns: series.values.map((value) => (value === null ? null : toColumn(value, place))),
    ticks: [bottom, (top + bottom) / 2, top].map((value) => ({ at: place(value), words: formatMetric(value, series.unit) })),
    limits: near.map(({ at, state }) => ({ at: place(at), class: state, words: `${state} ${formatMetric(at, series.unit)}` })),
    beyond: far.map(({ state, range }) => `${state} ${describeRange(range, series.unit)}`).join(', '),
    layers: series.layers,
    ends: series.ends,
  };
}

/** What is there is seen: the highest layer is never lower than one hundredth. */
function toColumn(value: Triple, place: (value: number) => number): Column {
  return [place(value[0]), place(value[1]), Math.max(1, place(value[2]))];
}

/** The ends of all three layers, and where the most is. */
interface Span {
  least: number;
  lowMost: number;
  most: number;
  mostAt: number;
}

function spanOf(values: (Triple | null)[]): Span | null {
  const span: Span = { least: Infinity, lowMost: -Infinity, most: -Infinity, mostAt: 0 };
  let known = 0;
  for (let i = 0; i < values.length; i += 1) {
    const value = values[i];
    if (value === null || value === undefined) continue;
    known += 1;
    span.least = Math.min(span.least, value[0]);
    span.lowMost = Math.max(span.lowMost, value[0]);
    if (value[2] > span.most) {
      span.most = value[2];
      span.mostAt = i;
    }
  }
  return known < 2 ? null : span;
}

interface Bound {
  at: number;
  state: 'warning' | 'critical';
  range: Range;
}

/** The ends of both ranges; zero is the chart's own line. */
function boundsOf(threshold: Threshold | undefined): Bound[] {
  return (['warning', 'critical'] as const).flatMap((state) => {
    const range = threshold?.[state] ?? null;
    if (range === null) return [];
    return [range.min, range.max].filter((at): at is number => at !== null && at !== 0).map((at) => ({ at, state, range }));
  });
}

const STEPS = [1, 2, 2.5, 5, 10] as const;

/** The next number that is good to read: 1, 2, 2.5 or 5 times a power of ten, sizes in their binary unit. */
export function roundUp(value: number, unit: Unit): number {
  if (value <= 0) return 0;
  const base = unit === 'B' ? 1024 ** Math.floor(Math.log2(Math.max(1, value)) / 10) : 1;
  const scaled = value / base;
  const power = 10 ** Math.floor(Math.log10(scaled));
  const step = STEPS.find((one) => one * power >= scaled * (1 - 1e-9)) ?? 10;
  return Number((step * power).toPrecision(3)) * base;
}

function describeLast({ said, say, unit, values }: ChartSeries): string {
  const last = values.findLast((value) => value !== null);
  return last == null ? '' : say(formatMetric(last[said], unit));
}

/** `Time: p50 between 205 ms and 230 ms, p99 at most 1.84 s (2026-11-03)`. */
function describeSeries({ title, layers, unit, labels }: ChartSeries, { least, lowMost, most, mostAt }: Span): string {
  const words = (value: number) => formatMetric(value, unit);
  return `${title}: ${layers[0]} between ${words(least)} and ${words(lowMost)}, ${layers[2]} at most ${words(most)} (${labels[mostAt] ?? ''})`;
}

/** What breaks a threshold, as one says it: `above 2 s`, `below 14 days`, `outside 10 to 20`, `inside 10 to 20`. */
export function describeRange({ min, max, inverted }: Range, unit: Unit): string {
  const words = (value: number) => formatMetric(value, unit);
  if (min !== null && max !== null && (inverted || min !== 0))
    return `${inverted ? 'inside' : 'outside'} ${words(min)} to ${words(max)}`;
  if (max !== null) return `${inverted ? 'up to' : 'above'} ${words(max)}`;
  if (min !== null) return `${inverted ? 'from' : 'below'} ${words(min)}${inverted ? ' on' : ''}`;
  return inverted ? 'always' : 'never';
}

/** Both ranges of a metric: `warning above 2 s, critical above 5 s`. */
export function describeLimits({ warning, critical }: Threshold, unit: Unit): string {
  const words = [
    ...(warning === null ? [] : [`warning ${describeRange(warning, unit)}`]),
    ...(critical === null ? [] : [`critical ${describeRange(critical, unit)}`]),
  ];
  return words.join(', ');
}
