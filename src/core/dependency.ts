import type { Check } from './configuration.ts';
import type { Result } from './observation.ts';
import type { Status } from './status.ts';

const GRACE_PAUSE_MS = 3_600_000;

/** What is known of a check in this run: its new result, or else its latest one. */
export interface Known {
  check: Check;
  status: Status;
  /** null when the check was not due. */
  result: Result | null;
}

export interface DependencyVerdict {
  withheld: 'unreachable' | 'grace' | null;
  parentFailure: Status['parentFailure'];
  graceAt: number | null;
  /** The parent that explains it, for the reason. */
  parent: string | null;
}

/**
 * Decides, after all results of the run are in, which failures a parent explains (alerting.md section 4).
 * `known` holds every configured check; checks without parents are not in the answer.
 */
export function judgeDependencies(known: Map<string, Known>, now: number): Map<string, DependencyVerdict> {
  const verdicts = new Map<string, DependencyVerdict>();
  const visit = (id: string): DependencyVerdict | null => {
    const done = verdicts.get(id);
    if (done !== undefined) return done;
    const child = known.get(id);
    if (child === undefined || child.check.parents.length === 0) return null;
    // Parents first: a parent that is itself unreachable has failed. Cycles are configuration errors.
    const failed = child.check.parents.find((parent) => hasFailed(known.get(parent), visit(parent)));
    const verdict = judgeChild(child, failed ?? null, now);
    verdicts.set(id, verdict);
    return verdict;
  };
  for (const id of known.keys()) visit(id);
  return verdicts;
}

/** A parent has failed when its latest observed state is CRITICAL (soft counts) or it is itself unreachable. */
function hasFailed(parent: Known | undefined, verdict: DependencyVerdict | null): boolean {
  if (parent === undefined) return false;
  if (verdict?.withheld === 'unreachable') return true;
  return (parent.result ?? parent.status.latest)?.state === 'CRITICAL';
}

function judgeChild({ status, result }: Known, failedParent: string | null, now: number): DependencyVerdict {
  const isFailing = result !== null && result.state !== 'OK';
  const isOk = result?.state === 'OK';
  if (failedParent !== null) {
    const before = status.parentFailure ?? { since: now, okRuns: 0, explained: false };
    const parentFailure = { ...before, okRuns: before.okRuns + (isOk ? 1 : 0) };
    // A parent that fails while its child works, twice, does not explain the child's failures: filtered ping must not blind anything.
    const explains = isFailing && parentFailure.okRuns < 2;
    return {
      withheld: explains ? 'unreachable' : null,
      parentFailure: { ...parentFailure, explained: parentFailure.explained || explains },
      graceAt: status.graceAt,
      parent: failedParent,
    };
  }
  // The first run in which the parent no longer fails is grace for what it would have explained, at most once an hour.
  const before = status.parentFailure;
  const mayHaveGrace = status.graceAt === null || now - status.graceAt >= GRACE_PAUSE_MS;
  const isGrace = isFailing && before !== null && before.okRuns < 2 && mayHaveGrace;
  return { withheld: isGrace ? 'grace' : null, parentFailure: null, graceAt: isGrace ? now : status.graceAt, parent: null };
}
