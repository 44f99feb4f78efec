import { createServer, type Server, type Socket } from 'node:net';

export interface RawServer {
  port: number;
  /** Connections so far. */
  connections(): number;
  /** Everything that clients have sent so far. */
  received(): string;
  /** Resolves when a connection of a client has closed. */
  closed: Promise<void>;
  close(): Promise<void>;
}

/** A server on a bare socket, for peers that break every rule. `onRequest` runs when a client has sent its first bytes. */
export async function rawServer(
  onRequest: (socket: Socket, first: Buffer) => void,
  settings: { host?: string; onConnect?: (socket: Socket) => void } = {},
): Promise<RawServer> {
  const open = new Set<Socket>();
  let connections = 0;
  let text = '';
  let onClosed: () => void = () => {};
  const closed = new Promise<void>((resolve) => {
    onClosed = resolve;
  });
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    connections += 1;
    open.add(socket);
    socket.on('error', () => {});
    // vigie never half-closes: its end is its close.
    socket.on('end', () => socket.destroy());
    socket.on('close', () => {
      open.delete(socket);
      onClosed();
    });
    settings.onConnect?.(socket);
    socket.on('data', (bytes) => {
      text += bytes.toString('latin1');
    });
    socket.once('data', (bytes) => onRequest(socket, bytes));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, settings.host ?? '127.0.0.1', resolve);
  });
  const address = server.address();
  return {
    port: address && typeof address === 'object' ? address.port : 0,
    connections: () => connections,
    received: () => text,
    closed,
    close: () =>
      new Promise((resolve) => {
        for (const socket of open) socket.destroy();
        server.close(() => resolve());
      }),
  };
}
