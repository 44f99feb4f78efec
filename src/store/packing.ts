import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { MOST_METRICS } from '../core/availability.ts';
import type { Metrics } from '../core/observation.ts';

/** One result as it is kept for years: codes and outputs only where something was wrong; numbers to three significant digits. */
export interface PackedResult {
  at: number;
  state: number;
  scheduled: boolean;
  withheld: string | null;
  metrics: Metrics;
  /** Code and output of a result that was not OK. */
  code: string;
  output: string;
}

/**
 * A day's results of one check as one blob, described for other readers in docs/history.md: a header line of JSON, a zero byte,
 * then columns of zigzag varints, all deflated (RFC 1951). Times are seconds as differences of differences; a metric's column is
 * scaled by a power of ten to three significant digits of its median and holds differences.
 */
export function packResults(results: PackedResult[]): Buffer {
  const texts = new Map<string, number>();
  const names = [...new Set(results.flatMap((result) => Object.keys(result.metrics)))].slice(0, MOST_METRICS).sort();
  const scales = names.map((name) =>
    scaleOf(results.map((result) => metricOf(result, name)).filter((value) => value !== undefined)),
  );
  const columns = [
    differences(differences(results.map((result) => Math.round(result.at / 1000)))),
    results.map((result) => result.state * 2 + (result.scheduled ? 1 : 0)),
    results.map((result) => textNumber(texts, result.state === 0 && result.withheld === null ? null : describe(result))),
    ...names.flatMap((name, i) => metricColumns(results, name, scales[i] ?? 0)),
  ];
  const header = {
    version: 1,
    results: results.length,
    metrics: names.map((name, i) => [name, scales[i]]),
    texts: [...texts.keys()],
  };
  const bytes = columns.flat().flatMap(toVarint);
  return deflateRawSync(Buffer.concat([Buffer.from(JSON.stringify(header)), Buffer.from([0]), Buffer.from(bytes)]), { level: 9 });
}

interface Header {
  results: number;
  metrics: [string, number][];
  texts: string[];
}

export function unpackResults(content: Buffer): PackedResult[] {
  const bytes = inflateRawSync(content);
  const end = bytes.indexOf(0);
  const header = JSON.parse(bytes.subarray(0, end).toString()) as Header;
  const numbers = fromVarints(bytes.subarray(end + 1));
  const column = (index: number) => numbers.slice(index * header.results, (index + 1) * header.results);
  const times = sums(sums(column(0)));
  const states = column(1);
  const texts = column(2);
  const metrics = header.metrics.map(([name, scale], i) => ({
    name,
    scale,
    present: column(3 + 2 * i),
    values: sums(column(4 + 2 * i)),
  }));
  return times.map((seconds, i) => {
    const state = states[i] ?? 0;
    const [withheld, code, output] = JSON.parse(header.texts[(texts[i] ?? 0) - 1] ?? '[null,"",""]') as [
      string | null,
      string,
      string,
    ];
    const present = metrics.filter((metric) => metric.present[i] === 1);
    const entries = present.map(({ name, scale, values }) => [
      name,
      scale === 0 ? (values[i] ?? 0) : Number(((values[i] ?? 0) / 10 ** scale).toPrecision(12)),
    ]);
    return {
      at: seconds * 1000,
      state: state >> 1,
      scheduled: (state & 1) === 1,
      withheld,
      metrics: Object.fromEntries(entries),
      code,
      output,
    };
  });
}

function describe({ withheld, code, output }: PackedResult): string {
  return JSON.stringify([withheld, code, output]);
}

/** 0 for none, else the text's place counted from 1. */
function textNumber(texts: Map<string, number>, text: string | null): number {
  if (text === null) return 0;
  const known = texts.get(text);
  if (known !== undefined) return known;
  texts.set(text, texts.size + 1);
  return texts.size;
}

/** Whether a result has the metric, then its scaled value; a missing one repeats the value before it, which costs nothing. */
function metricColumns(results: PackedResult[], name: string, scale: number): [number[], number[]] {
  let last = 0;
  const values = results.map((result) => {
    const value = metricOf(result, name);
    if (value !== undefined) last = Math.round(value * 10 ** scale);
    return last;
  });
  return [results.map((result) => (metricOf(result, name) === undefined ? 0 : 1)), differences(values)];
}

/** Own properties only: a metric may be called `constructor`. */
function metricOf({ metrics }: PackedResult, name: string): number | undefined {
  return Object.hasOwn(metrics, name) ? metrics[name] : undefined;
}

/** The power of ten that keeps three significant digits of the median; whole numbers stay whole. */
function scaleOf(values: number[]): number {
  if (values.every(Number.isInteger)) return 0;
  const sorted = values.map(Math.abs).sort((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)] ?? 0;
  return median === 0 ? 3 : Math.max(0, Math.min(12, 2 - Math.floor(Math.log10(median))));
}

function differences(values: number[]): number[] {
  return values.map((value, i) => value - (i === 0 ? 0 : (values[i - 1] ?? 0)));
}

function sums(values: number[]): number[] {
  let sum = 0;
  return values.map((value) => {
    sum += value;
    return sum;
  });
}

/** Zigzag, then seven bits a byte, lowest first. Arithmetic instead of shifts: sizes in bytes exceed 32 bits. */
function toVarint(value: number): number[] {
  let rest = value < 0 ? -value * 2 - 1 : value * 2;
  const bytes: number[] = [];
  while (rest >= 128) {
    bytes.push((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  return [...bytes, rest];
}

function fromVarints(bytes: Uint8Array): number[] {
  const values: number[] = [];
  let value = 0;
  let unit = 1;
  for (const byte of bytes) {
    value += (byte & 127) * unit;
    unit *= 128;
    if (byte >= 128) continue;
    values.push(value % 2 === 0 ? value / 2 : -(value + 1) / 2);
    value = 0;
    unit = 1;
  }
  return values;
}
