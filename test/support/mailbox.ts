import { execFileSync } from 'node:child_process';
import { connect, type TLSSocket } from 'node:tls';

/** A mail as an independent parser sees it: Python's email package, headers decoded, in their order. */
export interface ParsedMail {
  headers: [string, string][];
  body: string;
  /** Defects that the parser found. */
  defects: string[];
  parts: number;
}

const PARSER = `
import sys, json, email, email.policy
mail = email.message_from_bytes(sys.stdin.buffer.read(), policy=email.policy.default)
defects = [type(d).__name__ for d in mail.defects] + [type(d).__name__ for v in mail.values() for d in v.defects]
print(json.dumps({"headers": [[k, str(v)] for k, v in mail.items()], "body": mail.get_content().replace("\\r\\n", "\\n"), "defects": defects,
  "parts": sum(1 for _ in mail.walk())}))
`;

export function parseMail(bytes: Uint8Array | string): ParsedMail {
  const out = execFileSync('python3', ['-c', PARSER], { input: bytes, maxBuffer: 64 * 1024 * 1024 });
  return JSON.parse(out.toString()) as ParsedMail;
}

export function headerOf(mail: ParsedMail, name: string): string {
  return mail.headers.find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1] ?? '';
}

/** Reads a mailbox over IMAP with TLS (RFC 9051): waits until it holds `atLeast` messages, and gives their bytes, oldest first. */
export async function readMailbox(server: { port: number; ca: string }, user: string, atLeast: number): Promise<Buffer[]> {
  const imap = await ImapClient.connect(server);
  try {
    await imap.command(`LOGIN ${user} pw`);
    for (let i = 0; i < 100; i += 1) {
      const exists = Number(/\* (\d+) EXISTS/.exec((await imap.command('SELECT INBOX')).toString('latin1'))?.[1] ?? 0);
      if (exists >= atLeast) {
        const mails: Buffer[] = [];
        for (let n = 1; n <= exists; n += 1) mails.push(literalOf(await imap.command(`FETCH ${n} BODY.PEEK[]`)));
        return mails;
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`the mailbox of ${user} did not get ${atLeast} messages`);
  } finally {
    imap.close();
  }
}

function literalOf(answer: Buffer): Buffer {
  const head = /\{(\d+)\}\r\n/.exec(answer.toString('latin1'));
  if (head === null) throw new Error(`no literal in ${answer.toString('latin1').slice(0, 200)}`);
  const start = head.index + head[0].length;
  return answer.subarray(start, start + Number(head[1]));
}

class ImapClient {
  private readonly socket: TLSSocket;
  private received = Buffer.alloc(0);
  private number = 0;
  private wake: () => void = () => {};

  private constructor(socket: TLSSocket) {
    this.socket = socket;
    socket.on('data', (bytes: Buffer) => {
      this.received = Buffer.concat([this.received, bytes]);
      this.wake();
    });
    socket.on('error', () => this.wake());
  }

  static async connect({ port, ca }: { port: number; ca: string }): Promise<ImapClient> {
    const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', ca });
    const client = new ImapClient(socket);
    await client.until(/^\* OK.*\r\n/);
    return client;
  }

  async command(text: string): Promise<Buffer> {
    this.number += 1;
    const tag = `a${this.number}`;
    this.received = Buffer.alloc(0);
    this.socket.write(`${tag} ${text}\r\n`);
    await this.until(new RegExp(`(^|\\n)${tag} (OK|NO|BAD).*\\r\\n$`));
    if (!new RegExp(`(^|\\n)${tag} OK`).test(this.received.toString('latin1'))) throw new Error(this.received.toString('latin1'));
    return this.received;
  }

  close(): void {
    this.socket.destroy();
  }

  private async until(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.received.toString('latin1'))) {
      if (this.socket.destroyed) throw new Error('imap: connection closed');
      await new Promise<void>((resolve) => {
        this.wake = resolve;
        setTimeout(resolve, 1000);
      });
    }
  }
}
