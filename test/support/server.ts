import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

/** Node's own test options: a reason to skip, or nothing. On CI a missing program is a failure, so nothing is skipped there. */
export function needs(...programs: string[]): { skip?: string } {
  const path = `${process.env['PATH']}${delimiter}/usr/sbin${delimiter}/sbin`.split(delimiter);
  const missing = programs.filter((program) => !path.some((folder) => existsSync(join(folder, program))));
  if (missing.length === 0 || process.env['CI'] === 'true') return {};
  return { skip: `not installed: ${missing.join(', ')}` };
}

/** A folder of this test's own, short enough for socket paths; `remove` deletes it. */
export function temporaryFolder(): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'vigie-test-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** A port that nothing listened on a moment ago, for servers that cannot say which port 0 became. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => (address && typeof address === 'object' ? resolve(address.port) : reject(new Error('no port'))));
    });
  });
}

export interface StartedServer {
  process: ChildProcess;
  /** Everything the process printed so far. */
  log(): string;
  stop(signal?: NodeJS.Signals): Promise<void>;
}

/** What a test that failed did not come to stop ends with its file. */
const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/**
 * Starts a real server in the foreground and waits until `isReady` (a protocol answer, not an open port) says true.
 * Throws with the server's own words when it ends early or is not ready within 2 min.
 */
export async function startServer(
  file: string,
  args: string[],
  isReady: () => Promise<boolean>,
  options: { cwd?: string; env?: NodeJS.ProcessEnv; uid?: number; gid?: number } = {},
): Promise<StartedServer> {
  let text = '';
  const child = spawn(file, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    ...options,
    env: { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin:/sbin`, ...options.env },
  });
  running.add(child);
  child.once('exit', () => running.delete(child));
  const keep = (bytes: Buffer) => {
    text = (text + bytes.toString()).slice(-20_000);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  let failure: Error | undefined;
  child.on('error', (error) => {
    failure = error;
  });
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => resolve());
    child.once('error', () => resolve());
  });
  const isOver = () => failure !== undefined || child.exitCode !== null || child.signalCode !== null;
  const stop = async (signal: NodeJS.Signals = 'SIGTERM') => {
    if (!isOver()) child.kill(signal);
    const hard = setTimeout(() => child.kill('SIGKILL'), 5000);
    await ended;
    clearTimeout(hard);
  };
  const deadline = performance.now() + 120_000;
  while (!(await isReady().catch(() => false))) {
    if (isOver() || performance.now() > deadline) {
      await stop('SIGKILL');
      throw new Error(`${file} did not become ready: ${failure?.message ?? ''} ${text}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  return { process: child, log: () => text, stop };
}

/** A status, or 0 without an answer. */
export function statusOf(port: number, path: string): Promise<number> {
  return new Promise((resolve) => {
    const sent = request({ host: '127.0.0.1', port, path, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    sent.on('error', () => resolve(0));
    sent.end();
  });
}
