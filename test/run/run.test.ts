import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { openHistoryForReading, takeLock } from '../../src/store/database.ts';
import { globalFile, installation, PROGRAM, vigie } from '../support/cli.ts';
import { needs } from '../support/server.ts';
import { Target } from '../support/target.ts';

let target: Target;
let folder: { path: string; remove: () => void };

beforeEach(async () => {
  target = await Target.start();
  folder = installation(globalFile('maildir:state/mail'), { 'website.yaml': website() });
});
afterEach(async () => {
  await target.stop();
  folder.remove();
});

function website(more = ''): string {
  return `services:\n  website:\n    public: true\n    checks:\n      front-page: { type: http, url: "${target.url}" }\n${more}`;
}

const at = (...names: string[]) => join(folder.path, ...names);
const runOnce = (...args: string[]) => vigie(folder.path, ['run', ...args]);
const runJson = async (...args: string[]) =>
  JSON.parse((await runOnce('--json', ...args)).stdout) as Record<string, Record<string, number>>;

/** Subjects of the mails in the maildir, oldest first. */
function subjects(): string[] {
  const mails = existsSync(at('state/mail/new'))
    ? readdirSync(at('state/mail/new')).map((name) => readFileSync(at('state/mail/new', name), 'utf8'))
    : [];
  const numbered = mails.map((mail) => {
    const unfolded = mail.replace(/\r?\n[ \t]+/g, ' ');
    return {
      number: Number(/^Message-ID: <vigie\.(\d+)/m.exec(unfolded)?.[1] ?? 0),
      subject: /^Subject: (.*?)\r?$/m.exec(unfolded)?.[1] ?? '',
    };
  });
  return numbered
    .sort((a, b) => a.number - b.number)
    .map(({ subject }) => subject.replace(/ in [0-9.]+ m?s/, '').replace(/ after .*/, ''));
}

describe('vigie run', () => {
  it('[R1] says nothing and ends with 0 when all is well and nobody looks on', async () => {
    const { code, stdout, stderr } = await runOnce();
    assert.deepEqual([code, stdout, stderr], [0, '', '']);
  });

  it('[W5] --json prints one line in the documented shape', async () => {
    const summary = await runJson();
    assert.deepEqual(Object.keys(summary), ['run', 'started_at', 'duration_ms', 'checks', 'items', 'mail', 'pages']);
    assert.deepEqual(summary['checks'], { due: 1, ok: 1, warning: 0, critical: 0, unknown: 0, skipped: 0 });
    assert.deepEqual(summary['mail'], { sent: 1, queued: 0, failed: 0 });
  });

  it('[R1] a second run at once has nothing due', async () => {
    await runOnce();
    assert.equal((await runJson())['checks']?.['due'], 0);
    assert.equal(target.requests, 1);
  });

  it('[W2] --now runs what matches whether due or not', async () => {
    await runOnce();
    assert.equal((await runJson('--now', 'website'))['checks']?.['due'], 1);
  });

  it('[H1] a target that breaks is mailed once, and its recovery too', async () => {
    for (const status of [200, 503, 503, 200, 200]) {
      target.status = status;
      await runOnce('--now', '*');
    }
    assert.deepEqual(subjects().slice(1), [
      '[vigie] PROBLEM website/front-page CRITICAL: HTTP 503, expected 200-299',
      '[vigie] RECOVERED website/front-page',
    ]);
  });

  it('[case E12] works without HOME, with LANG=C and a closed standard input', async () => {
    const { code, stderr } = await vigie(folder.path, ['run'], { env: { HOME: '', LANG: 'C', LC_ALL: 'C' } });
    assert.deepEqual([code, stderr], [0, '']);
  });

  for (const { mask, gate } of [
    { mask: '000', gate: 0o755 },
    { mask: '027', gate: 0o750 },
    { mask: '077', gate: 0o700 },
  ]) {
    it(
      `[case E11] with umask ${mask} the state stays private, and who may enter a site's folder may read all of it`,
      needs('sh'),
      async () => {
        // Not synchronously: this process is also the server that the run looks at.
        const ended = spawn('sh', ['-c', `umask ${mask}; exec "$0" "$@"`, process.execPath, PROGRAM, 'run'], { cwd: folder.path });
        assert.deepEqual(await once(ended, 'exit'), [0, null]);
        assert.equal(statSync(at('state')).mode & 0o777, 0o700);
        assert.equal(statSync(at('state/history.sqlite')).mode & 0o777, 0o600);
        for (const site of ['site/private', 'site/public']) {
          assert.equal(statSync(at(site)).mode & 0o777, gate);
          const inside = readdirSync(at(site), { recursive: true, withFileTypes: true });
          assert.ok(inside.length > 5);
          for (const entry of inside) {
            const { mode } = statSync(join(entry.parentPath, entry.name));
            assert.equal(mode & 0o777, entry.isDirectory() ? 0o755 : 0o644, entry.name);
          }
        }
      },
    );
  }

  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    it(`[case E04] ${signal} ends a run at once, and the next one works`, async () => {
      await runOnce();
      const ended = await vigie(folder.path, ['run', '--now', '*'], {
        onStart: (child) => setTimeout(() => child.kill(signal), 150),
      });
      assert.ok(ended.code === 1 || ended.code === 0 || ended.signal === signal);
      assert.equal((await runOnce('--now', '*')).code, 0);
    });
  }
});

describe('a check that is added', () => {
  it('[C3] comes with a file of its own: the global file stays as it is, and the next run looks at it', async () => {
    await runOnce();
    const before = readFileSync(at('vigie.yaml'), 'utf8');
    writeFileSync(at('conf.d/other.yaml'), `services:\n  other:\n    checks:\n      page: { type: http, url: "${target.url}" }\n`);
    assert.equal((await runJson())['checks']?.['due'], 1);
    assert.equal(readFileSync(at('vigie.yaml'), 'utf8'), before);
  });
});

describe('two runs at once', () => {
  it('[case E01] the second exits 3, silently under cron, and counts', async () => {
    await runOnce();
    const release = takeLock(at('state'));
    assert.ok(release !== null);
    for (let i = 0; i < 3; i += 1) {
      const { code, stdout, stderr } = await runOnce('--now', '*');
      assert.deepEqual([code, stdout, stderr], [3, '', '']);
    }
    release();
    assert.equal(target.requests, 1);
    await runOnce();
    assert.match(subjects().at(-1) ?? '', /OVERLAP: 3 runs in a row found another one still running/);
    await runOnce();
    assert.equal(subjects().filter((subject) => subject.includes('OVERLAP')).length, 1);
  });

  it('[case E02] a lock that a killed run held is free at once', async () => {
    await vigie(folder.path, ['run'], { onStart: (child) => setTimeout(() => child.kill('SIGKILL'), 200) });
    assert.equal((await runOnce()).code, 0);
  });
});

describe('a configuration that does not validate', () => {
  it('[case F01] a file keeps its last good version: monitoring goes on, one mail, exit 1, and one when it is right again', async () => {
    await runOnce();
    writeFileSync(at('conf.d/website.yaml'), website('    colour: red\n'));
    for (let i = 0; i < 3; i += 1) assert.equal((await runOnce('--now', '*')).code, 1);
    assert.equal(target.requests, 4);
    assert.deepEqual(subjects().slice(1), ['[vigie] CONFIG: 1 error: the last good version is in use']);
    writeFileSync(at('conf.d/website.yaml'), website());
    assert.equal((await runOnce()).code, 0);
    assert.equal(subjects().at(-1), '[vigie] CONFIG: all files are valid again');
  });

  it('[case F08] a file that disappears is used for a day more and told once, in the daily digest', async () => {
    await runOnce();
    writeFileSync(at('conf.d/other.yaml'), `services:\n  other:\n    checks:\n      page: { type: http, url: "${target.url}" }\n`);
    await runOnce();
    rmSync(at('conf.d/website.yaml'));
    assert.equal((await runJson('--now', '*'))['checks']?.['due'], 2);
    await runOnce();
    const database = openHistoryForReading(at('state'));
    assert.deepEqual(database?.prepare("SELECT wait FROM items WHERE kind = 'removed'").pluck().all(), ['digest']);
    database?.close();
    assert.equal((await vigie(folder.path, ['config', 'confirm'])).code, 0);
    assert.equal((await runJson('--now', '*'))['checks']?.['due'], 1);
  });

  it('[case F07] without any good version the run ends with 2, all errors at once, the same error once in six hours', async () => {
    writeFileSync(at('conf.d/website.yaml'), website('    colour: red\n    shape: round\n'));
    const first = await runOnce();
    assert.equal(first.code, 2);
    assert.match(first.stderr, /colour[\s\S]*shape[\s\S]*errors in/);
    const second = await runOnce();
    assert.deepEqual([second.code, second.stderr], [2, '']);
    assert.equal(existsSync(at('site/private/index.html')), false);
  });

  it('[R1] an unknown command and an unknown option end with 2 and say what there is', async () => {
    const command = await vigie(folder.path, ['rnu']);
    assert.deepEqual([command.code, /no command "rnu", expected one of init, run/.test(command.stderr)], [2, true]);
    const option = await vigie(folder.path, ['run', '--nwo']);
    assert.deepEqual([option.code, /vigie run --help/.test(option.stderr)], [2, true]);
  });
});

describe('a history that cannot be used', () => {
  it('[case Q10] a newer schema is refused: exit 3, pages untouched, one mail in six hours that says what the checks see', async () => {
    await runOnce();
    const page = readFileSync(at('site/private/index.html'), 'utf8');
    const { openHistory } = await import('../../src/store/database.ts');
    const { database } = openHistory(at('state'), 0);
    database.pragma('user_version = 99');
    database.close();
    target.status = 503;
    assert.equal((await runOnce('--now', '*')).code, 3);
    assert.equal((await runOnce('--now', '*')).code, 3);
    assert.equal(readFileSync(at('site/private/index.html'), 'utf8'), page);
    const mails = readdirSync(at('state/mail/new')).map((name) => readFileSync(at('state/mail/new', name), 'utf8'));
    const told = mails.filter((mail) => mail.includes('DATABASE'));
    assert.equal(told.length, 1);
    assert.match(told[0] ?? '', /website\/front-page CRITICAL: HTTP 503/);
  });

  const corruptions: { name: string; corrupt: (path: string) => void }[] = [
    { name: '[case Q08] a corrupt header', corrupt: (path) => writeFileSync(path, Buffer.alloc(8192, 'x')) },
    {
      name: '[case Q08] a corrupt page in the middle',
      corrupt: (path) => {
        const bytes = readFileSync(path);
        writeFileSync(path, Buffer.concat([bytes.subarray(0, 4096), Buffer.alloc(bytes.length - 4096, 0xa5)]));
      },
    },
  ];
  for (const { name, corrupt } of corruptions) {
    it(`${name} is moved aside, a new history begins, and it is told`, async () => {
      await runOnce();
      corrupt(at('state/history.sqlite'));
      rmSync(at('state/history.sqlite-wal'), { force: true });
      const codes = [(await runOnce('--now', '*')).code, (await runOnce('--now', '*')).code];
      assert.equal(codes[1], 0);
      assert.ok(
        readdirSync(at('state')).some((file) => file.startsWith('history.sqlite.corrupt-')),
        readdirSync(at('state')).join(' '),
      );
      assert.ok(
        subjects().some((subject) => subject.includes('DATABASE')),
        subjects().join('\n'),
      );
    });
  }

  it('[case Q08] a truncated WAL and a garbage shared-memory file are no trouble', async () => {
    await runOnce();
    writeFileSync(at('state/history.sqlite-wal'), 'garbage');
    writeFileSync(at('state/history.sqlite-shm'), Buffer.alloc(32_768, 7));
    assert.equal((await runOnce('--now', '*')).code, 0);
  });

  it('[case Q12] an empty database file is a new history', async () => {
    mkdirSync(at('state'), { mode: 0o700 });
    writeFileSync(at('state/history.sqlite'), '', { mode: 0o600 });
    assert.equal((await runOnce()).code, 0);
  });

  it('[case Q11] a folder in the place of the database is said, exit 3', async () => {
    mkdirSync(at('state/history.sqlite'), { recursive: true, mode: 0o700 });
    const { code, stderr } = await runOnce();
    assert.deepEqual([code, /is not a regular file; move it away/.test(stderr)], [3, true]);
  });

  for (const [name, place] of [
    ['a symbolic link', (path: string) => symlinkSync('elsewhere.sqlite', path)],
    ['a named pipe', (path: string) => execFileSync('mkfifo', [path])],
  ] as const) {
    it(`[case Q11] ${name} in the place of the database is refused at once, and what it leads to is not made`, async () => {
      mkdirSync(at('state'), { mode: 0o700 });
      place(at('state/history.sqlite'));
      const { code, stderr } = await runOnce();
      assert.deepEqual([code, /is not a regular file; move it away/.test(stderr)], [3, true]);
      assert.ok(!existsSync(at('state/elsewhere.sqlite')));
    });
  }

  it('[case Q11] a database that others may write is refused', async () => {
    await runOnce();
    chmodSync(at('state/history.sqlite'), 0o666);
    const { code, stderr } = await runOnce();
    assert.deepEqual([code, /others may write it \(mode 666\), expected 600/.test(stderr)], [3, true]);
  });

  it('[case Q07] a database that another process holds for longer than the timeout ends the run with 3', async () => {
    await runOnce();
    const { openHistory } = await import('../../src/store/database.ts');
    const { database } = openHistory(at('state'), 0);
    database.exec('BEGIN IMMEDIATE');
    const { code, stderr } = await runOnce('--now', '*');
    database.exec('ROLLBACK');
    database.close();
    assert.deepEqual([code, /\(locked\)/.test(stderr)], [3, true]);
    assert.equal((await runOnce('--now', '*')).code, 0);
  });
});

describe('a disk that is full or read-only', () => {
  const asRoot = { ...needs('mount'), ...(process.getuid?.() === 0 ? {} : { skip: 'needs root to mount' }) };

  it(
    '[case Q01] no room for the history: exit 3, one mail by a way that is not on that disk, pages untouched',
    asRoot,
    async () => {
      await runOnce();
      const disk = at('tiny');
      mkdirSync(disk);
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=200k,mode=700', 'tmpfs', disk]);
      try {
        writeFileSync(at('vigie.yaml'), globalFile('maildir:mail', 'state: tiny\n'));
        writeFileSync(join(disk, 'filler'), Buffer.alloc(140_000));
        const page = readFileSync(at('site/private/index.html'), 'utf8');
        const codes = [(await runOnce('--now', '*')).code, (await runOnce('--now', '*')).code];
        assert.deepEqual(codes, [3, 3]);
        assert.equal(readFileSync(at('site/private/index.html'), 'utf8'), page);
      } finally {
        execFileSync('umount', [disk]);
      }
    },
  );

  it('[case Q06] a read-only site does not stop the mail: exit 1, and the next run writes the pages', asRoot, async () => {
    mkdirSync(at('site/private'), { recursive: true });
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'ro', 'tmpfs', at('site/private')]);
    try {
      const { code, stderr } = await runOnce();
      assert.deepEqual([code, /pages could not be written/.test(stderr)], [1, true]);
      assert.equal(subjects().length, 1);
    } finally {
      execFileSync('umount', [at('site/private')]);
    }
    assert.equal((await runOnce()).code, 0);
    assert.ok(existsSync(at('site/private/index.html')));
  });
});
