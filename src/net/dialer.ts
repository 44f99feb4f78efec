import { createHash } from 'node:crypto';
import { connect, isIP, type Socket } from 'node:net';
import { domainToASCII } from 'node:url';
import type { DialTarget } from '../check-type.ts';
import { LookFailure, TargetFailure } from '../core/failure.ts';
import { cleanText } from '../core/text.ts';
import { isPublicAddress, withoutBrackets } from './address.ts';
import { formatElapsed, toAbortFailure } from './limits.ts';
import type { Resolve } from './resolver.ts';
import type { SocksLogin } from './socks.ts';

export interface DialerSettings {
  /** null: direct. There is never a fallback from one to the other. */
  proxy: { name: string; host: string; port: number } | null;
  login: SocksLogin;
  resolve: Resolve;
  signal: AbortSignal;
  /** null when nobody listens: what a step would say need not be asked for. */
  trace: ((step: string) => void) | null;
  /** Milliseconds that the proxy has for its own part; default 10 s. */
  greetingMs?: number;
}

export interface Dialer {
  dial(target: DialTarget): Promise<Socket>;
  resolve(name: string, family?: 4 | 6): Promise<string[]>;
}

/** RFC 8305 section 5: the pause before the next address is tried beside the one that has not answered yet. */
const ATTEMPT_DELAY_MS = 250;
const MAX_ADDRESSES = 6;

/** Sockets of one try of one check: all of them are destroyed as soon as its signal is aborted. */
export function createDialer(settings: DialerSettings): Dialer {
  const { proxy, signal, trace, resolve } = settings;
  const lifetime = new Lifetime(signal);
  return {
    async resolve(name, family) {
      if (proxy) throw new LookFailure('proxy.resolve', 'names are resolved by the proxy, never here');
      const addresses = await resolve(name, family, signal);
      if (isIP(name) === 0) trace?.(`${cleanText(name, 60)} is ${addresses.join(', ')}`);
      return addresses;
    },
    async dial(target) {
      const bare = withoutBrackets(target.host);
      const host = isIP(bare) === 0 ? domainToASCII(bare) : bare;
      if (host === '') throw new TargetFailure('dns.name', `"${cleanText(target.host, 60)}" is no host name`);
      const socket = proxy
        ? await dialThrough(proxy, { ...target, host }, settings, lifetime)
        : await dialDirect({ ...target, host }, settings, lifetime);
      if (trace) {
        const through = proxy ? ` through ${proxy.name}` : ` (${socket.remoteAddress})`;
        trace(`connected to ${cleanText(host, 70)} port ${target.port}${through}`);
      }
      return socket;
    },
  };
}

/** What ends with a try. One listener for all of it: a listener costs as much as a tenth of a socket. */
class Lifetime {
  readonly signal: AbortSignal;
  readonly #ends: (() => void)[] = [];

  constructor(signal: AbortSignal) {
    this.signal = signal;
  }

  onEnd(end: () => void): void {
    if (this.#ends.length === 0)
      this.signal.addEventListener('abort', () => {
        for (const each of this.#ends) each();
      });
    this.#ends.push(end);
  }
}

async function dialDirect(target: DialTarget, { resolve, signal, trace }: DialerSettings, lifetime: Lifetime): Promise<Socket> {
  const all = await resolve(target.host, target.family, signal);
  if (isIP(target.host) === 0) trace?.(`${target.host} is ${all.join(', ')}`);
  // The filter judges the very addresses that are connected to, so a name cannot change its answer in between (rebinding).
  const addresses = target.publicOnly ? all.filter(isPublicAddress) : all;
  if (addresses.length === 0) throw refuseAddress(target.host, all[0]);
  return connectFirst(addresses.slice(0, MAX_ADDRESSES), target.port, lifetime);
}

async function dialThrough(
  proxy: { host: string; port: number },
  target: DialTarget,
  settings: DialerSettings,
  lifetime: Lifetime,
): Promise<Socket> {
  if (target.publicOnly && !isPublicName(target.host)) throw refuseAddress(target.host, target.host);
  const patience = AbortSignal.timeout(settings.greetingMs ?? 10_000);
  const signal = AbortSignal.any([settings.signal, patience]);
  let socket: Socket;
  try {
    const addresses = await settings.resolve(proxy.host, undefined, signal);
    socket = await connectFirst(addresses, proxy.port, lifetime, new Lifetime(signal));
  } catch (error) {
    throw toProxyFailure(error, `${proxy.host} port ${proxy.port}`);
  }
  // Installations without a proxy do without its libraries.
  const { CircuitAgent } = await import('./socks.ts');
  const agent = new CircuitAgent(proxy, boundedLogin(settings.login), settings.greetingMs);
  return agent.open(socket, target, settings.signal);
}

/** What the proxy would reach for a name, nobody here can know; literal and local names are refused. */
function isPublicName(host: string): boolean {
  if (isIP(host) !== 0) return isPublicAddress(host);
  return !/(^|\.)(localhost|local|internal|localdomain)\.?$/i.test(host);
}

function refuseAddress(host: string, address = 'nothing'): TargetFailure {
  return new TargetFailure('network.address', `${cleanText(host, 60)} leads to ${address}, expected a public address`);
}

/** RFC 1929 gives user and password one byte for their length each. */
function boundedLogin({ user, password }: SocksLogin): SocksLogin {
  return { user: Buffer.byteLength(user) <= 255 ? user : createHash('sha256').update(user).digest('hex'), password };
}

function toProxyFailure(error: unknown, where: string): LookFailure {
  if (error instanceof LookFailure) return error;
  const code = error instanceof TargetFailure ? error.code : '';
  if (code === 'network.refused') return new LookFailure('proxy.refused', `proxy ${where} refuses connections`, { cause: error });
  if (code.includes('timeout')) return new LookFailure('proxy.timeout', `proxy ${where} does not answer`, { cause: error });
  const message = error instanceof Error ? error.message : String(error);
  return new LookFailure('proxy.unreachable', `proxy ${where}: ${message}`, { cause: error });
}

/**
 * The first of these addresses that accepts a connection, each started 250 ms after the one before or when that failed.
 * `lifetime` destroys the socket whenever it is aborted; `patience` ends only the connecting.
 */
function connectFirst(addresses: string[], port: number, lifetime: Lifetime, patience = lifetime): Promise<Socket> {
  const began = performance.now();
  return new Promise((resolve, reject) => {
    const open = new Set<Socket>();
    let next = 0;
    let timer: NodeJS.Timeout | undefined;
    let firstError: unknown;
    let isOver = false;
    // What is called at the end stays: taking it away costs more than calling it for nothing.
    const finish = (act: () => void, winner?: Socket) => {
      isOver = true;
      clearTimeout(timer);
      for (const socket of open) if (socket !== winner) socket.destroy();
      next = addresses.length;
      act();
    };
    const onAbort = () => {
      if (isOver) return;
      const where = `${addresses[0]} port ${port}`;
      finish(() =>
        reject(
          toAbortFailure(
            patience.signal,
            'timeout.connect',
            `no connection to ${where} within ${formatElapsed(began, patience.signal)}`,
          ),
        ),
      );
    };
    const tryNext = () => {
      clearTimeout(timer);
      const address = addresses[next++];
      if (address === undefined) return;
      if (next < addresses.length) timer = setTimeout(tryNext, ATTEMPT_DELAY_MS);
      const socket = openSocket(address, port, lifetime);
      open.add(socket);
      const onError = (error: Error) => {
        open.delete(socket);
        firstError ??= toConnectFailure(error, `${address} port ${port}`);
        if (next < addresses.length) tryNext();
        else if (open.size === 0) finish(() => reject(firstError));
      };
      socket.once('error', onError);
      socket.once('connect', () => {
        socket.removeListener('error', onError);
        finish(() => resolve(socket), socket);
      });
    };
    if (patience.signal.aborted) return onAbort();
    patience.onEnd(onAbort);
    tryNext();
  });
}

function openSocket(address: string, port: number, lifetime: Lifetime): Socket {
  const socket = connect({ host: address, port, noDelay: true, autoSelectFamily: false });
  lifetime.onEnd(() => socket.destroy());
  // A reset that comes when nobody listens any more must not end the process.
  socket.on('error', () => {});
  return socket;
}

const CONNECT_FAILURES: Record<string, [code: string, words: string]> = {
  ECONNREFUSED: ['network.refused', 'refuses connections'],
  ECONNRESET: ['network.reset', 'reset the connection'],
  EPIPE: ['network.reset', 'closed the connection'],
  ENETUNREACH: ['network.unreachable', 'is unreachable: no route to its network'],
  EHOSTUNREACH: ['network.unreachable', 'is unreachable: no route to the host'],
  EADDRNOTAVAIL: ['network.unreachable', 'is unreachable: no address of ours to start from'],
  ETIMEDOUT: ['timeout.connect', 'does not answer'],
};

/** A socket's error as a stable reason; `where` is the peer in words. */
export function toConnectFailure(error: unknown, where: string): TargetFailure | LookFailure {
  if (error instanceof TargetFailure || error instanceof LookFailure) return error;
  const reason = (error as NodeJS.ErrnoException).code ?? '';
  const known = CONNECT_FAILURES[reason];
  if (known) return new TargetFailure(known[0], `${where} ${known[1]}`, { cause: error });
  // EMFILE, ENOBUFS, EACCES ...: this machine's own trouble.
  return new LookFailure('local.socket', `cannot open a connection to ${where} (${cleanText(reason, 30)})`, { cause: error });
}
