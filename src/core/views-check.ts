import { toDay } from './availability.ts';
import { formatAge } from './calendar.ts';
import type { Check } from './configuration.ts';
import type { Event } from './item.ts';
import { checkPageOf } from './item-facts.ts';
import { type WindowFigures, windowFigures } from './past.ts';
import { thresholdOf } from './range.ts';
import { isNew } from './remember.ts';
import { WINDOWS } from './run-record.ts';
import type { PastResult, Snapshot } from './snapshot.ts';
import { type Status, stateType } from './status.ts';
import { count } from './transition.ts';
import { type Bar, type BarRun, dayLabels, describeBar, hourLabels, toDayBar, toHourBar, toRuns } from './views-bar.ts';
import { describeLimits } from './views-chart.ts';
import { describeSaid, type Said, toSaid } from './views-people.ts';
import { hardState, type Standing, type StateWord, standingOf, stateWord } from './views-state.ts';
import {
  type Calendar,
  formatAvailability,
  formatLatency,
  formatMetric,
  formatSeconds,
  type MetricCatalogue,
  type Moment,
  metricUnit,
  STATE_CLASS,
  type StateClass,
  WITHHELD_WORDS,
} from './views-words.ts';
import { findHolding } from './why.ts';

/** What all private pages are made with. */
export interface Means {
  snapshot: Snapshot;
  catalogue: MetricCatalogue;
  calendar: Calendar;
  dayLabels: string[];
  hourLabels: string[];
  eventsByCheck: Map<string, Event[]>;
  /** Of hosts as a whole, such as reboots. */
  hostEvents: Map<string, Event[]>;
  said: Said;
  /** What signatureOf made already: a check stands on its owner's page and on its own. */
  signatures: Map<string, string>;
}

/** One check with what several pages need of it. */
export interface Seen {
  check: Check;
  status: Status | undefined;
  standing: Standing;
  state: StateWord;
  hours: Bar;
}

/** One check as a section of its service's or host's page. Times are absolute, so that an unchanged page stays as it is. */
export interface CheckView extends StateWord {
  anchor: string;
  id: string;
  name: string;
  type: string;
  target: string;
  said: string;
  code: string;
  /** Sentences: since when, why it does or does not alert. */
  facts: string[];
  hasResult: boolean;
  lastAt: Moment;
  lastRun: number;
  took: string;
  notes: string;
  parts: { name: string; word: string; class: StateClass; output: string }[];
  hours: BarRun[];
  hoursWords: string;
  days: BarRun[];
  daysWords: string;
  /** Figures by window, in the order of WINDOWS: each row begins with what it is. */
  windowRows: string[][];
  metrics: { label: string; value: string; limits: string }[];
  results: ResultView[];
  resultsWords: string;
  /** Its own page, with charts, events and settings; relative to the site's root. */
  page: string;
}

export interface ResultView {
  at: Moment;
  run: number;
  word: string;
  class: StateClass;
  output: string;
  took: string;
}

export interface EventView {
  at: Moment;
  kind: string;
  word: string;
  class: StateClass;
  reason: string;
  output: string;
  told: boolean;
}

export function toMeans(snapshot: Snapshot, catalogue: MetricCatalogue, calendar: Calendar): Means {
  const eventsByCheck = new Map<string, Event[]>();
  const hostEvents = new Map<string, Event[]>();
  for (const event of snapshot.events) {
    const [map, key] = event.check === null ? [hostEvents, event.host] : [eventsByCheck, event.check];
    if (key === null) continue;
    const found = map.get(key);
    if (found === undefined) map.set(key, [event]);
    else found.push(event);
  }
  const { now } = snapshot;
  const said = toSaid(snapshot);
  return {
    snapshot,
    catalogue,
    calendar,
    dayLabels: dayLabels(toDay(now)),
    hourLabels: hourLabels(now),
    eventsByCheck,
    hostEvents,
    said,
    signatures: new Map(),
  };
}

export function seeCheck(check: Check, { snapshot }: Means): Seen {
  const status = snapshot.statuses.get(check.id);
  return {
    check,
    status,
    standing: standingOf(check, status),
    state: stateWord(check, status),
    hours: toHourBar(snapshot.now, status),
  };
}

/** In the place of one that a fault of ours does not let us see. */
export function toUnseen(check: Check): Seen {
  return { check, status: undefined, standing: 'withheld', state: { word: 'NOT KNOWN', class: 'unknown' }, hours: [] };
}

const NO_MOMENT: Moment = { iso: '', words: '' };

export function toCheckView(seen: Seen, means: Means): CheckView {
  const { check, status } = seen;
  const { calendar, snapshot } = means;
  const latest = status?.latest ?? null;
  const past = snapshot.pasts.get(check.id);
  const days = toDayBar(toDay(snapshot.now), status, past);
  const figures = status === undefined ? [] : WINDOWS.map((window) => windowFigures(window, status, past));
  return {
    anchor: check.name,
    id: check.id,
    name: check.name,
    type: check.type,
    target: check.target,
    ...seen.state,
    said: latest?.output ?? '',
    code: latest?.code ?? '',
    facts:
      status === undefined || latest === null
        ? []
        : [
            ...describeStanding(check, status, { standing: seen.standing, calendar, now: snapshot.now }),
            ...describeSaid(check, means.said, calendar).map((line) => `${line}.`),
          ],
    hasResult: latest !== null,
    lastAt: latest === null ? NO_MOMENT : calendar.full(latest.at),
    lastRun: latest?.run ?? 0,
    took: latest === null ? '' : formatSeconds(latest.duration),
    notes: check.notes ?? '',
    parts: (latest?.parts ?? []).map(({ name, state, output }) => ({ name, word: state, class: STATE_CLASS[state], output })),
    hours: toRuns(seen.hours, means.hourLabels),
    hoursWords: describeBar(seen.hours, 'hours'),
    days: toRuns(days, means.dayLabels),
    daysWords: describeBar(days, 'days'),
    windowRows: toWindowRows(figures),
    metrics: toMetricViews(check, latest?.metrics ?? {}, means.catalogue),
    ...(latest === null ? NO_RESULTS : toResultViews(check.id, means)),
    page: checkPageOf(check),
  };
}

/** What was never down and never unmeasured needs no rows that say so. */
function toWindowRows(figures: WindowFigures[]): string[][] {
  if (figures.length === 0) return [];
  const span = (seconds: number) => (seconds === 0 ? '–' : formatAge(seconds));
  const rows = [['available', ...figures.map((one) => formatShare(one.availability))]];
  if (figures.some((one) => one.critical > 0)) rows.push(['critical', ...figures.map((one) => span(one.critical))]);
  if (figures.some((one) => one.planned > 0)) rows.push(['planned', ...figures.map((one) => span(one.planned))]);
  if (figures.some((one) => one.unmeasured > 0)) rows.push(['not measured', ...figures.map((one) => span(one.unmeasured))]);
  if (figures.some((one) => one.p50 !== null)) {
    rows.push(['answers, p50', ...figures.map((one) => formatLatency(one.p50))]);
    rows.push(['answers, p95', ...figures.map((one) => formatLatency(one.p95))]);
    rows.push(['answers, p99', ...figures.map((one) => formatLatency(one.p99))]);
  }
  return rows;
}

/** Nothing measured is a row of its own. */
function formatShare(share: number | null): string {
  return share === null ? '–' : formatAvailability(share);
}

function toMetricViews(check: Check, metrics: Record<string, number>, catalogue: MetricCatalogue): CheckView['metrics'] {
  return Object.entries(metrics).map(([name, value]) => {
    const unit = metricUnit(catalogue, check.type, name);
    const threshold = thresholdOf(check, name);
    const limits = threshold === undefined ? '' : describeLimits(threshold, unit);
    return { label: catalogue[check.type]?.[name]?.label ?? name, value: formatMetric(value, unit), limits };
  });
}

type ResultViews = Pick<CheckView, 'results' | 'resultsWords'>;
const NO_RESULTS: ResultViews = { results: [], resultsWords: '' };

/** Ten calm results are one sentence; what was not calm is told line by line. */
function toResultViews(check: string, { snapshot, calendar }: Means): ResultViews {
  const spanOf = (from: number, to: number) => `${calendar.full(from).words} to ${calendar.full(to).words}`;
  const calm = snapshot.calmResults(check);
  if (calm !== null && calm.count > 1) {
    return { results: [], resultsWords: `${calm.count} results, all OK, ${spanOf(calm.from, calm.to)}` };
  }
  const results = snapshot.recentResults(check);
  const [newest, oldest] = [results[0], results.at(-1)];
  if (newest === undefined || oldest === undefined) return NO_RESULTS;
  const span = spanOf(oldest.at, newest.at);
  return {
    results: results.map((result) => toResultView(result, calendar)),
    resultsWords: `${count(results.length, 'result')}, ${span}`,
  };
}

export function toResultView(result: PastResult, calendar: Calendar): ResultView {
  const withheld = result.withheld === null ? '' : ` (not judged: ${result.withheld})`;
  return {
    at: calendar.full(result.at),
    run: result.run,
    word: result.state,
    class: result.withheld === null ? STATE_CLASS[result.state] : 'skipped',
    output: `${result.output}${withheld}`,
    took: formatSeconds(result.duration),
  };
}

export function toEventView(event: Event, calendar: Calendar): EventView {
  return {
    at: calendar.full(event.at),
    kind: event.kind,
    word: event.state ?? '',
    class: event.state === null ? 'none' : STATE_CLASS[event.state],
    reason: event.reason,
    output: event.output,
    told: event.told,
  };
}

/** Since when, and why it does or does not alert. */
function describeStanding(check: Check, status: Status, known: { standing: Standing; calendar: Calendar; now: number }): string[] {
  const { problem, streak, latest } = status;
  const { calendar, standing } = known;
  const facts: string[] = [];
  if (latest?.withheld != null) facts.push(`Seen as ${latest.state} and not judged: ${WITHHELD_WORDS[latest.withheld]}.`);
  if (problem !== null) {
    facts.push(
      `${hardState(status)} since ${calendar.full(problem.onset).words}${streak === null ? '' : `, ${streak.length} in a row`}.`,
    );
    facts.push(describeTold(check, status, known.now));
    if (problem.okInARow > 0)
      facts.push(`OK again ${count(problem.okInARow, 'time')} of the ${check.recoveries} that end the problem.`);
  } else if (streak !== null) {
    const needed = streak.judged ? check.attempts : Math.max(check.attempts, check.unknownAttempts);
    facts.push(`Failing since ${calendar.full(streak.startedAt).words}: failure ${streak.length} of ${needed} before an alert.`);
  } else if (standing === 'ok') {
    facts.push(`${stateType(status) === 'hard' ? 'OK' : 'OK, not yet for sure,'} since ${calendar.full(status.since).words}.`);
  }
  return facts;
}

export function describeTold(check: Check, status: Status, now: number): string {
  const { problem } = status;
  if (problem === null || problem.toldTo.length > 0) return `Told ${problem?.toldTo.join(', ') ?? 'nobody'}.`;
  if (isNew(status, now)) return 'Nobody is told yet: the check is new and has never been OK.';
  const holding = findHolding(status, now);
  if (holding !== null) return `Nobody is told: ${holding.words}.`;
  return check.contacts.length === 0 ? 'Nobody is told: it has no contacts.' : 'Nobody was told.';
}

/**
 * What a check's section is made of, as far as people wait for it: while this stays, the section may be some minutes old. A calm
 * check's answer times alone are no reason to write its page again in every run.
 */
export function signatureOf(seen: Seen, means: Means): string {
  const known = means.signatures.get(seen.check.id);
  if (known !== undefined) return known;
  const made = makeSignature(seen, means);
  means.signatures.set(seen.check.id, made);
  return made;
}

function makeSignature({ check, status, standing, state }: Seen, means: Means): string {
  const latest = status?.latest;
  const known = [check.id, standing, state.word, status?.problem?.onset, status?.problem?.told, status?.problem?.toldTo.length];
  const trouble = standing === 'ok' ? [] : [latest?.run, latest?.withheld];
  const parts = latest?.parts.map((part) => `${part.name} ${part.state}`) ?? [];
  const said = describeSaid(check, means.said, means.calendar);
  return [...known, ...trouble, ...parts, ...said, means.eventsByCheck.get(check.id)?.[0]?.run].join('\t');
}
