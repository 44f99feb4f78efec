import { connect } from 'node:net';
import { freePort, type StartedServer, startServer } from './server.ts';

export interface Microsocks {
  server: StartedServer;
  port: number;
  stop(): Promise<void>;
}

/** A real SOCKS5 proxy without login. */
export async function startMicrosocks(): Promise<Microsocks> {
  const port = await freePort();
  const server = await startServer('microsocks', ['-i', '127.0.0.1', '-p', String(port)], () => greets(port));
  return { server, port, stop: () => server.stop() };
}

/** RFC 1928: version 5, one method, "no authentication"; a proxy picks it. */
function greets(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(Buffer.from([5, 1, 0])));
    socket.once('error', () => resolve(false));
    socket.once('data', (bytes) => {
      resolve(bytes.equals(Buffer.from([5, 0])));
      socket.destroy();
    });
  });
}
