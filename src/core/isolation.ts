import type { Check } from './configuration.ts';
import { count } from './transition.ts';

/** How the sentinels of one network group answered in a run: at its start and, if any failed, again at its end. */
export interface SentinelReport {
  group: string;
  /** How many failed both times. */
  failed: number;
  of: number;
  /** Of the https sentinels that answered: what the far clock said minus what ours did, milliseconds. */
  clockOffsetsMs: number[];
}

/** A group that is cut off, kept from run to run. */
export interface Isolation {
  since: number;
  /** Runs in a row. */
  runs: number;
}

/** Checks that share our way out: `direct`, or the name of their proxy. */
export function groupOf({ via }: Pick<Check, 'via'>): string {
  return via ?? 'direct';
}

/** A group is isolated in a run in which two thirds of its sentinels fail both times. */
export function isIsolated({ failed, of }: Pick<SentinelReport, 'failed' | 'of'>): boolean {
  return of > 0 && failed * 3 >= of * 2;
}

export interface IsolationVerdict {
  isolations: Record<string, Isolation>;
  /** Told from the second such run on, and when it is over; a shorter cut is an event for the daily digest. */
  news: { kind: 'isolated' | 'isolation-over'; group: string; since: number; reason: string; isShort: boolean }[];
}

/** What the sentinels' answers of this run make of each group; groups that were not asked stay as they are. */
export function judgeIsolation(before: Record<string, Isolation>, reports: SentinelReport[], now: number): IsolationVerdict {
  const verdict: IsolationVerdict = { isolations: { ...before }, news: [] };
  for (const report of reports) {
    const { group, failed, of } = report;
    const own = before[group];
    if (isIsolated(report)) {
      const next = { since: own?.since ?? now, runs: (own?.runs ?? 0) + 1 };
      verdict.isolations[group] = next;
      const reason = `our own network (${group}) is cut: ${failed} of ${count(of, 'sentinel')} failed in two runs`;
      if (next.runs === 2) verdict.news.push({ kind: 'isolated', group, since: next.since, reason, isShort: false });
    } else if (own !== undefined) {
      delete verdict.isolations[group];
      const isShort = own.runs < 2;
      const times = `from ${toMinute(own.since)} to ${toMinute(now)}, ${describeLength(now - own.since)}`;
      const reason = `our own network (${group}) was cut ${times}${isShort ? ': a short cut, not told' : ''}`;
      verdict.news.push({ kind: 'isolation-over', group, since: own.since, reason, isShort });
    }
  }
  return verdict;
}

/** UTC: words of core carry no zone of people's. */
function toMinute(at: number): string {
  return `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

function describeLength(milliseconds: number): string {
  const minutes = Math.round(milliseconds / 60_000);
  return minutes < 120 ? `${minutes} min` : `${Math.round(minutes / 6) / 10} h`;
}
