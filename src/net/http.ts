import type { Socket } from 'node:net';
import { Client, type Dispatcher } from 'undici';
import type { Context } from '../check-type.ts';
import { LookFailure, TargetFailure } from '../core/failure.ts';
import { cleanText } from '../core/text.ts';
import { toTlsFailure } from './certificate.ts';
import { formatElapsed, toAbortFailure } from './limits.ts';
import { isRedirect, MAX_REDIRECTS, planRedirect, type RedirectPolicy, type Step } from './redirect.ts';
import { readNotAfter, startTls } from './tls.ts';

export interface HttpRequest {
  url: string;
  /** Default GET. */
  method?: string;
  headers?: Record<string, string>;
  body?: string | undefined;
  /** Connect to this host or address; the URL's host still is the Host header and the certificate's name. */
  address?: string | undefined;
  family?: 4 | 6 | undefined;
  tls?: { ca?: string | undefined; pin?: string | undefined; verify?: boolean | undefined } | undefined;
  /** SNI and the certificate's name, when it is not the URL's host. */
  serverName?: string | undefined;
  redirects?: RedirectPolicy;
  /** Bytes of the body; default 2 MiB. */
  maxBody?: number;
}

export interface HttpResponse {
  /** Where the answer came from, after redirects. */
  url: string;
  status: number;
  statusText: string;
  /** Names in lower case; repeated headers are joined with `, `. Values are the peer's own: clean them before they are shown. */
  headers: Map<string, string>;
  body: Buffer;
  /** End of the certificate's validity, milliseconds since 1970; null without TLS. */
  notAfter: number | null;
  redirects: number;
}

const MAX_BODY = 2 * 1024 * 1024;
const MAX_HEADER = 32 * 1024;
/** Beyond the body: headers, chunk framing and interim responses. */
const MAX_OVERHEAD = 512 * 1024;
const MAX_INTERIM = 20;

/** One request on a connection of its own, with redirects as the policy says. Throws TargetFailure or LookFailure. */
export async function requestHttp(request: HttpRequest, context: Context): Promise<HttpResponse> {
  const origin = new URL(request.url);
  let step: Step = {
    url: origin,
    method: request.method ?? 'GET',
    headers: request.headers ?? {},
    body: request.body,
    publicOnly: false,
  };
  for (let redirects = 0; ; redirects++) {
    const response = await exchange(step, request, context);
    const location = response.headers.get('location');
    const policy = request.redirects ?? 'none';
    if (policy === 'none' || !isRedirect(response.status) || location === undefined) return { ...response, redirects };
    if (redirects === MAX_REDIRECTS) throw new TargetFailure('redirect.limit', `more than ${MAX_REDIRECTS} redirects`);
    step = planRedirect(step, origin, { status: response.status, location }, policy);
    context.trace(`HTTP ${response.status}, redirect to ${cleanText(step.url.href, 120)}`);
  }
}

async function exchange(step: Step, request: HttpRequest, context: Context): Promise<Omit<HttpResponse, 'redirects'>> {
  const { url } = step;
  const isTls = url.protocol === 'https:';
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const target = {
    host: step.publicOnly ? host : (request.address ?? host),
    port: Number(url.port) || (isTls ? 443 : 80),
    publicOnly: step.publicOnly,
    ...(request.family === undefined ? {} : { family: request.family }),
  };
  const plain = await dialChosen(target, context);
  let socket = plain;
  try {
    const tls = isTls ? await startTls(plain, toTlsSettings(request, step, host), context.signal) : null;
    socket = tls ?? plain;
    if (tls) context.trace(`TLS ${tls.getProtocol()} with ${host}`);
    // Before the request: a socket that has closed has forgotten its peer.
    const notAfter = tls && readNotAfter(tls);
    const answer = await dispatch(socket, step, { maxBody: request.maxBody ?? MAX_BODY, signal: context.signal });
    context.trace(`HTTP ${answer.status}, ${answer.body.length} bytes`);
    return { ...answer, url: url.href, notAfter };
  } finally {
    socket.destroy();
    plain.destroy();
  }
}

/** The dialer's filter refuses what a peer chose: that is the redirect's fault, and is called so. */
async function dialChosen(target: Parameters<Context['dial']>[0], context: Context): Promise<Socket> {
  try {
    return await context.dial(target);
  } catch (error) {
    if (!(error instanceof TargetFailure) || error.code !== 'network.address') throw error;
    throw new TargetFailure('redirect.address', `redirect: ${error.message}`, { cause: error });
  }
}

function toTlsSettings(request: HttpRequest, step: Step, host: string) {
  // What is configured about a certificate is about the configured host's; anybody else's must be plainly valid.
  const { ca, pin, verify } = step.publicOnly ? {} : (request.tls ?? {});
  const serverName = step.publicOnly ? host : (request.serverName ?? host);
  return { serverName, ca, pin, verify: verify ?? true, alpn: ['http/1.1'] };
}

type Answer = Pick<HttpResponse, 'status' | 'statusText' | 'headers' | 'body'>;

interface Limits {
  maxBody: number;
  signal: AbortSignal;
}

function dispatch(socket: Socket, step: Step, limits: Limits): Promise<Answer> {
  let unused: Socket | null = socket;
  // undici's own timers are idle timers; the deadline is the signal's, which destroys the socket.
  const client = new Client(step.url.origin, {
    connect: (_options, callback) => {
      const given = unused;
      unused = null;
      // After a lost connection undici asks for the next one at once and without end; there is none.
      queueMicrotask(() => (given ? callback(null, given) : callback(toHttpFailure({}, false), null)));
    },
    maxHeaderSize: MAX_HEADER,
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  return new Promise((resolve, reject) => {
    const collector = new Collector(socket, limits, { resolve, reject });
    client.dispatch(
      {
        path: step.url.pathname + step.url.search,
        method: step.method as Dispatcher.HttpMethod,
        headers: { 'user-agent': 'vigie', accept: '*/*', 'accept-encoding': 'identity', ...step.headers },
        body: step.body ?? null,
        // A monitor must see what a new client sees: one request, one connection.
        reset: true,
      },
      collector,
    );
  });
}

/** Collects one answer within its limits. undici calls the methods; the first reason to stop is the one that counts. */
class Collector implements Dispatcher.DispatchHandler {
  readonly #limits: Limits;
  readonly #settle: { resolve: (answer: Answer) => void; reject: (error: unknown) => void };
  readonly #began = performance.now();
  readonly #chunks: Buffer[] = [];
  #size = 0;
  #interim = 0;
  #head: Omit<Answer, 'body'> | null = null;
  #failure: unknown = null;
  #abort: (reason: Error) => void = () => {};

  constructor(socket: Socket, limits: Limits, settle: { resolve: (answer: Answer) => void; reject: (error: unknown) => void }) {
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
    if (this.#failure === null && this.#head) this.#settle.resolve({ ...this.#head, body: Buffer.concat(this.#chunks) });
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
    return toAbortFailure(signal, 'timeout.total', `${what} within ${formatElapsed(this.#began)}`);
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

function toHttpFailure(error: unknown, hasHead: boolean): TargetFailure | LookFailure {
  if (error instanceof TargetFailure || error instanceof LookFailure) return error;
  const { code = '', message = '', name } = error as NodeJS.ErrnoException;
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
