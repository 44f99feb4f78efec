import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { constants, fstatSync, readSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { type Context, cleanText, LookFailure, TargetFailure } from '../check-type.ts';
import { createReader, type Reader, toAbortFailure } from './limits.ts';
import { readPromptly } from './promptly.ts';
import { quoteForTor, readLoginOffer, readTorReply, type TorReply } from './tor-reply.ts';

/** Descriptors have at most 50,000 bytes (rend-spec-v3, section 2.4), and several may come before anyone asks. */
const LARGEST_ANSWER = 512 * 1024;
const COOKIE_BYTES = 32;

export interface TorLogin {
  password: string | null;
  /** Path of the cookie, for plain COOKIE too; null: where Tor says that it is, for SAFECOOKIE only. */
  cookie: string | null;
}

/** A conversation with a control port. Its failures are ours, not the target's: LookFailure `control.*`. */
export interface TorControl {
  /** Sends a command and gives the lines of its reply; events that come in between are kept. */
  ask(command: string): Promise<TorReply>;
  /** The next event: one that was kept, or that is still to come. */
  nextEvent(): Promise<TorReply>;
  /** Whether an event has been kept. */
  hasEvent(): boolean;
  close(): void;
}

/** `/path` and `unix:/path` are sockets of this machine, anything else is `host:port`. null: neither. */
export function parseControlPlace(text: string): { path: string } | { host: string; port: number } | null {
  const path = /^(?:unix:)?(\/.{1,107})$/.exec(text)?.[1];
  if (path !== undefined) return { path };
  const [, host = '', digits = ''] = /^(\[[0-9a-fA-F:.]+\]|[^\s:/[\]]+):(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  return host !== '' && port >= 1 && port <= 65_535 ? { host, port } : null;
}

export async function openTorControl(place: string, login: TorLogin, context: Context): Promise<TorControl> {
  const socket = await connectTo(place, context);
  const control = createControl(socket, context);
  try {
    await logIn(control, login, context);
    return control;
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

async function connectTo(place: string, context: Context): Promise<Socket> {
  const parsed = parseControlPlace(place);
  const name = cleanText(place, 60);
  if (parsed === null) throw new LookFailure('control.address', `"${name}" is no control port`);
  try {
    return 'path' in parsed ? await connectToSocket(parsed.path, context.signal) : await context.dial(parsed);
  } catch (error) {
    throw toControlFailure(error, `Tor's control port ${name}`);
  }
}

function connectToSocket(path: string, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    const onAbort = () => {
      socket.destroy();
      reject(toAbortFailure(signal, 'timeout.connect', 'does not answer'));
    };
    if (signal.aborted) return onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      reject(new LookFailure('control.connect', `cannot be reached (${error.code ?? 'unknown'})`, { cause: error }));
    });
    socket.once('connect', () => resolve(socket));
  });
}

/** The runner's own reason stays what it is; all else that goes wrong with our own Tor keeps us from looking. */
function toControlFailure(error: unknown, what: string): unknown {
  if (error instanceof TargetFailure) {
    const code = error.code.startsWith('timeout') ? 'control.timeout' : 'control.connect';
    return new LookFailure(code, `${what}: ${error.message}`, { cause: error });
  }
  return error instanceof LookFailure && error.code.startsWith('control.')
    ? new LookFailure(error.code, `${what}: ${error.message}`, { cause: error })
    : error;
}

function createControl(socket: Socket, context: Context): TorControl {
  const reader = createReader(socket, context.signal, LARGEST_ANSWER);
  const events: TorReply[] = [];
  return {
    hasEvent: () => events.length > 0,
    close: () => socket.destroy(),
    async ask(command) {
      socket.write(`${command}\r\n`);
      for (;;) {
        const reply = await next(reader).catch((error: unknown) => Promise.reject(toControlFailure(error, 'Tor')));
        if (reply.status !== 650) return reply;
        events.push(reply);
      }
    },
    async nextEvent() {
      const kept = events.shift();
      if (kept) return kept;
      const reply = await next(reader);
      if (reply.status === 650) return reply;
      throw new LookFailure('control.protocol', `Tor answers ${reply.status} without being asked`);
    },
  };
}

async function next(reader: Reader): Promise<TorReply> {
  let seen: TorReply | undefined;
  await reader.read((bytes) => {
    const found = readTorReply(bytes);
    seen = found?.reply;
    return found?.length ?? null;
  });
  if (seen === undefined) throw new LookFailure('control.protocol', 'Tor closed the control port');
  return seen;
}

/** control-spec, sections 3.5, 3.21 and 3.24. */
async function logIn(control: TorControl, login: TorLogin, { trace }: Context): Promise<void> {
  const { methods, cookieFile } = readLoginOffer(await askFor(control, 'PROTOCOLINFO 1'));
  const shown = cleanText(methods.join(', ') || 'nothing', 60);
  trace(`control port: offers ${shown} to log in`);
  const file = login.cookie ?? cookieFile;
  if (login.password !== null) {
    if (!methods.includes('HASHEDPASSWORD')) throw refusedWay(shown, 'HASHEDPASSWORD');
    if (/[\r\n\0]/.test(login.password)) throw new LookFailure('control.password', 'the password holds a line break');
    await authenticate(control, ` ${quoteForTor(login.password)}`, 'the password');
  } else if (methods.includes('NULL')) {
    await authenticate(control, '', 'no password');
  } else if (methods.includes('SAFECOOKIE') && file !== null) {
    await authenticate(control, ` ${await answerChallenge(control, readCookie(file))}`, 'the cookie');
  } else if (methods.includes('COOKIE') && login.cookie !== null) {
    // Plain COOKIE gives the file's bytes away: only those of a file that a person has named.
    await authenticate(control, ` ${readCookie(login.cookie).toString('hex')}`, 'the cookie');
  } else {
    throw refusedWay(shown, methods.includes('HASHEDPASSWORD') ? 'a `password`' : 'NULL, SAFECOOKIE or HASHEDPASSWORD');
  }
}

function refusedWay(offered: string, wanted: string): LookFailure {
  return new LookFailure('control.login', `control port offers ${offered} to log in, expected ${wanted}`);
}

async function authenticate(control: TorControl, credentials: string, what: string): Promise<void> {
  const { status, lines } = await control.ask(`AUTHENTICATE${credentials}`);
  if (status === 250) return;
  const words = cleanText(lines[0]?.text ?? '', 60);
  throw new LookFailure('control.login', `control port refuses ${what}: ${status} ${words}`);
}

async function askFor(control: TorControl, command: string): Promise<TorReply> {
  const reply = await control.ask(command);
  if (reply.status === 250) return reply;
  const words = cleanText(reply.lines[0]?.text ?? '', 60);
  throw new LookFailure('control.command', `Tor refuses ${command.split(' ')[0]}: ${reply.status} ${words}`);
}

/** Both sides prove that they know the cookie; nobody who does not know it learns anything of it. */
async function answerChallenge(control: TorControl, cookie: Buffer): Promise<string> {
  const ours = randomBytes(32);
  const { lines } = await askFor(control, `AUTHCHALLENGE SAFECOOKIE ${ours.toString('hex')}`);
  const match = /^AUTHCHALLENGE SERVERHASH=([0-9A-F]{64}) SERVERNONCE=([0-9A-F]{64})$/.exec(lines[0]?.text ?? '');
  const [, hash = '', nonce = ''] = match ?? [];
  const message = Buffer.concat([cookie, ours, Buffer.from(nonce, 'hex')]);
  const sign = (side: string) => createHmac('sha256', `Tor safe cookie authentication ${side} hash`).update(message).digest();
  if (!match || !timingSafeEqual(sign('server-to-controller'), Buffer.from(hash, 'hex'))) {
    throw new LookFailure('control.login', 'control port does not know the cookie: is it the one of this Tor?');
  }
  return sign('controller-to-server').toString('hex');
}

/** Exactly the bytes of a cookie from a regular file: whatever else Tor may have named is not read. */
function readCookie(file: string): Buffer {
  return readPromptly(file, { what: 'cookie', code: 'control.cookie' }, (descriptor, name) => {
    const { mode, size } = fstatSync(descriptor);
    const bytes = Buffer.alloc(COOKIE_BYTES);
    const isCookie = (mode & constants.S_IFMT) === constants.S_IFREG && size === COOKIE_BYTES;
    if (isCookie && readSync(descriptor, bytes) === COOKIE_BYTES) return bytes;
    throw new LookFailure('control.cookie', `${name}: no cookie, expected a file of ${COOKIE_BYTES} bytes`);
  });
}
