import type { BatchRecord } from './core/batch.ts';
import { formatAge } from './core/calendar.ts';
import type { Configuration } from './core/configuration.ts';
import { type Item, isRecovery, type PastProblem, type WithheldItem } from './core/item.ts';
import { describeCheck } from './core/item-facts.ts';
import type { Plan } from './core/notify.ts';
import { chooseChangesBefore, type People } from './core/people.ts';
import type { Status } from './core/status.ts';
import { type Telling, type TellingContext, tell } from './core/telling.ts';
import type { Database } from './store/database.ts';
import { readMeta } from './store/history.ts';
import { openOutbox } from './store/outbox.ts';
import { readExpired } from './store/people.ts';
import { readWeek } from './store/week.ts';

/** What the run knows when it asks who is told. */
export interface TellingRun {
  configuration: Configuration;
  run: number;
  now: number;
  /** All statuses after this run's results. */
  statuses(): Map<string, Status>;
  pastProblems(check: string): PastProblem[];
  /** Whether nothing is told of a check now, though it was before: acknowledged, in downtime, unstable. */
  isHeldBack(check: string): boolean;
  /** What people said, or null when nobody said anything that still matters. */
  said: People | null;
  /** Acknowledgements and downtimes that end within a week, in words. */
  ending(): string[];
}

/** Decides who is told what of a plan, and when; what comes back is stored with the run in one transaction. */
export function tellPlan(
  database: Database,
  plan: Plan,
  facts: TellingRun,
): { plan: Plan; told: Pick<BatchRecord, 'owed' | 'moves' | 'remember'> } {
  const before = readMeta(database, 'telling');
  const outbox = openOutbox(database);
  const context: TellingContext = {
    ...facts,
    joins: (recipient) => outbox.hasUnsent(recipient),
    expired: (since) => new Map(readExpired(database, since).map(({ check, author, note }) => [check, `${author}: ${note}`])),
    week: () => ({ ...readWeek(database, facts.now), statuses: facts.statuses(), ending: facts.ending() }),
    itemOf: makeScheduled(facts),
  };
  const items = plan.items.map((item) => addChange(item, facts));
  const { owed, moves, withheld, state, nextAt } = tell(
    items,
    before === undefined ? null : (JSON.parse(before) as Telling),
    context,
  );
  const remember = { telling: JSON.stringify(state), tell_next: String(nextAt) };
  const events = plan.events.map((event) => explainWithheld(event, withheld));
  return { plan: { ...plan, events, withheld: [...plan.withheld, ...withheld] }, told: { owed, moves, remember } };
}

/** What somebody said to have changed within the hour before the onset stands in the mail (alerting.md section 9). */
function addChange(item: Item, { said, configuration }: TellingRun): Item {
  if (said === null || said.changes.length === 0 || item.check === null || item.facts === null || isRecovery(item)) return item;
  const words = chooseChangesBefore(said, item.check, item.onset, configuration.checks).map(({ author, at, note }) => {
    // Nobody's change is what a host says of itself.
    return `${formatAge((item.onset - at) / 1000)} after ${author === '' ? note : `${author}: ${note}`}`;
  });
  return words.length === 0 ? item : { ...item, facts: { ...item.facts, changes: [...(item.facts.changes ?? []), ...words] } };
}

/** Reminders and escalations say how a check is now. */
export function makeScheduled(
  facts: Pick<TellingRun, 'configuration' | 'now' | 'run' | 'statuses' | 'pastProblems'>,
): TellingContext['itemOf'] {
  return (check, status, kind, { reason, to }): Item => ({
    kind,
    at: facts.now,
    run: facts.run,
    check: check.id,
    host: check.host,
    state: status.latest?.state ?? null,
    onset: status.problem?.onset ?? status.since,
    reason,
    to,
    facts: describeCheck(check, status, { ...facts, statuses: facts.statuses() }),
    lines: [],
  });
}

const WORDS = {
  budget: 'not told by itself: its host causes many items',
  period: 'told when the hours of its contacts begin',
} as const;

function explainWithheld(event: Plan['events'][number], withheld: WithheldItem[]): Plan['events'][number] {
  const held = withheld.find(({ item }) => item.check === event.check && item.kind === event.kind && item.host === event.host);
  if (held === undefined || (held.because !== 'budget' && held.because !== 'period')) return event;
  return { ...event, told: held.because === 'period', reason: `${event.reason}; ${WORDS[held.because]}` };
}
