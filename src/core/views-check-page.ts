import { availability } from './availability.ts';
import type { Check } from './configuration.ts';
import { dailyFigures, type Figures, hourlyFigures } from './figures.ts';
import type { Unit } from './observation.ts';
import { thresholdOf } from './range.ts';
import type { BarRun } from './views-bar.ts';
import { type ChartView, type Triple, toChart } from './views-chart.ts';
import { type CheckView, type ResultView, toCheckView, toResultView } from './views-check.ts';
import { type EventView, explainKinds, toEventView } from './views-events-view.ts';
import type { Means, Seen } from './views-means.ts';
import { formatSettings, toSettings } from './views-settings.ts';
import { formatAvailability, formatMetric, metricUnit } from './views-words.ts';

/** The page of one check: its charts with their numbers, last results, events, settings, and what to type. */
export interface CheckPageView {
  one: CheckView;
  owner: { kind: string; title: string; page: string };
  periods: PeriodView[];
  hasTimes: boolean;
  results: ResultView[];
  events: EventView[];
  kinds: string;
  settings: string;
  source: string;
  commands: { words: string; line: string }[];
}

/** Bars and charts that share one time axis, and their numbers as a table. */
export interface PeriodView {
  id: 'Hours' | 'Days';
  title: string;
  unit: 'hour' | 'day';
  bar: BarRun[];
  /** The bar without its picture, and the same under a heading that says of which time it is. */
  barWords: string;
  barSaid: string;
  charts: ChartView[];
  head: string[];
  /** First what a row is of, then one figure for each of `head`. */
  rows: string[][];
}

/** More metrics than a person can look at are left to the last result's own list. */
const CHARTS = 12;
/** Of what has no chart so much stands in the table. */
const COLUMNS = 30;
const EVENTS_SHOWN = 50;

export function toCheckPage(seen: Seen, means: Means): CheckPageView {
  const { check, status } = seen;
  const { snapshot, calendar } = means;
  const one = toCheckView(seen, means);
  const events = snapshot.archive.readNewest([check.id], null, EVENTS_SHOWN);
  const hours = hourlyFigures(snapshot.now, status === undefined ? [] : snapshot.measuredResults(check.id), status);
  const days = dailyFigures(means.dayLabels, status === undefined ? [] : snapshot.dayCounters(check.id), status);
  return {
    one,
    owner: ownerOfCheck(check, means),
    periods: [
      toPeriod(check, hours, means, {
        id: 'Hours',
        title: 'Last 24 hours',
        unit: 'hour',
        bar: one.hours,
        barWords: one.hoursWords,
        labels: means.hourLabels,
      }),
      toPeriod(check, days, means, {
        id: 'Days',
        title: 'Last 90 days',
        unit: 'day',
        bar: one.days,
        barWords: one.daysWords,
        labels: means.dayLabels,
      }),
    ],
    hasTimes: one.windowRows.some(([name]) => name === 'answers, p50'),
    results: (status === undefined ? [] : snapshot.recentResults(check.id)).map((result) => toResultView(result, calendar)),
    events: events.map((event) => toEventView(event, calendar)),
    kinds: explainKinds(events),
    settings: formatSettings(toSettings(check, means.catalogue)),
    source: `${check.source.file}:${check.source.line}`,
    commands: toCommands(check),
  };
}

function ownerOfCheck(check: Check, { snapshot }: Means): CheckPageView['owner'] {
  if (check.service !== null) {
    const title = snapshot.configuration.services[check.service]?.title ?? check.service;
    return { kind: 'service', title, page: `services/${check.service}.html` };
  }
  if (check.host !== null) return { kind: 'host', title: check.host, page: `hosts/${check.host}.html` };
  return { kind: 'proxies', title: 'proxies', page: 'checks.html' };
}

function toCommands({ id }: Check): CheckPageView['commands'] {
  return [
    { words: 'look now and explain each step', line: `vigie check -v ${id}` },
    { words: 'why it does or does not alert', line: `vigie explain ${id}` },
    { words: 'look now and record it', line: `vigie run --now ${id}` },
    { words: 'say that you know', line: `vigie ack ${id} --until 4h --note "..."` },
    { words: 'planned work', line: `vigie downtime add ${id} --from 0m --for 1h --note "..."` },
  ];
}

interface Period extends Omit<PeriodView, 'barSaid' | 'charts' | 'head' | 'rows'> {
  labels: string[];
}

/** A metric as a line of charts and a column of the table. */
interface Track {
  label: string;
  unit: Unit;
  threshold: Check['thresholds'][string] | undefined;
  layers: readonly [string, string, string];
  said: 0 | 1 | 2;
  say(value: string): string;
  values: (Triple | null)[];
}

function toPeriod(check: Check, figures: Figures[], means: Means, { labels, ...period }: Period): PeriodView {
  const tracks = toTracks(check, figures, period.unit, means);
  const ends: [string, string] = [labels[0] ?? '', labels.at(-1) ?? ''];
  const charts = tracks.slice(0, CHARTS).flatMap(({ label, ...track }) => toChart({ ...track, title: label, labels, ends }) ?? []);
  const isTold = figures.some(({ tally }) => tally !== null);
  return {
    ...period,
    barSaid: period.barWords.slice(period.barWords.indexOf(': ') + 2),
    charts,
    head: [...(isTold ? ['available'] : []), ...tracks.flatMap(({ label, layers }) => layers.map((layer) => `${label}, ${layer}`))],
    rows: figures.flatMap((one, i) => toRow(labels[i] ?? '', { one, place: i, isTold }, tracks) ?? []),
  };
}

/** One hour or day in figures; null where nothing at all was measured. */
function toRow(
  label: string,
  { one, place, isTold }: { one: Figures; place: number; isTold: boolean },
  tracks: Track[],
): string[][] | null {
  let isMeasured = one.tally !== null;
  const row = [label];
  if (isTold) row.push(one.tally === null ? '–' : formatAvailability(availability(one.tally)));
  for (const { values, unit } of tracks) {
    const value = values[place] ?? null;
    if (value === null) {
      row.push('–', '–', '–');
      continue;
    }
    isMeasured = true;
    row.push(formatMetric(value[0], unit), formatMetric(value[1], unit), formatMetric(value[2], unit));
  }
  return isMeasured ? [row] : null;
}

/** Answer times first, as percentiles; then the metrics in the order of the last result. */
function toTracks(check: Check, figures: Figures[], unit: PeriodView['unit'], { catalogue, snapshot }: Means): Track[] {
  const labelOf = (name: string) => catalogue[check.type]?.[name]?.label ?? name;
  const names = new Set(Object.keys(snapshot.statuses.get(check.id)?.latest?.metrics ?? {}));
  for (const { metrics } of figures) for (const name of metrics.keys()) names.add(name);
  const timeName = ['time', 'rtt'].find((name) => names.has(name));
  const tracks: Track[] = [];
  if (timeName !== undefined) {
    const threshold = thresholdOf(check, timeName);
    const values = figures.map(({ latency }) => latency);
    const say = (value: string) => `newest ${unit}: 95 of 100 answers within ${value}`;
    tracks.push({ label: labelOf(timeName), unit: 's', threshold, layers: ['p50', 'p95', 'p99'], said: 1, say, values });
  }
  for (const name of [...names].filter((other) => other !== timeName).slice(0, COLUMNS)) {
    tracks.push({
      label: labelOf(name),
      unit: metricUnit(catalogue, check.type, name),
      threshold: thresholdOf(check, name),
      layers: ['least', 'mean', 'most'],
      said: 1,
      say: (value) => `newest ${unit}: ${value} on average`,
      values: figures.map(({ metrics }) => metrics.get(name) ?? null),
    });
  }
  return tracks.filter(({ values }) => values.some((value) => value !== null));
}
