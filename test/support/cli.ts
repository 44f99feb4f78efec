import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from './server.ts';

/** The compiled program; the bundle is what people run, and starts faster. */
const ROOT = new URL('../../..', import.meta.url).pathname;
export const BUNDLE = join(ROOT, 'dist/vigie/src/main.js');
export const PROGRAM = join(ROOT, 'dist/src/main.js');

/** The flags of its first line, with which it runs when it is called by its name. */
export const BUNDLE_FLAGS = (readFileSync(BUNDLE, 'utf8').split('\n')[0] ?? '').split(' ').slice(3);

export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface CliOptions {
  env?: NodeJS.ProcessEnv;
  nodeOptions?: string[];
  program?: string;
  /** Told of the process as soon as it runs. */
  onStart?: (child: ChildProcess) => void;
}

/** Runs `vigie ARGS` in a folder and waits for its end. */
export function vigie(folder: string, args: string[], options: CliOptions = {}): Promise<Ended> {
  const { env, nodeOptions = [], program = PROGRAM, onStart } = options;
  const child = spawn(
    process.execPath,
    [...(program === BUNDLE ? BUNDLE_FLAGS : ['--enable-source-maps']), ...nodeOptions, program, ...args],
    {
      cwd: folder,
      // The bundle is not what coverage is measured on; an empty folder's name switches it off in the child.
      env: {
        ...process.env,
        ...(program === BUNDLE ? { NODE_V8_COVERAGE: '' } : {}),
        NO_COLOR: '1',
        // Nothing of a test stays among the temporary files.
        RUNTIME_DIRECTORY: folder,
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (bytes: Buffer) => {
    stdout += bytes.toString();
  });
  child.stderr.on('data', (bytes: Buffer) => {
    stderr += bytes.toString();
  });
  onStart?.(child);
  return new Promise((resolve) => {
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
}

/** A folder with a configuration: `vigie.yaml` and drop-ins by name. */
export function installation(globalFile: string, dropIns: Record<string, string> = {}): { path: string; remove: () => void } {
  const folder = temporaryFolder();
  mkdirSync(join(folder.path, 'conf.d'));
  writeFileSync(join(folder.path, 'vigie.yaml'), globalFile);
  for (const [name, text] of Object.entries(dropIns)) writeFileSync(join(folder.path, 'conf.d', name), text);
  return folder;
}

/** The shortest global file; `transport` is where the mail goes. The timeout is so long that only what hangs meets it. */
export function globalFile(transport: string, more = ''): string {
  return `title: Test
sites:
  private: { output: site/private }
  public: { output: site/public, title: Status }
mail: { from: vigie@example.org, transport: "${transport}" }
contacts:
  sysadmins: { mail: [sysadmins@example.org] }
defaults: { contacts: [sysadmins], timeout: 40s, attempts: 1, retries: { times: 0 } }
${more}`;
}
