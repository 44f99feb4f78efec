import { countResult, type DayCounters, toTallyIndex } from './availability.ts';
import type { Check, Configuration } from './configuration.ts';
import { judgeDependencies, type Known } from './dependency.ts';
import type { Result } from './observation.ts';
import { newStatus, type Status, toLatest } from './status.ts';
import { judge, type Transition } from './transition.ts';

/** A check after this run's result. */
export interface Evaluated {
  check: Check;
  result: Result;
  status: Status;
  transition: Transition | null;
  reason: string;
  /** Days that are over now: their counters are to be stored. */
  finished: DayCounters[];
}

/**
 * Judges the results of one run. Pure: configuration, earlier statuses, observations and now in; new statuses and transitions out.
 * Results come back with `withheld` decided: dependencies are known only after all results are in.
 */
export function evaluate(configuration: Configuration, statuses: Map<string, Status>, results: Result[], now: number): Evaluated[] {
  const byCheck = new Map(results.map((result) => [result.check, result]));
  const known = new Map<string, Known>();
  for (const check of configuration.checks) {
    if (!check.enabled) continue;
    const status = statuses.get(check.id) ?? newStatus(check.id, now);
    known.set(check.id, { check, status, result: byCheck.get(check.id) ?? null });
  }
  const verdicts = judgeDependencies(known, now);
  const evaluated: Evaluated[] = [];
  for (const [id, { check, status, result }] of known) {
    if (result === null) continue;
    const verdict = verdicts.get(id);
    const withheld = result.withheld ?? withheldByProxy(check, result) ?? verdict?.withheld ?? null;
    const judgedResult = { ...result, withheld };
    const before = verdict === undefined ? status : { ...status, parentFailure: verdict.parentFailure, graceAt: verdict.graceAt };
    evaluated.push(evaluateCheck(check, before, judgedResult));
  }
  return evaluated;
}

/** A proxy's own faults are the proxy's, not the target's behind it; `proxy/NAME` itself is judged by them. */
function withheldByProxy(check: Check, result: Result): 'proxy' | null {
  return check.via !== null && result.code.startsWith('proxy.') ? 'proxy' : null;
}

function evaluateCheck(check: Check, status: Status, result: Result): Evaluated {
  const { streak, problem, transition, reason } = judge(status, result, check);
  const { hours, today, finished } = countResult(status, result, check.every);
  const next: Status = {
    ...status,
    everOk: status.everOk || (result.state === 'OK' && result.withheld === null),
    latest: toLatest(result),
    since: status.latest?.state === result.state ? status.since : result.at,
    lastScheduledAt: result.scheduled ? result.at : status.lastScheduledAt,
    heldClass: result.scheduled ? toTallyIndex(result.state, result.withheld) : status.heldClass,
    streak,
    problem,
    hours,
    today,
  };
  if (result.memory !== undefined) next.memory = result.memory;
  return { check, result, status: next, transition, reason, finished };
}
