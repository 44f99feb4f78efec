import { TargetFailure } from '../core/failure.ts';
import { cleanText } from '../core/text.ts';

/** One line of an exporter's text. */
export interface Sample {
  name: string;
  labels: Map<string, string>;
  /** May be NaN or infinite: the format allows it. */
  value: number;
}

const MAX_LABELS = 64;
const MAX_VALUE = 4096;
const NUMBER = /^[+-]?(?:\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?|0[xX][0-9a-fA-F.]+(?:[pP][+-]?\d+)?)$/;
const SPECIAL: Record<string, number> = { nan: Number.NaN, inf: Infinity, '+inf': Infinity, '-inf': -Infinity, infinity: Infinity };

/**
 * The samples of an exporter's answer that `wanted` names: Prometheus text 0.0.4, or OpenMetrics 1.0 by the answer's content type
 * (which then must end with `# EOF`). Throws TargetFailure `exposition.syntax`, `.truncated`, `.duplicate`, `.encoding`: a text that
 * is wrong in one place is believed in none.
 * https://prometheus.io/docs/instrumenting/exposition_formats/ and https://prometheus.io/docs/specs/om/open_metrics_spec/
 */
export function parseExposition(body: Uint8Array, contentType: string, wanted: (name: string) => boolean): Sample[] {
  const isOpenMetrics = /^\s*application\/openmetrics-text\b/i.test(contentType);
  const text = decode(body);
  if (isOpenMetrics && !/(^|\n)# EOF\n?$/.test(text)) {
    throw new TargetFailure('exposition.truncated', 'OpenMetrics without # EOF: the answer is not complete');
  }
  if (!isOpenMetrics && text !== '' && !text.endsWith('\n')) {
    throw new TargetFailure('exposition.truncated', 'the last line has no end: the answer is not complete');
  }
  const samples: Sample[] = [];
  const seen = new Set<string>();
  let number = 0;
  for (let from = 0; from < text.length; ) {
    const end = text.indexOf('\n', from);
    const line = text.slice(from, end < 0 ? text.length : end);
    from = end < 0 ? text.length : end + 1;
    number += 1;
    if (line === '' || line.startsWith('#') || /^[ \t]*$/.test(line)) continue;
    const sample = new LineParser(line, number).parse();
    if (!wanted(sample.name)) continue;
    const key = toKey(sample);
    if (seen.has(key))
      throw new TargetFailure('exposition.duplicate', `line ${number}: ${cleanText(sample.name, 60)} stands there twice`);
    seen.add(key);
    samples.push(sample);
  }
  return samples;
}

function decode(body: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch (error) {
    throw new TargetFailure('exposition.encoding', 'the answer is not UTF-8', { cause: error });
  }
}

function toKey({ name, labels }: Sample): string {
  const pairs = [...labels].sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([name, pairs]);
}

/** `name{label="value",...} value [timestamp] [# exemplar]`, from left to right, without going back. */
class LineParser {
  private at = 0;
  private readonly line: string;
  private readonly number: number;

  constructor(line: string, number: number) {
    this.line = line;
    this.number = number;
  }

  parse(): Sample {
    this.skipSpace();
    const labels = new Map<string, string>();
    let name = this.take(/[a-zA-Z_:][a-zA-Z0-9_:]*/y);
    this.skipSpace();
    if (this.line[this.at] === '{') {
      const quoted = this.parseLabels(labels);
      if (name === '') name = quoted;
    }
    if (name === '') throw this.refuse('a metric name');
    this.skipSpace();
    const value = toValue(this.take(/[^ \t#]+/y));
    if (value === null) throw this.refuse('a number');
    this.skipSpace();
    // A time stamp and an exemplar say nothing about the value.
    const rest = this.line.slice(this.at);
    if (rest !== '' && !/^(?:[+-]?[\d.]+(?:[eE][+-]?\d+)?\s*)?(?:#.*)?$/.test(rest)) throw this.refuse('the end of the line');
    return { name, labels, value };
  }

  /** Returns the name that newer exporters write as a quoted string inside of the braces, or nothing. */
  private parseLabels(labels: Map<string, string>): string {
    let quotedName = '';
    this.at += 1;
    for (;;) {
      this.skipSpace();
      if (this.line[this.at] === '}') break;
      const isQuoted = this.line[this.at] === '"';
      const label = isQuoted ? this.parseQuoted() : this.take(/[a-zA-Z_][a-zA-Z0-9_]*/y);
      if (label === '') throw this.refuse('a label');
      this.skipSpace();
      if (this.line[this.at] === '=') {
        this.at += 1;
        this.skipSpace();
        if (labels.has(label)) throw this.refuse(`one label ${label}`);
        labels.set(label, this.parseQuoted());
      } else if (isQuoted && quotedName === '') quotedName = label;
      else throw this.refuse('=');
      if (labels.size > MAX_LABELS) throw this.refuse(`at most ${MAX_LABELS} labels`);
      this.skipSpace();
      if (this.line[this.at] === ',') this.at += 1;
      else if (this.line[this.at] !== '}') throw this.refuse(', or }');
    }
    this.at += 1;
    return quotedName;
  }

  private parseQuoted(): string {
    if (this.line[this.at] !== '"') throw this.refuse('a quoted value');
    let value = '';
    for (this.at += 1; this.line[this.at] !== '"'; this.at += 1) {
      const letter = this.line[this.at];
      if (letter === undefined || value.length > MAX_VALUE) throw this.refuse('the end of a quoted value');
      if (letter !== '\\') {
        value += letter;
        continue;
      }
      this.at += 1;
      const escaped = this.line[this.at];
      value += escaped === 'n' ? '\n' : (escaped ?? '');
    }
    this.at += 1;
    return value;
  }

  private take(pattern: RegExp): string {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.line)?.[0] ?? '';
    this.at += found.length;
    return found;
  }

  private skipSpace(): void {
    while (this.line[this.at] === ' ' || this.line[this.at] === '\t') this.at += 1;
  }

  private refuse(expected: string): TargetFailure {
    const found = cleanText(this.line.slice(this.at), 20) || 'the end';
    return new TargetFailure('exposition.syntax', `line ${this.number} of the metrics: expected ${expected}, found ${found}`);
  }
}

/** As Go's ParseFloat reads it, hexadecimal floats included; null for what is no number. */
function toValue(text: string): number | null {
  const special = SPECIAL[text.toLowerCase()];
  if (special !== undefined) return special;
  if (!NUMBER.test(text)) return null;
  if (/^[+-]?0[xX]/.test(text)) return toHexadecimal(text);
  return Number(text);
}

function toHexadecimal(text: string): number | null {
  const [, sign, whole = '', fraction = '', exponent = '0'] =
    /^([+-]?)0[xX]([0-9a-fA-F]*)\.?([0-9a-fA-F]*)(?:[pP]([+-]?\d+))?$/.exec(text) ?? [];
  if (whole + fraction === '' || (whole + fraction).length > 32) return null;
  const mantissa = Number.parseInt(whole + fraction, 16) / 16 ** fraction.length;
  return (sign === '-' ? -1 : 1) * mantissa * 2 ** Number(exponent);
}
