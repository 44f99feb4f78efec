import type { Check, Configuration } from './configuration.ts';
import type { ReplayRun } from './replay.ts';
import { LineReader, type PastResult, toTime, toTimelineError } from './timeline-line.ts';

/**
 * A timeline (alerting.md section 13): one JSON object a line, those with the same `at` are one run. Runs come in the order of time, one
 * at a time where the lines are in that order already: a year of one check is 100,000 of them. Throws TimelineError, maybe late.
 */
export function* readTimeline(text: string, configuration: Configuration): Generator<ReplayRun> {
  if (isInOrder(text)) {
    yield* readRuns(text, configuration);
    return;
  }
  const runs = new Map<number, ReplayRun>();
  for (const run of readRuns(text, configuration, runs)) runs.set(run.at, run);
  yield* [...runs.values()].sort((a, b) => a.at - b.at);
}

const START = '{"at":"';

/** In UTC and of one length, as programs write them, texts have the order of their times. */
function isInOrder(text: string): boolean {
  const length = text.indexOf('"', START.length) - START.length;
  let last = '';
  for (let start = 0; start < text.length; ) {
    const time = text.slice(start + START.length, start + START.length + length);
    if (!text.startsWith(START, start) || !time.endsWith('Z') || time < last) return false;
    last = time;
    const end = text.indexOf('\n', start);
    start = end === -1 ? text.length : end + 1;
  }
  return true;
}

/** A run for each change of `at`; one that `known` has already is gone on with. */
function* readRuns(text: string, configuration: Configuration, known?: ReadonlyMap<number, ReplayRun>): Generator<ReplayRun> {
  const reader = new EntryReader(configuration);
  let number = 0;
  let run: ReplayRun | undefined;
  let ids: Set<string> | null = null;
  for (let start = 0; start < text.length; ) {
    const end = text.indexOf('\n', start);
    const line = end === -1 ? text.slice(start) : text.slice(start, end);
    start = end === -1 ? text.length : end + 1;
    number += 1;
    if (line.trim() === '') continue;
    const { at, entry } = reader.read(line, number);
    if (run?.at !== at) {
      if (run !== undefined) yield run;
      run = known?.get(at) ?? { at, results: [], sentinels: [], acts: [] };
      ids = null;
    }
    if (entry instanceof LineReader) {
      entry.readEvent(run);
      continue;
    }
    // The runs of one check's year have one result each: they need no set.
    if (run.results.length > 0) {
      ids ??= new Set(run.results.map(({ check }) => check));
      if (ids.has(entry.check)) throw toTimelineError(number, 'two results of one check in a run', 'one', entry.check);
      ids.add(entry.check);
    }
    run.results.push(entry);
  }
  if (run !== undefined) yield run;
}

/** Most lines say what the one before said, at another time: they are not parsed again. */
class EntryReader {
  private readonly checks: ReadonlyMap<string, Check>;
  private readonly configuration: Configuration;
  private rest = '';
  private last: PastResult | null = null;

  constructor(configuration: Configuration) {
    this.configuration = configuration;
    this.checks = new Map(configuration.checks.map((check) => [check.id, check]));
  }

  /** A result, or the reader of an event. Throws TimelineError. */
  read(line: string, number: number): { at: number; entry: PastResult | LineReader } {
    const end = line.startsWith(START) ? line.indexOf('"', START.length) : -1;
    const rest = line.slice(end);
    if (end !== -1 && this.last !== null && rest === this.rest) {
      const at = toTime(line.slice(START.length, end));
      if (!Number.isNaN(at)) return { at, entry: repeat(this.last, at) };
    }
    const reader = new LineReader(line, number, this.configuration);
    if (reader.has('event')) return { at: reader.at, entry: reader };
    const result = reader.readResult(this.checks);
    // A second `at` would be the one that counts.
    this.last = end === -1 || rest.includes('"at"') ? null : result;
    this.rest = rest;
    return { at: reader.at, entry: result };
  }
}

/** Field by field: a copy by spreading costs ten times as much. */
function repeat({ check, state, code, output, metrics, parts, scheduled, duration }: PastResult, at: number): PastResult {
  return { check, at, run: 0, state, code, output, metrics, parts, scheduled, withheld: null, duration };
}
