import type { Socket } from 'node:net';
import type { Client, Dispatcher } from 'undici';
import type { Context } from '../check-type.ts';
import { TargetFailure } from '../core/failure.ts';
import { cleanText } from '../core/text.ts';
import { withoutBrackets } from './address.ts';
import { type Answer, AnswerCollector, type AnswerLimits, MAX_HEADER, toHttpFailure } from './http-answer.ts';
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

export interface HttpResponse extends Answer {
  /** Where the answer came from, after redirects. */
  url: string;
  /** End of the certificate's validity, milliseconds since 1970; null without TLS. */
  notAfter: number | null;
  redirects: number;
}

const MAX_BODY = 2 * 1024 * 1024;

/**
 * undici's index loads fetch, WebSocket, caches and mocks as well: 60 ms of every run, for one class. And what only reads a
 * configuration needs none of it.
 */
async function loadClient(): Promise<typeof Client> {
  client ??= (await import('undici/lib/dispatcher/client.js')).default;
  return client;
}

let client: typeof Client | undefined;

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
  const host = withoutBrackets(url.hostname);
  const target = {
    host: step.publicOnly ? host : (request.address ?? host),
    port: Number(url.port) || (isTls ? 443 : 80),
    publicOnly: step.publicOnly,
    ...(request.family === undefined ? {} : { family: request.family }),
  };
  // Before there is a socket, whose errors somebody must listen to.
  const HttpClient = await loadClient();
  const plain = await dialChosen(target, context);
  let socket = plain;
  try {
    const tls = isTls ? await startTls(plain, toTlsSettings(request, step, host), context.signal) : null;
    socket = tls ?? plain;
    if (tls) context.trace(`TLS ${tls.getProtocol()} with ${host}`);
    // Before the request: a socket that has closed has forgotten its peer.
    const notAfter = tls && readNotAfter(tls);
    const answer = await dispatch(HttpClient, socket, step, { maxBody: request.maxBody ?? MAX_BODY, signal: context.signal });
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

function dispatch(HttpClient: typeof Client, socket: Socket, step: Step, limits: AnswerLimits): Promise<Answer> {
  let unused: Socket | null = socket;
  // undici's own timers are idle timers; the deadline is the signal's, which destroys the socket.
  const client = new HttpClient(step.url.origin, {
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
    const collector = new AnswerCollector(socket, limits, { resolve, reject });
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
