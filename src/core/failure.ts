/**
 * The target is at fault: refused, too late, a wrong answer. The runner makes it `failed`, which is CRITICAL.
 * `code` is a stable reason such as `network.refused`; the message is the check's output line.
 */
export class TargetFailure extends Error {
  readonly code: string;
  /** What was measured all the same, such as the days that a certificate has left. */
  readonly metrics: Readonly<Record<string, number>> | undefined;
  constructor(code: string, message: string, options?: ErrorOptions & { metrics?: Readonly<Record<string, number>> }) {
    super(message, options);
    this.code = code;
    this.metrics = options?.metrics;
  }
}

/** The end of a try's time, as the runner says it. A step that is ended by it says how much of this time it had itself. */
export class TimeUp extends TargetFailure {
  readonly seconds: number;
  constructor(seconds: number) {
    super('timeout.total', `no answer within ${seconds} s`);
    this.seconds = seconds;
  }
}

/** The observation that it stands for. */
export function toFailed({ code, message, metrics }: TargetFailure) {
  return { kind: 'failed' as const, code, output: message, ...(metrics ? { metrics: { ...metrics } } : {}) };
}

/** We could not look: the proxy is down, a program is missing, a secret cannot be read. The runner makes it `unknown`. */
export class LookFailure extends Error {
  readonly code: string;
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
