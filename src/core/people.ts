import { addWeeks, formatTime } from './calendar.ts';
import type { Check, Configuration } from './configuration.ts';
import { isOver, nextStart, type Stretch, stretchAt, stretchOf, windowAt } from './downtime.ts';
import type { Item } from './item.ts';
import type { Result } from './observation.ts';
import { isSelected } from './selection.ts';
import type { Status } from './status.ts';

/** What a person said of one check in trouble: holds back reminders and escalation until the check is OK again. Times are ms. */
export interface Acknowledgement {
  number: number;
  check: string;
  at: number;
  until: number;
  author: string;
  note: string;
  /** Words for the public page, or null. */
  publicNote: string | null;
}

/** Planned work: nothing new is told of what it covers, which is measured and shown all the same. */
export interface Downtime {
  number: number;
  /** A PATTERN; what depends on the checks that it names is covered too. */
  target: string;
  /** Start of the first window. */
  from: number;
  /** Seconds. */
  duration: number;
  repeat: 'weekly' | null;
  /** By this zone's wall clock a week is counted, so that Tuesday 22:00 stays that over a daylight-saving change. */
  zone: string;
  /** Seconds after the window's start within which the first failure begins it; null: it begins with the window. */
  flexible: number | null;
  /** When the window that starts at `window` was begun by a failure. */
  begun: { window: number; at: number } | null;
  /** Up to this time its ends have been told. */
  toldUntil: number;
  removedAt: number | null;
  at: number;
  author: string;
  note: string;
  /** Words for the public page, or null: then only its times stand there. */
  publicNote: string | null;
}

/** "I am deploying": until its end what it covers is checked in every run. */
export interface Change {
  number: number;
  target: string;
  at: number;
  until: number;
  author: string;
  note: string;
}

/** Everything that people said and that is not over. */
export interface People {
  acknowledgements: Acknowledgement[];
  downtimes: Downtime[];
  /** Those of the last hour too: an item says what changed just before it. */
  changes: Change[];
}

/** How what people said stands in one run, after its results are in. */
export interface Standing {
  /** With the flexible downtimes that this run's failures began. */
  people: People;
  /** Of each covered check the downtime that holds. */
  held: Map<string, { downtime: Downtime; end: number }>;
  acknowledged: Map<string, Acknowledgement>;
  /** Of each check whose downtime has ended and that no other covers: the downtime. */
  released: Map<string, Downtime>;
}

/** Decides what holds, what has just ended, and what begins now. Pure, and loaded only by runs in which anybody said anything. */
export function standNow(said: People, checks: readonly Check[], results: readonly Result[], now: number): Standing {
  const people = beginFlexible(said, checks, results, now);
  const held = downtimesNow(people, checks, now);
  const released = new Map<string, Downtime>();
  for (const { downtime, checks: covered } of endedStretches(people, checks, now)) {
    for (const id of covered) if (!held.has(id)) released.set(id, downtime);
  }
  return { people, held, acknowledged: acknowledgedNow(people, now), released };
}

/** The ids of the checks that a PATTERN names, and of everything that depends on them. */
export function coveredBy(target: string, checks: readonly Check[]): Set<string> {
  const covered = new Set(checks.filter((check) => isSelected(target, check)).map(({ id }) => id));
  // Parents are few levels deep: a pass that finds nothing more is the last.
  for (let before = -1; before !== covered.size; ) {
    before = covered.size;
    for (const { id, parents } of checks) if (parents.some((parent) => covered.has(parent))) covered.add(id);
  }
  return covered;
}

/** Of each covered check the downtime that holds now; where several do, the one that ends last. */
export function downtimesNow(
  people: People,
  checks: readonly Check[],
  now: number,
): Map<string, { downtime: Downtime; end: number }> {
  const held = new Map<string, { downtime: Downtime; end: number }>();
  for (const downtime of people.downtimes) {
    const stretch = stretchAt(downtime, now);
    if (stretch === null) continue;
    for (const id of coveredBy(downtime.target, checks)) {
      if ((held.get(id)?.end ?? 0) < stretch.end) held.set(id, { downtime, end: stretch.end });
    }
  }
  return held;
}

/** Of each check the acknowledgement that holds now; the latest said. */
export function acknowledgedNow(people: People, now: number): Map<string, Acknowledgement> {
  const held = people.acknowledgements.filter(({ at, until }) => at <= now && now < until);
  return new Map(held.sort((a, b) => a.at - b.at || a.number - b.number).map((one) => [one.check, one]));
}

/** Checks inside a watch window: due in every run. */
export function watchedNow({ changes }: Pick<People, 'changes'>, checks: readonly Check[], now: number): Set<string> {
  const watched = new Set<string>();
  for (const { target, at, until } of changes) {
    if (at <= now && now < until) for (const id of coveredBy(target, checks)) watched.add(id);
  }
  return watched;
}

const JUST_BEFORE_MS = 60 * 60_000;

/** The changes that cover the check and came within the hour before the onset (alerting.md section 9), the latest first. */
function changesBefore({ changes }: People, check: string, onset: number, checks: readonly Check[]): Change[] {
  return changes
    .filter(({ target, at }) => at <= onset && onset - at <= JUST_BEFORE_MS && coveredBy(target, checks).has(check))
    .sort((a, b) => b.at - a.at || b.number - a.number);
}

/** The latest of them, or null. */
export function changeBefore(people: People, check: string, onset: number, checks: readonly Check[]): Change | null {
  return changesBefore(people, check, onset, checks)[0] ?? null;
}

const MOST_CHANGES = 3;

/**
 * At most three of them, the latest first: of each author the latest, so that a Puppet that changes something in every run, or a machine
 * that says it does, hides no person's change; then what else there is.
 */
export function chooseChangesBefore(people: People, check: string, onset: number, checks: readonly Check[]): Change[] {
  const found = changesBefore(people, check, onset, checks);
  const isLatest = (one: Change) => found.find(({ author, target }) => author === one.author && target === one.target) === one;
  const chosen = [
    ...found.filter((one) => one.author !== '' && isLatest(one)),
    ...found.filter((one) => one.author === '' && isLatest(one)),
    ...found.filter((one) => !isLatest(one)),
  ].slice(0, MOST_CHANGES);
  return chosen.sort((a, b) => b.at - a.at || b.number - a.number);
}

/** A flexible downtime begins with the first failure of what it covers inside its window. UNKNOWN is no failure seen. */
export function beginFlexible(people: People, checks: readonly Check[], results: readonly Result[], now: number): People {
  const failing = results.filter(({ state, withheld }) => withheld === null && (state === 'WARNING' || state === 'CRITICAL'));
  if (failing.length === 0 || people.downtimes.every(({ flexible }) => flexible === null)) return people;
  const downtimes = people.downtimes.map((downtime) => {
    const window = windowAt(downtime, now);
    const { flexible, begun, removedAt } = downtime;
    if (flexible === null || window === null || begun?.window === window || removedAt !== null) return downtime;
    if (now >= window + flexible * 1000) return downtime;
    const covered = coveredBy(downtime.target, checks);
    return failing.some(({ check }) => covered.has(check)) ? { ...downtime, begun: { window, at: now } } : downtime;
  });
  return { ...people, downtimes };
}

/** A stretch that is over and whose end has not been told. */
export interface EndedStretch extends Stretch {
  downtime: Downtime;
  /** What it covered. */
  checks: Set<string>;
}

/** The stretches that ended since their downtimes were last looked at. */
export function endedStretches(people: Pick<People, 'downtimes'>, checks: readonly Check[], now: number): EndedStretch[] {
  return people.downtimes.flatMap((downtime) => {
    const window = windowAt(downtime, now);
    if (window === null) return [];
    const windows = downtime.repeat === null ? [window] : [window, addWeeks(window, -1, downtime.zone)];
    const ended = windows
      .filter((start) => start >= downtime.from)
      .flatMap((start) => stretchOf(downtime, start) ?? [])
      .find(({ end }) => end <= now && end > downtime.toldUntil);
    return ended === undefined ? [] : [{ ...ended, downtime, checks: coveredBy(downtime.target, checks) }];
  });
}

/** Why an acknowledgement does not hold any longer. */
export type AcknowledgementEnd = 'recovered' | 'worse' | 'expired';

/** What a run changes of what people said. */
export interface PeopleUpdate {
  begun: { downtime: number; window: number; at: number }[];
  told: { downtime: number; until: number; isOver: boolean }[];
  ended: { acknowledgement: number; at: number; because: AcknowledgementEnd }[];
}

/**
 * What this run changed: `before` is what people said, `after` the same with flexible downtimes begun. An acknowledgement ends when its
 * check is OK again, when it got worse than what was told, and at its time.
 */
export function planPeople(
  before: People,
  after: People,
  plan: { statuses: ReadonlyMap<string, Status>; items: readonly Item[] },
  { configuration, now }: { configuration: Pick<Configuration, 'checks'>; now: number },
): PeopleUpdate {
  const begun = after.downtimes.flatMap(({ number, begun: found }, i) => {
    return found === null || found.at === before.downtimes[i]?.begun?.at ? [] : [{ downtime: number, ...found }];
  });
  const told = after.downtimes.flatMap((downtime) => {
    const hasEnded = endedStretches({ downtimes: [downtime] }, configuration.checks, now).length > 0;
    const over = isOver(downtime, now);
    return hasEnded || over ? [{ downtime: downtime.number, until: now, isOver: over }] : [];
  });
  const worse = new Set(plan.items.flatMap(({ kind, check }) => (kind === 'worse' && check !== null ? [check] : [])));
  const ended = before.acknowledgements.flatMap((one) => {
    const because = whyEnded(one, plan.statuses.get(one.check), worse, now);
    return because === null ? [] : [{ acknowledgement: one.number, at: now, because }];
  });
  return { begun, told, ended };
}

function whyEnded(
  { check, until, at }: Acknowledgement,
  status: Status | undefined,
  worse: ReadonlySet<string>,
  now: number,
): AcknowledgementEnd | null {
  if (status === undefined || !isInTrouble(status)) return 'recovered';
  // A person may have spoken while this run was at work: what came before cannot end what they said.
  if (worse.has(check) && at <= now) return 'worse';
  return until <= now ? 'expired' : null;
}

/** What can be acknowledged: a check that fails, or whose problem is not yet over. */
export function isInTrouble({ problem, streak }: Pick<Status, 'problem' | 'streak'>): boolean {
  return problem !== null || streak !== null;
}

/** When what people said next changes anything by itself: a run with nothing due must not sleep over it. Ms, or null. */
export function nextTurn(people: People, now: number): number | null {
  const times = [
    ...people.acknowledgements.map(({ until }) => until),
    ...people.changes.filter(({ until }) => until > now).map(() => now),
    ...people.downtimes.flatMap((downtime) => [stretchAt(downtime, now)?.end ?? null, nextStart(downtime, now)]),
  ].filter((at): at is number => at !== null && at >= now);
  return times.length === 0 ? null : Math.min(...times);
}

const SOON_MS = 7 * 86_400_000;

/** Acknowledgements and downtimes that end within a week, in words. */
export function describeEnding(people: People, { timezone }: Pick<Configuration, 'timezone'>, now: number): string[] {
  const acknowledged = people.acknowledgements
    .filter(({ until }) => until > now && until - now <= SOON_MS)
    .map(({ check, author, until, note }) => `${check}: acknowledged by ${author} until ${formatTime(until, timezone)}: ${note}`);
  const down = people.downtimes.flatMap((downtime) => {
    const stretch = stretchAt(downtime, now);
    const { target, author, note } = downtime;
    if (stretch === null || downtime.repeat !== null || stretch.end - now > SOON_MS) return [];
    return [`${target}: downtime by ${author} until ${formatTime(stretch.end, timezone)}: ${note}`];
  });
  return [...acknowledged, ...down];
}
