import type { Check } from '../../src/core/configuration.ts';
import { type Evaluated, evaluate } from '../../src/core/evaluate.ts';
import type { Item, WithheldItem } from '../../src/core/item.ts';
import { planNotifications } from '../../src/core/notify.ts';
import type { Result, Withheld } from '../../src/core/observation.ts';
import type { State } from '../../src/core/state.ts';
import type { Status } from '../../src/core/status.ts';
import { checkOf, configurationOf } from './model.ts';

const STATES: Record<string, State> = { O: 'OK', W: 'WARNING', C: 'CRITICAL', U: 'UNKNOWN' };
export const START = Date.UTC(2026, 10, 22, 12, 0, 0);

/** One step of a told story: what a run's result led to. */
export interface Step {
  evaluated: Evaluated;
  items: Item[];
  withheld: WithheldItem[];
  status: Status;
}

/**
 * Plays results of one check, five minutes apart: `O W C U` are states, `s` before one withholds it as SKIPPED (`sC`), `r` makes it a recheck, `C:a,b` fails
 * the parts a and b. The check has been OK once before, unless `isNew`.
 */
export function play(
  story: string,
  options: { check?: Partial<Check>; isNew?: boolean; minutes?: number; start?: number } = {},
): Step[] {
  const check = checkOf(options.check);
  const configuration = configurationOf([check]);
  let statuses = new Map<string, Status>();
  const steps: Step[] = [];
  const words = (options.isNew === true ? '' : 'O ') + story;
  for (const [index, word] of words.split(' ').filter(Boolean).entries()) {
    const at = (options.start ?? START) + index * (options.minutes ?? 5) * 60_000;
    const evaluated = evaluate(configuration, statuses, [toResult(check, word, at, index + 1)], at);
    const facts = { run: index + 1, now: at, isFirstRun: false, pastProblems: () => [], whole: [] };
    const plan = planNotifications(configuration, statuses, evaluated, facts);
    statuses = plan.statuses;
    const [first] = evaluated;
    const status = statuses.get(check.id);
    if (first === undefined || status === undefined) throw new Error('the run judged nothing');
    steps.push({ evaluated: first, items: plan.items, withheld: plan.withheld, status });
  }
  return options.isNew === true ? steps : steps.slice(1);
}

function toResult(check: Check, word: string, at: number, run: number): Result {
  const [, skipped, letter, parts] = /^([sr]?)([OWCU])(?::(.*))?$/.exec(word) ?? [];
  const state = STATES[letter ?? ''];
  if (state === undefined) throw new Error(`"${word}" is no step`);
  const withheld: Withheld | null = skipped === 's' ? 'not-run' : null;
  const named = (parts ?? '').split(',').filter(Boolean);
  return {
    check: check.id,
    at,
    run,
    state,
    code: '',
    output: `seen ${state}`,
    metrics: {},
    parts: named.map((name) => ({ name, state, output: state })),
    scheduled: skipped !== 'r',
    withheld,
    duration: 0.1,
  };
}

/** `soft`, `problem WARNING`, ... for each step: what `evaluate` made of it, `-` for nothing. */
export function transitions(steps: Step[]): string[] {
  return steps.map(({ evaluated }) =>
    evaluated.transition === null ? '-' : `${evaluated.transition.kind} ${evaluated.transition.state}`,
  );
}

export function items(steps: Step[]): string[] {
  return steps.flatMap((step, index) => step.items.map((item) => `${index + 1} ${item.kind} ${item.state}`));
}
