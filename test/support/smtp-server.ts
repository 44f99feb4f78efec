import { createServer, type Server, type Socket } from 'node:net';

/** What the server does at a step instead of the good answer: an answer of its own, `close`, or `hang`. */
export type Fault = { answer: string } | 'close' | 'hang';
export type SmtpStep = 'connect' | 'EHLO' | 'MAIL' | 'RCPT' | 'DATA' | 'mid-data' | 'end-of-data';

export interface Received {
  from: string;
  to: string;
  content: string;
}

/**
 * An SMTP server that speaks plainly (RFC 5321) and fails where it is told to. It keeps what it accepted; a message whose final dot
 * arrived counts in `dots` even when no answer was given.
 */
export class ScriptedSmtpServer {
  readonly received: Received[] = [];
  /** Every message whose final dot came in, answered or not. */
  readonly dots: Received[] = [];
  connections = 0;
  /** Asked at each step; undefined is the good answer. */
  fault: (step: SmtpStep, session: { to: string }) => Fault | undefined = () => undefined;
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();

  private constructor(server: Server) {
    this.server = server;
  }

  static async start(): Promise<ScriptedSmtpServer> {
    const server = createServer();
    const self = new ScriptedSmtpServer(server);
    server.on('connection', (socket) => self.serve(socket));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return self;
  }

  get port(): number {
    const address = this.server.address();
    return address !== null && typeof address === 'object' ? address.port : 0;
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private serve(socket: Socket): void {
    this.connections += 1;
    this.sockets.add(socket);
    const session = { from: '', to: '', buffer: '', content: '', isData: false };
    const say = (step: SmtpStep, good: string): boolean => {
      const fault = this.fault(step, session);
      if (fault === 'close') socket.destroy();
      else if (fault !== 'hang') socket.write(`${fault?.answer ?? good}\r\n`);
      return fault === undefined;
    };
    socket.on('error', () => {});
    socket.on('close', () => this.sockets.delete(socket));
    socket.on('data', (bytes) => {
      session.buffer += bytes.toString();
      if (session.isData && this.fault('mid-data', session) === 'close') socket.destroy();
      this.consume(session, say, socket);
    });
    say('connect', '220 scripted.test ESMTP');
  }

  private consume(
    session: { from: string; to: string; buffer: string; content: string; isData: boolean },
    say: (step: SmtpStep, good: string) => boolean,
    socket: Socket,
  ): void {
    for (;;) {
      const end = session.isData ? session.buffer.indexOf('\r\n.\r\n') : session.buffer.indexOf('\r\n');
      if (end < 0) return;
      const text = session.buffer.slice(0, end);
      session.buffer = session.buffer.slice(end + (session.isData ? 5 : 2));
      if (session.isData) {
        session.isData = false;
        const message = { from: session.from, to: session.to, content: text.replace(/^\.\./gm, '.') };
        this.dots.push(message);
        if (say('end-of-data', '250 2.0.0 accepted')) this.received.push(message);
        continue;
      }
      const verb = text.slice(0, 4).toUpperCase();
      if (verb === 'EHLO' || verb === 'HELO') say('EHLO', '250-scripted.test\r\n250 8BITMIME');
      else if (verb === 'MAIL') {
        session.from = /<(.*?)>/.exec(text)?.[1] ?? '';
        say('MAIL', '250 ok');
      } else if (verb === 'RCPT') {
        session.to = /<(.*?)>/.exec(text)?.[1] ?? '';
        say('RCPT', '250 ok');
      } else if (verb === 'DATA') session.isData = say('DATA', '354 go on');
      else if (verb === 'QUIT') socket.end('221 bye\r\n');
      else socket.write('500 what?\r\n');
    }
  }
}
