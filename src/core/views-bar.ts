import { worstClass } from './availability.ts';
import { dayBefore, type Past, toTally } from './past.ts';
import type { Status } from './status.ts';
import { STATE_CLASS, type StateClass } from './views-words.ts';

/** Neighbouring cells of one class, drawn as one element: a calm bar is one run. */
export interface BarRun {
  class: StateClass;
  length: number;
  /** `2026-11-12 to 2026-11-14`: dates and hours only. */
  label: string;
}

/** One class for each hour or day, oldest first. */
export type Bar = StateClass[];

const RANK: Readonly<Record<StateClass, number>> = { none: 0, skipped: 1, ok: 2, unknown: 3, planned: 4, warning: 5, critical: 6 };
const HOUR_MS = 3_600_000;

/** The last 24 hours of a check, the current one last. */
export function toHourBar(now: number, status: Status | undefined): Bar {
  const first = Math.floor(now / HOUR_MS) - 23;
  const bar: Bar = new Array(24).fill('none');
  for (const row of status?.hours ?? []) {
    const index = row[0] - first;
    if (index >= 0 && index < 24) bar[index] = worstClass(toTally(row));
  }
  if (bar[23] === 'none') bar[23] = justSeen(status, (first + 23) * HOUR_MS);
  return bar;
}

/** The last 90 days of a check, today last. */
export function toDayBar(today: string, status: Status | undefined, past: Past | undefined): Bar {
  const bar: Bar = new Array(90).fill('none');
  if (past?.day === today) {
    for (const [index, day] of past.days.entries()) if (day !== null) bar[index] = day === 0 ? 'ok' : worstClass(day);
  }
  if (status?.today?.day === today) bar[89] = worstClass(status.today.tally);
  if (bar[89] === 'none') bar[89] = justSeen(status, Date.parse(`${today}T00:00:00Z`));
  return bar;
}

/** A result holds until the next one, so the first has no time yet that could be counted; but it was seen, and a new bar begins with it. */
function justSeen(status: Status | undefined, since: number): StateClass {
  const latest = status?.latest ?? null;
  if (latest === null || latest.at < since) return 'none';
  return latest.withheld === null ? STATE_CLASS[latest.state] : 'skipped';
}

/** The worst of several bars in each place. */
export function worstBar(bars: Bar[], length: number): Bar {
  const worst: Bar = new Array(length).fill('none');
  for (const bar of bars) {
    for (let i = 0; i < length; i += 1) {
      const found = bar[i] ?? 'none';
      if (RANK[found] > RANK[worst[i] ?? 'none']) worst[i] = found;
    }
  }
  return worst;
}

/** Runs of a bar, with the labels of their first and last cell. */
export function toRuns(bar: Bar, labels: string[]): BarRun[] {
  const runs: BarRun[] = [];
  for (let from = 0; from < bar.length; ) {
    const found = bar[from] ?? 'none';
    let to = from;
    while (to + 1 < bar.length && bar[to + 1] === found) to += 1;
    const [first = '', last = ''] = [labels[from], labels[to]];
    runs.push({ class: found, length: to - from + 1, label: from === to ? first : `${first} to ${last}` });
    from = to + 1;
  }
  return runs;
}

/** `2026-08-25` ... today, 90 of them. */
export function dayLabels(today: string): string[] {
  return Array.from({ length: 90 }, (_, i) => dayBefore(today, 89 - i));
}

/** `14:00 UTC` of the last 24 hours. */
export function hourLabels(now: number): string[] {
  const current = Math.floor(now / HOUR_MS);
  return Array.from({ length: 24 }, (_, i) => `${new Date((current - 23 + i) * HOUR_MS).toISOString().slice(11, 16)} UTC`);
}

const WORDS: Readonly<Record<StateClass, string>> = {
  critical: 'critical',
  warning: 'warning',
  unknown: 'unknown',
  planned: 'planned downtime',
  skipped: 'not judged',
  ok: 'OK',
  none: 'nothing measured',
};

/** The bar in words: `critical in 3 of 24 hours, warning in 1`; the calm part is not told unless it is all. */
export function describeBar(bar: Bar, unit: 'hours' | 'days'): string {
  const counts: Record<StateClass, number> = { critical: 0, warning: 0, unknown: 0, planned: 0, skipped: 0, ok: 0, none: 0 };
  for (const state of bar) counts[state] += 1;
  const told = (['critical', 'warning', 'planned', 'unknown', 'skipped'] as const).flatMap((state) =>
    counts[state] === 0 ? [] : [`${WORDS[state]} in ${counts[state]} of ${bar.length}`],
  );
  const known = bar.length - counts.none;
  const whole = `last ${bar.length} ${unit}`;
  if (known === 0) return `${whole}: nothing measured`;
  const gap = known < bar.length ? `, nothing measured in ${bar.length - known}` : '';
  return told.length === 0 ? `${whole}: always OK${gap}` : `${whole}: ${told.join(', ')}${gap}`;
}
