import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { formatHeartbeat, HEARTBEAT_NAMESPACE } from '../../src/core/heartbeat.ts';
import { signText, toPublicLine } from '../../src/net/sshsig.ts';
import { type Nginx, startNginx } from '../support/nginx.ts';
import { needs, temporaryFolder } from '../support/server.ts';

const SCRIPT = new URL('../../../cron/vigie-watch', import.meta.url).pathname;
const SHELLS = [
  { name: 'dash', command: ['dash'] },
  { name: 'busybox ash', command: ['busybox', 'ash'] },
  { name: 'bash --posix', command: ['bash', '--posix'] },
];
const { privateKey } = generateKeyPairSync('ed25519');

let nginx: Nginx;
let folder: ReturnType<typeof temporaryFolder>;
const at = (...names: string[]) => join(folder.path, ...names);
before(async () => {
  nginx = await startNginx();
});
after(() => nginx.stop());
beforeEach(() => {
  folder = temporaryFolder();
  mkdirSync(at('state'));
  mkdirSync(at('tmp'));
  writeFileSync(at('key.pub'), `# the key of the monitor\n${toPublicLine(privateKey)} vigie\n`);
  writeFileSync(
    at('sendmail'),
    `#!/bin/sh\nn=$(ls ${folder.path} | grep -c '^mail\\.')\nprintf '%s\\n' "$@" > ${at('args')}\ncat > ${folder.path}/mail.$n\n`,
  );
  chmodSync(at('sendmail'), 0o755);
});
afterEach(() => folder.remove());

/** A heartbeat of so many seconds ago. */
function beat(age: number, more: { key?: typeof privateKey; namespace?: string } = {}): string {
  const checks = { ok: 3, warning: 0, critical: 1, unknown: 0, skipped: 0 };
  const text = formatHeartbeat({ run: 17, created: Math.floor(Date.now() / 1000 - age) * 1000, interval: 60, checks });
  return signText(text, more.key ?? privateKey, more.namespace ?? HEARTBEAT_NAMESPACE);
}

function watch(
  shell: string[],
  options: { env?: Record<string, string>; path?: string; args?: string[] } = {},
): Promise<{ code: number | null; stderr: string }> {
  const [file = 'sh', ...first] = shell;
  const args = options.args ?? [`http://127.0.0.1:${nginx.port}/${options.path ?? 'heartbeat.txt'}`, at('key.pub')];
  const env = {
    PATH: process.env['PATH'],
    TMPDIR: at('tmp'),
    VIGIE_WATCH_SENDMAIL: at('sendmail'),
    VIGIE_WATCH_STATE: at('state'),
    ...options.env,
  };
  const child = spawn(file, [...first, SCRIPT, ...args], { env, stdio: ['ignore', 'ignore', 'pipe'] });
  let stderr = '';
  child.stderr.on('data', (bytes: Buffer) => {
    stderr += bytes.toString();
  });
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, stderr })));
}

const mails = () =>
  readdirSync(folder.path)
    .filter((name) => name.startsWith('mail.'))
    .sort()
    .map((name) => readFileSync(at(name), 'utf8'));
const subjectOf = (mail = '') => /^Subject: (.*)$/m.exec(mail)?.[1] ?? '';
const serve = (text: string) => writeFileSync(join(nginx.root, 'heartbeat.txt'), text);

for (const { name, command } of SHELLS) {
  describe(`vigie-watch under ${name}`, needs(command[0] ?? '', 'nginx', 'ssh-keygen', 'curl'), () => {
    it('[W4] says nothing while vigie lives, and leaves nothing behind', async () => {
      serve(beat(30));
      assert.deepEqual(await watch(command), { code: 0, stderr: '' });
      assert.deepEqual(mails(), []);
      assert.deepEqual(readdirSync(at('tmp')), []);
    });

    it('[W4] mails once in six hours when it is silent', async () => {
      serve(beat(3600));
      assert.equal((await watch(command)).code, 2);
      assert.equal((await watch(command)).code, 2);
      assert.equal(mails().length, 1);
      const [mail = ''] = mails();
      assert.match(
        subjectOf(mail),
        /^\[vigie-watch\] VIGIE IS SILENT: its last run was \S+Z, 60 min ago, expected at most 15 min$/,
      );
      assert.match(mail, /^Auto-Submitted: auto-generated$/m);
      assert.equal(readFileSync(at('args'), 'utf8'), '-i\n--\nroot\n');
      for (const line of mail.split('\n')) assert.match(line, /^[ -~]*$/);
      writeFileSync(at('state', `vigie-watch-${process.getuid?.()}.stamp`), `${Math.floor(Date.now() / 1000) - 21_601}\n`);
      await watch(command);
      assert.equal(mails().length, 2);
    });

    const rows: { name: string; serve: () => void; path?: string; code: number; what: RegExp }[] = [
      {
        name: 'another key',
        serve: () => serve(beat(30, { key: generateKeyPairSync('ed25519').privateKey })),
        code: 2,
        what: /signature is not by the key/,
      },
      {
        name: 'a signature for another purpose',
        serve: () => serve(beat(30, { namespace: 'file' })),
        code: 2,
        what: /signature is not by the key/,
      },
      {
        name: 'an altered file',
        serve: () => serve(beat(30).replace('"critical":1', '"critical":0')),
        code: 2,
        what: /signature is not by the key/,
      },
      {
        name: 'a younger date on an old file',
        serve: () => serve(beat(3600).replace(/"created":"[^"]*"/, `"created":"${new Date().toISOString().slice(0, 19)}Z"`)),
        code: 2,
        what: /signature is not by the key/,
      },
      { name: 'no signature', serve: () => serve('vigie-heartbeat 1\n{}\n'), code: 2, what: /not a signed heartbeat/ },
      {
        name: 'two signatures',
        serve: () => serve(signText(beat(3600), privateKey, HEARTBEAT_NAMESPACE)),
        code: 2,
        what: /not a signed heartbeat/,
      },
      {
        name: 'a signed text that is no heartbeat',
        serve: () => serve(signText('hello\n', privateKey, HEARTBEAT_NAMESPACE)),
        code: 2,
        what: /unknown version/,
      },
      { name: 'no file', serve: () => {}, path: 'nothing.txt', code: 2, what: /cannot be fetched: .*404/ },
      {
        name: 'a file without end',
        serve: () => writeFileSync(join(nginx.root, 'big.txt'), 'x'.repeat(1e6)),
        path: 'big.txt',
        code: 2,
        what: /cannot be fetched|longer than/,
      },
      { name: 'a clock that is wrong', serve: () => serve(beat(-3600)), code: 3, what: /in our future .*whose clock is wrong/ },
      {
        name: 'control characters in an answer',
        serve: () => serve(`\u001b]0;x\u0007\n-----BEGIN SSH SIGNATURE-----\nx\n`),
        code: 2,
        what: /signature is not by the key/,
      },
    ];
    for (const row of rows) {
      it(`[T6] ${row.name} is told`, async () => {
        row.serve();
        const { code } = await watch(command, row.path === undefined ? {} : { path: row.path });
        assert.equal(code, row.code);
        assert.match(subjectOf(mails()[0]), row.what);
        assert.deepEqual(readdirSync(at('tmp')), []);
      });
    }

    it('[W4] the days of leap years and of February are counted right', async () => {
      // Cuts the arithmetic out of the script and gives it days whose seconds are known.
      const script = readFileSync(SCRIPT, 'utf8');
      const program = /then=\$\((echo "\$created"[\s\S]*?)\)\nage=/.exec(script)?.[1] ?? '';
      assert.notEqual(program, '');
      for (const created of [
        '1970-01-01T00:00:00Z',
        '2024-02-29T23:59:59Z',
        '2026-11-22T12:00:00Z',
        '2027-03-01T00:00:00Z',
        '2100-02-28T12:34:56Z',
        '2100-03-01T00:00:00Z',
      ]) {
        const [file = 'sh', ...first] = command;
        const out = execFileSync(file, [...first, '-c', `created=$1; ${program}`, 'x', created]).toString();
        assert.equal(Number(out) * 1000, Date.parse(created), created);
      }
    });

    it('[W4] without sendmail the words are on standard error, once', async () => {
      serve(beat(3600));
      const said = [
        await watch(command, { env: { VIGIE_WATCH_SENDMAIL: '' } }),
        await watch(command, { env: { VIGIE_WATCH_SENDMAIL: '' } }),
      ];
      assert.match(said[0]?.stderr ?? '', /^vigie-watch: its last run was .*\n$/);
      assert.equal(said[1]?.stderr, '');
    });

    it('[T1] a link in place of the stamp leads nowhere', async () => {
      serve(beat(3600));
      writeFileSync(at('victim'), 'precious\n');
      symlinkSync(at('victim'), at('state', `vigie-watch-${process.getuid?.()}.stamp`));
      await watch(command);
      assert.equal(readFileSync(at('victim'), 'utf8'), 'precious\n');
      assert.equal(mails().length, 1);
    });

    it('[W4] a machine that can only use wget does as well', needs('wget'), async () => {
      mkdirSync(at('bin'));
      for (const program of 'sh wget ssh-keygen sed grep head wc tr awk date mktemp rm mv cut cat uname id ls printf'.split(' ')) {
        const found = `${process.env['PATH']}`
          .split(':')
          .map((path) => join(path, program))
          .find((path) => existsSync(path));
        if (found !== undefined) symlinkSync(found, at('bin', program));
      }
      serve(beat(30));
      const [shell = '', ...rest] = command;
      const file = execFileSync('which', [shell]).toString().trim();
      assert.deepEqual(await watch([file, ...rest], { env: { PATH: at('bin') } }), { code: 0, stderr: '' });
      serve(beat(3600));
      assert.equal((await watch([file, ...rest], { env: { PATH: at('bin') } })).code, 2);
    });

    it('[W4] what it is called with wrongly it says at once', async () => {
      assert.deepEqual(await watch(command, { args: ['http://127.0.0.1/'] }), {
        code: 3,
        stderr: 'vigie-watch: expected URL KEYFILE\n',
      });
      serve(beat(30));
      rmSync(at('key.pub'));
      assert.equal((await watch(command)).code, 3);
      assert.match(subjectOf(mails()[0]), /key file .* cannot be read/);
    });
  });
}
