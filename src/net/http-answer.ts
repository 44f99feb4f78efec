import type { Socket } from 'node:net';
import { LookFailure, TargetFailure } from '../core/failure.ts';
import { cleanText } from '../core/text.ts';
import { toTlsFailure } from './certificate.ts';
import { formatElapsed, toAbortFailure } from './limits.ts';

/** Bytes of a header. */
export const MAX_HEADER = 32 * 1024;
/** Beyond the body: headers, chunk framing and interim responses. */
const MAX_OVERHEAD = 512 * 1024;
const MAX_INTERIM = 20;

export interface Answer {
  status: number;
  statusText: string;
  /** Names in lower case; repeated headers are joined with `, `. Values are the peer's own: clean them before they are shown. */
  headers: Map<string, string>;
  body: Buffer;
}

export interface AnswerLimits {
  /** Bytes. */
  maxBody: number;
  signal: AbortSignal;
}

/** Collects one answer within its limits. undici calls the methods; the first reason to stop is the one that counts. */
export class AnswerCollector {
  readonly #limits: AnswerLimits;
  readonly #settle: { resolve: (answer: Answer) => void; reject: (error: unknown) => void };
  readonly #began = performance.now();
  readonly #chunks: Buffer[] = [];
  #size = 0;
  #interim = 0;
  #head: Omit<Answer, 'body'> | null = null;
  #failure: unknown = null;
  #abort: (reason: Error) => void = () => {};

  constructor(
    socket: Socket,
    limits: AnswerLimits,
    settle: { resolve: (answer: Answer) => void; reject: (error: unknown) => void },
  ) {
    this.#limits = limits;
    this.#settle = settle;
    // undici takes a body without a length as complete even when a reset ended it.
    socket.prependOnceListener('error', (error) => {
      this.#failure ??= error;
    });
    // Bytes that are neither headers nor body (chunk extensions, interim responses) reach nobody else who counts.
    socket.on('readable', () => {
      if (socket.bytesRead > limits.maxBody + MAX_OVERHEAD) {
        this.#stop(new TargetFailure('size.wire', `answer is longer than ${limits.maxBody} bytes, with framing`));
      }
    });
  }

  /** Through undici's own abort: it must not meet a socket that somebody else destroyed while it parses. */
  #stop(failure: TargetFailure): true {
    this.#failure ??= failure;
    this.#abort(failure);
    return true;
  }

  onConnect(abort: (reason?: Error) => void): void {
    this.#abort = abort;
  }

  onHeaders(status: number, raw: Buffer[], _resume: () => void, statusText: string): boolean {
    if (status < 200) {
      this.#interim += 1;
      const text = `more than ${MAX_INTERIM} interim responses (HTTP ${status})`;
      if (status < 100) return this.#stop(new TargetFailure('protocol.status', `HTTP status ${status}, expected 100-599`));
      return this.#interim <= MAX_INTERIM || this.#stop(new TargetFailure('protocol.interim', text));
    }
    if (status > 599) return this.#stop(new TargetFailure('protocol.status', `HTTP status ${status}, expected 100-599`));
    const headers = toHeaders(raw);
    const encoding = headers.get('content-encoding') ?? 'identity';
    if (encoding.toLowerCase() !== 'identity') {
      return this.#stop(new TargetFailure('encoding.refused', `body is encoded (${cleanText(encoding, 30)}), asked for identity`));
    }
    this.#head = { status, statusText: cleanText(statusText, 60), headers };
    return true;
  }

  onData(chunk: Buffer): boolean {
    this.#size += chunk.length;
    const { maxBody } = this.#limits;
    if (this.#size > maxBody) return this.#stop(new TargetFailure('size.body', `body is longer than ${maxBody} bytes`));
    this.#chunks.push(chunk);
    return true;
  }

  onComplete(): void {
    // A body without a length ends with its connection, and so with our deadline too: that is no whole answer.
    const isWhole = this.#failure === null && !this.#limits.signal.aborted;
    if (isWhole && this.#head) this.#settle.resolve({ ...this.#head, body: Buffer.concat(this.#chunks) });
    else this.onError(this.#failure);
  }

  onError(error: unknown): void {
    this.#settle.reject(this.#explain(error));
  }

  #explain(error: unknown): TargetFailure | LookFailure {
    if (this.#failure instanceof TargetFailure) return this.#failure;
    const { signal } = this.#limits;
    if (!signal.aborted) return toHttpFailure(this.#failure ?? error, this.#head !== null);
    const what = this.#head ? 'answer not complete' : 'no answer';
    return toAbortFailure(signal, 'timeout.total', `${what} within ${formatElapsed(this.#began, signal)}`);
  }
}

/** A Map, so that no header name (`__proto__`) means anything. */
function toHeaders(raw: Buffer[]): Map<string, string> {
  const headers = new Map<string, string>();
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i]?.toString('latin1').toLowerCase() ?? '';
    const value = raw[i + 1]?.toString('latin1') ?? '';
    const before = headers.get(name);
    headers.set(name, before === undefined ? value : `${before}, ${value}`);
  }
  return headers;
}

const HTTP_FAILURES: Record<string, [code: string, words: string]> = {
  UND_ERR_HEADERS_OVERFLOW: ['protocol.header_overflow', `header is longer than ${MAX_HEADER} bytes`],
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: ['protocol.truncated', 'body is shorter than its Content-Length'],
};

export function toHttpFailure(error: unknown, hasHead: boolean): TargetFailure | LookFailure {
  if (error instanceof TargetFailure || error instanceof LookFailure) return error;
  const { code = '', message = '', name } = error as NodeJS.ErrnoException;
  // The parser is WebAssembly, which wants gigabytes of address space: under `ulimit -v` we could not look.
  if (error instanceof RangeError) {
    return new LookFailure('limit.memory', `no memory to read the answer: ${cleanText(message, 80)}`, { cause: error });
  }
  const known = HTTP_FAILURES[code];
  if (known) return new TargetFailure(known[0], known[1], { cause: error });
  if (name === 'HTTPParserError') {
    // undici 7 leaves the parser's code undefined; the reason, in parentheses, is for people.
    const reason = cleanText(/\((.*)\)$/.exec(message)?.[1] ?? message, 60);
    return new TargetFailure('protocol.malformed', `answer is not valid HTTP (${reason})`, { cause: error });
  }
  if (code === 'UND_ERR_INVALID_ARG' || code === 'UND_ERR_NOT_SUPPORTED') {
    return new LookFailure('request.invalid', `request cannot be sent: ${cleanText(message, 60)}`, { cause: error });
  }
  if (code === 'UND_ERR_SOCKET' && message.startsWith('bad ')) {
    return new TargetFailure('protocol.unexpected', `answer does not belong to the request (${cleanText(message, 30)})`, {
      cause: error,
    });
  }
  if (code.startsWith('ERR_SSL')) return toTlsFailure(error as Error, '');
  if (code === 'ECONNRESET' || code === 'EPIPE') {
    return new TargetFailure('network.reset', `connection was reset ${hasHead ? 'within the answer' : 'before an answer'}`, {
      cause: error,
    });
  }
  if (hasHead) return new TargetFailure('protocol.truncated', 'connection closed within the answer', { cause: error });
  return new TargetFailure('network.reset', 'connection closed before an answer', { cause: error });
}
