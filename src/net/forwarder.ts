import { createServer, type Socket } from 'node:net';
import { type Context, type DialTarget, LookFailure, TargetFailure } from '../check-type.ts';
import { withoutBrackets } from './address.ts';
import { createReader } from './limits.ts';

export interface ForwarderSettings {
  /** Bytes that the target may send in all. */
  maxBytes: number;
  /** The program speaks HTTP CONNECT first, as to a web proxy, and may name nothing but the target. */
  isConnect?: boolean;
}

export interface Forwarder {
  /** On 127.0.0.1. */
  port: number;
  /** Throws why the target was not reached, or said too much: a program only knows that its connection broke. */
  insist(): void;
  close(): void;
}

/** A program needs one connection, or one for each request; more is none that we have started. */
const MAX_CONNECTIONS = 8;

/**
 * A listener on the loopback for a program that knows no proxy: what it says goes through the check's own dialer, direct or through
 * SOCKS, and to this target only. The program never learns an address, and never resolves a name. Throws what the dialer throws.
 */
export async function openForwarder(target: DialTarget, context: Context, settings: ForwarderSettings): Promise<Forwarder> {
  const sockets = new Set<Socket>();
  let failure: unknown;
  let count = 0;
  let received = 0;
  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    return socket;
  };
  // The first connection is made before there is a program: what cannot be reached costs none, and fails with the dialer's own reason.
  let first: Socket | null = keep(await context.dial(target));
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    keep(socket);
    count += 1;
    if (count > MAX_CONNECTIONS) socket.destroy();
    else forward(socket).catch((error: unknown) => fail(error, socket));
  });
  const fail = (error: unknown, socket: Socket) => {
    failure ??= error;
    socket.destroy();
  };
  const forward = async (local: Socket) => {
    if (settings.isConnect) await readConnect(local, target, context);
    const remote = first ?? keep(await context.dial(target));
    first = null;
    if (local.destroyed || remote.destroyed) {
      local.destroy();
      remote.destroy();
      return;
    }
    if (settings.isConnect) local.write('HTTP/1.1 200 OK\r\n\r\n');
    remote.on('data', (bytes: Buffer) => {
      received += bytes.length;
      if (received <= settings.maxBytes) return;
      fail(new TargetFailure('size.wire', `sends more than ${settings.maxBytes} bytes`), local);
      remote.destroy();
    });
    remote.pipe(local);
    local.pipe(remote);
    remote.on('close', () => local.end());
    local.on('close', () => remote.destroy());
  };
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(new LookFailure('local.socket', `cannot listen on 127.0.0.1 (${error.message})`)));
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    insist() {
      if (failure !== undefined) throw failure;
    },
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** RFC 9110 section 9.3.6. */
async function readConnect(local: Socket, { host, port }: DialTarget, context: Context): Promise<void> {
  const reader = createReader(local, context.signal, 8192);
  const request = await reader.read((bytes) => {
    const end = bytes.indexOf('\r\n\r\n');
    return end < 0 ? null : end + 4;
  });
  const rest = reader.peek();
  if (rest.length > 0) local.unshift(rest);
  const [, named] = /^CONNECT (\S+) HTTP\/1\.[01]\r\n/.exec(request.toString('latin1')) ?? [];
  const bare = withoutBrackets(host);
  if (named !== `${bare}:${port}` && named !== `[${bare}]:${port}`) {
    throw new LookFailure('local.forwarder', 'the program asked for another host than the one that is checked');
  }
}
