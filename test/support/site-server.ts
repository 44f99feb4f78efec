import { readFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';

export interface SiteServer {
  root: string;
  port: number;
  /** Every path that was asked for, in order. */
  requests: string[];
  close(): void;
}

const TYPES: Record<string, string> = {
  '.css': 'text/css',
  '.html': 'text/html; charset=utf-8',
  '.json': 'application/json',
  '.png': 'image/png',
  '.txt': 'text/plain; charset=utf-8',
};

/** Serves the files of a folder on a port of its own; what `also` answers is not looked for there. */
export async function serveFolder(folder: string, also: Record<string, string> = {}): Promise<SiteServer> {
  const requests: string[] = [];
  const answer: RequestListener = (request, response) => {
    const path = new URL(request.url ?? '/', 'http://x').pathname;
    requests.push(path);
    response.setHeader('connection', 'close');
    const own = also[path];
    try {
      const body = own ?? readFileSync(join(folder, path));
      response
        .writeHead(200, { 'content-type': TYPES[extname(path)] ?? 'text/plain', 'content-length': Buffer.byteLength(body) })
        .end(body);
    } catch {
      response.writeHead(404).end();
    }
  };
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  const { port } = server.address() as AddressInfo;
  return {
    root: `http://127.0.0.1:${port}`,
    port,
    requests,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
