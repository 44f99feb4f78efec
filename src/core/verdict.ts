import { MOST_METRICS } from './availability.ts';
import type { Check } from './configuration.ts';
import type { Metrics, Observation, Part, Result, Unit } from './observation.ts';
import { evaluateThreshold, type Range, sayBound } from './range.ts';
import { isWorse, type State, worst } from './state.ts';
import { cleanText } from './text.ts';

const MAX_PARTS = 100;
const MAX_OUTPUT = 200;

/** What the check's type declares of its metrics: a threshold is said in the unit of its metric. */
export type MetricUnits = Readonly<Record<string, { unit: Unit }>>;

/** Where and when a result came from. */
export interface ResultOrigin {
  at: number;
  run: number;
  scheduled: boolean;
  /** Seconds. */
  duration: number;
}

/**
 * Turns what a check saw into a result: the observation's kind gives a state, thresholds can make it worse, and the worst part
 * counts. Numbers that are not finite, or more than a hundred, are dropped; text is cleaned once more, whatever the check did.
 */
export function toResult(check: Check, observation: Observation, origin: ResultOrigin, units: MetricUnits = {}): Result {
  const metrics = finiteMetrics(observation.metrics ?? {});
  const parts = (observation.parts ?? []).slice(0, MAX_PARTS).map((part) => cleanPart(check, part, units));
  const breached = observation.kind === 'measured' ? judgeMetrics(check, metrics, units) : null;
  const own = breached?.state ?? observedState(observation);
  const state = worst([own, ...parts.map((part) => part.state)]);
  const output = cleanText(breached === null ? observation.output : `${observation.output}, ${breached.wanted}`, MAX_OUTPUT);
  const result: Result = {
    check: check.id,
    at: origin.at,
    run: origin.run,
    state,
    code: codeOf(observation, breached),
    output,
    metrics,
    parts,
    scheduled: origin.scheduled,
    withheld: null,
    duration: Math.round(origin.duration * 1e6) / 1e6,
  };
  if (observation.report !== undefined) result.report = observation.report;
  return observation.memory === undefined ? result : { ...result, memory: boundedMemory(observation.memory) };
}

function observedState(observation: Observation): State {
  switch (observation.kind) {
    case 'measured':
      return 'OK';
    case 'failed':
      return 'CRITICAL';
    case 'judged':
      return observation.state;
    case 'unknown':
      return 'UNKNOWN';
  }
}

function codeOf(observation: Observation, breached: Breach | null): string {
  if ('code' in observation && observation.code !== undefined) return observation.code;
  return breached === null ? '' : `threshold.${breached.metric}`;
}

interface Breach {
  state: State;
  metric: string;
  /** `warning below 14 days (days left)` in the words of the range. */
  wanted: string;
}

/** The worst breach; of equals the first in the configuration's order. */
function judgeMetrics(check: Check, metrics: Metrics, units: MetricUnits): Breach | null {
  let found: Breach | null = null;
  for (const [metric, threshold] of Object.entries(check.thresholds)) {
    const value = metrics[metric];
    if (value === undefined) continue;
    const state = evaluateThreshold(value, threshold);
    if (state === 'OK' || (found !== null && !isWorse(state, found.state))) continue;
    const range = state === 'CRITICAL' ? threshold.critical : threshold.warning;
    const words = range === null ? '' : describeBreach(value, range, { metric, unit: units[metric]?.unit ?? '' });
    found = { state, metric, wanted: `${state.toLowerCase()} ${words}` };
  }
  return found;
}

function describeBreach(value: number, { min, max, inverted }: Range, { metric, unit }: { metric: string; unit: Unit }): string {
  const name = metric.replaceAll('_', ' ');
  const say = (bound: number | null, none: string) => (bound === null ? none : sayBound(bound, unit));
  if (inverted) return `when ${name} is from ${say(min, 'minus infinity')} to ${say(max, 'infinity')}`;
  return min !== null && value < min ? `below ${say(min, '')} (${name})` : `above ${say(max, '')} (${name})`;
}

function finiteMetrics(metrics: Metrics): Metrics {
  const finite = Object.entries(metrics).filter(([, value]) => Number.isFinite(value));
  return Object.fromEntries(finite.slice(0, MOST_METRICS));
}

function cleanPart(check: Check, { name, state, output, metrics }: Part, units: MetricUnits): Part {
  const breached = metrics === undefined ? null : judgeMetrics(check, finiteMetrics(metrics), units);
  return { name: cleanText(name, 80), state: worst([state, breached?.state ?? 'OK']), output: cleanText(output, MAX_OUTPUT) };
}

/** A check's memory is at most 4 KiB of JSON; a larger one is forgotten rather than stored. */
function boundedMemory(memory: unknown): unknown {
  const text = JSON.stringify(memory) ?? '';
  return text.length <= 4096 ? memory : undefined;
}
