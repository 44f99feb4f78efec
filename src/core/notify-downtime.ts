import { describeCheck } from './item-facts.ts';
import type { Plan, Planning } from './notify.ts';
import type { Standing } from './people.ts';
import { remember, rememberTold } from './remember.ts';

/** At the end of a downtime what is still HARD is told (alerting.md section 8), though it was held back while it lasted. */
export function planDowntimeEnds({ released }: Standing, facts: Planning, plan: Plan): void {
  for (const check of facts.configuration.checks) {
    const downtime = released.get(check.id);
    const status = plan.statuses.get(check.id);
    const problem = status?.problem ?? null;
    if (downtime === undefined || status === undefined || problem === null || !check.enabled) continue;
    // What became a problem in this very run is told as that.
    if (plan.items.some((item) => item.check === check.id)) continue;
    const latest = status.latest?.withheld === null && status.latest.state !== 'OK' ? status.latest.state : null;
    const state = latest ?? problem.told ?? status.streak?.worst ?? 'UNKNOWN';
    const { now: at, run } = facts;
    const { onset } = problem;
    const { id, host, contacts } = check;
    const reason = `still ${state} after the downtime: ${downtime.note}`;
    const kind = 'downtime-end';
    const isTold = contacts.length > 0;
    plan.events.push({ at, run, kind, check: id, host, state, onset, reason, output: status.latest?.output ?? '', told: isTold });
    if (!isTold) continue;
    const itemFacts = describeCheck(check, status, { ...facts, statuses: plan.statuses });
    plan.items.push({ kind, at, run, check: id, host, state, onset, reason, to: contacts, facts: itemFacts, lines: [] });
    remember(plan, { ...status, problem: rememberTold(problem, state, contacts) });
  }
}
