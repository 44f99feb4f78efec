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

/** The median of several runs by CPU: the machine's noise is in the others. */
export async function median(times: number, act: () => Promise<Cost>): Promise<Cost> {
  const costs: Cost[] = [];
  for (let i = 0; i < times; i += 1) costs.push(await act());
  costs.sort((a, b) => a.cpu - b.cpu);
  const middle = costs[Math.floor(costs.length / 2)];
  if (middle === undefined) throw new Error('nothing was measured');
  return middle;
}

/** CPU seconds of this process for one call. */
export async function cpuOf(act: () => unknown): Promise<number> {
  const before = process.cpuUsage();
  await act();
  const used = process.cpuUsage(before);
  return (used.user + used.system) / 1e6;
}
