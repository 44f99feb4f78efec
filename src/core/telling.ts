import { type Bucket, nextToken, PER_RECIPIENT, refill, takeToken } from './budget.ts';
import type { Check, Configuration } from './configuration.ts';
import { describeTrouble, type HostBudgets, judgeHosts } from './host-budget.ts';
import { type Item, isRecovery, ownerOf, type WithheldItem } from './item.ts';
import type { Move, Owed, Wait } from './outbox.ts';
import type { Status } from './status.ts';
import {
  adoptTold,
  nextDue,
  planDigestReminders,
  planDue,
  rememberHiding,
  rememberTelling,
  type ScheduleContext,
  type ToldProblems,
} from './told.ts';
import { count } from './transition.ts';
import { composeWeek, type WeekFacts } from './weekly.ts';
import { fanOut, lastDigestDays, nextDigest } from './when.ts';

/** What telling remembers from run to run; plain JSON. */
export interface Telling extends HostBudgets {
  recipients: Record<string, Bucket>;
  told: ToldProblems;
  /** What waits, for whom, until when; the items themselves stand in the outbox. */
  waits: { recipient: string; wait: Wait; at: number }[];
  /** Days (local) of the last digest and of the last weekly mail. */
  digestDay: string;
  weekDay: string;
  /** When the last digest was made. */
  digestAt: number;
}

export interface TellingContext {
  configuration: Configuration;
  run: number;
  now: number;
  /** All statuses after this run's results; asked only when something needs them. */
  statuses(): Map<string, Status>;
  /** Whether nothing is told of a check now: acknowledged, in downtime, unstable. */
  isHeldBack(check: string): boolean;
  /** A message for the recipient that never left: what is owed joins it, and it stays one message. */
  joins(recipient: string): boolean;
  /** Acknowledgements that ended at their time since then, without the problem's end: who said what, by check. */
  expired?(since: number): Map<string, string>;
  /** What the history says of the week before, for the weekly mail. */
  week(): WeekFacts;
  /** A reminder or an escalation about a check as it is now. */
  itemOf: ScheduleContext['itemOf'];
}

export interface Told {
  owed: Owed[];
  moves: Move[];
  /** What is not told by its name (`budget`), and what waits for its contact's hours (`period`). */
  withheld: WithheldItem[];
  state: Telling;
  /** When this must be asked again, though nothing happened. */
  nextAt: number;
}

/**
 * From planned items to what each recipient is owed and when (alerting.md sections 6 and 7). Pure: what was remembered in, what is to
 * be remembered out; it is stored in the transaction that stores the items.
 */
export function tell(planned: Item[], before: Telling | null, context: TellingContext): Told {
  const state = before === null ? beginTelling(context) : structuredClone(before);
  const digest = planDigest(state, context);
  const isDigestRun = digest !== null;
  if (isDigestRun || planned.some(({ kind }) => kind === 'new')) adoptTold(state.told, context.statuses(), { ...context, planned });
  const items = [...planned, ...planDue(state.told, context), ...(digest ?? [])];
  const wasNamed = ({ check }: Item) => check === null || state.told[check]?.isNamed !== false;
  const { named, withheld } = judgeHosts(items, state, { ...context, wasNamed });
  for (const { item } of withheld) rememberHiding(state.told, item);
  const owed: Owed[] = [];
  const passing = new Set<string>();
  for (const { item, passes } of named) {
    const fanned = fanOut(item, { ...context, isDigestRun, exactly: exactlyTold(state.told, item) });
    rememberTelling(state.told, item, fanned);
    owed.push(...fanned);
    for (const { recipient, wait } of fanned) if (passes && wait === null) passing.add(recipient);
    if (fanned.length > 0 && fanned.every(({ wait }) => wait === 'period')) withheld.push({ item, because: 'period' });
  }
  const { moves, allowed } = judgeRecipients(owed, passing, { state, context });
  const nextAt = Math.min(nextDigest(context.now, context.configuration.timezone), nextDue(state.told, context), nextWait(state));
  return { owed: allowed, moves, withheld, state, nextAt };
}

/** The first run owes no digest for days when nothing was watched. */
function beginTelling({ now, configuration }: TellingContext): Telling {
  const { day, monday } = lastDigestDays(now, configuration.timezone);
  return { owners: {}, passed: {}, recipients: {}, told: {}, waits: [], digestDay: day, weekDay: monday, digestAt: now };
}

/** Those who were told of the problem that is over; null where nothing is remembered of it. */
function exactlyTold(told: ToldProblems, item: Item): [string, string][] | null {
  const problem = item.check === null ? undefined : told[item.check];
  return isRecovery(item) && problem !== undefined && problem.to.length > 0 ? problem.to : null;
}

/** What the daily digest and the weekly mail add, once for each of their days; null in all other runs. */
function planDigest(state: Telling, context: TellingContext): Item[] | null {
  const { now, configuration } = context;
  const { day, monday } = lastDigestDays(now, configuration.timezone);
  if (day <= state.digestDay) return null;
  const days = { today: day, since: state.digestDay, expired: context.expired?.(state.digestAt) ?? new Map<string, string>() };
  const items = planDigestReminders(state.told, days, context);
  items.push(...planHiddenTrouble(state, context), ...planUnwatched(context));
  state.digestDay = day;
  state.digestAt = now;
  if (monday > state.weekDay) {
    state.weekDay = monday;
    const { reason, lines } = composeWeek(context.week(), configuration, now);
    items.push(wholeOf('weekly', context, { reason, lines }));
  }
  return items;
}

function wholeOf(kind: Item['kind'], { now: at, run, configuration }: TellingContext, words: Pick<Item, 'reason' | 'lines'>): Item {
  return {
    kind,
    at,
    run,
    check: null,
    host: null,
    state: null,
    onset: at,
    to: configuration.contactsForAll,
    facts: null,
    ...words,
  };
}

/** Hosts with problems that were told only in a sum: one line a day for each, unless there was one within the day. */
function planHiddenTrouble(state: Telling, context: TellingContext): Item[] {
  const { configuration, now } = context;
  const hidden = new Map<string, { to: Set<string>; checks: number }>();
  const checks = new Map(configuration.checks.map((check) => [check.id, check]));
  for (const [id, { isNamed }] of Object.entries(state.told)) {
    const check = checks.get(id);
    const latest = context.statuses().get(id)?.latest;
    if (isNamed || check === undefined || latest == null || latest.state === 'OK') continue;
    const owner = ownerOf({ check: id, host: check.host } as Item) ?? id;
    const group = hidden.get(owner) ?? { to: new Set<string>(), checks: 0 };
    for (const name of check.contacts) group.to.add(name);
    hidden.set(owner, { to: group.to, checks: group.checks + 1 });
  }
  return [...hidden].flatMap(([owner, { to, checks: number }]): Item[] => {
    const budget = state.owners[owner];
    if (budget !== undefined && now - budget.noisyAt < DAY_MS) return [];
    if (budget !== undefined) budget.noisyAt = now;
    const { words, state: worst, since } = describeTrouble(owner, configuration, context.statuses());
    const reason = `${count(number, 'problem')} not told one by one; ${words}`;
    const item = wholeOf('noisy', context, { reason, lines: [] });
    return [{ ...item, host: owner, state: worst, onset: since ?? now, to: [...to], priority: 'high', digest: 'this' }];
  });
}

/** What a failed parent has hidden for longer than a day. */
function planUnwatched(context: TellingContext): Item[] {
  const { configuration, now } = context;
  const blind = configuration.checks.filter(({ id, enabled }) => {
    const status = context.statuses().get(id);
    const since = status?.unreachableSince;
    return enabled && status?.latest?.withheld === 'unreachable' && since !== undefined && now - since >= DAY_MS;
  });
  if (blind.length === 0) return [];
  const reason = `${count(blind.length, 'check')} not watched for a day: what they depend on has failed`;
  const lines = blind.map(({ id, parents }: Check) => `${id}: depends on ${parents.join(', ')}`);
  return [{ ...wholeOf('removed', context, { reason, lines: lines.slice(0, 20) }), digest: 'this', about: 'unwatched' }];
}

const DAY_MS = 86_400_000;

/** Six messages, then one for every half hour; an empty bucket delays and merges, and nothing is dropped. Changes `state`. */
function judgeRecipients(
  owed: Owed[],
  passing: Set<string>,
  { state, context }: { state: Telling; context: TellingContext },
): { moves: Move[]; allowed: Owed[] } {
  const { now } = context;
  const ripe = new Set(state.waits.filter(({ at }) => at <= now).map(({ recipient }) => recipient));
  state.waits = state.waits.filter(({ at }) => at > now);
  const ready = new Set([...ripe, ...owed.filter(({ wait }) => wait === null).map(({ recipient }) => recipient)]);
  const moves: Move[] = [];
  const until = new Map<string, number>();
  for (const recipient of ready) {
    const bucket = refill(state.recipients[recipient], PER_RECIPIENT, now);
    state.recipients[recipient] = bucket;
    const isFree = passing.has(recipient) || context.joins(recipient);
    const left = isFree ? bucket : takeToken(bucket);
    if (left !== null) {
      state.recipients[recipient] = left;
      // A message that goes out anyway takes along what waits for one.
      const waited = state.waits.length;
      state.waits = state.waits.filter((wait) => wait.recipient !== recipient || wait.wait !== 'budget');
      if (state.waits.length < waited) moves.push({ recipient, to: 'release' });
    } else {
      const at = nextToken(bucket, PER_RECIPIENT);
      until.set(recipient, at);
      if (ripe.has(recipient)) moves.push({ recipient, to: at });
    }
  }
  const allowed = owed.map((one): Owed => {
    const at = one.wait === null ? until.get(one.recipient) : undefined;
    return at === undefined ? one : { ...one, wait: 'budget', releaseAt: at };
  });
  for (const [recipient, at] of until) addWait(state, { recipient, wait: 'budget', at });
  for (const { recipient, wait, releaseAt } of allowed) if (wait !== null) addWait(state, { recipient, wait, at: releaseAt });
  forgetFull(state, now);
  return { moves, allowed };
}

function addWait(state: Telling, wait: Telling['waits'][number]): void {
  const isKnown = state.waits.some((each) => each.recipient === wait.recipient && each.wait === wait.wait && each.at === wait.at);
  if (!isKnown) state.waits.push(wait);
}

function forgetFull(state: Telling, now: number): void {
  for (const [recipient, bucket] of Object.entries(state.recipients)) {
    if (refill(bucket, PER_RECIPIENT, now).tokens === PER_RECIPIENT.size) delete state.recipients[recipient];
  }
}

function nextWait({ waits }: Telling): number {
  return Math.min(Infinity, ...waits.map(({ at }) => at));
}
