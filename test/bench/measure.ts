import { spawn } from 'node:child_process';

/** What one process cost. CPU and wall in seconds, memory in MiB. */
export interface Cost {
  cpu: number;
  wall: number;
  memory: number;
  stdout: string;
  code: number | null;
}

const REPORT = new URL('./report-usage.js', import.meta.url).href;

/** Runs Node with a script and returns what it cost, children not counted: the process reports its own usage at its end. */
export function measureNode(args: string[], options: { cwd?: string; env?: NodeJS.ProcessEnv } = {}): Promise<Cost> {
  const began = performance.now();
  const child = spawn(process.execPath, ['--import', REPORT, ...args], {
    stdio: ['ignore', 'pipe', 'inherit', 'pipe'],
    cwd: options.cwd ?? process.cwd(),
    env: { ...process.env, ...options.env },
  });
  let report = '';
  let stdout = '';
  child.stdio[3]?.on('data', (bytes: Buffer) => {
    report += bytes.toString();
  });
  child.stdout?.on('data', (bytes: Buffer) => {
    stdout += bytes.toString();
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      const [user = 0, system = 0, maxRssKb = 0] = report.trim().split(' ').map(Number);
      resolve({ cpu: (user + system) / 1e6, wall: (performance.now() - began) / 1000, memory: maxRssKb / 1024, stdout, code });
    });
  });
}

/**
 * The least CPU and the least wall of several runs of each act, made in turns: a machine that is lent by the moment is now slow, now
 * fast, and what disturbs a run only adds to it. So those of one call compare with each other.
 */
export async function least<Name extends string>(
  times: number,
  acts: Record<Name, () => Promise<Cost>>,
): Promise<Record<Name, Cost>> {
  const found: Partial<Record<Name, Cost>> = {};
  for (let i = 0; i < times; i += 1) {
    for (const name of Object.keys(acts) as Name[]) {
      const cost = await acts[name]();
      const best = found[name] ?? cost;
      found[name] = { ...cost, cpu: Math.min(best.cpu, cost.cpu), wall: Math.min(best.wall, cost.wall) };
    }
  }
  return found as Record<Name, Cost>;
}

/** CPU seconds of this process for one call. */
export async function cpuOf(act: () => unknown): Promise<number> {
  const before = process.cpuUsage();
  await act();
  const used = process.cpuUsage(before);
  return (used.user + used.system) / 1e6;
}
