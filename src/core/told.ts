import type { Check, Configuration } from './configuration.ts';
import { type Item, isRecovery } from './item.ts';
import type { Owed } from './outbox.ts';
import { countEarly, isDueInDigest, nextEarly, remindersOf } from './reminder.ts';
import { resolveContact } from './rota.ts';
import type { Status } from './status.ts';
import { formatDuration } from './unit.ts';

/** A problem that somebody was told of, until its end is told. */
export interface ToldProblem {
  onset: number;
  /** When it was first told; later than the problem where it had to wait for the contact's hours. */
  toldAt: number;
  /** Contact and address of everybody who was told: the recovery goes to exactly these. */
  to: [contact: string, recipient: string][];
  /** It was told by its name, not only in a sum of its host's changes. */
  isNamed: boolean;
  /** Reminders within a day, and steps of escalation, that are behind us. */
  early: number;
  escalated: number;
}

/** By check. */
export type ToldProblems = Record<string, ToldProblem>;

/** Kinds that begin a problem or go on with it. */
const BEGINS = new Set<Item['kind']>(['problem', 'worse', 'frequent', 'unstable', 'downtime-end', 'reminder', 'escalation']);

/** Notes who is told of a problem, and forgets it when its end is told. Changes `told`. */
export function rememberTelling(told: ToldProblems, item: Item, owed: Owed[]): void {
  const { check } = item;
  if (check === null) return;
  if (isRecovery(item)) {
    delete told[check];
    return;
  }
  const before = told[check];
  if ((!BEGINS.has(item.kind) && item.kind !== 'stable') || (owed.length === 0 && before === undefined)) return;
  const known = new Set(before?.to.map(([, recipient]) => recipient));
  const to = owed
    .filter(({ recipient }) => !known.has(recipient))
    .map(({ contact, recipient }): [string, string] => [contact, recipient]);
  told[check] = {
    onset: before?.onset ?? item.onset,
    toldAt:
      before !== undefined && (before.isNamed || owed.length === 0)
        ? before.toldAt
        : Math.min(...owed.map(({ releaseAt }) => releaseAt)),
    to: [...(before?.to ?? []), ...to],
    isNamed: before?.isNamed === true || owed.length > 0,
    early: before?.early ?? 0,
    escalated: before?.escalated ?? 0,
  };
}

/** A problem that was told only in a sum of its host's changes: it begins without reminders, and ends without a word. */
export function rememberHiding(told: ToldProblems, item: Item): void {
  if (item.check === null) return;
  if (isRecovery(item)) delete told[item.check];
  else if (BEGINS.has(item.kind) || item.kind === 'stable')
    told[item.check] ??= { onset: item.onset, toldAt: item.at, to: [], isNamed: false, early: 0, escalated: 0 };
}

/** Problems that were told otherwise, such as all new checks of a host together: they have reminders from now on, too. Changes `told`. */
export function adoptTold(
  told: ToldProblems,
  statuses: Map<string, Status>,
  context: { configuration: Configuration; now: number; planned: Item[] },
): void {
  const fresh = new Set(context.planned.map(({ check }) => check));
  for (const { check, problem } of statuses.values()) {
    if (problem?.told == null || problem.toldTo.length === 0 || told[check] !== undefined || fresh.has(check)) continue;
    const to = problem.toldTo.flatMap((name): [string, string][] => {
      const contact = resolveContact(name, context.configuration, context.now);
      return (contact?.mail ?? []).map((recipient) => [contact?.name ?? name, recipient]);
    });
    told[check] = { onset: problem.onset, toldAt: context.now, to, isNamed: true, early: 0, escalated: 0 };
  }
}

/** What a scheduled item needs to be made of. */
export interface ScheduleContext {
  configuration: Configuration;
  statuses(): Map<string, Status>;
  now: number;
  /** Why nothing is told of a check now (a person's word, unstable), or null. */
  isHeldBack(check: string): boolean;
  itemOf(check: Check, status: Status, kind: 'reminder' | 'escalation', words: { reason: string; to: string[] }): Item;
}

/** Reminders at their hour and steps of escalation that are due. Changes `told`. */
export function planDue(told: ToldProblems, context: ScheduleContext): Item[] {
  const items: Item[] = [];
  eachFailing(told, context, ({ check, status, problem }) => {
    const isHeld = context.isHeldBack(check.id);
    const early = countEarly(remindersOf(check), problem.toldAt, context.now);
    if (early > problem.early && !isHeld) items.push(reminderOf(check, status, problem, context));
    problem.early = Math.max(problem.early, early);
    for (let step = stepOf(check, problem); step !== undefined && !isHeld; step = stepOf(check, problem)) {
      if (context.now < problem.toldAt + step.after * 1000) break;
      problem.escalated += 1;
      const reason = `not acknowledged ${formatDuration(step.after)} after ${namesOf(problem)} ${problem.to.length === 1 ? 'was' : 'were'} told`;
      // With the onset that was told: it holds the thread together.
      items.push({ ...context.itemOf(check, status, 'escalation', { reason, to: step.contacts }), onset: problem.onset });
    }
  });
  return items;
}

/** A digest's day and the one before, and acknowledgements that ended between. */
export interface DigestDays {
  today: string;
  since: string;
  /** By check. */
  expired: Map<string, string>;
}

/** Reminders that stand in the digest: those whose day it is, and problems whose acknowledgement ended while they go on. */
export function planDigestReminders(told: ToldProblems, { today, since, expired }: DigestDays, context: ScheduleContext): Item[] {
  const items: Item[] = [];
  eachFailing(told, context, ({ check, status, problem }) => {
    if (context.isHeldBack(check.id)) return;
    const said = expired.get(check.id);
    const isDue = isDueInDigest(remindersOf(check), problem.toldAt, { today, since, zone: context.configuration.timezone });
    if (said === undefined && !isDue) return;
    const reminder = reminderOf(check, status, problem, context);
    const reason = said === undefined ? reminder.reason : `still a problem, and its acknowledgement has ended (${said})`;
    items.push({ ...reminder, reason, digest: 'this' });
  });
  return items;
}

/** When the next reminder or escalation is due: Infinity for never. What is held back now is looked at again in ten minutes. */
export function nextDue(told: ToldProblems, context: ScheduleContext): number {
  let next = Infinity;
  eachFailing(told, context, ({ check, problem }) => {
    const step = stepOf(check, problem);
    const times = [nextEarly(remindersOf(check), problem.toldAt, problem.early), step && problem.toldAt + step.after * 1000];
    for (const time of times) if (time != null) next = Math.min(next, time <= context.now ? context.now + 600_000 : time);
  });
  return next;
}

function eachFailing(
  told: ToldProblems,
  { configuration, statuses }: ScheduleContext,
  visit: (one: { check: Check; status: Status; problem: ToldProblem }) => void,
): void {
  if (Object.keys(told).length === 0) return;
  const checks = new Map(configuration.checks.map((check) => [check.id, check]));
  for (const [id, problem] of Object.entries(told)) {
    const check = checks.get(id);
    // Nobody waits for word of a check that is not there any more.
    if (check === undefined || !check.enabled) delete told[id];
    const status = statuses().get(id);
    if (check === undefined || status === undefined || !problem.isNamed) continue;
    const { latest } = status;
    if (latest !== null && latest.state !== 'OK') visit({ check, status, problem });
  }
}

function stepOf({ escalate }: Check, { escalated }: ToldProblem): Check['escalate'][number] | undefined {
  return [...escalate].sort((a, b) => a.after - b.after)[escalated];
}

function reminderOf(check: Check, status: Status, problem: ToldProblem, context: ScheduleContext): Item {
  const to = [...new Set(problem.to.map(([contact]) => contact))];
  const reason = 'still a problem, and nobody acknowledged it';
  return { ...context.itemOf(check, status, 'reminder', { reason, to }), onset: problem.onset };
}

function namesOf({ to }: ToldProblem): string {
  return [...new Set(to.map(([contact]) => contact))].join(', ');
}
