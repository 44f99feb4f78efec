import type { Check, Configuration } from './configuration.ts';
import type { Item } from './item.ts';
import type { Plan, RunFacts } from './notify.ts';
import { isNew, remember, rememberTold } from './remember.ts';
import { worst } from './state.ts';
import type { Status } from './status.ts';
import { count } from './transition.ts';

/** Checks that became a problem while new are told together, once, when their two hours are over. */
export function planNewChecks(configuration: Configuration, facts: RunFacts, plan: Plan): void {
  const byOwner = new Map<string, { check: Check; status: Status }[]>();
  for (const check of configuration.checks) {
    const status = plan.statuses.get(check.id);
    if (!check.enabled || status === undefined || status.everOk || isNew(status, facts.now)) continue;
    if (status.problem === null || status.problem.told !== null) continue;
    const owner = check.host ?? check.service ?? check.id;
    byOwner.set(owner, [...(byOwner.get(owner) ?? []), { check, status }]);
  }
  for (const [owner, members] of byOwner) plan.items.push(newItem(owner, members, facts, plan));
}

function newItem(owner: string, members: { check: Check; status: Status }[], facts: RunFacts, plan: Plan): Item {
  const to = [...new Set(members.flatMap(({ check }) => check.contacts))];
  const reason = `${count(members.length, 'check')} never OK since the start, 2 h ago`;
  const state = worst(members.map(({ status }) => status.latest?.state ?? 'UNKNOWN'));
  const onset = Math.min(...members.map(({ status }) => status.problem?.onset ?? facts.now));
  for (const { check, status } of members) {
    if (status.problem === null) continue;
    remember(plan, { ...status, problem: rememberTold(status.problem, status.latest?.state ?? state, check.contacts) });
  }
  const lines = members.map(({ check, status }) => `${check.id} ${status.latest?.state ?? ''}: ${status.latest?.output ?? ''}`);
  const { now: at, run } = facts;
  plan.events.push({ at, run, kind: 'new', check: null, host: owner, state, onset, reason, output: lines[0] ?? '', told: true });
  return { kind: 'new', at, run, check: null, host: owner, state, onset, reason, to, facts: null, lines };
}
