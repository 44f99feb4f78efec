import type { Socket } from 'node:net';
import { LookFailure, TargetFailure } from '../core/failure.ts';
import { toTlsFailure } from './certificate.ts';

/** Says how many of the bytes received so far make up the message that is waited for; -1: more is needed. It may throw. */
export type FindEnd = (received: Buffer) => number;

interface Waiting {
  find: FindEnd;
  resolve: (message: Buffer) => void;
  reject: (reason: unknown) => void;
}

/**
 * A conversation over a connected socket for protocols that speak in turns: one message is waited for at a time, what came and was
 * not asked for stays countable, and the whole is bounded by bytes and by the deadline. The socket is destroyed on any failure.
 */
export class Conversation {
  readonly #socket: Socket;
  readonly #limit: number;
  readonly #signal: AbortSignal;
  readonly #elapsed: () => number;
  #received: Buffer<ArrayBufferLike> = Buffer.alloc(0);
  #total = 0;
  #waiting: Waiting | null = null;
  #failure: unknown = null;

  constructor(socket: Socket, context: { signal: AbortSignal; elapsed(): number }, limit: number) {
    this.#socket = socket;
    this.#limit = limit;
    this.#signal = context.signal;
    this.#elapsed = context.elapsed;
    socket.on('data', this.#onData);
    socket.on('end', this.#onEnd);
    socket.on('close', this.#onEnd);
    socket.on('error', this.#onError);
    this.#signal.addEventListener('abort', this.#onAbort);
    if (this.#signal.aborted) this.#onAbort();
    else if (socket.destroyed || socket.readableEnded) this.#onEnd();
  }

  /** Bytes received and not yet taken. */
  get pending(): number {
    return this.#received.length;
  }

  /** What was received and not yet taken, for a failure's words. */
  peek(): Buffer {
    return this.#received;
  }

  write(bytes: string | Uint8Array): void {
    if (!this.#socket.destroyed) this.#socket.write(bytes);
  }

  /** The next message. Throws TargetFailure when the peer ends, breaks or outlasts the conversation, or says too much. */
  take(find: FindEnd): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      this.#waiting = { find, resolve, reject };
      this.#look();
    });
  }

  /** Hands the socket back, paused, for TLS to begin on it. */
  release(): Socket {
    this.#stop();
    this.#socket.pause();
    return this.#socket;
  }

  close(): void {
    this.#stop();
    this.#socket.on('error', () => {});
    this.#socket.destroy();
  }

  #look(): void {
    const waiting = this.#waiting;
    if (!waiting) return;
    try {
      const end = waiting.find(this.#received);
      if (end >= 0) {
        this.#waiting = null;
        const message = this.#received.subarray(0, end);
        this.#received = this.#received.subarray(end);
        waiting.resolve(message);
      } else if (this.#failure) {
        throw this.#failure;
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  readonly #onData = (bytes: Buffer): void => {
    this.#total += bytes.length;
    this.#received = this.#received.length === 0 ? bytes : Buffer.concat([this.#received, bytes]);
    this.#look();
    if (this.#total > this.#limit && !this.#failure) {
      this.#fail(new TargetFailure('size.answer', `more than ${this.#limit} bytes, nothing complete among them`));
    }
  };

  readonly #onEnd = (): void => {
    this.#failure ??= new TargetFailure('protocol.truncated', 'connection closed before the answer was complete');
    this.#look();
  };

  readonly #onError = (error: NodeJS.ErrnoException): void => {
    // An alert of TLS 1.3 for something in our part of the handshake comes only now.
    const isTls = error.code?.startsWith('ERR_SSL') === true;
    const broken = new TargetFailure('network.reset', `connection broken (${error.code ?? error.message})`, { cause: error });
    this.#fail(isTls ? toTlsFailure(Object.assign(error, { code: error.code ?? '' }), '') : broken);
  };

  readonly #onAbort = (): void => {
    const reason: unknown = this.#signal.reason;
    const silence = new TargetFailure('timeout.total', `no answer within ${formatSeconds(this.#elapsed())}`);
    this.#fail(reason instanceof LookFailure ? reason : silence);
  };

  #fail(reason: unknown): void {
    this.#failure = reason;
    const waiting = this.#waiting;
    this.#waiting = null;
    this.close();
    waiting?.reject(reason);
  }

  #stop(): void {
    this.#socket.off('data', this.#onData);
    this.#socket.off('end', this.#onEnd);
    this.#socket.off('close', this.#onEnd);
    this.#socket.off('error', this.#onError);
    this.#signal.removeEventListener('abort', this.#onAbort);
  }
}

/** `10 s`, `0.25 s`: as output lines give durations. */
export function formatSeconds(seconds: number): string {
  return `${Number(seconds.toFixed(seconds < 1 ? 3 : 1))} s`;
}
