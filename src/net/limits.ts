import type { Socket } from 'node:net';
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

export interface Reader {
  /**
   * The next bytes up to where `findEnd` says that they are complete (a length, or null for "not yet"). Throws TargetFailure
   * `size.wire`, `network.closed`, `network.reset` or `timeout.total`.
   */
  read(findEnd: (bytes: Buffer) => number | null): Promise<Buffer>;
  /** How many bytes have come that nobody has read: something other than 0 before STARTTLS is an injection. */
  pending(): number;
}

/** Reads a conversation from a socket with a cap on what one answer may cost. The socket keeps what is not read. */
export function createReader(socket: Socket, signal: AbortSignal, maxBytes = 64 * 1024): Reader {
  let bytes = Buffer.alloc(0);
  const began = performance.now();
  return {
    pending: () => bytes.length + socket.readableLength,
    read: (findEnd) =>
      new Promise((resolve, reject) => {
        const settle = (act: () => void) => {
          socket.removeListener('readable', look);
          socket.removeListener('end', look);
          socket.removeListener('close', onClose);
          socket.removeListener('error', onError);
          act();
        };
        const look = () => {
          for (let chunk = socket.read(); chunk !== null; chunk = socket.read()) bytes = Buffer.concat([bytes, chunk]);
          const end = findEnd(bytes);
          if (end !== null) {
            const answer = bytes.subarray(0, end);
            bytes = bytes.subarray(end);
            settle(() => resolve(answer));
          } else if (bytes.length > maxBytes) {
            settle(() => reject(new TargetFailure('size.wire', `answer is longer than ${maxBytes} bytes`)));
          } else if (socket.destroyed || socket.readableEnded) {
            onClose();
          }
        };
        const onClose = () => settle(() => reject(toClosedFailure(socket, signal, began)));
        const onError = (error: NodeJS.ErrnoException) =>
          settle(() => reject(signal.aborted ? toClosedFailure(socket, signal, began) : toResetFailure(error)));
        socket.on('readable', look);
        socket.once('end', look);
        socket.once('close', onClose);
        socket.once('error', onError);
        look();
      }),
  };
}

function toClosedFailure(socket: Socket, signal: AbortSignal, began: number): TargetFailure | LookFailure {
  if (signal.aborted) return toAbortFailure(signal, 'timeout.total', `no answer within ${formatElapsed(began)}`);
  if (socket.errored) return toResetFailure(socket.errored);
  return new TargetFailure('network.closed', 'connection closed before the answer was complete');
}

function toResetFailure(error: NodeJS.ErrnoException): TargetFailure {
  return new TargetFailure('network.reset', `connection was reset (${error.code ?? 'unknown'})`, { cause: error });
}
