import { toDay } from './availability.ts';
import { formatAge } from './calendar.ts';
import type { Check } from './configuration.ts';
import { checkPageOf } from './item-facts.ts';
import { type WindowFigures, windowFigures } from './past.ts';
import { thresholdOf } from './range.ts';
import { WINDOWS } from './run-record.ts';
import type { PastResult } from './snapshot.ts';
import { count } from './transition.ts';
import { type BarRun, describeBar, toDayBar, toRuns } from './views-bar.ts';
import { describeLimits } from './views-chart.ts';
import type { Means, Seen } from './views-means.ts';
import { describeSaid } from './views-people.ts';
import { describeStanding } from './views-standing.ts';
import type { StateWord } from './views-state.ts';
import {
  type Calendar,
  formatAvailability,
  formatLatency,
  formatMetric,
  formatSeconds,
  type MetricCatalogue,
  type Moment,
  metricUnit,
  NO_MOMENT,
  STATE_CLASS,
  type StateClass,
} from './views-words.ts';

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
