import type { Check, Configuration } from './configuration.ts';
import type { Evaluated } from './evaluate.ts';
import type { CheckFacts, Event, HeldBack, Item, PastProblem, WholeNews, WithheldItem } from './item.ts';
import { describeMass, judgeMassFailure, type MassVerdict } from './mass-failure.ts';
import { type Situation, USUAL_SITUATION } from './ourselves.ts';
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
  whole: WholeNews[];
  /** What is known of ourselves; absent: nothing unusual. */
  situation?: Situation;
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
  const mass = judgeMassFailure(configuration, statuses, evaluated, situation.masses);
  const plan: Plan = {
    items: [],
    withheld: [],
    events: [],
    statuses: new Map(statuses),
    changed: new Set(),
    situation: { ...situation, masses: mass.masses },
  };
  const telling: Telling = { ...facts, configuration, evaluated, mass };
  for (const one of evaluated) remember(plan, one.status);
  for (const one of evaluated) {
    // What is seen at the onset comes before what follows from it.
    if (one.recurring !== null) planTransition(one, one.recurring, telling, plan);
    if (one.transition !== null) planTransition(one, one.transition, telling, plan);
    if (one.heldBack !== null) holdBack(one, one.heldBack, telling, plan);
  }
  planAfterMass(telling, plan);
  if (facts.standing !== undefined) planDowntimeEnds(facts.standing, telling, plan);
  planNewChecks(configuration, facts, plan);
  planWhole(telling, plan);
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
  mass: MassVerdict;
}

function planTransition(one: Evaluated, transition: Transition, facts: Telling, plan: Plan): void {
  const { check, result } = one;
  const status = plan.statuses.get(check.id) ?? one.status;
  const waiting = heldByMass(tellingOf(status, transition, check, facts), transition, facts.mass.waiting.has(check.id));
  const telling = heldByDowntime(waiting, check, transition, facts.standing);
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

function toItem(one: Evaluated, transition: Transition, facts: Telling & { to: string[] }, plan: Plan): Item {
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
      ...toFacts(check, status, facts, plan.statuses),
      also: alsoFailing(check, facts.configuration, plan.statuses),
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
function holdBack(one: Evaluated, held: NonNullable<Evaluated['heldBack']>, facts: Telling, plan: Plan): void {
  const { check } = one;
  if (check.contacts.length === 0 || isNew(one.status, facts.now)) return;
  plan.withheld.push({ item: toItem(one, held.transition, { ...facts, to: check.contacts }, plan), because: held.because });
  const { at, run, output } = one.result;
  const { kind, state, onset, reason } = held.transition;
  const why = `${reason}; not told: ${held.because}`;
  plan.events.push({ at, run, kind, check: check.id, host: check.host, state, onset, reason: why, output, told: false });
}

/** Individual items wait the two runs that a mass failure takes to be seen. */
function heldByMass(telling: TellingOf, transition: Transition, isWaiting: boolean): TellingOf {
  if (!isWaiting || telling.to.length === 0 || transition.kind === 'recovery' || transition.kind === 'stable') return telling;
  return { ...telling, because: 'waits: many checks fail at once', heldBack: 'mass-failure' };
}

/** Those that waited and are still HARD follow in one further message; a confirmed mass failure is one item. */
function planAfterMass(facts: Telling, plan: Plan): void {
  const { mass, configuration, now } = facts;
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
    const also = alsoFailing(check, configuration, plan.statuses);
    const itemFacts = { ...toFacts(check, status, facts, plan.statuses), also, was: null };
    plan.items.push({ ...common, to: check.contacts, facts: itemFacts, lines: [] });
  }
  for (const group of [...mass.confirmed, ...mass.over]) planMass(group, facts, plan);
}

function findWaiting(plan: Plan, { configuration, mass }: Telling): { check: Check; status: Status; problem: Problem }[] {
  return configuration.checks.flatMap((check) => {
    const status = plan.statuses.get(check.id);
    const problem = status?.problem;
    if (problem?.waits !== 'mass-failure' || mass.waiting.has(check.id) || !check.enabled || status === undefined) return [];
    return [{ check, status, problem }];
  });
}

function planMass(group: string, facts: Telling, plan: Plan): void {
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
  if (isTold) plan.items.push({ ...common, to, facts: null, lines });
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

/** A downtime holds back what is new; whoever waits for a recovery gets it. */
function heldByDowntime(telling: TellingOf, check: Check, transition: Transition, standing: Standing | undefined): TellingOf {
  const held = standing?.held.get(check.id);
  if (telling.to.length === 0 || telling.heldBack !== null) return telling;
  // What got worse while it was held back is said by the item of the downtime's end.
  if (transition.kind === 'worse' && standing?.released.has(check.id) === true) return { ...telling, to: [] };
  if (held === undefined || transition.state === 'OK') return telling;
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
    const itemFacts = { ...toFacts(check, status, facts, plan.statuses), also, was: null };
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
function planWhole(facts: Telling, plan: Plan): void {
  const { configuration, evaluated } = facts;
  const whole = [...facts.whole];
  if (facts.isFirstRun) {
    const failing = evaluated.filter(({ result }) => result.state !== 'OK');
    whole.push({
      kind: 'started',
      reason: `watching ${count(evaluated.length, 'check')}, ${failing.length} of them in trouble`,
      lines: failing.slice(0, 40).map(({ result }) => `${result.check} ${result.state}: ${result.output}`),
    });
  }
  for (const { kind, reason, lines, onset = facts.now, isSilent } of whole) {
    const { now: at, run } = facts;
    const to = configuration.contactsForAll;
    const common = { kind, at, run, check: null, host: null, state: null, onset, reason };
    if (isSilent !== true) plan.items.push({ ...common, to, facts: null, lines });
    plan.events.push({ ...common, output: lines[0] ?? '', told: isSilent !== true && to.length > 0 });
  }
}

/** All that a mail says of a check as it is now, for what is told again. */
export function describeCheck(
  check: Check,
  status: Status,
  facts: Pick<Telling, 'configuration' | 'evaluated' | 'pastProblems'> & { statuses: Map<string, Status> },
): CheckFacts {
  return {
    ...toFacts(check, status, facts, facts.statuses),
    also: alsoFailing(check, facts.configuration, facts.statuses),
    was: null,
  };
}

function toFacts(
  check: Check,
  status: Status,
  { configuration, pastProblems }: Pick<Telling, 'configuration' | 'pastProblems'>,
  statuses: Map<string, Status>,
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
    affected: describeAffected(check, configuration, statuses),
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

/** A parent's item says what is unreachable behind it, at any depth, and names what is critical (alerting.md section 4). */
function describeAffected(parent: Check, { checks }: Configuration, statuses: Map<string, Status>): string | null {
  const reached = new Set([parent.id]);
  const behind: Check[] = [];
  // Parents are few levels deep: a pass that finds nothing more is the last.
  for (let before = -1; before !== reached.size; ) {
    before = reached.size;
    for (const check of checks) {
      const withheld = statuses.get(check.id)?.latest?.withheld;
      if (reached.has(check.id) || (withheld !== 'unreachable' && withheld !== 'proxy')) continue;
      if (!check.parents.some((id) => reached.has(id))) continue;
      reached.add(check.id);
      behind.push(check);
    }
  }
  if (behind.length === 0) return null;
  const critical = behind.filter(({ priority }) => priority === 'critical').map(({ id }) => id);
  return `${count(behind.length, 'check')}${critical.length === 0 ? '' : `, of them critical: ${critical.slice(0, 10).join(', ')}`}`;
}

/** The private page that shows a check, relative to the site's root. Checks are sections of their service's or host's page. */
export function pageOf(check: Pick<Check, 'service' | 'host' | 'name' | 'id'>): string {
  if (check.service !== null) return `services/${check.service}.html#${check.name}`;
  if (check.host !== null) return `hosts/${check.host}.html#${check.name}`;
  return `checks.html#${check.id.replace('/', '-')}`;
}
