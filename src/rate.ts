import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

const PAUSE_MS = 6 * 3_600_000;

/** Where the last time of each complaint is kept when there is no configuration to say where the state is. */
function fallbackFolder(configPath: string): string {
  const path = resolve(configPath);
  return join(isFolder(path) ? path : dirname(path), 'state');
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/**
 * Whether this complaint has not been made within six hours; says yes once and remembers it. Where nothing can be remembered (a
 * full or read-only disk) the clock decides: once in each quarter of a day.
 */
export function isFirstIn(
  context: { now: number; configPath: string },
  subject: string,
  text: string,
  state = fallbackFolder(context.configPath),
): boolean {
  const path = join(state, `complaint-${subject}.json`);
  const digest = createHash('sha256').update(text).digest('hex').slice(0, 16);
  const last = readLast(path);
  if (last !== null && last.digest === digest && context.now - last.at < PAUSE_MS && context.now >= last.at) return false;
  try {
    mkdirSync(state, { recursive: true, mode: 0o700 });
    writeFileSync(`${path}.new`, JSON.stringify({ at: context.now, digest }), { mode: 0o600 });
    renameSync(`${path}.new`, path);
    return true;
  } catch {
    return context.now % PAUSE_MS < 60_000;
  }
}

function readLast(path: string): { at: number; digest: string } | null {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as { at: number; digest: string };
  } catch {
    return null;
  }
}
