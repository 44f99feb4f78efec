import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { runChild, sweepChildren } from '../../src/net/child.ts';
import { needs } from '../support/server.ts';

const here = needs('setpriv', 'prlimit', 'sh', 'setsid');
const soon = (ms = 60_000) => AbortSignal.timeout(ms);
const sh = (script: string) => ({ file: 'sh', args: ['-c', script] });

/** Processes whose command line holds the text: `sleep 43.17` and its like are ours alone. */
function running(text: string): string[] {
  return readdirSync('/proc').filter((entry) => {
    if (!/^\d+$/.test(entry)) return false;
    try {
      return readFileSync(`/proc/${entry}/cmdline`, 'utf8').replaceAll('\0', ' ').trim() === text;
    } catch {
      return false;
    }
  });
}

async function isGone(text: string): Promise<boolean> {
  for (let i = 0; i < 3000 && running(text).length > 0; i++) await new Promise((resolve) => setTimeout(resolve, 10));
  return running(text).length === 0;
}

test('[T1] a child’s output, exit code and signal come back', here, async () => {
  const done = await runChild(sh('echo out; echo err >&2; exit 3'), soon());
  assert.deepEqual(done, { exitCode: 3, signal: null, stdout: 'out\n', stderr: 'err\n', truncated: false });
  assert.equal((await runChild(sh('kill -SEGV $$'), soon())).signal, 'SIGSEGV');
});

test('[T1] arguments are never a shell’s', here, async () => {
  const done = await runChild({ file: 'echo', args: ['$HOME; `id`', '--pdeathsig'] }, soon());
  assert.equal(done.stdout, '$HOME; `id` --pdeathsig\n');
});

test('[case P01] a child that leaves a background process on its output is over when it ends itself', here, async () => {
  const began = performance.now();
  const done = await runChild(sh('sleep 430.01 & echo done'), soon());
  assert.equal(done.stdout, 'done\n');
  assert.ok(performance.now() - began < 50_000);
  assert.ok(await isGone('sleep 430.01'));
});

test('[case P02] a child that ignores SIGTERM is killed with its group at the deadline', here, async () => {
  const began = performance.now();
  await assert.rejects(runChild(sh("trap '' TERM; sleep 430.02; sleep 430.02"), soon(300)), { code: 'timeout.total' });
  assert.ok(performance.now() - began < 50_000);
  assert.ok(await isGone('sleep 430.02'));
});

test('[case P03] a process that left the group with setsid is found and killed', here, async () => {
  await runChild(sh('setsid sh -c "sleep 43.03 & sleep 43.03" & sleep 0.1'), soon());
  assert.ok(await isGone('sleep 43.03'));
});

test('[case P03] [case I7] one that also closed its output is found by the sweep at the end of the run', here, async () => {
  await runChild(sh('setsid sleep 43.04 >/dev/null 2>&1 & sleep 0.1'), soon());
  assert.equal(running('sleep 43.04').length, 1);
  assert.equal(sweepChildren(), 1);
  assert.ok(await isGone('sleep 43.04'));
  assert.equal(sweepChildren(), 0);
});

test(
  '[case E08] a process id that was given out again protects a stranger’s child and betrays none: only the mark counts',
  here,
  async () => {
    const leave = (owner: string, seconds: string) =>
      spawn('sleep', [seconds], {
        env: { PATH: process.env['PATH'], ...(owner === '' ? {} : { VIGIE_CHILD: owner }) },
        stdio: 'ignore',
      });
    // Of a vigie that is gone, of one whose id is somebody's now, and of nobody.
    const gone = spawnSync(process.execPath, ['-p', 'process.pid'], { encoding: 'utf8' }).stdout.trim();
    const children = [leave(`${gone}.feed`, '43.21'), leave(`${process.pid}.feed`, '43.22'), leave('', '43.23')];
    for (let i = 0; i < 3000 && running('sleep 43.23').length === 0; i++) await new Promise((resolve) => setTimeout(resolve, 10));
    assert.equal(sweepChildren(), 1);
    assert.ok(await isGone('sleep 43.21'));
    assert.deepEqual([running('sleep 43.22').length, running('sleep 43.23').length], [1, 1]);
    for (const child of children) child.kill('SIGKILL');
  },
);

test('[case P04] [case P05] endless output is cut at the cap and does not block', here, async () => {
  const done = await runChild({ ...sh('head -c 3000000 /dev/zero | tr "\\0" x; exit 7'), maxOutput: 1000 }, soon());
  assert.equal(done.stdout, 'x'.repeat(1000));
  assert.deepEqual([done.truncated, done.exitCode], [true, 7]);
  await assert.rejects(runChild({ file: 'yes', args: [] }, soon(300)), { code: 'timeout.total' });
  assert.ok(await isGone('yes'));
});

test('[case P06] [case P07] only errors, or nothing at all, is no fault', here, async () => {
  assert.equal((await runChild(sh('echo e >&2'), soon())).stderr, 'e\n');
  assert.deepEqual((await runChild({ file: 'true', args: [] }, soon())).stdout, '');
});

test('[case P08] a program that is missing is child.missing, by name and by path', here, async () => {
  for (const file of ['no-such-program-here', '/nonexistent/program', '/etc/passwd']) {
    await assert.rejects(runChild({ file, args: [] }, soon()), { code: 'child.missing' });
  }
});

test('[case P10] memory, files, core dumps and processes are limited', here, async () => {
  const limits = (await runChild(sh('ulimit -v; ulimit -n; ulimit -c; cat /proc/self/limits | grep -i "file size"'), soon()))
    .stdout;
  assert.match(limits, /^524288\n256\n0\nMax file size +67108864 /);
  const small = await runChild({ ...sh('ulimit -v'), maxMemory: 64 * 1024 * 1024 }, soon());
  assert.equal(small.stdout, '65536\n');
});

test('[case P11] standard input is closed, there is no terminal, and the environment is ours', here, async () => {
  process.env['VIGIE_TEST_CANARY'] = 'CANARY-environment';
  const done = await runChild({ ...sh('cat; tty; env | sort'), env: { EXTRA: 'yes' } }, soon());
  delete process.env['VIGIE_TEST_CANARY'];
  assert.match(done.stdout, /^not a tty\n/);
  const names = done.stdout
    .split('\n')
    .slice(1, -1)
    .map((line) => line.split('=')[0]);
  assert.deepEqual(
    // A shell adds the first three; Node itself adds the last where coverage is measured.
    names.filter((name) => !['_', 'PWD', 'OLDPWD', 'NODE_V8_COVERAGE'].includes(name ?? '')),
    ['EXTRA', 'LANG', 'LC_ALL', 'PATH', 'VIGIE_CHILD'],
  );
});

test('[case E14] a child dies with its parent', here, async () => {
  // The parent is a node of its own that is killed while its child sleeps.
  const script = `const { runChild } = await import(${JSON.stringify(new URL('../../src/net/child.js', import.meta.url).href)});
    runChild({ file: 'sleep', args: ['43.14'] }, new AbortController().signal).catch(() => {});
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), 200);`;
  await runChild({ file: process.execPath, args: ['--input-type=module', '-e', script], maxMemory: 8 * 1024 ** 3 }, soon(60_000));
  assert.ok(await isGone('sleep 43.14'));
});

test('[T1] an aborted signal starts nothing', here, async () => {
  await assert.rejects(runChild({ file: 'sleep', args: ['43.15'] }, AbortSignal.abort()), { code: 'timeout.total' });
  assert.equal(running('sleep 43.15').length, 0);
});

/** What a process of a user of its own, below these limits, sees of its child: a code and words, or its output. */
function seenBelow(limits: string[], before = ''): string {
  const script = `import { execFileSync } from 'node:child_process';
    const { runChild } = await import(${JSON.stringify(new URL('../../src/net/child.js', import.meta.url).href)});
    ${before}
    const seen = await runChild({ file: 'sh', args: ['-c', 'ulimit -n; ulimit -f'] }, AbortSignal.timeout(60_000)).catch((error) => error);
    console.log(seen.code === undefined ? seen.stdout + seen.stderr : seen.code + ': ' + seen.message);`;
  // It may read, wherever the project lies, and raise no limit.
  const user = ['--reuid', '64242', '--regid', '64242', '--clear-groups', '--inh-caps', '+dac_read_search'];
  const args = [
    ...user,
    '--ambient-caps',
    '+dac_read_search',
    'prlimit',
    ...limits,
    process.execPath,
    '--input-type=module',
    '-e',
    script,
  ];
  const { stdout, stderr } = spawnSync('setpriv', args, {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], NODE_V8_COVERAGE: '' },
  });
  return (stdout + stderr).trim();
}

const asRoot = { ...here, ...(process.getuid?.() === 0 ? {} : { skip: 'needs root to be another user' }) };

test('[case E13] below limits that are lower than a child’s own, it runs with those', asRoot, () => {
  assert.equal(seenBelow(['--nproc=100', '--nofile=99', '--fsize=512000']), '99\n1000');
  assert.equal(seenBelow(['--nproc=1000']), '256\n131072');
});

test('[case E13] where no process is left it is said so, and is no failure of a target', asRoot, () => {
  const before = "execFileSync('prlimit', ['--nproc=1:100', '--pid', String(process.pid)]);";
  const words = 'no process left for this user, expected room below ulimit -u and TasksMax';
  assert.equal(seenBelow(['--nproc=100'], before), `limit.processes: ${words}`);
});
