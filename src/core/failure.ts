/**
 * The target is at fault: refused, too late, a wrong answer. The runner makes it `failed`, which is CRITICAL.
 * `code` is a stable reason such as `network.refused`; the message is the check's output line.
 */
export class TargetFailure extends Error {
  readonly code: string;
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** We could not look: the proxy is down, a program is missing, a secret cannot be read. The runner makes it `unknown`. */
export class LookFailure extends Error {
  readonly code: string;
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
