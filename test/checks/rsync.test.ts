import assert from 'node:assert/strict';
import { mkdirSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import rsync from '../../checks/rsync.ts';
import { type Observation, TargetFailure } from '../../src/check-type.ts';
import { judgeRsync, parseFileList, parseGreeting, parseModules } from '../../src/net/rsync.ts';
import { codeOf, problemsOf, runCheck } from '../support/check.ts';
import { type TestContextSettings, testContext, timeFor } from '../support/context.ts';
import { insistOnCheap } from '../support/cost.ts';
import { rawServer } from '../support/raw-server.ts';
import { type Rsyncd, startRsyncd } from '../support/rsyncd.ts';
import { freePort, needs } from '../support/server.ts';
import { startMicrosocks } from '../support/socks.ts';

const NOW = Date.UTC(2026, 10, 22, 12, 0, 0);
const HOUR = 3_600_000;

describe('rsync check against the real daemon', needs('rsync', 'setpriv', 'prlimit'), () => {
  let server: Rsyncd;
  before(async () => {
    server = await startRsyncd();
    for (const [path, size, hours] of [
      ['stable/os-1.iso', 5000, 100],
      ['devel/os-2.iso', 4000, 30],
      ['devel/os-3 <b>.iso', 4500, 6],
      ['devel/n\u001b[31mx', 1, 3],
    ] as const) {
      const file = join(server.root, path);
      mkdirSync(join(file, '..'), { recursive: true });
      writeFileSync(file, '');
      truncateSync(file, size);
      utimesSync(file, (NOW - hours * HOUR) / 1000, (NOW - hours * HOUR) / 1000);
    }
  });
  after(() => server?.stop());
  const look = (options: Record<string, unknown> = {}, settings: TestContextSettings = {}): Promise<Observation> =>
    runCheck(rsync, { address: '127.0.0.1', port: server.port, ...options }, testContext({ now: NOW, ...settings }));

  it('[K14] the modules are listed without the program, whatever the words of the day', async () => {
    const seen = await look();
    assert.deepEqual([seen.kind, seen.output, seen.metrics?.['modules']], ['measured', '2 modules: pub priv', 2]);
  });

  it('[K14] a module that is not listed is named', async () => {
    const seen = await look({ modules: ['pub', 'iso'] });
    assert.equal(codeOf(seen), 'rsync.module');
    assert.equal(seen.output, 'modules pub priv, expected iso');
  });

  it('[K14] directories are judged each by itself: entries, age, size', async () => {
    const seen = await look({ modules: ['pub'], directories: ['pub/stable', 'pub/devel/'], match: ['*.iso'], max_age: 2 * 86_400 });
    assert.equal(codeOf(seen), 'listing.stale');
    assert.deepEqual(
      seen.parts?.map(({ name, state }) => `${name} ${state}`),
      ['modules OK', 'pub/stable CRITICAL', 'pub/devel/ OK'],
    );
    assert.match(seen.output, /^1 of 3 fail, pub\/stable: newest is os-1.iso, 4 days old, expected at most 2 days$/);
    assert.deepEqual([seen.metrics?.['entries'], seen.metrics?.['age'], seen.metrics?.['newest_size']], [1, 100 * 3600, 4500]);
  });

  it('[K14] the newest entry is dated in UTC, and words of the day are no entry', async () => {
    const seen = await look({ directories: ['pub/devel'], match: ['*.iso'] });
    assert.equal(seen.output, '2 entries, newest os-3 <b>.iso, 6 h old');
    assert.equal(codeOf(await look({ directories: ['pub/stable'], match: ['motd.iso'] })), 'listing.few');
  });

  for (const { name, options, code } of [
    { name: 'a directory that is not there', options: { directories: ['pub/gone'] }, code: 'listing.missing' },
    { name: 'a module that is not there', options: { directories: ['nomod/x'] }, code: 'rsync.module' },
    { name: 'a module that wants a login', options: { directories: ['priv'] }, code: 'auth.refused' },
    { name: 'too few entries', options: { directories: ['pub/devel'], min_entries: 9 }, code: 'listing.few' },
    { name: 'a file that is too small', options: { directories: ['pub/stable'], min_size: 6000 }, code: 'listing.small' },
  ]) {
    it(`[K14] ${name} is ${code}`, async () => assert.equal(codeOf(await look(options)), code));
  }

  it('[case R08] a list of too many files is size.output', async () => {
    const folder = join(server.root, 'many');
    mkdirSync(folder);
    for (let i = 0; i < 19_000; i += 1) writeFileSync(join(folder, `${'x'.repeat(200)}${i}`), '');
    assert.equal(codeOf(await look({ directories: ['pub/many'] })), 'size.output');
  });

  it('[K14] a login with the right password, and with a wrong one', async () => {
    const login = { directories: ['priv/stable'], user: 'alice', password: { env: 'PW' } };
    assert.equal((await look(login, { secrets: { PW: 'pw' } })).kind, 'measured');
    assert.equal(codeOf(await look(login, { secrets: { PW: 'wrong' } })), 'auth.refused');
  });

  it('[N2] both go through a SOCKS proxy that resolves the name', needs('microsocks'), async () => {
    const proxy = await startMicrosocks();
    const settings = { proxy: { name: 'socks', host: '127.0.0.1', port: proxy.port } };
    const options = { address: 'localhost', modules: ['pub'], directories: ['pub/stable'] };
    assert.equal((await look(options, settings)).kind, 'measured');
    await proxy.stop();
    assert.equal(codeOf(await look(options, settings)), 'proxy.refused');
  });

  it('[K14] a daemon that is down is refused, for the program too', async () => {
    const port = await freePort();
    assert.equal(codeOf(await look({ port })), 'network.refused');
    assert.equal(codeOf(await look({ port, directories: ['pub'] })), 'network.refused');
  });
});

describe('rsync check against hostile daemons', () => {
  const meet = async (
    options: Record<string, unknown>,
    say: (write: (text: string | Buffer) => boolean) => void,
    settings: TestContextSettings = {},
  ) => {
    const server = await rawServer(() => {}, { onConnect: (socket) => say((text) => !socket.destroyed && socket.write(text)) });
    try {
      return await runCheck(rsync, { address: '127.0.0.1', port: server.port, ...options }, testContext({ now: NOW, ...settings }));
    } finally {
      await server.close();
    }
  };
  const HELLO = '@RSYNCD: 31.0\n';
  const DIRECTORY = { directories: ['pub/x'] };
  const cases: { name: string; options?: Record<string, unknown>; says: string | Buffer; code: string; output?: RegExp }[] = [
    { name: '[case R01] words of the day without end', says: HELLO + 'hello\n'.repeat(60_000), code: 'size.wire' },
    { name: '[case R02] a million modules', says: HELLO + 'module\tcomment\n'.repeat(1_000_000), code: 'size.wire' },
    {
      name: '[case R03] escape codes in a module',
      says: `${HELLO}a\u001b[31mb<b>\u202e \tx\n@RSYNCD: EXIT\n`,
      code: 'measured',
      output: /^1 modules: ab<b>$/,
    },
    { name: '[case R04] silence after the greeting', says: HELLO, code: 'timeout.total' },
    { name: '[case R04] silence after the greeting, for the program', options: DIRECTORY, says: HELLO, code: 'timeout.total' },
    { name: '[case R05] protocol 1', says: '@RSYNCD: 1.0\n', code: 'rsync.protocol' },
    { name: '[case R05] protocol 999', says: '@RSYNCD: 999.0\n', code: 'rsync.protocol' },
    {
      name: '[case R05] protocol 999, for the program',
      options: DIRECTORY,
      says: '@RSYNCD: 999.0\n@RSYNCD: OK\n',
      code: 'rsync.protocol',
    },
    { name: '[K14] a web server', says: 'HTTP/1.1 400 Bad\r\n\r\n', code: 'rsync.protocol' },
    { name: '[K14] a greeting without end', says: 'x'.repeat(5000), code: 'rsync.protocol' },
    {
      name: '[K14] an error instead of a list',
      says: `${HELLO}@ERROR: access denied <b>\n`,
      code: 'rsync.error',
      output: /^@ERROR: access denied <b>$/,
    },
    {
      name: '[K14] a message of no known kind after the handshake',
      options: DIRECTORY,
      says: `${HELLO}@RSYNCD: OK\n\u0004\0\0!\xff\xff\xff\xff`,
      code: 'rsync.protocol',
    },
    ...[
      { name: 'negative', seconds: 'ffffffff' },
      { name: 'huge', seconds: 'ffffff7f' },
    ].map(({ name, seconds }) => ({
      // Flags and seed of the handshake, then message 33 (MSG_IO_TIMEOUT) of a multiplexed stream, which counts its kinds from 7.
      name: `[case R06] a time-out of the peer that is ${name}, and silence,`,
      options: DIRECTORY,
      says: Buffer.concat([Buffer.from(`${HELLO}@RSYNCD: OK\n`), Buffer.from(`000102030404000028${seconds}`, 'hex')]),
      code: 'timeout.total',
    })),
  ];
  for (const { name, options = {}, says, code, output } of cases) {
    it(`${name} is ${code}`, needs('rsync'), async () => {
      const seen = await meet(options, (write) => write(says), timeFor(code, 1500));
      assert.equal(codeOf(seen), code, seen.output);
      if (output) assert.match(seen.output, output);
    });
  }

  it('[case R01] words of the day at full speed, for the program, end at a limit', needs('rsync'), async () => {
    const flooding = (write: (text: string | Buffer) => boolean) => {
      write(HELLO);
      const flood = () => {
        for (let i = 0; i < 20; i += 1) if (!write(Buffer.alloc(1024 * 1024, 'hello\n'))) break;
        timer = setTimeout(flood, 5);
      };
      let timer = setTimeout(flood, 5);
      setTimeout(() => clearTimeout(timer), 3000).unref();
    };
    const seen = await meet(DIRECTORY, flooding, { timeoutMs: 1500 });
    assert.ok(['size.wire', 'timeout.total'].includes(codeOf(seen)), seen.output);
  });

  const ended = { exitCode: null, signal: null, stdout: '', stderr: '', truncated: false };
  it('[case R07] a crafted list that crashes rsync is child.signal', needs('setpriv', 'prlimit'), async () => {
    const server = await rawServer(() => {});
    const context = testContext();
    const spawn: typeof context.spawn = (command) => context.spawn({ ...command, file: 'sh', args: ['-c', 'kill -SEGV $$'] });
    const seen = await runCheck(rsync, { address: '127.0.0.1', port: server.port, ...DIRECTORY }, { ...context, spawn });
    assert.deepEqual([codeOf(seen), seen.output], ['child.signal', 'the answer for pub/x ended rsync by SIGSEGV']);
    await server.close();
  });
  it('[case R08] a list that needs too much memory is memory.child', () => {
    assert.throws(() => judgeRsync({ ...ended, exitCode: 22 }, 'pub/x'), { code: 'memory.child' });
  });

  it('[case R09] the program that lists can write to no file', needs('rsync'), async () => {
    let seen: unknown;
    const context = testContext();
    const spawn: typeof context.spawn = async (command) => {
      seen = [command.maxFile, command.args.slice(0, 1)];
      const child = await context.spawn({ ...command, file: 'sh', args: ['-c', 'ls -A . >&2; echo x > file'] });
      assert.equal(child.stderr.includes('file'), false);
      assert.notEqual(child.exitCode, 0);
      return child;
    };
    const server = await rawServer(() => {});
    await runCheck(rsync, { address: '127.0.0.1', port: server.port, ...DIRECTORY }, { ...context, spawn });
    await server.close();
    assert.deepEqual(seen, [0, ['--list-only']]);
  });
});

describe('rsync parsers', () => {
  it('[K14] a link is its name, a date that is none is no date', () => {
    const list = parseFileList(
      'lrwxrwxrwx 5 2026/11/22 09:47:55 latest -> a\n-rw-r--r-- 1,234 2026/02/30 00:00:00 b\nnoise\ndrwxr-xr-x 1 2026/11/22 09:47:55 .',
    );
    assert.deepEqual(
      list.map(({ name, size, at }) => [name, size, at === null]),
      [
        ['latest', 5, false],
        ['b', 1234, true],
      ],
    );
  });

  it('[case R03] 100,000 generated answers neither throw nor cost', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        '@RSYNCD: ',
        '31.0',
        ' sha512',
        '\n',
        '\t',
        'pub',
        '@ERROR',
        '-rw-r--r--',
        ' 1,2 ',
        '2026/11/22 10:00:00 ',
        ' -> ',
        '\0',
        ','.repeat(40),
      ),
      fc.string({ maxLength: 6 }),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        const text = pieces.join('');
        for (const parse of [parseGreeting, parseModules, parseFileList]) {
          insistOnCheap(
            () => {
              try {
                return parse(text);
              } catch (error) {
                assert.ok(error instanceof TargetFailure, String(error));
                return null;
              }
            },
            () => JSON.stringify(text),
          );
        }
      }),
      { numRuns: 100_000 },
    );
  });
});

describe('rsync options', () => {
  for (const path of ['/pub', '-x', 'pub/../x', 'pub/*', 'pub/[a]', '']) {
    it(`[C2] "${path}" is no directory of a module`, () => {
      assert.deepEqual(Object.keys(problemsOf(rsync, { address: 'x', directories: [path] })), ['directories']);
    });
  }
  it('[C2] a user needs a password and a directory', () => {
    assert.deepEqual(Object.keys(problemsOf(rsync, { address: 'x', user: 'a' })), ['user']);
    assert.deepEqual(Object.keys(problemsOf(rsync, { address: 'x', user: 'a', password: { env: 'X' } })), ['user']);
  });
});
