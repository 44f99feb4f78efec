import type { Check } from './configuration.ts';
import { describeCheck } from './item-facts.ts';
import { describeMass } from './mass-failure.ts';
import type { Plan, Planning } from './notify.ts';
import { remember, rememberTold } from './remember.ts';
import type { Problem, Status } from './status.ts';

/** Those that waited and are still HARD follow in one further message; a confirmed mass failure is one item. */
export function planAfterMass(facts: Planning, plan: Plan): void {
  const { mass, now } = facts;
  const isOn = Object.keys(facts.situation?.masses ?? {}).length + Object.keys(mass.masses).length > 0;
  if (!isOn || facts.evaluated.length === 0) return;
  for (const one of findWaiting(plan, facts)) {
    const { check, status, problem } = one;
    const { waits: _over, ...told } = problem;
    const state = status.latest?.state === 'OK' || status.latest == null ? 'UNKNOWN' : status.latest.state;
    const { onset } = problem;
    const reason = 'still failing after the first two runs of a mass failure';
    remember(plan, { ...status, problem: rememberTold(told, state, check.contacts) });
    const { run } = facts;
    const output = status.latest?.output ?? '';
    const common = { kind: 'problem' as const, at: now, run, check: check.id, host: check.host, state, onset, reason };
    plan.events.push({ ...common, output, told: check.contacts.length > 0 });
    const itemFacts = describeCheck(check, status, { ...facts, statuses: plan.statuses });
    plan.items.push({ ...common, to: check.contacts, facts: itemFacts, lines: [] });
  }
  for (const group of [...mass.confirmed, ...mass.over]) planMass(group, facts, plan);
}

function findWaiting(plan: Plan, { configuration, mass }: Planning): { check: Check; status: Status; problem: Problem }[] {
  return configuration.checks.flatMap((check) => {
    const status = plan.statuses.get(check.id);
    const problem = status?.problem;
    if (problem?.waits !== 'mass-failure' || mass.waiting.has(check.id) || !check.enabled || status === undefined) return [];
    return [{ check, status, problem }];
  });
}

function planMass(group: string, facts: Planning, plan: Plan): void {
  const { situation, mass, evaluated } = facts;
  const { now: at, run, configuration } = facts;
  const own = mass.masses[group];
  const isOver = own === undefined;
  const since = own?.since ?? situation?.masses[group]?.since ?? at;
  const reason = isOver ? `over: none of the checks of the mass failure (${group}) fails` : describeMass(group, own);
  const ids = new Set(own?.failing ?? []);
  const lines = evaluated
    .filter(({ check }) => ids.has(check.id))
    .slice(0, 40)
    .map(({ result }) => `${result.check} ${result.state}: ${result.output}`);
  const to = configuration.contactsForAll;
  const common = { kind: 'mass-failure' as const, at, run, check: null, host: null, state: null, onset: since, reason };
  const isTold = !isOver && to.length > 0;
  plan.events.push({ ...common, output: lines[0] ?? '', told: isTold });
  if (isTold) plan.items.push({ ...common, to, facts: null, lines, about: group });
}
