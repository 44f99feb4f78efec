import { LookFailure, TargetFailure } from '../core/failure.ts';

/** Why an aborted signal ends a step: the runner's own reason when it says that we could not look, else the step's. */
export function toAbortFailure(signal: AbortSignal, code: string, message: string): TargetFailure | LookFailure {
  const reason: unknown = signal.reason;
  return reason instanceof LookFailure ? reason : new TargetFailure(code, message);
}

/** `2.5 s`, `10 s`: how long a step had, for output lines. `since` is a reading of `performance.now()`. */
export function formatElapsed(since: number): string {
  const seconds = (performance.now() - since) / 1000;
  return `${seconds >= 10 ? Math.round(seconds) : Math.round(seconds * 10) / 10} s`;
}
