import type { Check, Configuration } from './configuration.ts';
import type { Result } from './observation.ts';
import type { Act, ReplayRun } from './replay.ts';
import { isSelected } from './selection.ts';
import { STATES, type State } from './state.ts';
import { cleanText } from './text.ts';
import { parseDuration, UnitError } from './unit.ts';

/** A line of a timeline that cannot be replayed: what is wrong, what was expected, what was found. */
export class TimelineError extends Error {
  readonly line: number;
  constructor(line: number, message: string) {
    super(message);
    this.line = line;
  }
}

const DAY_S = 86_400;

export type PastResult = ReplayRun['results'][number];

/** NaN unless it is ISO 8601 with its zone: a time without one would be another on another machine. */
export function toTime(text: string): number {
  return /(Z|[+-]\d\d:?\d\d)$/.test(text) ? Date.parse(text) : Number.NaN;
}

export function toTimelineError(line: number, problem: string, expected: string, found: unknown): TimelineError {
  return new TimelineError(line, `${problem}, expected ${expected}, found ${cleanText(JSON.stringify(found) ?? 'nothing', 120)}`);
}

/** The fields of one line, each checked as it is read. */
export class LineReader {
  readonly at: number;
  private readonly values: Record<string, unknown>;
  private readonly number: number;
  private readonly configuration: Configuration;

  constructor(line: string, number: number, configuration: Configuration) {
    this.number = number;
    this.configuration = configuration;
    this.values = this.parse(line);
    this.at = this.readTime('at');
  }

  has(key: string): boolean {
    return this.values[key] !== undefined;
  }

  readResult(checks: ReadonlyMap<string, Check>): PastResult {
    const { at } = this;
    const check = this.readText('check');
    if (!checks.has(check)) throw this.fail('unknown check', 'the id of a configured one', check);
    const state = this.readText('state') as State;
    if (!STATES.includes(state)) throw this.fail('no state', STATES.join(', '), state);
    const { output = '', code = '', metrics = {}, parts = [], scheduled = true, duration = 0 } = this.values as Partial<Result>;
    if (typeof output !== 'string' || typeof code !== 'string') throw this.fail('output or code is no text', 'text', output);
    if (typeof scheduled !== 'boolean') throw this.fail('scheduled is neither', 'true or false', scheduled);
    return {
      check,
      at,
      run: 0,
      state,
      code: cleanText(code, 80),
      output: cleanText(output, 200),
      metrics,
      parts: Array.isArray(parts) ? parts : [],
      scheduled,
      withheld: null,
      duration,
    };
  }

  readEvent(run: ReplayRun): void {
    const event = this.readText('event');
    if (event === 'sentinels') run.sentinels.push(this.readSentinels());
    else if (event === 'ack' || event === 'unack' || event === 'downtime') run.acts.push(this.readAct(event));
    else throw this.fail('unknown event', 'ack, unack, downtime or sentinels', event);
  }

  private readSentinels(): ReplayRun['sentinels'][number] {
    const group = this.readText('group');
    const groups = ['direct', ...Object.keys(this.configuration.proxies)];
    if (!groups.includes(group)) throw this.fail('unknown network group', groups.join(', '), group);
    return { group, failed: this.readCount('failed'), of: this.readCount('of') };
  }

  private readAct(kind: 'ack' | 'unack' | 'downtime'): Act {
    const { at } = this;
    const pattern = this.readPattern();
    const note = this.has('note') ? cleanText(this.readText('note'), 200) : '';
    if (kind === 'unack') return { kind, pattern };
    if (kind === 'ack') return { kind, pattern, until: this.has('until') ? this.readMoment('until') : at + 30 * 3_600_000, note };
    const from = this.has('from') ? this.readMoment('from') : at;
    const duration = this.has('for') ? this.readDuration('for') : (this.readMoment('until') - from) / 1000;
    if (duration <= 0) throw this.fail('a downtime that ends before it begins', 'for or until after from', duration);
    const weekly = this.values['repeat'] === 'weekly';
    return {
      kind,
      target: pattern,
      from,
      duration,
      weekly,
      flexible: this.has('flexible') ? this.readDuration('flexible') : null,
      note,
    };
  }

  /** `check`, `target` or `pattern`: what a person writes after `vigie ack` and `vigie downtime add`. */
  private readPattern(): string {
    const key = ['check', 'target', 'pattern', 'host', 'service'].find((name) => this.has(name)) ?? 'check';
    const pattern = this.readText(key);
    if (!this.configuration.checks.some((check) => isSelected(pattern, check)))
      throw this.fail('unknown check', 'one that is configured', pattern);
    return pattern;
  }

  private parse(line: string): Record<string, unknown> {
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      throw this.fail('no JSON', 'one object a line', cleanText(line, 60));
    }
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw this.fail('no object', 'one a line', value);
    return value as Record<string, unknown>;
  }

  private readText(key: string): string {
    const value = this.values[key];
    if (typeof value !== 'string' || value === '') throw this.fail(`no ${key}`, 'text', value ?? null);
    return value;
  }

  private readCount(key: string): number {
    const value = this.values[key];
    if (typeof value !== 'number' || !Number.isInteger(value) || value < 0) throw this.fail(`no ${key}`, 'a number', value ?? null);
    return value;
  }

  private readTime(key: string): number {
    const text = this.readText(key);
    const time = toTime(text);
    if (Number.isNaN(time)) throw this.fail(`${key} is no time`, 'ISO 8601 with its zone, as 2026-01-01T00:00:00Z', text);
    return time;
  }

  /** A time, or a duration from `at` on. */
  private readMoment(key: string): number {
    const text = this.readText(key);
    return /^[\d.]+(ms|s|m|h|d|w)$/.test(text) ? this.at + this.readDuration(key) * 1000 : this.readTime(key);
  }

  private readDuration(key: string): number {
    const value = this.values[key];
    if (typeof value === 'number' && value > 0 && value < 3650 * DAY_S) return value;
    try {
      return parseDuration(this.readText(key));
    } catch (error) {
      if (!(error instanceof UnitError)) throw error;
      throw this.fail(`${key}: ${error.problem}`, error.expected, value);
    }
  }

  fail(problem: string, expected: string, found: unknown): TimelineError {
    return toTimelineError(this.number, problem, expected, found);
  }
}
