import { createServer, type Server } from 'node:http';

/** A web server whose answer the test chooses. */
export class Target {
  status = 200;
  /** Milliseconds before each answer. */
  delayMs = 0;
  requests = 0;
  private held: Promise<void> | undefined;
  private readonly server: Server;

  private constructor(server: Server) {
    this.server = server;
  }

  static async start(): Promise<Target> {
    const server = createServer();
    const target = new Target(server);
    server.on('request', (_, response) => {
      target.requests += 1;
      const answer = async () => {
        await target.held;
        response.writeHead(target.status, { connection: 'close' }).end('Welcome');
      };
      if (target.delayMs === 0) void answer();
      else setTimeout(answer, target.delayMs);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return target;
  }

  get url(): string {
    const address = this.server.address();
    return `http://127.0.0.1:${address !== null && typeof address === 'object' ? address.port : 0}/`;
  }

  /** No answer until the function that it returns is called. */
  hold(): () => void {
    let release = () => {};
    this.held = new Promise((resolve) => {
      release = resolve;
    });
    return release;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
