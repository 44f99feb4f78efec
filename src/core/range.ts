import type { Check, Threshold } from './configuration.ts';
import type { Unit } from './observation.ts';
import type { State } from './state.ts';
import { formatDuration, formatShare, formatSize, parseDuration, parseShare, parseSize, UnitError } from './unit.ts';

/**
 * A range of the monitoring plug-in guidelines: a value outside of it (inside, when `inverted`) breaks the threshold.
 * `10` is 0..10, `10:` is 10..inf, `~:10` is -inf..10, `10:20`, and `@10:20` alerts inside. `null` is infinity, so that a range is JSON.
 * https://www.monitoring-plugins.org/doc/guidelines.html, "Threshold and Ranges"
 */
export interface Range {
  min: number | null;
  max: number | null;
  inverted: boolean;
}

const DAY = 86_400;
const EXPECTED = 'a range such as 10, "10:", "~:10", 10:20 or "@10:20"';

/** A range as a person writes it, in the unit of its metric: `2s`, `"14:"`, `"14d:"`, `80%`, `500MiB:2GiB`. Throws UnitError. */
export function parseRange(written: string | number, unit: Unit = ''): Range {
  const text = String(written);
  const inverted = text.startsWith('@');
  const bounds = (inverted ? text.slice(1) : text).split(':');
  const [first = '', second] = bounds;
  if (bounds.length > 2 || first === '') throw new UnitError('not a range', EXPECTED);
  if (second === undefined) return toRange(0, parseBound(first, unit), inverted);
  const min = first === '~' ? null : parseBound(first, unit);
  return toRange(min, second === '' ? null : parseBound(second, unit), inverted);
}

/** The other way to write one: `{ min: 14d }`, `{ max: 80% }` or both. Throws UnitError. */
export function parseBounds(written: { min?: string | number; max?: string | number }, unit: Unit = ''): Range {
  const bound = (value: string | number | undefined) => (value === undefined ? null : parseBound(String(value), unit));
  return toRange(bound(written.min), bound(written.max), false);
}

function toRange(min: number | null, max: number | null, inverted: boolean): Range {
  if (min !== null && max !== null && min > max) {
    throw new UnitError('a range that holds nothing', 'its lower end at most its upper end');
  }
  return { min, max, inverted };
}

function parseBound(text: string, unit: Unit): number {
  // Nobody means a zero below zero.
  if (/^-?\d{1,15}(\.\d{1,9})?$/.test(text)) return Number(text) || 0;
  try {
    if (unit === 's') return parseDuration(text);
    if (unit === 'd') return parseDuration(text) / DAY;
    if (unit === 'B') return parseSize(text);
    if (unit === '%') return parseShare(text);
  } catch (error) {
    if (error instanceof UnitError) throw new UnitError('not a range', `${EXPECTED}; its ends numbers or ${error.expected}`);
    throw error;
  }
  throw new UnitError('not a range', `${EXPECTED}; its ends plain numbers`);
}

/** The range as a person writes it, with units: the inverse of `parseRange`. */
export function formatRange(range: Range, unit: Unit = ''): string {
  const { min, max } = range;
  const prefix = range.inverted ? '@' : '';
  if (min === 0 && max !== null) return `${prefix}${formatBound(max, unit)}`;
  return `${prefix}${min === null ? '~' : formatBound(min, unit)}:${max === null ? '' : formatBound(max, unit)}`;
}

function formatBound(value: number, unit: Unit): string {
  if (value < 0) return String(value);
  if (unit === 's') return formatDuration(value);
  if (unit === 'd') return `${value}d`;
  if (unit === 'B') return formatSize(value);
  return unit === '%' ? formatShare(value) : String(value);
}

/** One end of a range as one says it, exactly: `36 h`, `1 day`, `85 %`, `500 MiB`. */
export function sayBound(value: number, unit: Unit): string {
  const [, number = '', of = ''] = /^([\d.]+)([A-Za-z%]+)$/.exec(formatBound(value, unit)) ?? [];
  if (of === '') return String(value);
  if (of === 'd') return `${number} ${number === '1' ? 'day' : 'days'}`;
  return `${number} ${of === 'm' ? 'min' : of}`;
}

/** Whether the value breaks a threshold that has this range. */
export function breaksRange(value: number, range: Range): boolean {
  const isInside = (range.min === null || value >= range.min) && (range.max === null || value <= range.max);
  return isInside === range.inverted;
}

/** A peer may name a metric, and call it `constructor`. */
export function thresholdOf({ thresholds }: Pick<Check, 'thresholds'>, metric: string): Threshold | undefined {
  return Object.hasOwn(thresholds, metric) ? thresholds[metric] : undefined;
}

/** CRITICAL before WARNING, as the guidelines have it. */
export function evaluateThreshold(value: number, threshold: Threshold): State {
  if (threshold.critical && breaksRange(value, threshold.critical)) return 'CRITICAL';
  return threshold.warning && breaksRange(value, threshold.warning) ? 'WARNING' : 'OK';
}
