import pLimit from 'p-limit';
import type { CheckType, Context } from './check-type.ts';
import type { DueCheck } from './core/batch.ts';
import type { Check, Configuration } from './core/configuration.ts';
import { LookFailure, TargetFailure } from './core/failure.ts';
import type { Observation, Result } from './core/observation.ts';
import { toResult } from './core/verdict.ts';

/** What the runner needs from outside: types, contexts, time. */
export interface Observer {
  run: number;
  now: number;
  limits: Configuration['limits'];
  loadType(name: string): Promise<CheckType | undefined>;
  /** A context for one try; `signal` is the try's own. */
  contextFor(check: Check, options: { signal: AbortSignal; tryNumber: number; memory: unknown }): Context;
  /** Called after each check, for the progress bar. */
  onResult?(result: Result): void;
}

/**
 * Runs the due checks concurrently within the limits (whole, per host, per proxy) and the run's deadline. Every check comes back
 * with a result: what could not be finished in time is withheld as `not-run`.
 */
export async function observeAll(due: DueCheck[], observer: Observer): Promise<Result[]> {
  const gate = new Gate(observer.limits);
  const deadline = AbortSignal.timeout(observer.limits.runDeadline * 1000);
  const observeOne = async (one: DueCheck) => {
    const result = (await gate.pass(one.check, deadline, () => observe(one, observer, deadline))) ?? notRun(one, observer);
    observer.onResult?.(result);
    return result;
  };
  // The timers of signals do not keep the process alive: a check that waits for nothing else would end the run without a word.
  const keepAlive = setInterval(() => {}, 60_000);
  try {
    return await Promise.all(due.map(observeOne));
  } finally {
    clearInterval(keepAlive);
  }
}

/** At most so many checks at once: in the whole, for one host, through one proxy. A check waits for the narrowest gate first. */
class Gate {
  private readonly whole: ReturnType<typeof pLimit>;
  private readonly narrow = new Map<string, ReturnType<typeof pLimit>>();
  private readonly limits: Configuration['limits'];

  constructor(limits: Configuration['limits']) {
    this.limits = limits;
    this.whole = pLimit(limits.concurrency);
  }

  /** null when the run was over before the check's turn came. */
  pass<T>(check: Check, deadline: AbortSignal, act: () => Promise<T>): Promise<T | null> {
    const unlessOver = async () => (deadline.aborted ? null : act());
    const throughWhole = () => this.whole(unlessOver);
    const throughProxy = () =>
      check.via === null ? throughWhole() : this.of(`proxy ${check.via}`, this.limits.perProxy)(throughWhole);
    const place = check.host ?? (check.service === null ? check.id : `service ${check.service}`);
    return this.of(place, this.limits.perHost)(throughProxy);
  }

  private of(key: string, size: number): ReturnType<typeof pLimit> {
    const known = this.narrow.get(key);
    if (known !== undefined) return known;
    const limit = pLimit(size);
    this.narrow.set(key, limit);
    return limit;
  }
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
async function observe(one: DueCheck, observer: Observer, runDeadline: AbortSignal): Promise<Result> {
  const { check, due, memory } = one;
  const began = performance.now();
  const whole = AbortSignal.any([runDeadline, AbortSignal.timeout(check.deadline * 1000)]);
  let observation = await observeOnce(check, observer, { whole, tryNumber: 1, memory });
  for (let tryNumber = 2; tryNumber <= check.retries.times + 1 && isWorthRetrying(observation); tryNumber += 1) {
    if (!(await pause(check.retries.after, whole))) break;
    observation = await observeOnce(check, observer, { whole, tryNumber, memory });
  }
  const duration = (performance.now() - began) / 1000;
  const result = toResult(check, observation, { at: observer.now, run: observer.run, scheduled: due === 'scheduled', duration });
  // What the run's own end cut off says nothing about the target.
  return runDeadline.aborted && result.state !== 'OK' && duration < check.deadline ? { ...result, withheld: 'not-run' } : result;
}

/** A wrong answer is as worth a second look as a lost connection; a measured number or our own bug is not. */
function isWorthRetrying(observation: Observation): boolean {
  return observation.kind === 'failed' || (observation.kind === 'unknown' && observation.code !== 'bug');
}

interface Try {
  whole: AbortSignal;
  tryNumber: number;
  memory: unknown;
}

async function observeOnce(check: Check, observer: Observer, { whole, tryNumber, memory }: Try): Promise<Observation> {
  const signal = AbortSignal.any([whole, AbortSignal.timeout(check.timeout * 1000)]);
  const late: Observation = { kind: 'failed', code: 'timeout.total', output: `no answer within ${check.timeout} s` };
  try {
    const type = await observer.loadType(check.type);
    if (type === undefined) return { kind: 'unknown', code: 'type.missing', output: `no check type "${check.type}" is installed` };
    const context = observer.contextFor(check, { signal, tryNumber, memory });
    return await Promise.race([type.run(check.options, context), afterAbort(signal, late)]);
  } catch (error) {
    return signal.aborted && !(error instanceof LookFailure) ? late : toObservation(error);
  }
}

/** The limit is the runner's: a check that does not end 100 ms after its abort is left behind. */
function afterAbort(signal: AbortSignal, observation: Observation): Promise<Observation> {
  return new Promise((resolve) => {
    const end = () => setTimeout(() => resolve(observation), 100).unref();
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
  });
}

function toObservation(error: unknown): Observation {
  if (error instanceof TargetFailure) return { kind: 'failed', code: error.code, output: error.message };
  if (error instanceof LookFailure) return { kind: 'unknown', code: error.code, output: error.message };
  // A throw is our fault: UNKNOWN, with the message as output.
  return { kind: 'unknown', code: 'bug', output: `fault in vigie: ${error instanceof Error ? error.message : String(error)}` };
}

/** false when the deadline came first. */
function pause(seconds: number, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return Promise.resolve(false);
  return new Promise((resolve) => {
    const timer = setTimeout(() => end(true), seconds * 1000);
    const onAbort = () => end(false);
    const end = (inTime: boolean) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      resolve(inTime);
    };
    signal.addEventListener('abort', onAbort, { once: true });
  });
}
