import { setMaxListeners } from 'node:events';
import pLimit from 'p-limit';
import type { CheckType, Context } from './check-type.ts';
import type { DueCheck } from './core/batch.ts';
import type { Check, Configuration } from './core/configuration.ts';
import { LookFailure, TargetFailure, TimeUp, toFailed } from './core/failure.ts';
import type { Observation, Result } from './core/observation.ts';
import type { HostReport } from './core/report.ts';
import { toResult } from './core/verdict.ts';

/** What the runner needs from outside: types, contexts, time. */
export interface Observer {
  run: number;
  now: number;
  limits: Configuration['limits'];
  loadType(name: string): Promise<CheckType | undefined>;
  /** A context for one try; `signal` is the try's own. */
  contextFor(
    check: Check,
    options: { signal: AbortSignal; tryNumber: number; memory: unknown; report?: HostReport | undefined },
  ): Context;
  /** Called after each check, for the progress bar. */
  onResult?(result: Result): void;
  /** Called once when every check is over: what children left behind in sessions of their own ends with the batch. */
  onEnd?(): Promise<void>;
}

/**
 * Runs the due checks concurrently within the limits (whole, per host, per proxy) and the run's deadline. Every check comes back
 * with a result: what could not be finished in time is withheld as `not-run`. Those that read a host's report wait for it, and come
 * back without one when it is no news: their last result holds, or one sample would be three failures in a row.
 */
export async function observeAll(due: DueCheck[], observer: Observer): Promise<Result[]> {
  const gate = new Gate(observer.limits, due);
  const runEndsAt = performance.now() + observer.limits.runDeadline * 1000;
  const observeOne = async (one: DueCheck) => {
    const result = (await gate.pass(one.check, runEndsAt, () => observe(one, observer, runEndsAt))) ?? notRun(one, observer);
    observer.onResult?.(result);
    return result;
  };
  const first = new Map<string, Promise<Result>>();
  const observeReader = async (one: DueCheck, source: string) => {
    const seen = await first.get(source);
    if (seen?.report?.isNews === true) return observeOne({ ...one, report: seen.report.report });
    const result = seen === undefined || seen.report !== undefined ? null : withoutReport(one, seen);
    if (result !== null) observer.onResult?.(result);
    return result;
  };
  for (const one of due) if (one.check.report === undefined) first.set(one.check.id, observeOne(one));
  const all = due.map((one) => (one.check.report === undefined ? first.get(one.check.id) : observeReader(one, one.check.report)));
  const results = await Promise.all(all);
  await observer.onEnd?.();
  return results.filter((result) => result != null);
}

/** The report could not be had or verified: that is told of its own check, once. */
function withoutReport({ check, due }: DueCheck, { at, run, output, withheld }: Result): Result {
  const observation: Observation = { kind: 'unknown', code: 'report.none', output: `no report: ${output}` };
  const result = toResult(check, observation, { at, run, scheduled: due === 'scheduled', duration: 0 });
  return { ...result, withheld: withheld === 'not-run' ? 'not-run' : 'report' };
}

/** At most so many checks at once: in the whole, for one host, through one proxy. A check waits for the narrowest gate first. */
class Gate {
  private readonly whole: ReturnType<typeof pLimit>;
  /** Where no more checks are due than may run at once there is no gate: null. */
  private readonly narrow = new Map<string, ReturnType<typeof pLimit> | null>();

  constructor({ concurrency, perHost, perProxy }: Configuration['limits'], due: DueCheck[]) {
    this.whole = pLimit(concurrency);
    const counts = new Map<string, number>();
    const count = (place: string) => counts.set(place, (counts.get(place) ?? 0) + 1);
    for (const { check } of due) {
      count(toPlace(check));
      if (check.via !== null) count(toProxyPlace(check.via));
    }
    for (const [place, number] of counts) {
      const size = place.startsWith(PROXY_PLACE) ? perProxy : perHost;
      this.narrow.set(place, number <= size ? null : pLimit(size));
    }
  }

  /** null when the run was over before the check's turn came. */
  pass<T>(check: Check, runEndsAt: number, act: () => Promise<T>): Promise<T | null> {
    const unlessOver = async () => (performance.now() >= runEndsAt ? null : act());
    const throughWhole = () => this.whole(unlessOver);
    const throughProxy = () => (check.via === null ? throughWhole() : this.through(toProxyPlace(check.via), throughWhole));
    return this.through(toPlace(check), throughProxy);
  }

  private through<T>(place: string, act: () => Promise<T>): Promise<T> {
    const limit = this.narrow.get(place);
    return limit ? limit(act) : act();
  }
}

const PROXY_PLACE = 'proxy ';

function toProxyPlace(proxy: string): string {
  return PROXY_PLACE + proxy;
}

function toPlace({ host, service, id }: Check): string {
  return host === null ? `check ${service ?? id}` : `host ${host}`;
}

function notRun({ check, due }: DueCheck, { now, run }: Observer): Result {
  const observation: Observation = {
    kind: 'unknown',
    code: 'run.deadline',
    output: 'not run: the run was over before its turn came',
  };
  return { ...toResult(check, observation, { at: now, run, scheduled: due === 'scheduled', duration: 0 }), withheld: 'not-run' };
}

/** One check with its tries. A failure is tried again within the run, so that one lost circuit is no failure (requirement N2). */
async function observe(one: DueCheck, observer: Observer, runEndsAt: number): Promise<Result> {
  const { check, due, memory, report } = one;
  const began = performance.now();
  const endsAt = Math.min(began + check.deadline * 1000, runEndsAt);
  let observation = await observeOnce(check, observer, { endsAt, tryNumber: 1, memory, report });
  // What a report says it says again.
  const tries = report === undefined ? check.retries.times + 1 : 1;
  for (let tryNumber = 2; tryNumber <= tries && isWorthRetrying(observation); tryNumber += 1) {
    const pause = check.retries.after * 1000;
    if (performance.now() + pause >= endsAt) break;
    await sleep(pause);
    observation = await observeOnce(check, observer, { endsAt, tryNumber, memory, report });
  }
  const duration = (performance.now() - began) / 1000;
  const units = (await observer.loadType(check.type))?.metrics;
  const origin = { at: observer.now, run: observer.run, scheduled: due === 'scheduled', duration };
  const result = toResult(check, observation, origin, units);
  // What the run's own end cut off says nothing about the target.
  const isCutOff = performance.now() >= runEndsAt && duration < check.deadline && result.state !== 'OK';
  return isCutOff ? { ...result, withheld: 'not-run' } : result;
}

/** A wrong answer is as worth a second look as a lost connection; a measured number or our own bug is not. */
function isWorthRetrying(observation: Observation): boolean {
  return observation.kind === 'failed' || (observation.kind === 'unknown' && observation.code !== 'bug');
}

interface Try {
  /** The end of the whole check, a reading of `performance.now()`. */
  endsAt: number;
  tryNumber: number;
  memory: unknown;
  report: HostReport | undefined;
}

const OVER = new LookFailure('run.over', 'the check is over');

/** Milliseconds that a check has, after its abort, to say how far it came. */
const LAST_WORDS_MS = 100;

/** A limit that comes this much late, and by half of itself, says that this process stood still: not that the target is slow. */
const STANDSTILL_MS = 1000;

/** One try. The limit is the runner's: a check that does not end soon after its abort is left behind. */
async function observeOnce(check: Check, observer: Observer, { endsAt, tryNumber, memory, report }: Try): Promise<Observation> {
  const type = await observer.loadType(check.type);
  if (type === undefined) return { kind: 'unknown', code: 'type.missing', output: `no check type "${check.type}" is installed` };
  const abort = new AbortController();
  // A check may open many connections, and each of them ends with this signal.
  setMaxListeners(0, abort.signal);
  const { promise: leftBehind, resolve: leaveBehind } = withResolvers<Observation>();
  // One timer and one signal for each try: with 750 checks in a second they count.
  const limitMs = Math.max(0, Math.min(check.timeout * 1000, endsAt - performance.now()));
  const over = performance.now() + limitMs;
  let timer = setTimeout(() => {
    const late = toLateness(check, performance.now() - over);
    abort.abort(late);
    timer = setTimeout(() => leaveBehind(toObservation(late)), LAST_WORDS_MS);
  }, limitMs);
  try {
    const context = observer.contextFor(check, { signal: abort.signal, tryNumber, memory, report });
    return insist(await Promise.race([type.run(check.options, context), leftBehind]), check.type);
  } catch (error) {
    return toObservation(error);
  } finally {
    clearTimeout(timer);
    // Whatever the check left open ends with it. A reason of our own: making the default one, with its stack, costs more than a socket.
    abort.abort(OVER);
  }
}

/** A check type is a file that anybody may add: one that returns nothing must not cost the results of all the others. */
function insist(observation: Observation | null | undefined, type: string): Observation {
  if (typeof observation?.kind === 'string' && typeof observation.output === 'string') return observation;
  throw new TypeError(`check type ${type} returned no observation`);
}

/** What the end of a try's time means: a busy processor, a parser that blocked, or a machine that was suspended is our fault. */
function toLateness({ timeout }: Check, lateMs: number): TargetFailure | LookFailure {
  if (lateMs <= Math.max(STANDSTILL_MS, timeout * 500)) return new TimeUp(timeout);
  return new LookFailure('run.standstill', `this process stood still for ${Math.round(lateMs / 1000)} s: could not look`);
}

function withResolvers<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

function toObservation(error: unknown): Observation {
  if (error instanceof TargetFailure) return toFailed(error);
  if (error instanceof LookFailure) return { kind: 'unknown', code: error.code, output: error.message };
  // A throw is our fault: UNKNOWN, with the message as output.
  return { kind: 'unknown', code: 'bug', output: `fault in vigie: ${error instanceof Error ? error.message : String(error)}` };
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
