import type { Check, Configuration } from './configuration.ts';
import { checksById } from './evaluate.ts';
import { groupOf, type Isolation, isIsolated, judgeIsolation, type SentinelReport } from './isolation.ts';
import type { WholeNews } from './item.ts';
import type { MassFailure } from './mass-failure.ts';
import type { Result } from './observation.ts';
import { findProxyFaults, type ProxyFault } from './proxy-fault.ts';
import type { Status } from './status.ts';
import { count } from './transition.ts';

/** What is remembered of the whole from run to run. Plain JSON. */
export interface Situation {
  isolations: Record<string, Isolation>;
  masses: Record<string, MassFailure>;
  isClockWrong: boolean;
}

export const USUAL_SITUATION: Situation = { isolations: {}, masses: {}, isClockWrong: false };

/** What the run knows of itself, before any check is blamed. */
export interface OwnRun {
  run: number;
  now: number;
  situation: Situation;
  sentinels: SentinelReport[];
  /** Start of the run before, or null. */
  previousAt: number | null;
  /** Whether the system says that its clock is synchronised; null when it does not say. */
  isSynchronised: boolean | null;
}

export interface OwnVerdict {
  results: Result[];
  situation: Situation;
  news: WholeNews[];
}

/** A clock that is off by more makes verdicts about dates worthless. */
const CLOCK_LIMIT_MS = 120_000;
/** What NTP corrects by a small step is no trouble, and two runs in one second are none. */
const BACK_LIMIT_MS = 2000;
const ENOUGH_CLOCKS = 3;
/** Cron that misses runs is told. */
const GAP_INTERVALS = 3;

/** Is it us (alerting.md section 5)? Withholds what our network, our clock or our proxy explains, and says what is news of them. */
export function judgeOurselves(
  configuration: Configuration,
  statuses: ReadonlyMap<string, Status>,
  results: Result[],
  own: OwnRun,
): OwnVerdict {
  const { situation, sentinels, now } = own;
  if (isUndisturbed(configuration, own)) return { results, situation, news: [] };
  const { isolations, news } = judgeIsolation(situation.isolations, sentinels, now);
  const clock = judgeClock(own);
  const isolated = new Set(sentinels.filter(isIsolated).map(({ group }) => group));
  const find = checksById(configuration);
  const faults = findProxyFaults(configuration, statuses, results, find);
  const blamed = new Set(faults.flatMap(({ checks }) => checks));
  const isUsual = isolated.size === 0 && !clock.isWrong && blamed.size === 0;
  const judge = (result: Result): Result => {
    const check = find.get(result.check);
    const withheld = check === undefined || result.state === 'OK' ? null : explain(check, result);
    return withheld === null ? result : { ...result, withheld };
  };
  function explain(check: Check, result: Result): 'isolated' | 'clock' | 'proxy' | null {
    if (isolated.has(groupOf(check))) return 'isolated';
    if (clock.isWrong && isTimeBased(result.code)) return 'clock';
    return blamed.has(check.id) ? 'proxy' : null;
  }
  const whole: WholeNews[] = news.map(({ kind, group, reason, since, isShort }) => ({
    kind,
    reason,
    lines: [],
    about: group,
    onset: since,
    ...(isShort ? { isSilent: true as const } : {}),
  }));
  return {
    results: faults.reduce((list, fault) => blameProxy(list, fault, own), isUsual ? results : results.map(judge)),
    situation: { ...situation, isolations, isClockWrong: clock.isKept },
    news: [...whole, ...clock.news, ...findGap(configuration, own)],
  };
}

/** Nothing to judge by, and nothing going on: nearly every run of a replay. */
function isUndisturbed({ proxies }: Configuration, { situation, sentinels, previousAt, isSynchronised }: OwnRun): boolean {
  if (sentinels.length > 0 || previousAt !== null || isSynchronised !== null || situation.isClockWrong) return false;
  return Object.keys(situation.isolations).length === 0 && Object.keys(proxies).length === 0;
}

/** Verdicts that compare a date with our clock: certificates, signatures, ages. */
function isTimeBased(code: string): boolean {
  return /^tls\.(expired|not_yet_valid)$|^dns\.signature|^threshold\.(days_left|age|.*_age)$/.test(code);
}

interface ClockVerdict {
  /** In this run. */
  isWrong: boolean;
  /** What the next run is told. */
  isKept: boolean;
  news: WholeNews[];
}

/**
 * Only https sentinels have a vote, at least three of them, by their median; a monitored machine has none. Without them the system's own
 * word counts. A clock that went back is wrong in that run.
 */
function judgeClock({ situation, sentinels, previousAt, now, isSynchronised }: OwnRun): ClockVerdict {
  const offsets = sentinels.flatMap(({ clockOffsetsMs }) => clockOffsetsMs).sort((a, b) => a - b);
  const median = offsets.length >= ENOUGH_CLOCKS ? (offsets[Math.floor(offsets.length / 2)] ?? 0) : null;
  const backMs = previousAt === null ? 0 : previousAt - now;
  const news = (reason: string): WholeNews[] => [{ kind: 'clock', reason, lines: [] }];
  if (backMs > BACK_LIMIT_MS) {
    const reason = `the clock went back by ${describeSeconds(backMs)} since the last run`;
    return { isWrong: true, isKept: situation.isClockWrong, news: news(reason) };
  }
  if (median === null) {
    if (isSynchronised === null) return { isWrong: situation.isClockWrong, isKept: situation.isClockWrong, news: [] };
    const isNew = !isSynchronised && !situation.isClockWrong;
    return {
      isWrong: !isSynchronised,
      isKept: !isSynchronised,
      news: isNew ? news('the system says that its clock is not synchronised') : [],
    };
  }
  const isOff = Math.abs(median) > CLOCK_LIMIT_MS;
  const way = median > 0 ? 'behind' : 'ahead of';
  const reason = `our clock is ${describeSeconds(Math.abs(median))} ${way} that of ${count(offsets.length, 'sentinel')}`;
  return { isWrong: isOff, isKept: isOff, news: isOff && !situation.isClockWrong ? news(reason) : [] };
}

function describeSeconds(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000);
  if (seconds < 600) return `${seconds} s`;
  if (seconds < 3 * 3600) return `${Math.round(seconds / 60)} min`;
  return seconds < 3 * 86_400 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} days`;
}

/** The last run is older than three intervals: nobody was looking in between. */
function findGap({ interval }: Configuration, { previousAt, now }: OwnRun): WholeNews[] {
  if (previousAt === null || now - previousAt <= GAP_INTERVALS * interval * 1000) return [];
  const reason = `no run for ${describeSeconds(now - previousAt)}: nothing was looked at meanwhile`;
  return [{ kind: 'run-gap', reason, lines: [], onset: previousAt }];
}

/** What several onions show is said of `proxy/NAME`, which then fails for all of them, soft and HARD like any other check. */
function blameProxy(results: Result[], { proxy, code, checks }: ProxyFault, { now, run }: OwnRun): Result[] {
  const id = `proxy/${proxy}`;
  const seen = results.find((result) => result.check === id);
  if (seen !== undefined && seen.state !== 'OK') return results;
  const output = `${code} on ${checks.length} unrelated onion services, and none that works`;
  const blame: Result = {
    check: id,
    at: now,
    run,
    state: 'CRITICAL',
    code: 'proxy.onions',
    output,
    metrics: seen?.metrics ?? {},
    parts: [],
    scheduled: seen?.scheduled ?? false,
    withheld: null,
    duration: seen?.duration ?? 0,
  };
  return [...results.filter((result) => result !== seen), blame];
}
