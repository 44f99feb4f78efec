import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { cpSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { openHistoryForReading } from '../../src/store/database.ts';
import { checkIntegrity } from '../../src/store/history.ts';
import { childrenOf } from '../support/children.ts';
import { BUNDLE, type CliOptions, globalFile, installation, vigie } from '../support/cli.ts';
import { readMaildir } from '../support/maildir.ts';
import { needs } from '../support/server.ts';
import { Target } from '../support/target.ts';

let target: Target;
let folder: { path: string; remove: () => void };

beforeEach(async () => {
  target = await Target.start();
  folder = installation(globalFile('maildir:state/mail'), {
    'website.yaml': services({ website: `type: http, url: "${target.url}"` }),
  });
});
afterEach(async () => {
  await target.stop();
  folder.remove();
});

const at = (...names: string[]) => join(folder.path, ...names);
const runOnce = (options: CliOptions = {}) => vigie(folder.path, ['run', '--now', '*'], { program: BUNDLE, ...options });
const subjects = () => readMaildir(at('state/mail')).map(({ subject }) => subject);

function services(checks: Record<string, string>): string {
  return `services:\n${Object.entries(checks)
    .map(([name, check]) => `  ${name}: { checks: { page: { ${check} } } }\n`)
    .join('')}`;
}

/** State and code of each check in the latest run. */
function latest(): Record<string, string> {
  const database = openHistoryForReading(at('state'));
  assert.ok(database !== null);
  assert.equal(checkIntegrity(database), null);
  const sql = 'SELECT "check", state, code FROM readable_results WHERE run = (SELECT max(run) FROM runs)';
  const rows = database.prepare(sql).all() as { check: string; state: string; code: string | null }[];
  database.close();
  return Object.fromEntries(rows.map(({ check, state, code }) => [check, `${state} ${code ?? ''}`.trim()]));
}

/** A copy of the program with a check type more: a script of its own, as the build makes one of each file in checks/. */
function programWith(name: string, run: string): string {
  const root = new URL('../../..', import.meta.url).pathname;
  cpSync(join(root, 'dist/vigie'), at('program/dist/vigie'), { recursive: true });
  cpSync(join(root, 'package.json'), at('program/package.json'));
  symlinkSync(join(root, 'node_modules'), at('program/node_modules'));
  const declaration = `type: '${name}', summary: 'A test.', options: {}, metrics: {}, thresholds: {}, example: {}, proxied: true`;
  const code = `module.exports = { ${declaration}, target: () => '', async run(options, context) { ${run} } };\n`;
  writeFileSync(at(`program/dist/vigie/checks/${name}.js`), code);
  return at('program/dist/vigie/src/main.js');
}

describe('a check type with a fault', () => {
  const measured = "return { kind: 'measured', output: 'fine', metrics: {} };";
  const faults: { name: string; code: string; seen: string; exit: number; says: RegExp }[] = [
    { name: 'throws', code: "throw new Error('oh\\u001b[31m')", seen: 'UNKNOWN bug', exit: 0, says: /^$/ },
    { name: 'returns nothing', code: 'return undefined', seen: 'UNKNOWN bug', exit: 0, says: /^$/ },
    { name: 'never ends', code: 'return new Promise(() => {})', seen: 'CRITICAL timeout.total', exit: 0, says: /^$/ },
    {
      name: 'leaves a rejection behind',
      code: `Promise.reject(new Error('stray\\u001b[31m')); ${measured}`,
      seen: 'OK',
      exit: 1,
      says: /^vigie: fault outside of any check: Error: stray\n$/,
    },
    {
      name: 'throws from a timer',
      code: `setTimeout(() => { throw new Error('late'); }, 1); await new Promise((r) => setTimeout(r, 50)); ${measured}`,
      seen: 'OK',
      exit: 1,
      says: /^vigie: fault outside of any check: Error: late\n$/,
    },
  ];
  for (const { name, code, seen, exit, says } of faults) {
    it(`[case E06] that ${name} costs no other check its result`, async () => {
      const program = programWith('rogue', code);
      writeFileSync(at('conf.d/rogue.yaml'), services({ rogue: 'type: rogue, timeout: 1s' }));
      let ended = await runOnce({ program });
      // A machine that stands still is told apart from a check that does not end: not what is meant here.
      for (let time = 0; time < 5 && latest()['rogue/page'] === 'UNKNOWN run.standstill'; time += 1)
        ended = await runOnce({ program });
      assert.deepEqual(latest(), { 'website/page': 'OK', 'rogue/page': seen });
      assert.equal(ended.code, exit);
      assert.match(ended.stderr, says);
    });
  }

  it('[case E06] that calls process.exit(0) does not pass for a good run, and the next one works', async () => {
    await runOnce();
    const program = programWith('rogue', 'process.exit(0)');
    writeFileSync(at('conf.d/rogue.yaml'), services({ rogue: 'type: rogue' }));
    const ended = await runOnce({ program });
    assert.deepEqual([ended.code, ended.stderr], [1, 'vigie: ended from within before its work was done\n']);
    writeFileSync(at('conf.d/rogue.yaml'), 'services: {}\n');
    assert.equal((await runOnce()).code, 0);
    assert.equal(latest()['website/page'], 'OK');
  });

  it(
    '[case E07] that blocks the event loop is ended by the cron line’s timeout, and the next run works',
    needs('timeout'),
    async () => {
      await runOnce();
      const program = programWith('rogue', 'for (;;);');
      writeFileSync(at('conf.d/rogue.yaml'), services({ rogue: 'type: rogue' }));
      // SIGTERM has a listener, which a blocked event loop never calls: it takes the second signal.
      const args = ['-k', '1', '2', process.execPath, program, 'run', '--now', '*'];
      const child = spawn('timeout', args, { cwd: folder.path, stdio: 'ignore' });
      const code = await new Promise((resolve) => child.on('close', (status, signal) => resolve(signal ?? status)));
      assert.ok(code === 137 || code === 'SIGKILL', String(code));
      writeFileSync(at('conf.d/rogue.yaml'), 'services: {}\n');
      assert.equal((await runOnce()).code, 0);
    },
  );
});

describe('children and signals', () => {
  const pings = needs('ping', 'setpriv', 'prlimit');
  const longPing = services({ slow: 'type: ping, address: 127.0.0.1, count: 20' });
  /** Once `setpriv` and `prlimit` have become it. */
  const pingsOf = (starter: number | undefined) =>
    childrenOf(starter).filter((pid) => {
      try {
        return /^[^\0]*\/ping\0/.test(readFileSync(`/proc/${pid}/cmdline`, 'latin1'));
      } catch {
        return false;
      }
    });
  const waitFor = async (isTrue: () => boolean) => {
    for (let i = 0; i < 3000 && !isTrue(); i += 1) await new Promise((resolve) => setTimeout(resolve, 20));
    assert.ok(isTrue());
  };

  it('[case E14] children die with a main process that is killed', pings, async () => {
    writeFileSync(at('conf.d/ping.yaml'), longPing);
    let main: number | undefined;
    const ended = await runOnce({
      onStart: (child) => {
        main = child.pid;
        void waitFor(() => pingsOf(main).length > 0).then(() => child.kill('SIGKILL'));
      },
    });
    assert.equal(ended.signal, 'SIGKILL');
    await waitFor(() => childrenOf(main).length === 0);
  });

  it('[case E05] a child that the kernel kills is UNKNOWN, and the run goes on', pings, async () => {
    writeFileSync(at('conf.d/ping.yaml'), longPing);
    const kill = (main: number | undefined) => {
      for (const pid of pingsOf(main)) process.kill(pid, 'SIGKILL');
    };
    const ended = await runOnce({ onStart: ({ pid }) => void waitFor(() => pingsOf(pid).length > 0).then(() => kill(pid)) });
    assert.deepEqual(latest(), { 'website/page': 'OK', 'slow/page': 'UNKNOWN child.output' });
    assert.equal(ended.code, 0);
  });

  it('[case E05] after a main process that the kernel killed, the next run works and tells what it owes', async () => {
    await runOnce();
    target.status = 503;
    target.delayMs = 3000;
    await runOnce({ onStart: (child) => void waitFor(() => target.requests === 2).then(() => child.kill('SIGKILL')) });
    target.delayMs = 0;
    assert.equal((await runOnce()).code, 0);
    assert.deepEqual(subjects().slice(1), ['[vigie] PROBLEM website/page CRITICAL: HTTP 503, expected 200-299']);
  });

  it('[case E10] a run that is longer than the period is not joined by another: that one ends with 3 and asks nobody', async () => {
    await runOnce();
    const release = target.hold();
    const long = runOnce();
    await waitFor(() => target.requests === 2);
    assert.equal((await runOnce()).code, 3);
    release();
    assert.equal((await long).code, 0);
    assert.equal(target.requests, 2);
  });

  it('[case E04] a reader that goes away ends the output, not with a fault', needs('sh', 'head'), async () => {
    await runOnce();
    const line = `"$0" "$1" run --now '*' --summary | head -c 1; :`;
    const child = spawn('sh', ['-c', line, process.execPath, BUNDLE], { cwd: folder.path, stdio: ['ignore', 'ignore', 'pipe'] });
    let stderr = '';
    child.stderr.on('data', (bytes: Buffer) => {
      stderr += bytes.toString();
    });
    await new Promise((resolve) => child.on('close', resolve));
    assert.equal(stderr, '');
    assert.equal((await runOnce()).code, 0);
  });
});

describe('limits of the machine', () => {
  const many = () =>
    services(Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`s${i}`, `type: http, url: "${target.url}"`])));
  const limited = (limit: string) => {
    const args = [limit, process.execPath, BUNDLE, 'run', '--now', '*'];
    const child = spawn('prlimit', args, { cwd: folder.path, stdio: ['ignore', 'ignore', 'pipe'] });
    let stderr = '';
    child.stderr.on('data', (bytes: Buffer) => {
      stderr += bytes.toString();
    });
    return new Promise<{ code: number | null; stderr: string }>((resolve) =>
      child.on('close', (code) => resolve({ code, stderr })),
    );
  };

  it(
    '[case Q15] [case E13] without descriptors the checks are UNKNOWN, never CRITICAL, and the run is stored',
    needs('prlimit'),
    async () => {
      writeFileSync(at('conf.d/many.yaml'), many());
      await runOnce();
      target.delayMs = 300;
      assert.equal((await limited('--nofile=40:40')).code, 0);
      const states = Object.values(latest());
      assert.equal(states.length, 61);
      assert.ok(states.includes('OK') && states.includes('UNKNOWN local.socket'), states.join(' '));
      assert.ok(!states.some((state) => state.startsWith('CRITICAL')), states.join(' '));
      assert.deepEqual(subjects().length, 1);
    },
  );

  it('[case E13] without address space it is said plainly, and nobody’s service is blamed', needs('prlimit'), async () => {
    await runOnce();
    const { code, stderr } = await limited('--as=1500000000');
    assert.deepEqual(latest(), { 'website/page': 'UNKNOWN limit.memory' });
    assert.deepEqual([code, stderr], [0, '']);
    assert.deepEqual(subjects().length, 1);
  });
});
