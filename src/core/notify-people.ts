import { describeCheck } from './item-facts.ts';
import type { Plan, Planning } from './notify.ts';
import type { Standing } from './people.ts';

/** An acknowledgement that is over while its check still fails is a line of the digest (alerting.md section 8). */
export function planExpired({ expired }: Standing, facts: Planning, plan: Plan): void {
  for (const { check: id, author, note } of expired) {
    const check = facts.configuration.checks.find((one) => one.id === id);
    const status = plan.statuses.get(id);
    const problem = status?.problem ?? null;
    if (check === undefined || status === undefined || problem === null || problem.toldTo.length === 0) continue;
    const { now: at, run } = facts;
    const reason = `the acknowledgement by ${author} is over: ${note}`;
    const state = status.latest?.state ?? null;
    const common = { at, run, kind: 'reminder' as const, check: id, host: check.host, state, onset: problem.onset, reason };
    const itemFacts = describeCheck(check, status, { ...facts, statuses: plan.statuses });
    plan.items.push({ ...common, to: problem.toldTo, facts: itemFacts, lines: [], digest: 'next' });
    plan.events.push({ ...common, output: status.latest?.output ?? '', told: true });
  }
}

/** What is told of a check says what somebody changed just before it began (alerting.md section 9). */
export function nameChanges({ changedBefore }: Standing, plan: Plan): void {
  plan.items = plan.items.map((item) => {
    if (item.check === null || item.facts === null || item.state === 'OK') return item;
    const words = changedBefore(item.check, item.onset);
    return words === null ? item : { ...item, facts: { ...item.facts, changes: [...(item.facts.changes ?? []), words] } };
  });
}
