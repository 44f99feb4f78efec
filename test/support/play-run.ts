import type { Configuration } from '../../src/core/configuration.ts';
import { evaluate } from '../../src/core/evaluate.ts';
import { Mailbag, type PlannedMessage } from '../../src/core/mailbag.ts';
import { planNotifications } from '../../src/core/notify.ts';
import type { Result } from '../../src/core/observation.ts';
import type { Owed } from '../../src/core/outbox.ts';
import type { Status } from '../../src/core/status.ts';
import { type Telling, tell } from '../../src/core/telling.ts';
import { makeScheduled } from '../../src/tell.ts';

/** Everything that one run leaves to the next. */
export interface Moment {
  statuses: Map<string, Status>;
  telling: Telling | null;
  held: readonly Owed[];
}

/** One run of the real decisions: evaluate, plan, tell. Nothing is stored nor sent. */
export function playRun(
  before: Moment,
  configuration: Configuration,
  results: Result[],
  { run, now }: { run: number; now: number },
): Moment & { messages: PlannedMessage[] } {
  const evaluated = evaluate(configuration, before.statuses, results, now);
  const facts = { run, now, isFirstRun: false, pastProblems: () => [], whole: [] };
  const plan = planNotifications(configuration, before.statuses, evaluated, facts);
  const bag = new Mailbag(before.held);
  const context = { configuration, run, now, statuses: () => plan.statuses, pastProblems: () => [] };
  const told = tell(plan.items, before.telling, {
    ...context,
    isHeldBack: () => false,
    joins: () => false,
    expired: () => new Map(),
    week: () => ({
      problems: [],
      soft: [],
      messages: { sent: 0, failed: 0 },
      noisiest: [],
      runs: run,
      statuses: plan.statuses,
      ending: [],
    }),
    itemOf: makeScheduled(context),
  });
  return { statuses: plan.statuses, telling: told.state, messages: bag.collect(told, now), held: bag.held };
}
