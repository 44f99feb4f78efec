import type { Check } from './configuration.ts';
import type { Result } from './observation.ts';
import type { Status } from './status.ts';

const GRACE_PAUSE_MS = 3_600_000;

/** What is known of a check in this run: its new result, or else its latest one. */
export interface Known {
  check: Check;
  /** Before this run. */
  status: Status;
  /** null when the check was not due. */
  result: Result | null;
}

export interface DependencyVerdict {
  withheld: 'unreachable' | 'grace' | null;
  /** The parent that explains it, or would have. */
  parent: string | null;
}

const NOT_EXPLAINED: DependencyVerdict = { withheld: null, parent: null };

/**
 * Decides, after all results of the run are in, which failures a parent explains (alerting.md section 4). Asked only for checks that
 * fail: their parents, and the parents of these, are looked at once a run.
 */
export class Dependencies {
  private readonly find: (id: string) => Known | undefined;
  private readonly now: number;
  private readonly verdicts = new Map<string, DependencyVerdict>();

  constructor(find: (id: string) => Known | undefined, now: number) {
    this.find = find;
    this.now = now;
  }

  /** Parents first: a parent that is itself unreachable has failed. Cycles are configuration errors. */
  judge(known: Known): DependencyVerdict {
    const done = this.verdicts.get(known.check.id);
    if (done !== undefined) return done;
    const verdict = this.explain(known);
    this.verdicts.set(known.check.id, verdict);
    return verdict;
  }

  private explain({ check, status, result }: Known): DependencyVerdict {
    const state = (result ?? status.latest)?.state ?? 'OK';
    if (state === 'OK' || check.parents.length === 0) return NOT_EXPLAINED;
    const parents = check.parents.flatMap((id) => this.find(id) ?? []);
    for (const parent of parents) {
      const since = this.failedSince(parent);
      if (since !== null && !hasWorkedTwice(status, since)) return { withheld: 'unreachable', parent: parent.check.id };
    }
    if (status.graceAt !== null && this.now - status.graceAt < GRACE_PAUSE_MS) return NOT_EXPLAINED;
    // The first run in which the parent no longer fails is grace for what it would have explained.
    const back = parents.find((parent) => {
      const since = failedSinceBefore(parent);
      return since !== null && this.failedSince(parent) === null && !hasWorkedTwice(status, since);
    });
    return back === undefined ? NOT_EXPLAINED : { withheld: 'grace', parent: back.check.id };
  }

  /** A parent has failed when its latest observed state is CRITICAL (soft counts) or it is itself unreachable; since when, or null. */
  private failedSince(parent: Known): number | null {
    const { status, result } = parent;
    const state = (result ?? status.latest)?.state ?? 'OK';
    if (state !== 'CRITICAL' && this.judge(parent).withheld !== 'unreachable') return null;
    if (result === null || status.latest?.state === state) return status.since;
    return result.at;
  }
}

/** As the parent stood before this run. */
function failedSinceBefore({ status }: Known): number | null {
  const { latest, since } = status;
  return latest !== null && (latest.state === 'CRITICAL' || (latest.state !== 'OK' && latest.withheld === 'unreachable'))
    ? since
    : null;
}

/** A check that was OK in two or more runs of its parent's failure is not behind it: filtered ping must not blind anything. */
function hasWorkedTwice({ okAt }: Status, since: number): boolean {
  const [older] = okAt ?? [];
  return older !== undefined && (okAt?.length ?? 0) >= 2 && older >= since;
}

/** Whether a check's failure was explained by a parent that has come back since: it is looked at again without waiting for `every`. */
export function isAwaited(status: Status, parents: string[], statuses: ReadonlyMap<string, Status>): boolean {
  const { latest } = status;
  if (latest === null || latest.state === 'OK' || (latest.withheld !== 'unreachable' && latest.withheld !== 'grace')) return false;
  return parents.every((parent) => {
    const known = statuses.get(parent)?.latest;
    return known == null || (known.state !== 'CRITICAL' && known.withheld !== 'unreachable');
  });
}
