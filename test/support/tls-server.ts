import type { Socket } from 'node:net';
import { createServer, type TlsOptions } from 'node:tls';
import type { Issued } from './certificates.ts';
import { rawServer } from './raw-server.ts';

export interface LocalServer {
  port: number;
  stop(): void;
}

/** A TLS server of Node's own, for what nginx refuses to be: weak, odd or hostile. Security level 0 unless told otherwise. */
export function startTlsServer(
  certificate: Issued,
  options: TlsOptions = {},
  onSecure: (socket: Socket) => void = () => {},
): Promise<LocalServer> {
  const open = new Set<Socket>();
  const server = createServer({ key: certificate.key, cert: certificate.chain, ciphers: 'DEFAULT:@SECLEVEL=0', ...options });
  server.on('tlsClientError', () => {});
  server.on('secureConnection', (socket) => {
    socket.on('error', () => {});
    onSecure(socket);
  });
  server.on('connection', (socket: Socket) => {
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
      resolve({ port: address && typeof address === 'object' ? address.port : 0, stop });
    });
  });
}

/** A server that does with each connection, from its first moment, what the test says. */
export async function startRawServer(onConnect: (socket: Socket) => void): Promise<LocalServer> {
  const server = await rawServer(() => {}, { onConnect });
  return { port: server.port, stop: () => void server.close() };
}
