import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { accessSync, constants, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ChildCommand, ChildResult } from '../check-type.ts';
import { LookFailure } from '../core/failure.ts';
import { cleanText } from '../core/text.ts';
import { formatElapsed, toAbortFailure } from './limits.ts';

const SEARCH_PATH = ['/usr/local/bin', '/usr/bin', '/bin', '/usr/sbin', '/sbin'];
const DEFAULT_MEMORY = 512 * 1024 * 1024;
const DEFAULT_OUTPUT = 8 * 1024;
const MAX_FILE = 64 * 1024 * 1024;
/** Milliseconds for what an ended child wrote last to come through its pipes. */
const DRAIN_MS = 50;

/** In the environment of every child and of all that they start: `<our process id>.<random>`. */
const MARKER = 'VIGIE_CHILD';
const TOKEN = `${process.pid}.${randomBytes(12).toString('hex')}`;

/**
 * Runs a program without a shell: it dies with us (`--pdeathsig`), has limits on memory, files and processes, a process group of
 * its own that is killed when it ends or `signal` is aborted, only `input` on standard input, and an environment of ours.
 * Throws LookFailure `child.missing`, `child.failed`, `limit.processes`, TargetFailure `timeout.total`.
 */
export async function runChild(command: ChildCommand, signal: AbortSignal): Promise<ChildResult> {
  const began = performance.now();
  const name = cleanText(command.file.split('/').at(-1) ?? '', 40);
  const toTimeout = () => toAbortFailure(signal, 'timeout.total', `${name} did not end within ${formatElapsed(began, signal)}`);
  if (signal.aborted) throw toTimeout();
  const child = spawn(findProgram('setpriv'), confine(command), {
    cwd: command.cwd ?? '/',
    env: { PATH: SEARCH_PATH.join(':'), LANG: 'C.UTF-8', LC_ALL: 'C.UTF-8', ...command.env, [MARKER]: TOKEN },
    detached: true,
    stdio: [command.input === undefined && command.talk === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
  });
  feed(child, command.input);
  const onAbort = () => killGroup(child);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    const [{ result, held }] = await Promise.all([collect(child, command), converse(child, command.talk)]);
    killGroup(child);
    // Pipes that outlive their program are held by something that it left behind, perhaps in a session of its own.
    if (held || signal.aborted) sweepChildren();
    if (signal.aborted) throw toTimeout();
    return result;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

function confine(command: ChildCommand): string[] {
  const memory = command.maxMemory ?? DEFAULT_MEMORY;
  const limits = [
    `--as=${atMost('address space', memory)}`,
    '--core=0',
    `--nofile=${atMost('open files', 256)}`,
    `--fsize=${atMost('file size', command.maxFile ?? MAX_FILE)}`,
    `--nproc=${atMost('processes', 512)}`,
  ];
  return ['--pdeathsig', 'KILL', findProgram('prlimit'), ...limits, '--', findProgram(command.file), ...command.args];
}

let ownLimits: string | undefined;

/** Nobody but root may raise a hard limit (setrlimit(2)): where ours is lower than what a child is to have, it has ours. */
function atMost(name: string, wanted: number): number {
  ownLimits ??= readFileSync('/proc/self/limits', 'utf8');
  const hard = new RegExp(`^Max ${name} +\\S+ +(\\d+)`, 'm').exec(ownLimits)?.[1];
  return hard === undefined ? wanted : Math.min(wanted, Number(hard));
}

function findProgram(file: string): string {
  const candidates = file.includes('/') ? [file] : SEARCH_PATH.map((folder) => join(folder, file));
  for (const candidate of candidates) {
    try {
      accessSync(candidate, constants.X_OK);
      return candidate;
    } catch {
      // The next folder may have it.
    }
  }
  throw new LookFailure('child.missing', `program ${cleanText(file, 60)} is not installed or must not be executed`);
}

/** A program may end without reading all of it: its exit code says what that means, not our broken pipe. */
function feed(child: ChildProcess, input: Uint8Array | undefined): void {
  child.stdin?.on('error', () => {});
  if (input !== undefined) child.stdin?.end(input);
}

/** What the conversation throws ends the program: nobody would read what it still says. */
async function converse(child: ChildProcess, talk: ChildCommand['talk']): Promise<void> {
  const { stdin, stdout } = child;
  if (talk === undefined || stdin === null || stdout === null) return;
  // A program that ended breaks the pipe; its exit code and the reader say what that means.
  stdin.on('error', () => {});
  try {
    await talk(stdin, stdout);
    stdin.end();
    stdout.resume();
  } catch (error) {
    killGroup(child);
    throw error;
  }
}

interface Collected {
  result: ChildResult;
  /** Its pipes were still open when it had ended. */
  held: boolean;
}

function collect(child: ChildProcess, { maxOutput = DEFAULT_OUTPUT, talk }: ChildCommand): Promise<Collected> {
  return new Promise((resolve, reject) => {
    const stdout = keepHead(talk === undefined ? child.stdout : null, maxOutput);
    const stderr = keepHead(child.stderr, maxOutput);
    child.once('error', (error) => reject(toStartFailure(error)));
    child.once('exit', (exitCode, signal) => {
      let timer: NodeJS.Timeout | undefined;
      const finish = (held: boolean) => {
        clearTimeout(timer);
        child.stdin?.destroy();
        child.stdout?.destroy();
        child.stderr?.destroy();
        const truncated = stdout.truncated || stderr.truncated;
        resolve({ result: { exitCode, signal, stdout: stdout.text(), stderr: stderr.text(), truncated }, held });
      };
      child.once('close', () => finish(false));
      timer = setTimeout(() => finish(true), DRAIN_MS);
    });
  });
}

/** EAGAIN of fork(2): the user has as many processes and threads as it may, or the service as many tasks. */
function toStartFailure(error: NodeJS.ErrnoException): LookFailure {
  if (error.code === 'EAGAIN')
    return new LookFailure('limit.processes', 'no process left for this user, expected room below ulimit -u and TasksMax');
  return new LookFailure('child.failed', `cannot start: ${cleanText(error.message, 80)}`);
}

/** Keeps the first bytes of a stream and reads on, so that its writer neither blocks nor fills our memory. */
function keepHead(stream: ChildProcess['stdout'], max: number) {
  const chunks: Buffer[] = [];
  const head = {
    truncated: false,
    text: () => Buffer.concat(chunks).toString('utf8'),
  };
  let size = 0;
  stream?.on('data', (chunk: Buffer) => {
    if (size + chunk.length > max) head.truncated = true;
    if (size < max) chunks.push(chunk.subarray(0, max - size));
    size += chunk.length;
  });
  return head;
}

function killGroup(child: ChildProcess): void {
  if (child.pid !== undefined) kill(-child.pid);
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Already gone.
  }
}

/**
 * Kills what children left behind in sessions of their own, found by the marker in their environment: those of this process, and
 * of others that have died. Returns how many. The batch calls it once at its end.
 */
export function sweepChildren(): number {
  let count = 0;
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const owner = readOwner(entry);
    if (owner === null || (owner !== TOKEN && isAlive(Number.parseInt(owner, 10)))) continue;
    kill(Number(entry));
    count += 1;
  }
  return count;
}

function readOwner(pid: string): string | null {
  try {
    const environment = readFileSync(`/proc/${pid}/environ`, 'latin1');
    return (
      environment
        .split('\0')
        .find((line) => line.startsWith(`${MARKER}=`))
        ?.slice(MARKER.length + 1) ?? null
    );
  } catch {
    // Another user's, or gone.
    return null;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
