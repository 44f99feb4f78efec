import type { Check, Configuration } from './configuration.ts';
import type { Evaluated } from './evaluate.ts';
import type { CheckFacts, Event, HeldBack, Item, PastProblem, WithheldItem } from './item.ts';
import type { Standing } from './people.ts';
import { type State, worst } from './state.ts';
import type { Problem, Status } from './status.ts';
import { count, type Transition } from './transition.ts';

/** A check that has never been OK is *new* for two hours: shown, no item; then one item for its host or service. */
export const NEW_FOR_MS = 2 * 3_600_000;

/** What the batch knows besides the results. */
export interface RunFacts {
  run: number;
  now: number;
  /** The history was empty before this run. */
  isFirstRun: boolean;
  /** Earlier problems of a check within 90 days, newest first. */
  pastProblems(check: string): PastProblem[];
  /** Items about the whole that the batch itself has to tell: configuration, overlap, database. */
  whole: Pick<Item, 'kind' | 'reason' | 'lines'>[];
  /** What people said, as it stands now; absent when nobody said anything. */
  standing?: Standing | undefined;
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
}

/** Decides who is told what (alerting.md sections 1, 2, 11, 12). Pure. */
export function planNotifications(
  configuration: Configuration,
  statuses: Map<string, Status>,
  evaluated: Evaluated[],
  facts: RunFacts,
): Plan {
  const plan: Plan = { items: [], withheld: [], events: [], statuses: new Map(statuses), changed: new Set() };
  for (const one of evaluated) remember(plan, one.status);
  for (const one of evaluated) {
    if (one.transition !== null) planTransition(one, one.transition, { ...facts, configuration, evaluated }, plan);
  }
  if (facts.standing !== undefined) planDowntimeEnds(facts.standing, { ...facts, configuration, evaluated }, plan);
  planNewChecks(configuration, facts, plan);
  planWhole(configuration, evaluated, facts, plan);
  return plan;
}

function remember(plan: Plan, status: Status): void {
  plan.statuses.set(status.check, status);
  plan.changed.add(status.check);
}

/** All that a transition is told with. */
interface Telling extends RunFacts {
  configuration: Configuration;
  evaluated: Evaluated[];
}

function planTransition(one: Evaluated, transition: Transition, facts: Telling, plan: Plan): void {
  const { check, result, status } = one;
  const telling = heldByDowntime(tellingOf(status, transition, check, facts), check, transition, facts.standing);
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
  const item: Item = {
    kind: transition.kind,
    at: result.at,
    run: result.run,
    check: check.id,
    host: check.host,
    state: transition.state,
    onset: transition.onset,
    reason: transition.reason,
    to: telling.to,
    facts: {
      ...toFacts(check, status, facts),
      also: alsoFailing(check, facts.configuration, plan.statuses),
      was: transition.kind === 'recovery' ? transition.told : null,
    },
    lines: [],
  };
  if (telling.heldBack !== null) {
    plan.withheld.push({ item, because: telling.heldBack });
    return;
  }
  plan.items.push(item);
  if (status.problem !== null) {
    remember(plan, { ...status, problem: rememberTold(status.problem, transition.state, telling.to) });
  }
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
  switch (transition.kind) {
    case 'soft':
    case 'soft-recovery':
      return nobody(null);
    case 'problem':
      if (isNew(status, facts.now)) return nobody('not told: the check is new and has never been OK');
      return tell(check.contacts);
    case 'worse':
      if (status.problem?.told == null) return nobody('not told: nobody was told of the problem');
      return tell(check.contacts);
    case 'recovery':
      // A recovery goes to exactly those who were told of the problem: they are waiting for it.
      if (transition.told === null) return nobody('not told: nobody was told of the problem');
      return tell(transition.toldTo);
  }
}

/** A downtime holds back what is new; whoever waits for a recovery gets it. */
function heldByDowntime(telling: TellingOf, check: Check, transition: Transition, standing: Standing | undefined): TellingOf {
  const held = standing?.held.get(check.id);
  if (telling.to.length === 0 || telling.heldBack !== null) return telling;
  // What got worse while it was held back is said by the item of the downtime's end.
  if (transition.kind === 'worse' && standing?.released.has(check.id) === true) return { ...telling, to: [] };
  if (held === undefined || transition.kind === 'recovery') return telling;
  const { author, note } = held.downtime;
  return { ...telling, because: `not told: downtime by ${author}, ${note}`, heldBack: 'downtime' };
}

/** At the end of a downtime what is still HARD is told (alerting.md section 8), though it was held back while it lasted. */
function planDowntimeEnds({ released }: Standing, facts: Telling, plan: Plan): void {
  for (const check of facts.configuration.checks) {
    const downtime = released.get(check.id);
    const status = plan.statuses.get(check.id);
    const problem = status?.problem ?? null;
    if (downtime === undefined || status === undefined || problem === null || !check.enabled) continue;
    // What became a problem in this very run is told as that.
    if (plan.items.some((item) => item.check === check.id)) continue;
    const latest = status.latest?.withheld === null && status.latest.state !== 'OK' ? status.latest.state : null;
    const state = latest ?? problem.told ?? status.streak?.worst ?? 'UNKNOWN';
    const { now: at, run } = facts;
    const { onset } = problem;
    const { id, host, contacts } = check;
    const reason = `still ${state} after the downtime: ${downtime.note}`;
    const kind = 'downtime-end';
    const isTold = contacts.length > 0;
    plan.events.push({ at, run, kind, check: id, host, state, onset, reason, output: status.latest?.output ?? '', told: isTold });
    if (!isTold) continue;
    const also = alsoFailing(check, facts.configuration, plan.statuses);
    const itemFacts = { ...toFacts(check, status, facts), also, was: null };
    plan.items.push({ kind, at, run, check: id, host, state, onset, reason, to: contacts, facts: itemFacts, lines: [] });
    remember(plan, { ...status, problem: rememberTold(problem, state, contacts) });
  }
}

export function isNew(status: Status, now: number): boolean {
  return !status.everOk && now - status.firstSeenAt < NEW_FOR_MS;
}

function rememberTold(problem: Problem, state: State, to: string[]): Problem {
  return { ...problem, told: worst([problem.told ?? 'OK', state]), toldTo: [...new Set([...problem.toldTo, ...to])] };
}

/** Checks that became a problem while new are told together, once, when their two hours are over. */
function planNewChecks(configuration: Configuration, facts: RunFacts, plan: Plan): void {
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

/** The first run on an empty history sends one item, not one for each check in trouble. */
function planWhole(configuration: Configuration, evaluated: Evaluated[], facts: RunFacts, plan: Plan): void {
  const whole = [...facts.whole];
  if (facts.isFirstRun) {
    const failing = evaluated.filter(({ result }) => result.state !== 'OK');
    whole.push({
      kind: 'started',
      reason: `watching ${count(evaluated.length, 'check')}, ${failing.length} of them in trouble`,
      lines: failing.slice(0, 40).map(({ result }) => `${result.check} ${result.state}: ${result.output}`),
    });
  }
  for (const { kind, reason, lines } of whole) {
    const { now: at, run } = facts;
    const to = configuration.contactsForAll;
    plan.items.push({ kind, at, run, check: null, host: null, state: null, onset: at, reason, to, facts: null, lines });
    plan.events.push({
      at,
      run,
      kind,
      check: null,
      host: null,
      state: null,
      onset: at,
      reason,
      output: lines[0] ?? '',
      told: to.length > 0,
    });
  }
}

/** All that a mail says of a check as it is now, for what is told again. */
export function describeCheck(
  check: Check,
  status: Status,
  facts: Pick<Telling, 'configuration' | 'evaluated' | 'pastProblems'> & { statuses: Map<string, Status> },
): CheckFacts {
  return { ...toFacts(check, status, facts), also: alsoFailing(check, facts.configuration, facts.statuses), was: null };
}

function toFacts(
  check: Check,
  status: Status,
  { configuration, evaluated, pastProblems }: Pick<Telling, 'configuration' | 'evaluated' | 'pastProblems'>,
): Omit<CheckFacts, 'also' | 'was'> {
  const service = check.service === null ? undefined : configuration.services[check.service];
  return {
    title: service?.title ?? check.host ?? check.id,
    type: check.type,
    target: check.target,
    output: status.latest?.output ?? '',
    code: status.latest?.code ?? '',
    priority: check.priority,
    notes: check.notes,
    source: `${check.source.file}:${check.source.line}`,
    page: pageOf(check),
    failingParts: (status.latest?.parts ?? []).filter((part) => part.state !== 'OK').map((part) => `${part.name}: ${part.output}`),
    affected: describeAffected(check, evaluated),
    past: pastProblems(check.id),
  };
}

function alsoFailing(check: Check, { checks }: Configuration, statuses: Map<string, Status>): string[] {
  const isNear = (other: Check) =>
    (other.host !== null && other.host === check.host) || (other.service !== null && other.service === check.service);
  const isFailing = ({ id }: Check) => (statuses.get(id)?.latest?.state ?? 'OK') !== 'OK';
  return checks
    .filter(
      (other) => other.id !== check.id && !other.parents.includes(check.id) && other.enabled && isNear(other) && isFailing(other),
    )
    .map(({ id }) => id);
}

/** A parent's item says what is unreachable behind it, and names what is critical (alerting.md section 4). */
function describeAffected(parent: Check, evaluated: Evaluated[]): string | null {
  const behind = evaluated.filter(({ check, result }) => {
    return check.parents.includes(parent.id) && (result.withheld === 'unreachable' || result.withheld === 'proxy');
  });
  if (behind.length === 0) return null;
  const critical = behind.filter(({ check }) => check.priority === 'critical').map(({ check }) => check.id);
  return `${count(behind.length, 'check')}${critical.length === 0 ? '' : `, of them critical: ${critical.slice(0, 10).join(', ')}`}`;
}

/** The private page that shows a check, relative to the site's root. Checks are sections of their service's or host's page. */
export function pageOf(check: Pick<Check, 'service' | 'host' | 'name' | 'id'>): string {
  if (check.service !== null) return `services/${check.service}.html#${check.name}`;
  if (check.host !== null) return `hosts/${check.host}.html#${check.name}`;
  return `checks.html#${check.id.replace('/', '-')}`;
}
