import type { FleetDay } from './fleet.ts';
import { composeMonth, type FleetSection } from './fleet-report.ts';
import type { Snapshot } from './snapshot.ts';
import type { BarRun } from './views-bar.ts';
import type { StateClass } from './views-words.ts';

/** The report of a month, or of the fleet as it is. */
export interface MonthView {
  month: string;
  /** The last day that is counted in it. */
  until: string;
  sections: FleetSection[];
  graph: FleetGraph;
  /** Only on the page of the fleet: months that have a report, the newest first. */
  months: string[];
}

/** Hosts by release over time: one row for each moment, a bar and the numbers in words. */
export interface FleetGraph {
  releases: { name: string; class: StateClass }[];
  rows: { day: string; runs: BarRun[]; words: string }[];
}

/** As the pages' `Keyed`, which are made only when their key is another one. */
interface KeyedMonth {
  month: string;
  key: string;
  make(): MonthView;
}

/** The page of the fleet, and those of its months. */
export interface FleetView {
  current: KeyedMonth | null;
  months: KeyedMonth[];
}

/** Cells of the longest bar. */
const LENGTH = 60;
const MAX_ROWS = 14;
/** The newest release first: what is left behind stands out. All that are older than the third share the last. */
const CLASSES = ['ok', 'warning', 'critical', 'unknown'] as const;

export function toFleetView({ fleet, configuration }: Pick<Snapshot, 'fleet' | 'configuration'>): FleetView {
  if (fleet === null) return { current: null, months: [] };
  const key = `${fleet.day}\n${fleet.key}`;
  const newest = fleet.months.toReversed();
  const toMonth = (month: string, months: string[]) => () => {
    const history = fleet.read();
    return toMonthView(history.days, composeMonth(history, month) ?? [], { month, months });
  };
  return {
    current: { month: fleet.day.slice(0, 7), key, make: toMonth(fleet.day.slice(0, 7), newest) },
    // A month that is over is written once more, when the next one begins.
    months: newest.map((month, i) => ({ month, key: i < 2 ? key : configuration.timezone, make: toMonth(month, []) })),
  };
}

function toMonthView(
  days: FleetDay[],
  sections: FleetSection[],
  { month, months }: Pick<MonthView, 'month' | 'months'>,
): MonthView {
  const known = days.filter(({ day }) => day.slice(0, 7) <= month);
  return { month, months, until: known.at(-1)?.day ?? month, sections, graph: toGraph(known) };
}

/** At most 14 days of the last year, evenly apart, always the last. */
export function toGraph(days: readonly FleetDay[]): FleetGraph {
  const year = days.slice(-366);
  const step = Math.max(1, Math.ceil(year.length / MAX_ROWS));
  const shown = year.filter((_, index) => (year.length - 1 - index) % step === 0);
  const names = [...new Set(shown.flatMap(({ releases }) => Object.keys(releases)))].sort(byNumber);
  const classOf = (place: number) => CLASSES[Math.min(place, CLASSES.length - 1)] ?? 'unknown';
  const most = Math.max(1, ...shown.map(({ releases }) => Object.values(releases).reduce((a, b) => a + b, 0)));
  return {
    releases: names.map((name, i) => ({ name, class: classOf(i) })),
    rows: shown.map(({ day, releases }) => {
      const counts = names
        .map((name, i) => ({ name, class: classOf(i), count: releases[name] ?? 0 }))
        .filter(({ count }) => count > 0);
      const runs = counts.map((one) => ({ class: one.class, length: toLength(one.count / most), label: `${one.count}` }));
      return { day, runs: [...runs, ...toRest(runs)], words: counts.map(({ name, count }) => `${count} ${name}`).join(', ') };
    }),
  };
}

/** What has a host has a cell. */
function toLength(share: number): number {
  return Math.max(1, Math.round(share * LENGTH));
}

/** What is missing to the longest bar stays empty. */
function toRest(runs: BarRun[]): BarRun[] {
  const rest = LENGTH - runs.reduce((sum, { length }) => sum + length, 0);
  return rest < 1 ? [] : [{ class: 'none', length: rest, label: '' }];
}

function byNumber(a: string, b: string): number {
  const toNumber = (name: string) => Number.parseFloat(/ ([\d.]+)/.exec(name)?.[1] ?? '999');
  return toNumber(b) - toNumber(a) || (a < b ? -1 : 1);
}
