import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { SocksClient } from 'socks';
import { SocksProxyAgent } from 'socks-proxy-agent';
import { LookFailure, TargetFailure } from '../core/failure.ts';
import { cleanText } from '../core/text.ts';
import { formatElapsed, toAbortFailure } from './limits.ts';

export interface SocksLogin {
  /** Tor isolates streams by both (IsolateSOCKSAuth): another password is another circuit. */
  user: string;
  password: string;
}

/** RFC 1928 section 6 and, from F0 on, Tor's ExtendedErrors (tor(1), SocksPort). */
const REPLIES: Record<number, string> = {
  1: 'general failure',
  2: 'not allowed by its rules',
  3: 'network unreachable',
  4: 'host unreachable',
  5: 'connection refused',
  6: 'time to live expired',
  7: 'command not supported',
  8: 'address type not supported',
  240: 'onion descriptor not found',
  241: 'onion descriptor invalid',
  242: 'onion introduction failed',
  243: 'onion rendezvous failed',
  244: 'onion needs client authorisation, and none is configured',
  245: 'onion refuses the configured client authorisation',
  246: 'onion address invalid',
  247: 'onion introduction timed out',
};

/** A wrong address or a missing client key is written in our configuration: the target has not been looked at. */
const OUR_CONFIGURATION = new Set([244, 245, 246]);

/** What a reply code other than 0 means, with the code `socks.01` ... `socks.f7`. */
export function toReplyFailure(reply: number, target: string): TargetFailure | LookFailure {
  const hex = reply.toString(16).padStart(2, '0');
  const message = `proxy could not reach ${target}: ${REPLIES[reply] ?? 'unknown reply'} (${hex.toUpperCase()})`;
  return OUR_CONFIGURATION.has(reply) ? new LookFailure(`socks.${hex}`, message) : new TargetFailure(`socks.${hex}`, message);
}

/** How far a handshake has come, read from the bytes that the proxy has sent so far. */
export type Handshake =
  | { stage: 'greeting' | 'login' | 'reply' }
  | { stage: 'established'; length: number }
  | { stage: 'refused'; reply: number }
  | { stage: 'broken'; code: 'proxy.protocol' | 'proxy.login'; reason: string };

/** RFC 1928 sections 3 and 6, RFC 1929 section 2. */
export function readHandshake(bytes: Buffer): Handshake {
  const [version, method] = bytes;
  if (version !== undefined && version !== 5) return broken(`it answered with version ${version}, not SOCKS 5`);
  if (method === undefined) return { stage: 'greeting' };
  if (method === 0xff) return broken('it accepts no login method that vigie offers');
  if (method !== 0 && method !== 2) return broken(`it chose the login method ${method}, which was not offered`);
  const start = method === 2 ? 4 : 2;
  if (method === 2 && bytes.length < 4) return { stage: 'login' };
  if (method === 2 && bytes[3] !== 0) return { stage: 'broken', code: 'proxy.login', reason: 'it refused the user and password' };
  return readReply(bytes, start);
}

function readReply(bytes: Buffer, start: number): Handshake {
  const [version, reply, , type, nameLength] = bytes.subarray(start);
  if (version !== undefined && version !== 5) return broken(`its reply has version ${version}, not SOCKS 5`);
  if (reply === undefined) return { stage: 'reply' };
  if (reply !== 0) return { stage: 'refused', reply };
  if (type === undefined) return { stage: 'reply' };
  if (type !== 1 && type !== 3 && type !== 4) return broken(`its reply has the unknown address type ${type}`);
  if (type === 3 && nameLength === undefined) return { stage: 'reply' };
  const addressLength = type === 1 ? 4 : type === 4 ? 16 : 1 + (nameLength ?? 0);
  const length = start + 4 + addressLength + 2;
  return bytes.length < length ? { stage: 'reply' } : { stage: 'established', length };
}

function broken(reason: string): Handshake {
  return { stage: 'broken', code: 'proxy.protocol', reason };
}

/** RFC 1928 section 5 gives a name's length one byte. */
const MAX_HOST_BYTES = 255;

/** Milliseconds that a proxy has for its part: a local proxy greets at once, whatever the target does. */
const GREETING_MS = 10_000;

/**
 * socks-proxy-agent loses the reply byte and cannot be aborted, so the handshake runs on a socket that the dialer owns: a listener
 * of ours reads every byte, and an abort destroys the socket.
 */
export class CircuitAgent extends SocksProxyAgent {
  readonly greetingMs: number;

  constructor(proxy: { host: string; port: number }, login: SocksLogin, greetingMs = GREETING_MS) {
    // socks5h: the proxy resolves names.
    const host = proxy.host.includes(':') ? `[${proxy.host}]` : proxy.host;
    super(`socks5h://${encodeURIComponent(login.user)}:${encodeURIComponent(login.password)}@${host}:${proxy.port}`);
    this.greetingMs = greetingMs;
  }

  /** Turns a socket that is connected to the proxy into one that is connected to the target. */
  async open(socket: Socket, target: { host: string; port: number }, signal: AbortSignal): Promise<Socket> {
    const name = `${cleanText(target.host, 70)} port ${target.port}`;
    if (Buffer.byteLength(target.host) > MAX_HOST_BYTES) {
      socket.destroy();
      throw new LookFailure('socks.host', `host name of ${Buffer.byteLength(target.host)} bytes, SOCKS allows ${MAX_HOST_BYTES}`);
    }
    const began = performance.now();
    const end: HandshakeEnd = { signal, began, slow: false };
    const patience = setTimeout(() => {
      end.slow = true;
      socket.destroy();
    }, this.greetingMs);
    const seen = await this.#handshake(socket, target, () => clearTimeout(patience));
    clearTimeout(patience);
    if (seen.stage === 'established') return socket;
    socket.destroy();
    throw toHandshakeFailure(seen, name, end);
  }

  /** Lets the library speak, and ends with what the proxy's bytes mean. Bytes after the reply stay in the socket. */
  #handshake(socket: Socket, target: { host: string; port: number }, onGreeted: () => void): Promise<Handshake> {
    let bytes = Buffer.alloc(0);
    const wire = new Duplex({ read() {}, write: (chunk, _encoding, done) => socket.write(chunk, done) });
    // The dialer's own deadlines end the handshake; the library's must not come first.
    const client = new SocksClient({ proxy: this.proxy, destination: target, command: 'connect', timeout: 600_000 });
    client.on('error', () => {});
    return new Promise((resolve) => {
      const finish = () => {
        socket.removeListener('readable', read);
        socket.removeListener('close', finish);
        wire.destroy();
        resolve(readHandshake(bytes));
      };
      const read = () => {
        const chunk: Buffer | null = socket.read();
        if (chunk === null) return;
        const before = bytes.length;
        bytes = Buffer.concat([bytes, chunk]);
        const seen = readHandshake(bytes);
        if (seen.stage === 'reply') onGreeted();
        // Servers that speak first may have spoken in the packet that held the proxy's reply.
        if (seen.stage === 'established' && bytes.length > seen.length) socket.unshift(bytes.subarray(seen.length));
        if (seen.stage === 'established' || seen.stage === 'refused' || seen.stage === 'broken') finish();
        else wire.push(bytes.subarray(before));
      };
      socket.on('readable', read);
      socket.once('close', finish);
      client.connect(wire);
    });
  }
}

interface HandshakeEnd {
  signal: AbortSignal;
  began: number;
  /** The proxy took too long for its own part. */
  slow: boolean;
}

function toHandshakeFailure(seen: Handshake, target: string, { signal, began, slow }: HandshakeEnd): TargetFailure | LookFailure {
  if (seen.stage === 'refused') return toReplyFailure(seen.reply, target);
  if (seen.stage === 'broken') return new LookFailure(seen.code, `proxy does not work: ${seen.reason}`);
  if (signal.aborted && seen.stage === 'reply') {
    return toAbortFailure(signal, 'timeout.connect', `proxy got no connection to ${target} within ${formatElapsed(began, signal)}`);
  }
  if (signal.aborted || slow) {
    return new LookFailure('proxy.timeout', `proxy did not answer the SOCKS greeting within ${formatElapsed(began, signal)}`);
  }
  return new LookFailure('proxy.protocol', 'proxy closed the connection in the middle of the SOCKS handshake');
}
