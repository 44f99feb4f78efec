import type { Plan } from './notify.ts';
import { type State, worst } from './state.ts';
import type { Problem, Status } from './status.ts';

/** A check that has never been OK is *new* for two hours: shown, no item; then one item for its host or service. */
export const NEW_FOR_MS = 2 * 3_600_000;

export function isNew(status: Status, now: number): boolean {
  return !status.everOk && now - status.firstSeenAt < NEW_FOR_MS;
}

/** What is told is remembered. */
export function remember(plan: Plan, status: Status): void {
  plan.statuses.set(status.check, status);
  plan.changed.add(status.check);
}

export function rememberTold(problem: Problem, state: State, to: string[]): Problem {
  return { ...problem, told: worst([problem.told ?? 'OK', state]), toldTo: [...new Set([...problem.toldTo, ...to])] };
}
