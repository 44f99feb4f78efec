import { createServer as createPlainServer, type Socket } from 'node:net';
import { createServer, type TLSSocket, type TlsOptions } from 'node:tls';
import type { Issued } from './certificates.ts';

export interface LocalServer {
  port: number;
  /** Connections so far. */
  count(): number;
  stop(): void;
}

/** A TLS server of Node's own, for what nginx refuses to be: weak, odd or hostile. Security level 0 unless told otherwise. */
export function startTlsServer(
  certificate: Issued,
  options: TlsOptions = {},
  onSecure: (socket: TLSSocket) => void = () => {},
): Promise<LocalServer> {
  const server = createServer(
    { key: certificate.key, cert: certificate.chain, ciphers: 'DEFAULT:@SECLEVEL=0', ...options },
    (socket) => {
      socket.on('error', () => {});
      onSecure(socket);
    },
  );
  server.on('tlsClientError', () => {});
  return listen(server);
}

/** A server that does with each connection what the test says. */
export function startRawServer(onConnection: (socket: Socket) => void): Promise<LocalServer> {
  const server = createPlainServer({ noDelay: true });
  server.on('connection', onConnection);
  return listen(server);
}

function listen(server: ReturnType<typeof createPlainServer>): Promise<LocalServer> {
  const open = new Set<Socket>();
  let count = 0;
  server.on('connection', (socket: Socket) => {
    count += 1;
    open.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => open.delete(socket));
  });
  const stop = () => {
    for (const socket of open) socket.destroy();
    server.close();
  };
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve({ port: address && typeof address === 'object' ? address.port : 0, count: () => count, stop });
    });
  });
}
