import { countResult, type DayCounters, toTallyIndex } from './availability.ts';
import type { Check, Configuration } from './configuration.ts';
import { Dependencies, type Known } from './dependency.ts';
import { type Judgement, judgeResult } from './judgement.ts';
import type { Result } from './observation.ts';
import { newStatus, type Status, toLatest } from './status.ts';
import type { Transition } from './transition.ts';

/** A check after this run's result. */
export interface Evaluated {
  check: Check;
  result: Result;
  status: Status;
  transition: Transition | null;
  /** A daily pattern was seen, whatever else happened. */
  recurring: Transition | null;
  heldBack: Judgement['heldBack'];
  reason: string;
  /** As it was before this run. */
  before: Status;
  /** Days that are over now: their counters are to be stored. */
  finished: DayCounters[];
}

/**
 * Judges the results of one run and counts them. Pure: configuration, earlier statuses, observations and now in; new statuses and transitions out.
 * Results come back with `withheld` decided: dependencies are known only after all results are in.
 */
export function evaluate(configuration: Configuration, statuses: Map<string, Status>, results: Result[], now: number): Evaluated[] {
  return countRun(judgeRun(configuration, statuses, results, now));
}

/** Counts what was judged for the figures of availability. `held`: the checks that a downtime holds now. */
export function countRun(evaluated: Evaluated[], held?: { has(check: string): boolean }): Evaluated[] {
  return evaluated.map((one) => countEvaluated(one, held?.has(one.check.id) === true));
}

/** Everything but availability, which no rule asks for: a replay has no need of it. */
export function judgeRun(configuration: Configuration, statuses: Map<string, Status>, results: Result[], now: number): Evaluated[] {
  const checks = checksById(configuration);
  let byCheck: Map<string, Result> | undefined;
  const resultOf = (id: string): Result | null => {
    byCheck ??= new Map(results.map((result) => [result.check, result]));
    return byCheck.get(id) ?? null;
  };
  const find = (id: string, own?: Result): Known | undefined => {
    const check = checks.get(id);
    if (check === undefined || !check.enabled) return undefined;
    return { check, status: statuses.get(id) ?? newStatus(id, now), result: own ?? resultOf(id) };
  };
  const dependencies = new Dependencies(find, now);
  const evaluated: Evaluated[] = [];
  for (const result of results) {
    const known = find(result.check, result);
    if (known === undefined) continue;
    const { check, status } = known;
    // What was not run is the last reason of all.
    const own = result.withheld === 'not-run' ? null : result.withheld;
    const withheld = own ?? withheldByProxy(check, result) ?? dependencies.judge(known).withheld ?? result.withheld;
    const before = withheld === 'grace' ? { ...status, graceAt: now } : status;
    evaluated.push(
      evaluateCheck(check, before, withheld === result.withheld ? result : { ...result, withheld }, configuration.timezone),
    );
  }
  return evaluated;
}

const indexes = new WeakMap<Configuration, Map<string, Check>>();

/** A configuration never changes: its index is made once. */
export function checksById(configuration: Configuration): Map<string, Check> {
  let index = indexes.get(configuration);
  if (index === undefined) {
    index = new Map(configuration.checks.map((check) => [check.id, check]));
    indexes.set(configuration, index);
  }
  return index;
}

/** A proxy's own faults are the proxy's, not the target's behind it; `proxy/NAME` itself is judged by them. */
function withheldByProxy(check: Check, result: Result): 'proxy' | null {
  return check.via !== null && result.code.startsWith('proxy.') ? 'proxy' : null;
}

function evaluateCheck(check: Check, status: Status, result: Result, timezone: string): Evaluated {
  const { streak, problem, trouble, transition, recurring, heldBack, reason } = judgeResult(check, status, result, timezone);
  // Field by field: a copy by spreading costs ten times as much, and a replay makes a hundred thousand.
  const next: Status = {
    check: status.check,
    firstSeenAt: status.firstSeenAt,
    everOk: status.everOk || (result.state === 'OK' && result.withheld === null),
    latest: toLatest(result),
    since: status.latest?.state === result.state ? status.since : result.at,
    lastScheduledAt: result.scheduled ? result.at : status.lastScheduledAt,
    heldClass: status.heldClass,
    streak,
    problem,
    graceAt: status.graceAt,
    hours: status.hours,
    today: status.today,
  };
  const okAt = result.state === 'OK' ? toOkTimes(status.okAt, result.at) : status.okAt;
  if (okAt !== undefined) next.okAt = okAt;
  const hiddenSince = result.withheld === 'unreachable' ? (status.unreachableSince ?? result.at) : status.unreachableSince;
  if (hiddenSince !== undefined && result.withheld !== null) next.unreachableSince = hiddenSince;
  if (trouble !== undefined) next.trouble = trouble;
  const memory = result.memory ?? status.memory;
  if (memory !== undefined) next.memory = memory;
  return { check, result, status: next, transition, recurring, heldBack, reason, finished: [], before: status };
}

function toOkTimes(before: number[] | undefined, at: number): number[] {
  return before === undefined ? [at] : [before.at(-1) ?? at, at];
}

function countEvaluated(one: Evaluated, isPlanned: boolean): Evaluated {
  const { before, result, check } = one;
  const { hours, today, finished } = countResult(before, result, check.every);
  const heldClass = result.scheduled ? toTallyIndex(result.state, result.withheld, isPlanned) : before.heldClass;
  return { ...one, status: { ...one.status, heldClass, hours, today }, finished };
}
