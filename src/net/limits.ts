import type { Readable } from 'node:stream';
import { LookFailure, TargetFailure, TimeUp } from '../core/failure.ts';
import { toTlsFailure } from './certificate.ts';

/** Why an aborted signal ends a step: the runner's own reason when it says that we could not look, else the step's. */
export function toAbortFailure(signal: AbortSignal, code: string, message: string): TargetFailure | LookFailure {
  const reason: unknown = signal.reason;
  return reason instanceof LookFailure ? reason : new TargetFailure(code, message);
}

/**
 * `2.5 s`, `10 s`: how long a step had, for output lines; `the last 0.4 s of 10 s` when the try's time is up and earlier steps had most of
 * it, since nobody waits for 0.4 s. `since` is a reading of `performance.now()`.
 */
export function formatElapsed(since: number, signal?: AbortSignal): string {
  const seconds = (performance.now() - since) / 1000;
  const elapsed = `${seconds >= 10 ? Math.round(seconds) : Math.round(seconds * 10) / 10} s`;
  const reason: unknown = signal?.reason;
  return reason instanceof TimeUp && seconds < reason.seconds / 2 ? `the last ${elapsed} of ${reason.seconds} s` : elapsed;
}

/** `0.042 s`, `1.25 s`: a time that was measured, for output lines. */
export function formatSeconds(seconds: number): string {
  return `${seconds < 0.1 ? seconds.toFixed(3) : seconds.toFixed(2)} s`;
}

export interface Reader {
  /**
   * The next bytes up to where `findEnd` says that they are complete (a length, or null for "not yet"), or what it throws. Throws TargetFailure
   * `size.wire`, `network.closed`, `network.reset` or `timeout.total`.
   */
  read(findEnd: (bytes: Buffer) => number | null): Promise<Buffer>;
  /** What has come and was not read: for a look at an unfinished answer, or the words of a failure. */
  peek(): Buffer;
  /** How many bytes have come that nobody has read: something other than 0 before STARTTLS is an injection. */
  pending(): number;
}

/** Reads a conversation from a socket or a child's output with a cap on what one answer may cost. The socket keeps what is not read. */
export function createReader(socket: Readable, signal: AbortSignal, maxBytes = 64 * 1024): Reader {
  let bytes = Buffer.alloc(0);
  const began = performance.now();
  return {
    peek: () => bytes,
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
          let end: number | null;
          try {
            end = findEnd(bytes);
          } catch (error) {
            return settle(() => reject(error));
          }
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

function toClosedFailure(socket: Readable, signal: AbortSignal, began: number): TargetFailure | LookFailure {
  if (signal.aborted) return toAbortFailure(signal, 'timeout.total', `no answer within ${formatElapsed(began, signal)}`);
  if (socket.errored) return toResetFailure(socket.errored);
  return new TargetFailure('network.closed', 'connection closed before the answer was complete');
}

function toResetFailure(error: NodeJS.ErrnoException): TargetFailure | LookFailure {
  const reason = error.code ?? '';
  // An alert of TLS 1.3 about our part of the handshake comes only when it is over (RFC 8446, section 4.4.2.4).
  if (reason.startsWith('ERR_SSL')) return toTlsFailure(Object.assign(error, { code: reason }), '');
  return new TargetFailure('network.reset', `connection was reset (${error.code ?? 'unknown'})`, { cause: error });
}
