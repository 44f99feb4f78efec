import type { Socket } from 'node:net';
import { TargetFailure } from '../core/failure.ts';
import { cleanBytes } from '../core/text.ts';
import { createReader } from './limits.ts';
import { redact } from './redact.ts';
import { OUR_NAME } from './starttls.ts';
import { findReply } from './starttls-messages.ts';

/** All replies of one conversation. */
const MAX_CONVERSATION = 64 * 1024;

/**
 * A mailbox as it stands between `<` and `>` (RFC 5321, section 4.1.2), in ASCII: without white space and brackets, so that it
 * cannot hold a command. Quoted names with spaces are not taken.
 */
export const MAILBOX = '[!-;=?-~]{1,200}@[A-Za-z0-9.:\\[\\]-]{1,253}';

export interface SmtpReply {
  code: number;
  /** Its lines without the code, cleaned. */
  lines: string[];
  /** Code and words on one line, for people. */
  text: string;
}

export interface SmtpTalk {
  /** The reply that is still to come: the greeting, or what follows the dot of a message. */
  reply(): Promise<SmtpReply>;
  /** `secret`: shown in no trace and no failure. */
  say(command: string, secret?: boolean): Promise<SmtpReply>;
  /** What no reply from here on is shown with. */
  hide(...secrets: string[]): void;
  /** A whole message after DATA: dots at the beginnings of lines are doubled (RFC 5321, section 4.5.2). */
  sendMessage(message: string): Promise<SmtpReply>;
  /** What EHLO is answered with, in upper case, one offer a line. */
  hello(): Promise<string[]>;
}

/** Commands and replies, one by one: no pipelining, and a reply that was not asked for is a fault (the forged answer of M07). */
export function createSmtpTalk(socket: Socket, signal: AbortSignal, trace: (step: string) => void): SmtpTalk {
  const reader = createReader(socket, signal, MAX_CONVERSATION);
  const hidden: string[] = [];
  let total = 0;
  const reply = async (): Promise<SmtpReply> => {
    const bytes = await reader.read(findReply);
    total += bytes.length;
    if (total > MAX_CONVERSATION) throw new TargetFailure('size.wire', `replies are longer than ${MAX_CONVERSATION} bytes`);
    const seen = readReply(Buffer.from(redact(bytes.toString('latin1'), hidden), 'latin1'));
    trace(`smtp: < ${seen.text}`);
    return seen;
  };
  const write = (text: string) => {
    if (reader.pending() > 0) {
      const words = Buffer.from(redact(reader.peek().toString('latin1'), hidden), 'latin1');
      const found = JSON.stringify(cleanBytes(words, 60));
      throw new TargetFailure('protocol.smtp', `a reply that was not asked for: ${found}, expected none`);
    }
    socket.write(text);
  };
  const say = async (command: string, secret = false): Promise<SmtpReply> => {
    trace(`smtp: > ${secret ? '***' : command}`);
    write(`${command}\r\n`);
    return reply();
  };
  return {
    reply,
    say,
    hide: (...secrets) => hidden.push(...secrets),
    sendMessage: (message) => {
      trace(`smtp: > a message of ${message.length} bytes`);
      write(`${message.replace(/^\./gm, '..')}\r\n.\r\n`);
      return reply();
    },
    hello: async () => {
      const answer = insistOn(await say(`EHLO ${OUR_NAME}`), 250, 'EHLO');
      return answer.lines.slice(1).map((line) => line.toUpperCase().trim());
    },
  };
}

export function readReply(bytes: Buffer): SmtpReply {
  const raw = bytes.toString('latin1').split('\r\n').slice(0, -1);
  const code = Number(raw[0]?.slice(0, 3));
  if (raw.some((line) => Number(line.slice(0, 3)) !== code)) {
    throw new TargetFailure('protocol.smtp', 'one reply with two codes');
  }
  const lines = raw.map((line) => cleanBytes(Buffer.from(line.slice(4), 'latin1'), 100));
  return { code, lines, text: cleanBytes(Buffer.from(`${code} ${lines.join(' ')}`), 100) };
}

/** Throws TargetFailure `smtp.temporary` for 4xx (greylisting, 421 on closing), `smtp.refused` for 5xx, `protocol.smtp` else. */
export function insistOn(reply: SmtpReply, code: number, what: string): SmtpReply {
  if (reply.code === code) return reply;
  throw toSmtpFailure(reply, what, String(code));
}

export function toSmtpFailure({ code, text }: SmtpReply, what: string, wanted: string): TargetFailure {
  const kind = code >= 400 && code < 500 ? 'smtp.temporary' : code >= 500 && code < 600 ? 'smtp.refused' : 'protocol.smtp';
  return new TargetFailure(kind, `${what}: ${JSON.stringify(text)}, expected ${wanted}`);
}

export interface SmtpLogin {
  user: string;
  password: string;
}

/** AUTH PLAIN or LOGIN (RFC 4616, 4954), whichever is offered. Throws TargetFailure `smtp.no_auth`, `smtp.auth`. */
export async function logIn(talk: SmtpTalk, offers: string[], { user, password }: SmtpLogin): Promise<void> {
  const methods =
    offers
      .find((line) => /^AUTH[ =]/.test(line))
      ?.split(/[ =]+/)
      .slice(1) ?? [];
  const plain = toBase64(`\0${user}\0${password}`);
  talk.hide(plain, toBase64(password), password);
  let answer: SmtpReply;
  if (methods.includes('PLAIN')) answer = await talk.say(`AUTH PLAIN ${plain}`, true);
  else if (methods.includes('LOGIN')) {
    insistOn(await talk.say('AUTH LOGIN'), 334, 'AUTH LOGIN');
    insistOn(await talk.say(toBase64(user), true), 334, 'user');
    answer = await talk.say(toBase64(password), true);
  } else {
    const found = methods.length > 0 ? cleanBytes(Buffer.from(methods.join(' ')), 60) : 'none';
    throw new TargetFailure('smtp.no_auth', `login: the server offers ${found}, expected PLAIN or LOGIN`);
  }
  if (answer.code === 235) return;
  if (answer.code === 535) throw new TargetFailure('smtp.auth', `login: ${JSON.stringify(answer.text)}, expected 235`);
  throw toSmtpFailure(answer, 'login', '235');
}

function toBase64(text: string): string {
  return Buffer.from(text).toString('base64');
}
