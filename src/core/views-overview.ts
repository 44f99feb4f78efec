import { PRIORITIES } from './configuration.ts';
import { windowFigures } from './past.ts';
import { STATES, type State } from './state.ts';
import { count } from './transition.ts';
import { type BarRun, describeBar, toRuns, worstBar } from './views-bar.ts';
import type { Means, Seen } from './views-means.ts';
import type { NeedRow } from './views-needed.ts';
import type { Owner } from './views-owner.ts';
import { type SaidRow, toSaidRows } from './views-people.ts';
import { type ProblemView, type SmallRow, shareOf, toProblem, toSmallRow } from './views-problem.ts';
import { hardState, hardWord, type StateWord } from './views-state.ts';
import { formatAvailability, formatLatency, STATE_CLASS, type StateClass, WITHHELD_WORDS } from './views-words.ts';
import { findHolding } from './why.ts';

/** The first page: what is wrong, then everything at a glance. */
export interface OverviewView {
  banners: string[];
  headline: string;
  /** Beside the headline: of how many problems nobody has said that they know. */
  known: string;
  worst: StateClass;
  tally: { class: StateClass; count: number; label: string }[];
  /** Who is hurt (W6): for each name in `needed_by`, the state of what it needs. */
  hurt: NeedRow[];
  hurtTitle: string;
  problems: ProblemView[];
  /** Failing, but not yet a problem. */
  soft: SmallRow[];
  /** What could not be judged, by the reason. */
  withheld: { reason: string; rows: SmallRow[] }[];
  /** A problem three times within a day: only outages that last are told. */
  unstable: SmallRow[];
  /** Why nobody was told of several problems yet: one sentence for each reason. */
  heldBack: string[];
  /** What people said: changes, downtimes, acknowledgements. */
  said: SaidRow[];
  /** The first runs: what to do next is said. */
  isNew: boolean;
  firstRuns: number;
  services: OwnerRow[];
  hosts: OwnerRow[];
}

export interface OwnerRow extends StateWord {
  kind: 'service' | 'host';
  name: string;
  title: string;
  page: string;
  /** `1 critical, 12 OK`; while all are OK `13 checks`. */
  words: string;
  /** One word for scripts. */
  hard: State;
  hours: BarRun[];
  hoursWords: string;
  /** 90 days; the lowest of its checks. */
  availability: string;
  p95: string;
}

/** About an hour of them. */
const FIRST_RUNS = 60;

export function toOverview(
  checks: Seen[],
  rows: Map<Owner, OwnerRow>,
  { means, hurt }: { means: Means; hurt: NeedRow[] },
): OverviewView {
  const standing = (name: Seen['standing']) => checks.filter((one) => one.standing === name);
  const problems = standing('problem').sort((a, b) => byUrgency(a, b, means));
  const heldBack = toHeldBack(problems, means);
  return {
    banners: means.snapshot.banners,
    ...toHeadline(checks, problems),
    known: describeKnown(problems, means),
    tally: toTally(checks),
    hurt,
    hurtTitle: titleHurt(hurt),
    problems: problems.map((one) => toProblem(one, means, heldBack.members.has(one))),
    soft: standing('soft').map((one) => toSmallRow(one, means)),
    withheld: toWithheld(standing('withheld'), means),
    unstable: toUnstable(checks, means),
    heldBack: heldBack.sentences,
    said: toSaidRows(means.snapshot.said, means.snapshot.now, means.calendar),
    isNew: means.snapshot.run.run <= FIRST_RUNS,
    firstRuns: FIRST_RUNS,
    services: [...rows.values()].filter((row) => row.kind === 'service'),
    hosts: [...rows.values()].filter((row) => row.kind === 'host'),
  };
}

/** Worst first, then what nobody has said that they know, then by priority, then the newest: what has just broken is what one came to see. */
function byUrgency(a: Seen, b: Seen, means: Means): number {
  const rank = (one: Seen) => ['CRITICAL', 'WARNING', 'UNKNOWN', 'OK'].indexOf(one.state.word);
  return (
    rank(a) - rank(b) ||
    Number(isKnown(a, means)) - Number(isKnown(b, means)) ||
    PRIORITIES.indexOf(a.check.priority) - PRIORITIES.indexOf(b.check.priority) ||
    (b.status?.problem?.onset ?? 0) - (a.status?.problem?.onset ?? 0)
  );
}

function isKnown({ check }: Seen, { said }: Means): boolean {
  return said.acknowledged.has(check.id) || said.held.has(check.id);
}

/** Who comes to help looks for what nobody is on. */
function describeKnown(problems: Seen[], means: Means): string {
  const open = problems.filter((one) => !isKnown(one, means)).length;
  if (problems.length === 0) return '';
  if (open === 0) return problems.length === 1 ? 'acknowledged or planned' : 'all acknowledged or planned';
  if (open < problems.length) return `nobody is on ${open} of them yet`;
  return `nobody is on ${open === 1 ? 'it' : 'them'} yet`;
}

/** What is not known hurts nobody for sure. */
function titleHurt(hurt: NeedRow[]): string {
  if (hurt.every(({ class: found }) => found === 'ok')) return 'Nobody is hurt';
  return hurt.every(({ class: found }) => found === 'ok' || found === 'unknown') ? 'Who may be hurt' : 'Who is hurt';
}

function toTally(checks: Seen[]): OverviewView['tally'] {
  const problems = (state: State) => checks.filter((one) => one.standing === 'problem' && one.state.word === state).length;
  const number = (standing: Seen['standing']) => checks.filter((one) => one.standing === standing).length;
  const entries = [
    { class: 'critical' as const, count: problems('CRITICAL'), label: 'critical' },
    { class: 'warning' as const, count: problems('WARNING'), label: 'warning' },
    { class: 'unknown' as const, count: problems('UNKNOWN'), label: 'unknown' },
    { class: 'none' as const, count: number('soft'), label: 'failing, no alert yet' },
    { class: 'skipped' as const, count: number('withheld'), label: 'not judged' },
    { class: 'none' as const, count: number('new'), label: 'no result yet' },
    { class: 'ok' as const, count: number('ok'), label: 'OK' },
  ].filter((entry) => entry.count > 0);
  // That all of them are OK, or none is judged, is what the headline says.
  return entries.length === 1 && !checks.some((one) => one.standing === 'problem') ? [] : entries;
}

function toHeadline(checks: Seen[], problems: Seen[]): Pick<OverviewView, 'headline' | 'worst'> {
  const watched = checks.filter((one) => one.standing !== 'off');
  if (watched.length === 0) return { headline: 'No check is configured: nothing is watched.', worst: 'unknown' };
  if (problems.length > 0) return { headline: count(problems.length, 'problem'), worst: problems[0]?.state.class ?? 'none' };
  const ok = watched.filter((one) => one.standing === 'ok').length;
  if (ok === watched.length) return { headline: ok === 1 ? 'The one check is OK.' : `All ${ok} checks are OK.`, worst: 'ok' };
  if (ok === 0) return toUnjudged(watched);
  return { headline: `No problem: ${ok} of ${watched.length} checks are OK.`, worst: 'ok' };
}

/** Nothing is OK and nothing is a problem: the first run, our own network, or the first minutes of an outage. */
function toUnjudged(watched: Seen[]): Pick<OverviewView, 'headline' | 'worst'> {
  const soft = watched.filter((one) => one.standing === 'soft').length;
  if (soft > 0) return { headline: `No problem yet: ${soft} of ${count(watched.length, 'check')} fail.`, worst: 'unknown' };
  const reasons = new Set(watched.flatMap((one) => (one.standing === 'withheld' ? (one.status?.latest?.withheld ?? []) : [])));
  const [reason, ...others] = reasons;
  if (reason === undefined || others.length > 0) return { headline: 'No check has been judged yet.', worst: 'unknown' };
  return { headline: `No check was judged: ${WITHHELD_WORDS[reason]}.`, worst: 'unknown' };
}

function toChecks(owner: Owner): Seen['check'][] {
  return [...owner.own, ...owner.related].map((seen) => seen.check);
}

function toWithheld(checks: Seen[], means: Means): OverviewView['withheld'] {
  const reasons = [...new Set(checks.flatMap((one) => one.status?.latest?.withheld ?? []))];
  return reasons.map((reason) => ({
    reason: WITHHELD_WORDS[reason],
    rows: checks.filter((one) => one.status?.latest?.withheld === reason).map((one) => toSmallRow(one, means)),
  }));
}

/** What is unstable stands under a heading of its own, and once. */
function toUnstable(checks: Seen[], means: Means): SmallRow[] {
  return checks.filter(({ status }) => status?.trouble?.unstable != null).map((one) => toSmallRow(one, means));
}

/** Waiting for a mass failure to be seen, for their pattern: what holds back several is said once, above them. */
function toHeldBack(problems: Seen[], means: Means): { sentences: string[]; members: Set<Seen> } {
  const groups = new Map<string, Seen[]>();
  for (const one of problems) {
    if (one.status === undefined || one.status.latest?.withheld != null) continue;
    const holding = findHolding(one.status, means.snapshot.now);
    if (holding === null || holding.because === 'new' || holding.because === 'unstable') continue;
    groups.set(holding.words, [...(groups.get(holding.words) ?? []), one]);
  }
  const several = [...groups].filter(([, members]) => members.length > 1);
  return {
    sentences: several.map(([words, members]) => `Nobody is told of ${members.length} of them yet: ${words.replace(': ', '; ')}.`),
    members: new Set(several.flatMap(([, members]) => members)),
  };
}

export function toOwnerRow(owner: Owner, means: Means): OwnerRow {
  const checks = [...owner.own, ...owner.related];
  const hours = worstBar(
    checks.map((seen) => seen.hours),
    24,
  );
  const shares = checks.flatMap((seen) => shareOf(seen, '90d', means) ?? []);
  // Hosts are shown without: only what is shown is computed.
  const p95 = owner.kind === 'host' ? [] : checks.flatMap((seen) => slowestOf(seen, means) ?? []);
  return {
    kind: owner.kind,
    name: owner.name,
    title: owner.title,
    page: `${owner.kind}s/${owner.name}.html`,
    ...toOwnerState(checks),
    hard: hardWord(toChecks(owner), means.snapshot.statuses),
    hours: toRuns(hours, means.hourLabels),
    hoursWords: describeBar(hours, 'hours'),
    availability: shares.length === 0 ? '–' : formatAvailability(Math.min(...shares)),
    p95: p95.length === 0 ? '–' : formatLatency(Math.max(...p95)),
  };
}

/** In the place of one that a fault of ours does not let us count. */
export function toUnknownRow({ kind, name, title }: Owner): OwnerRow {
  return {
    kind,
    name,
    title,
    page: `${kind}s/${name}.html`,
    word: 'UNKNOWN',
    class: 'unknown',
    words: 'could not be counted',
    hard: 'UNKNOWN',
    hours: [],
    hoursWords: 'last 24 hours: not known',
    availability: '–',
    p95: '–',
  };
}

function slowestOf({ check, status }: Seen, { snapshot }: Means): number | null {
  return status === undefined ? null : windowFigures('24h', status, snapshot.pasts.get(check.id)).p95;
}

/** The worst of its problems; without any, OK as far as anything was judged. */
function toOwnerState(checks: Seen[]): StateWord & { words: string } {
  const watched = checks.filter((one) => one.standing !== 'off');
  const number = (standing: Seen['standing']) => watched.filter((one) => one.standing === standing).length;
  const inProblem = STATES.map((state) => ({
    state,
    found: watched.filter((one) => one.standing === 'problem' && one.state.word === state).length,
  }));
  const told = [
    ...(['CRITICAL', 'WARNING', 'UNKNOWN'] as const).flatMap((state) => {
      const found = inProblem.find((one) => one.state === state)?.found ?? 0;
      return found === 0 ? [] : [`${found} ${state.toLowerCase()}`];
    }),
    ...(number('soft') > 0 ? [`${number('soft')} failing`] : []),
    ...(number('withheld') > 0 ? [`${number('withheld')} not judged`] : []),
    ...(number('new') > 0 ? [`${number('new')} without result`] : []),
    ...(number('ok') > 0 ? [`${number('ok')} OK`] : []),
  ];
  // What stands of all alike is said by the word itself; that of a soft failure is still OK.
  const isAlike = told.length === 1 && number('soft') === 0;
  return { ...toWorst(watched), words: isAlike ? count(watched.length, 'check') : told.join(', ') };
}

function toWorst(watched: Seen[]): StateWord {
  for (const word of ['CRITICAL', 'WARNING', 'UNKNOWN'] as const) {
    if (watched.some((one) => one.standing === 'problem' && hardStateOf(one) === word)) return { word, class: STATE_CLASS[word] };
  }
  if (watched.length === 0) return { word: 'NO CHECKS', class: 'none' };
  if (watched.some((one) => one.standing === 'ok' || one.standing === 'soft')) return { word: 'OK', class: 'ok' };
  if (watched.some((one) => one.standing === 'withheld')) return { word: 'NOT JUDGED', class: 'skipped' };
  return { word: 'NO RESULT YET', class: 'none' };
}

function hardStateOf({ status }: Seen): State {
  return status === undefined ? 'OK' : hardState(status);
}
