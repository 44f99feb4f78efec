import type { Check, Configuration } from './configuration.ts';
import type { Evaluated } from './evaluate.ts';
import type { Event, HeldBack, Item, PastProblem, WholeNews, WithheldItem } from './item.ts';
import { describeCheck } from './item-facts.ts';
import { judgeMassFailure, MASS, type MassVerdict } from './mass-failure.ts';
import { planDowntimeEnds } from './notify-downtime.ts';
import { planAfterMass } from './notify-mass.ts';
import { planNewChecks } from './notify-new.ts';
import { type Situation, USUAL_SITUATION } from './ourselves.ts';
import type { Standing } from './people.ts';
import { isNew, remember, rememberTold } from './remember.ts';
import type { Status } from './status.ts';
import { count, type Transition } from './transition.ts';

/** What the batch knows besides the results. */
export interface RunFacts {
  run: number;
  now: number;
  /** The history was empty before this run. */
  isFirstRun: boolean;
  /** Earlier problems of a check within 90 days, newest first. */
  pastProblems(check: string): PastProblem[];
  /** Items about the whole that the batch itself has to tell: configuration, overlap, database. */
  whole: WholeNews[];
  /** What is known of ourselves; absent: nothing unusual. */
  situation?: Situation;
  /** What people said, as it stands now; absent when nobody said anything. */
  standing?: Standing | undefined;
  /** In a replay no check is new, and `statuses` are changed in place. */
  isReplay?: true;
}

export interface Plan {
  items: Item[];
  /** What would have been told, and why it is not. */
  withheld: WithheldItem[];
  events: Event[];
  /** All statuses after this run: what is told is remembered. */
  statuses: Map<string, Status>;
  /** Checks whose status changed in this run. */
  changed: Set<string>;
  situation: Situation;
}

/** Decides who is told what (alerting.md sections 1, 2, 11, 12). Pure. */
export function planNotifications(
  configuration: Configuration,
  statuses: Map<string, Status>,
  evaluated: Evaluated[],
  facts: RunFacts,
): Plan {
  const situation = facts.situation ?? USUAL_SITUATION;
  if (facts.isReplay === true && isQuiet(evaluated, facts, situation)) return planNothing(statuses, evaluated, situation);
  const mass = judgeMassFailure(configuration, statuses, evaluated, situation.masses);
  const plan: Plan = {
    items: [],
    withheld: [],
    events: [],
    // A replay gives its own away: a copy in each of a hundred thousand runs would be most of its cost.
    statuses: facts.isReplay === true ? statuses : new Map(statuses),
    changed: new Set(),
    situation: { ...situation, masses: mass.masses },
  };
  const telling: Planning = { ...facts, configuration, evaluated, mass };
  for (const one of evaluated) remember(plan, one.status);
  for (const one of evaluated) {
    // What is seen at the onset comes before what follows from it.
    if (one.recurring !== null) planTransition(one, one.recurring, telling, plan);
    if (one.transition !== null) planTransition(one, one.transition, telling, plan);
    if (one.heldBack !== null) holdBack(one, one.heldBack, telling, plan);
  }
  planAfterMass(telling, plan);
  if (facts.standing !== undefined) planDowntimeEnds(facts.standing, telling, plan);
  if (facts.isReplay !== true) planNewChecks(configuration, facts, plan);
  planWhole(telling, plan);
  return plan;
}

/** Nothing to tell, and too few checks for a mass failure: nearly every run of one check's year. */
function isQuiet(evaluated: Evaluated[], { whole, standing }: RunFacts, { masses }: Situation): boolean {
  if (evaluated.length >= MASS || whole.length > 0 || standing !== undefined || Object.keys(masses).length > 0) return false;
  return evaluated.every((one) => one.transition === null && one.recurring === null && one.heldBack === null);
}

function planNothing(statuses: Map<string, Status>, evaluated: Evaluated[], situation: Situation): Plan {
  for (const { status } of evaluated) statuses.set(status.check, status);
  return { items: [], withheld: [], events: [], statuses, changed: new Set(), situation };
}

/** All that a transition is told with. */
export interface Planning extends RunFacts {
  configuration: Configuration;
  evaluated: Evaluated[];
  mass: MassVerdict;
}

function planTransition(one: Evaluated, transition: Transition, facts: Planning, plan: Plan): void {
  const { check, result } = one;
  const status = plan.statuses.get(check.id) ?? one.status;
  const telling = holdTelling(tellingOf(status, transition, check, facts), check, transition, facts);
  const isTold = telling.to.length > 0 && telling.heldBack === null;
  plan.events.push({
    at: result.at,
    run: result.run,
    kind: transition.kind,
    check: check.id,
    host: check.host,
    state: transition.state,
    onset: transition.onset,
    reason: telling.because === null ? transition.reason : `${transition.reason}; ${telling.because}`,
    output: result.output,
    told: isTold,
  });
  if (telling.to.length === 0 || transition.kind === 'soft' || transition.kind === 'soft-recovery') return;
  const item = toItem(one, transition, { ...facts, to: telling.to }, plan);
  if (telling.heldBack !== null) {
    plan.withheld.push({ item, because: telling.heldBack });
    if (telling.heldBack === 'mass-failure' && status.problem !== null && status.problem.told === null)
      remember(plan, { ...status, problem: { ...status.problem, waits: 'mass-failure' } });
    return;
  }
  plan.items.push(item);
  rememberTelling(plan, status, transition, telling.to);
}

function toItem(one: Evaluated, transition: Transition, facts: Planning & { to: string[] }, plan: Plan): Item {
  const { check, result, status } = one;
  return {
    kind: transition.kind as Item['kind'],
    at: result.at,
    run: result.run,
    check: check.id,
    host: check.host,
    state: transition.state,
    onset: transition.onset,
    reason: transition.reason,
    to: facts.to,
    facts: {
      ...describeCheck(check, status, { ...facts, statuses: plan.statuses }),
      was: transition.kind === 'recovery' ? transition.told : null,
    },
    lines: [],
  };
}

/** What is told is remembered: a recovery goes to exactly those, and only what is above it is `worse`. */
function rememberTelling(plan: Plan, status: Status, transition: Transition, to: string[]): void {
  const { problem, trouble } = status;
  // A pattern is told beside a problem, not as one.
  if (transition.kind === 'recurring') return;
  const next = { ...status };
  if (problem !== null) next.problem = rememberTold(problem, transition.state, to);
  if (trouble?.unstable != null && (transition.kind === 'unstable' || transition.kind === 'worse')) {
    const toldTo = [...new Set([...trouble.unstable.toldTo, ...to])];
    next.trouble = { ...trouble, unstable: { ...trouble.unstable, toldTo } };
  }
  remember(plan, next);
}

/** A problem that would have begun if its failures counted: shown with the reason why they do not. */
function holdBack(one: Evaluated, held: NonNullable<Evaluated['heldBack']>, facts: Planning, plan: Plan): void {
  const { check } = one;
  if (check.contacts.length === 0 || isNew(one.status, facts.now)) return;
  plan.withheld.push({ item: toItem(one, held.transition, { ...facts, to: check.contacts }, plan), because: held.because });
  const { at, run, output } = one.result;
  const { kind, state, onset, reason } = held.transition;
  const why = `${reason}; not told: ${held.because}`;
  plan.events.push({ at, run, kind, check: check.id, host: check.host, state, onset, reason: why, output, told: false });
}

/** The reasons to hold an item back; with several the first of the order of HELD_BACK is recorded. */
function holdTelling(telling: TellingOf, check: Check, transition: Transition, { mass, standing }: Planning): TellingOf {
  if (telling.to.length === 0) return telling;
  // What got worse while it was held back is said by the item of the downtime's end.
  if (transition.kind === 'worse' && standing?.released.has(check.id) === true) return { ...telling, to: [] };
  // Whoever waits for a recovery gets it, and what is stable again is one.
  const isOver = transition.kind === 'recovery' || (transition.kind === 'stable' && transition.state === 'OK');
  if (isOver) return telling;
  if (mass.waiting.has(check.id) && transition.kind !== 'stable')
    return { ...telling, because: 'waits: many checks fail at once', heldBack: 'mass-failure' };
  const downtime = standing?.held.get(check.id)?.downtime;
  if (downtime === undefined) return telling;
  return { ...telling, because: `not told: downtime by ${downtime.author}, ${downtime.note}`, heldBack: 'downtime' };
}

/** Whom a transition concerns, and why they are not told: what is held back is shown, and neither sent nor counted as told. */
interface TellingOf {
  to: string[];
  /** Words for the event; null when there is nothing to add. */
  because: string | null;
  heldBack: HeldBack | null;
}

/** Who is told of a transition; nobody, and why, for what is soft, new, or was never told. */
function tellingOf(status: Status, transition: Transition, check: Check, facts: RunFacts): TellingOf {
  const nobody = (because: string | null): TellingOf => ({ to: [], because, heldBack: null });
  const tell = (to: string[]): TellingOf => ({ to, because: null, heldBack: null });
  // From `unstable` to `stable` all other items of a check are held back.
  const unlessUnstable = (to: string[]): TellingOf =>
    status.trouble?.unstable == null || to.length === 0
      ? tell(to)
      : { to, because: 'not told: the check is unstable', heldBack: 'unstable' };
  switch (transition.kind) {
    case 'soft':
    case 'soft-recovery':
      return nobody(null);
    case 'problem':
    case 'frequent':
    case 'recurring':
    case 'unstable':
      if (isNew(status, facts.now)) return nobody('not told: the check is new and has never been OK');
      if (transition.kind === 'unstable') return tell(check.contacts);
      if (transition.kind === 'problem' && transition.waits !== undefined) return nobody(`not told yet: ${transition.waits}`);
      return unlessUnstable(check.contacts);
    case 'worse':
      if (transition.isNowDown === true) return tell(check.contacts);
      if (status.problem?.told == null) return nobody('not told: nobody was told of the problem');
      return unlessUnstable(check.contacts);
    case 'recovery':
      // A recovery goes to exactly those who were told of the problem: they are waiting for it.
      if (transition.told === null) return nobody('not told: nobody was told of the problem');
      return unlessUnstable(transition.toldTo);
    case 'stable':
      // Still failing is told to all; the end of it to those who were told that it began.
      if (transition.state !== 'OK') return tell([...new Set([...check.contacts, ...transition.toldTo])]);
      if (transition.toldTo.length === 0) return nobody('not told: nobody was told that it was unstable');
      return tell(transition.toldTo);
  }
}

const MOST_AT_START = 40;

/** What is withheld follows from something else, mostly from a host whose report is missing: a dozen lines of each would hide the causes. */
function describeStart(evaluated: readonly Evaluated[]): { reason: string; lines: string[] } {
  const results = evaluated.map(({ result }) => result).filter(({ state }) => state !== 'OK');
  const failing = results.filter(({ withheld }) => withheld === null);
  const withheld = results.length - failing.length;
  const rest = failing.length - MOST_AT_START;
  return {
    reason: `watching ${count(evaluated.length, 'check')}, ${failing.length} of them in trouble${withheld === 0 ? '' : `, ${withheld} not judged yet`}`,
    lines: [
      ...failing.slice(0, MOST_AT_START).map(({ check, state, output }) => `${check} ${state}: ${output}`),
      ...(rest > 0 ? [`and ${rest} more`] : []),
    ],
  };
}

/** The first run on an empty history sends one item, not one for each check in trouble. */
function planWhole(facts: Planning, plan: Plan): void {
  const { configuration, evaluated } = facts;
  const whole = [...facts.whole];
  if (facts.isFirstRun) {
    whole.push({ kind: 'started', ...describeStart(evaluated) });
  }
  for (const { kind, reason, lines, about, onset = facts.now, isSilent } of whole) {
    const { now: at, run } = facts;
    const to = configuration.contactsForAll;
    const common = { kind, at, run, check: null, host: null, state: null, onset, reason };
    const more = { ...(about === undefined ? {} : { about }), ...(isSilent === true ? { digest: 'next' as const } : {}) };
    plan.items.push({ ...common, to, facts: null, lines, ...more });
    plan.events.push({ ...common, output: lines[0] ?? '', told: isSilent !== true && to.length > 0 });
  }
}
