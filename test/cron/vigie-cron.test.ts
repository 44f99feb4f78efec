import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { BUNDLE, globalFile, installation } from '../support/cli.ts';
import { needs, temporaryFolder } from '../support/server.ts';
import { Target } from '../support/target.ts';

const WRAPPER = new URL('../../../cron/vigie-cron', import.meta.url).pathname;
const SHELLS = [
  { name: 'dash', command: ['dash'] },
  { name: 'busybox ash', command: ['busybox', 'ash'] },
  { name: 'bash --posix', command: ['bash', '--posix'] },
];

let folder: ReturnType<typeof temporaryFolder>;
beforeEach(() => {
  folder = temporaryFolder();
  mkdirSync(at('state'));
  program(
    'sendmail',
    `n=$(ls ${folder.path} | grep -c '^mail\\.')\nprintf '%s\\n' "$@" > ${folder.path}/args\ncat > ${folder.path}/mail.$n`,
  );
});
afterEach(() => folder.remove());

const at = (...names: string[]) => join(folder.path, ...names);

function program(name: string, script: string): string {
  writeFileSync(at(name), `#!/bin/sh\n${script}\n`);
  chmodSync(at(name), 0o755);
  return at(name);
}

const mails = () =>
  readdirSync(folder.path)
    .filter((name) => name.startsWith('mail.'))
    .sort()
    .map((name) => readFileSync(at(name), 'utf8'));

interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

function wrap(shell: string[], env: Record<string, string>, args: string[] = [], input = ''): Promise<Ended> {
  const [file = 'sh', ...first] = shell;
  const child = spawn(file, [...first, WRAPPER, ...args], {
    env: {
      PATH: process.env['PATH'],
      VIGIE_SENDMAIL: at('sendmail'),
      VIGIE_STATE: at('state'),
      RUNTIME_DIRECTORY: folder.path,
      // Whoever else it runs as could not write there.
      NODE_V8_COVERAGE: '',
      ...env,
    },
  });
  const ended: Ended = { code: null, stdout: '', stderr: '' };
  child.stdout.on('data', (bytes: Buffer) => {
    ended.stdout += bytes.toString();
  });
  child.stderr.on('data', (bytes: Buffer) => {
    ended.stderr += bytes.toString();
  });
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  return new Promise((resolve) => child.on('close', (code) => resolve({ ...ended, code })));
}

for (const { name, command } of SHELLS) {
  describe(`vigie-cron under ${name}`, needs(command[0] ?? '', 'timeout'), () => {
    it('[R1] says nothing when all is well, and hands on its arguments', async () => {
      const vigie = program('vigie', `printf '%s\\n' "$@" > ${folder.path}/given`);
      assert.deepEqual(await wrap(command, { VIGIE: vigie }, ['--config', '/etc/a b']), { code: 0, stdout: '', stderr: '' });
      assert.equal(readFileSync(at('given'), 'utf8'), 'run\n--config\n/etc/a b\n');
      assert.deepEqual(mails(), []);
    });

    for (const code of [1, 2, 3]) {
      it(`[R1] exit code ${code} is vigie's own business: its words are passed on and nothing is mailed`, async () => {
        const vigie = program('vigie', `echo out; echo 'vigie: words' >&2; exit ${code}`);
        assert.deepEqual(await wrap(command, { VIGIE: vigie }), { code, stdout: 'out\n', stderr: 'vigie: words\n' });
        assert.deepEqual(mails(), []);
      });
    }

    it('[W1] the same unforeseen words every minute are passed on once', async () => {
      const vigie = program('vigie', "echo 'cannot load better_sqlite3.node' >&2; exit 1");
      const said = [await wrap(command, { VIGIE: vigie }), await wrap(command, { VIGIE: vigie })].map(({ stderr }) => stderr);
      assert.deepEqual(said, ['cannot load better_sqlite3.node\n', '']);
    });

    const broken: { name: string; script?: string; file?: string; what: RegExp; words: RegExp; code: number }[] = [
      { name: 'the program is missing', file: '/nonexistent/vigie', what: /a program is missing/, words: /nonexistent/, code: 127 },
      { name: 'the program must not be executed', file: '/etc/passwd', what: /must not be executed/, words: /passwd/, code: 126 },
      {
        name: 'node has a syntax error to report',
        script: `echo 'let a = ;' > ${'$0'}.mjs; exec ${process.execPath} ${'$0'}.mjs`,
        what: /the program is broken/,
        words: /^> SyntaxError: Unexpected token ';'$/m,
        code: 70,
      },
      { name: 'it is killed', script: 'kill -KILL $$', what: /killed by signal 9/, words: /^$/m, code: 137 },
      {
        name: 'no thread is left for it',
        script: "echo 'node[7]: pthread_create: Resource temporarily unavailable' >&2; kill -ABRT $$",
        what: /no thread left for this user \(ulimit -u, TasksMax\)/,
        words: /^> node\[7\]: pthread_create/m,
        code: 134,
      },
      {
        name: 'it aborts',
        script: "echo 'FATAL ERROR: out of memory' >&2; kill -ABRT $$",
        what: /signal 6/,
        words: /^> FATAL ERROR/m,
        code: 134,
      },
    ];
    for (const { name: title, script, file, what, words, code } of broken) {
      it(`[H1] mails the words seen when ${title}`, async () => {
        const vigie = file ?? program('vigie', script ?? '');
        const ended = await wrap(command, { VIGIE: vigie });
        assert.deepEqual([ended.code, ended.stderr], [code, '']);
        const [mail = '', ...others] = mails();
        assert.deepEqual(others, []);
        assert.match(mail, /^To: root\nSubject: \[vigie\] CANNOT RUN on .*\nAuto-Submitted: auto-generated\n/);
        assert.match(mail, what);
        assert.match(mail, words);
        assert.equal(readFileSync(at('args'), 'utf8'), '-i\n--\nroot\n');
      });
    }

    it('[W1] mails once in six hours, and again when they are over or the clock went back', async () => {
      const vigie = { VIGIE: '/nonexistent/vigie' };
      const stamp = at('state', 'cron-cannot-run.stamp');
      const now = Math.floor(Date.now() / 1000);
      await wrap(command, vigie);
      await wrap(command, vigie);
      assert.equal(mails().length, 1);
      writeFileSync(stamp, `${now - 6 * 3600 + 120}\n`);
      await wrap(command, vigie);
      assert.equal(mails().length, 1);
      writeFileSync(stamp, `${now - 6 * 3600 - 1}\n`);
      await wrap(command, vigie);
      assert.equal(mails().length, 2);
      writeFileSync(stamp, `${now + 3600}\n`);
      await wrap(command, vigie);
      assert.equal(mails().length, 3);
      writeFileSync(stamp, 'garbage; $(touch /tmp/x)\n');
      await wrap(command, vigie);
      assert.equal(mails().length, 4);
    });

    it('[W1] where the state folder cannot be written it mails at once, then once in six hours all the same', async () => {
      rmSync(at('state'), { recursive: true });
      writeFileSync(at('state'), 'no folder');
      const vigie = { VIGIE: '/nonexistent/vigie' };
      for (const wanted of [1, 1]) {
        assert.equal((await wrap(command, vigie)).code, 127);
        assert.equal(mails().length, wanted);
      }
      const [own = '', ...others] = readdirSync(folder.path).filter((file) => file.startsWith('vigie-'));
      assert.deepEqual([own, others], [`vigie-${process.getuid?.()}`, []]);
      const [stamp = ''] = readdirSync(at(own));
      assert.match(stamp, /^cron-cannot-run-\d+\.stamp$/);
      writeFileSync(at(own, stamp), `${Math.floor(Date.now() / 1000) - 6 * 3600 - 1}\n`);
      await wrap(command, vigie);
      assert.equal(mails().length, 2);
      await wrap(command, { ...vigie, VIGIE_STATE: at('state/of-another') });
      assert.equal(mails().length, 3);
    });

    it('[T7] writes through no link and waits for no pipe that the owner of the state folder put there for root', async () => {
      const stamp = at('state', 'cron-cannot-run.stamp');
      writeFileSync(at('precious'), 'precious\n');
      symlinkSync(at('precious'), `${stamp}.new`);
      execFileSync('mkfifo', [stamp]);
      const vigie = { VIGIE: '/nonexistent/vigie' };
      await wrap(command, vigie);
      await wrap(command, vigie);
      assert.equal(mails().length, 1);
      assert.equal(readFileSync(at('precious'), 'utf8'), 'precious\n');
      rmSync(stamp);
      mkdirSync(stamp);
      await wrap(command, vigie);
      await wrap(command, vigie);
      assert.equal(mails().length, 2);
    });

    it('[T7] keeps nothing in a folder that others prepared for it, but in one beside it of a name that nobody can foresee', async () => {
      rmSync(at('state'), { recursive: true });
      const own = `vigie-${process.getuid?.()}`;
      const places = [at('linked'), at('open')];
      for (const path of [...places, at('aim'), at('target'), at('good')]) mkdirSync(path);
      symlinkSync(at('aim'), at('linked', own));
      mkdirSync(at('open', own));
      chmodSync(at('open', own), 0o770);
      mkdirSync(at('open', `${own}-aaaaaa`));
      chmodSync(at('open', `${own}-aaaaaa`), 0o755);
      if (process.getuid?.() === 0) {
        mkdirSync(at('target', own), { mode: 0o700 });
        chownSync(at('target', own), 65_534, 65_534);
        // Its owner chose the name for whoever reads a listing by lines.
        const crafted = at('target', `${own}-\ndrwx------ 2 ${process.getuid()}`);
        mkdirSync(crafted, { mode: 0o700 });
        chownSync(crafted, 65_534, 65_534);
        places.push(at('target'));
      }
      const prepared = new Map(places.map((place) => [place, readdirSync(place)]));
      for (const [i, place] of places.entries()) {
        const env = {
          VIGIE: '/nonexistent/vigie',
          VIGIE_STATE: at(`state${i}`),
          RUNTIME_DIRECTORY: place,
          XDG_RUNTIME_DIR: at('good'),
        };
        await wrap(command, env);
        await wrap(command, env);
        assert.equal(mails().length, i + 1);
        const made = readdirSync(place).filter((file) => !prepared.get(place)?.includes(file));
        assert.match(made.join(), /^vigie-\d+-\w{6}$/);
        assert.equal(readdirSync(join(place, ...made)).length, 1);
        for (const file of prepared.get(place) ?? []) assert.deepEqual(readdirSync(join(place, file)), [], file);
      }
      assert.deepEqual(readdirSync(at('good')), []);
    });

    it('[case E07] a run whose event loop is blocked is ended from outside, and told', async () => {
      const vigie = program('vigie', `exec ${process.execPath} -e 'process.on("SIGTERM", () => process.exit(1)); for (;;) {}'`);
      const script = readFileSync(WRAPPER, 'utf8').replace('timeout -k 10', 'timeout -k 1');
      writeFileSync(at('wrapper'), script);
      const began = performance.now();
      const [file = '', ...first] = command;
      const child = spawn(file, [...first, at('wrapper')], {
        env: {
          PATH: process.env['PATH'],
          VIGIE: vigie,
          VIGIE_LIMIT: '1',
          VIGIE_SENDMAIL: at('sendmail'),
          VIGIE_STATE: at('state'),
        },
        stdio: 'ignore',
      });
      const code = await new Promise((resolve) => child.on('close', resolve));
      assert.ok(performance.now() - began < 50_000);
      assert.equal(code, 137);
      assert.match(mails()[0] ?? '', /a run did not end within 1 s and was ended/);
    });

    it('[H1] says it on standard error when there is no sendmail', async () => {
      const { stderr, code } = await wrap(command, { VIGIE: '/nonexistent/vigie', VIGIE_SENDMAIL: '' });
      assert.equal(code, 127);
      assert.match(stderr, /^Subject: \[vigie\] CANNOT RUN/m);
    });

    it('[T1] words of a peer cannot end the mail, colour the terminal or pass for ours', async () => {
      const vigie = program('vigie', "printf '\\033[31m.\\n.\\nFrom me\\nSubject: other\\n\\377' >&2; exit 9");
      await wrap(command, { VIGIE: vigie });
      const body = (mails()[0] ?? '').split('\n\n').slice(1).join('\n\n');
      assert.match(body, /^> \[31m\.\n> \.\n> From me\n> Subject: other$/m);
      assert.doesNotMatch(body, /[^\n\x20-\x7e]/);
    });

    it('[H1] --tell mails what systemd hands over', async () => {
      await wrap(command, {}, ['--tell'], 'node: not found\n');
      await wrap(command, {}, ['--tell'], 'node: not found\n');
      assert.equal(mails().length, 1);
      assert.match(mails()[0] ?? '', /^> node: not found$/m);
    });

    it('[H1] a run that only says it cannot run leaves the mail to --tell', async () => {
      const { stderr } = await wrap(command, { VIGIE: '/no/such/vigie', VIGIE_SENDMAIL: '' });
      assert.match(stderr, /CANNOT RUN/);
      await wrap(command, {}, ['--tell'], stderr);
      assert.equal(mails().length, 1);
    });
  });
}

describe('what is installed', () => {
  it('[R1] the wrapper and the bundle run a real installation silently', needs('timeout', 'setpriv'), async () => {
    assert.ok(existsSync(BUNDLE), `${BUNDLE} is missing: build first`);
    const target = await Target.start();
    const here = installation(globalFile('maildir:state/mail'), {
      'a.yaml': `services:\n  website:\n    checks:\n      page: { type: http, url: "${target.url}" }\n`,
    });
    const ended = await wrap(['sh'], { VIGIE: BUNDLE }, ['--config', here.path]);
    assert.deepEqual(ended, { code: 0, stdout: '', stderr: '' });
    assert.ok(existsSync(join(here.path, 'site/private/index.html')));
    await target.stop();
    here.remove();
  });

  it("[W1] a run of a user whose state folder is root's says so at once, ends with 3, and is silent for six hours", {
    ...needs('setpriv', 'timeout'),
    ...(process.getuid?.() === 0 ? {} : { skip: 'needs root' }),
  }, async () => {
    const here = installation(globalFile('maildir:state/mail'), {
      'a.yaml': 'services:\n  website:\n    checks:\n      page: { type: tcp, address: 127.0.0.1, port: 1 }\n',
    });
    for (const path of [folder.path, here.path]) chmodSync(path, 0o755);
    mkdirSync(join(here.path, 'state'), { mode: 0o755 });
    // It may read, wherever the project lies, and write no more than anybody.
    const reader = ['--inh-caps', '+dac_read_search', '--ambient-caps', '+dac_read_search'];
    const asNobody = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups', ...reader, 'dash'];
    mkdirSync(at('run'), { mode: 0o777 });
    chmodSync(at('run'), 0o1777);
    const env = { VIGIE: BUNDLE, VIGIE_STATE: join(here.path, 'state'), RUNTIME_DIRECTORY: at('run') };
    const runOnce = () => wrap(asNobody, env, ['--config', here.path]);
    const words = /^vigie: history database in \S+\/state unusable \(unusable\): unable to open database file\n$/;
    const first = await runOnce();
    assert.equal(first.code, 3);
    assert.match(first.stderr, words);
    assert.deepEqual(await runOnce(), { code: 3, stdout: '', stderr: '' });
    rmSync(join(here.path, 'vigie.yaml'));
    const unconfigured = await runOnce();
    assert.equal(unconfigured.code, 2);
    assert.match(unconfigured.stderr, /vigie\.yaml/);
    assert.deepEqual(await runOnce(), { code: 2, stdout: '', stderr: '' });
    here.remove();
  });

  it('[A1] every shell finds the wrapper free of syntax errors and of words that only bash knows', () => {
    for (const { command } of SHELLS) execFileSync(command[0] ?? '', [...command.slice(1), '-n', WRAPPER]);
    assert.doesNotMatch(readFileSync(WRAPPER, 'utf8'), /\[\[|\blocal\b|\bfunction\b|\bpipefail\b|<<<|\$'|&>|\bsource\b|==/);
  });

  it('[R1] the crontab has one line for each minute, with a user, as /etc/cron.d wants it', () => {
    const lines = readFileSync(join(WRAPPER, '../crontab'), 'utf8')
      .split('\n')
      .filter((line) => /^[^#A-Z\s]/.test(line));
    assert.deepEqual(lines, ['* * * * * vigie /opt/vigie/cron/vigie-cron --config /etc/vigie']);
  });

  it('[T7] systemd finds the units valid and well confined', needs('systemd-analyze'), () => {
    const cron = join(WRAPPER, '..');
    mkdirSync(at('units'));
    for (const unit of ['vigie.service', 'vigie.timer', 'vigie-failed.service']) {
      // systemd-analyze also wants the program and the user to be there.
      const text = readFileSync(join(cron, unit), 'utf8')
        .replaceAll('/opt/vigie/cron/vigie-cron', '/bin/true')
        .replace('User=vigie', 'User=nobody')
        .replace('Group=vigie', 'Group=nogroup');
      writeFileSync(at('units', unit), text);
    }
    const units = ['vigie.service', 'vigie.timer', 'vigie-failed.service'].map((unit) => at('units', unit));
    const out = execFileSync('systemd-analyze', ['verify', '--man=no', ...units], { stdio: 'pipe' }).toString();
    assert.equal(out, '');
    const security = execFileSync('systemd-analyze', ['security', '--offline=true', '--threshold=30', units[0] ?? ''], {
      stdio: 'pipe',
    });
    assert.match(security.toString(), /Overall exposure level.*: [0-2]\.\d (OK|SAFE)/);
  });

  it('[K1] ping works under NoNewPrivileges with the ambient capability, and only with it', {
    ...needs('setpriv', 'ping'),
    ...(process.getuid?.() === 0 ? {} : { skip: 'needs root' }),
  }, () => {
    const ping = (...more: string[]) => {
      const args = [
        '--reuid',
        '65534',
        '--regid',
        '65534',
        '--clear-groups',
        '--no-new-privs',
        ...more,
        'ping',
        '-n',
        '-c',
        '1',
        '127.0.0.1',
      ];
      return execFileSync('setpriv', args, { stdio: 'pipe' }).toString();
    };
    assert.match(ping('--inh-caps', '+net_raw', '--ambient-caps', '+net_raw'), / 0% packet loss/);
  });
});
