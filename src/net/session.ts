import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { type Bound, type Context, type Metrics, option, TargetFailure } from '../check-type.ts';
import { isCertificateVerdict } from './certificate.ts';
import { familyOption } from './parts.ts';
import { negotiateTls, type StartTlsProtocol } from './starttls.ts';
import { inspectCertificate, readNotAfter, startTls } from './tls.ts';
import { tlsOption, toTlsSettings } from './tls-option.ts';

const DAY_MS = 86_400_000;

/** Options of the types whose protocol begins with or without TLS, or changes to it. */
export const sessionOptions = {
  address: option.text('Name or address to connect to.', { default: '${host.address}' }),
  port: option.integer('Default: the usual port of the protocol and its security.', { min: 1, max: 65_535, optional: true }),
  security: option.choice(
    '`starttls` changes to TLS before anything is said, `tls` begins with it, `none` stays in plaintext.',
    ['starttls', 'tls', 'none'],
    { default: 'starttls' },
  ),
  tls: tlsOption,
  server_name: option.text('Name that the certificate must bear. Default: the address.', { optional: true, maxLength: 253 }),
  family: familyOption,
};
export type SessionOptions = Bound<typeof sessionOptions>;

export interface SessionKind {
  protocol: StartTlsProtocol;
  ports: Record<SessionOptions['security'], number>;
  /** What an XMPP stream is opened to, and the certificate's name of it. */
  domain?: string;
  family?: 4 | 6 | undefined;
}

export interface Session {
  socket: Socket;
  /** The server's first line when it was read on the way to TLS; null when it is still to come. */
  greeting: string | null;
  /** `days_left` of the certificate; nothing without TLS. */
  metrics: Metrics;
}

/** The problems of these options together, keyed by option. */
export function findSessionProblems({
  security,
  tls,
  server_name: serverName,
}: Pick<SessionOptions, 'security' | 'tls' | 'server_name'>): Record<string, string> {
  if (security !== 'none') return {};
  return {
    ...(tls ? { tls: 'has no meaning with security: none' } : {}),
    ...(serverName === undefined ? {} : { server_name: 'has no meaning with security: none' }),
  };
}

export function portOfSession({ port, security }: SessionOptions, ports: SessionKind['ports']): number {
  return port ?? ports[security];
}

/** A connection up to the point where the protocol itself begins; the caller closes it. Throws as `dial`, `negotiateTls`, `startTls`. */
export async function openSession(bound: SessionOptions, kind: SessionKind, context: Context): Promise<Session> {
  try {
    return await begin(bound, kind, context);
  } catch (error) {
    throw isCertificateVerdict(error) ? await withDaysLeft(error, bound, { kind, context }) : error;
  }
}

/** The verdict stands; the days come from a second connection, which is made to read the certificate and on which nothing is sent. */
async function withDaysLeft(
  failure: TargetFailure,
  bound: SessionOptions,
  { kind, context }: { kind: SessionKind; context: Context },
): Promise<TargetFailure> {
  const { code, message } = failure;
  context.trace(`${code}: ${message}; connecting again, only to read the certificate`);
  try {
    const plain = await dialSession(bound, kind, context);
    const name = nameOf(bound, kind);
    if (bound.security === 'starttls') await negotiateTls(plain, kind.protocol, kind.domain ?? name, context);
    const settings = toTlsSettings({ ...bound, server_name: name }, bound.address);
    const { notAfter } = await inspectCertificate(plain, settings, context.signal);
    return new TargetFailure(code, message, { cause: failure, metrics: { days_left: (notAfter - context.now) / DAY_MS } });
  } catch {
    return failure;
  }
}

function nameOf(bound: SessionOptions, { domain }: SessionKind): string {
  return bound.server_name ?? domain ?? bound.address;
}

function dialSession(bound: SessionOptions, { ports, family }: SessionKind, context: Context): Promise<Socket> {
  return context.dial({ host: bound.address, port: portOfSession(bound, ports), ...(family ? { family } : {}) });
}

async function begin(bound: SessionOptions, kind: SessionKind, context: Context): Promise<Session> {
  const { protocol } = kind;
  const plain = await dialSession(bound, kind, context);
  if (bound.security === 'none') return { socket: plain, greeting: null, metrics: {} };
  const name = nameOf(bound, kind);
  let greeting: string | null = null;
  if (bound.security === 'starttls') {
    const { signal, trace } = context;
    const onGreeting = (text: string) => {
      greeting = text;
      trace(`${protocol}: greeting ${JSON.stringify(text)}`);
    };
    await negotiateTls(plain, protocol, kind.domain ?? name, { signal, trace, onGreeting });
  }
  const socket: TLSSocket = await startTls(plain, toTlsSettings({ ...bound, server_name: name }, bound.address), context.signal);
  const notAfter = readNotAfter(socket);
  context.trace(`${protocol}: ${socket.getProtocol() ?? 'TLS'}, certificate until ${toDay(notAfter)}`);
  return { socket, greeting, metrics: notAfter === null ? {} : { days_left: (notAfter - context.now) / DAY_MS } };
}

function toDay(notAfter: number | null): string {
  return notAfter === null ? 'an unreadable date' : new Date(notAfter).toISOString().slice(0, 10);
}

/** The metrics that come with a session. */
export const sessionMetrics = {
  time: { unit: 's', label: 'Time', help: 'The whole conversation, connecting and TLS included.' },
  days_left: { unit: 'd', label: 'Days left', help: "Until the end of the server's certificate; absent without TLS." },
} as const;

export const sessionThresholds = { days_left: { warning: '14:', critical: '7:' } };
