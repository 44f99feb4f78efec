import assert from 'node:assert/strict';
import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { checkTypeNames } from '../../src/registry.ts';
import { takeLock } from '../../src/store/database.ts';
import { type Ended, globalFile, installation, vigie } from '../support/cli.ts';
import { readMaildir } from '../support/maildir.ts';
import { needs, temporaryFolder } from '../support/server.ts';
import { Target } from '../support/target.ts';

let target: Target;
let folder: { path: string; remove: () => void };
const at = (...names: string[]) => join(folder.path, ...names);

const CHECKS = (url: string) => `services:
  shop:
    needed_by: [users]
    checks: { page: { type: http, url: "${url}" } }
  website:
    needed_by: [release, users]
    checks:
      front-page:
        type: http
        url: "${url}"
        body: Welcome
        auth: { user: anna, password: { env: WEB_PASSWORD } }
        attempts: 3
        thresholds: { time: { warning: 2s, critical: 5s } }
`;

/** An installation with two runs behind it: in the second the web server says 503. */
before(async () => {
  target = await Target.start();
  folder = installation(globalFile('maildir:state/mail', 'timezone: Europe/Paris\n'), { 'website.yaml': CHECKS(target.url) });
  assert.equal((await run('run')).code, 0);
  target.status = 503;
  assert.equal((await run('run', '--now', '*')).code, 0);
});
after(async () => {
  await target.stop();
  folder.remove();
});

const run = (...args: string[]): Promise<Ended> =>
  vigie(folder.path, args, { env: { COLUMNS: '120', WEB_PASSWORD: 'CANARY-password' } });

/** Times, ports and the folder's name differ from run to run. */
function tame(text: string): string {
  return text
    .replaceAll(folder.path, 'FOLDER')
    .replaceAll(new URL(target.url).port, 'PORT')
    .replace(/\b\w{3} \d{4}-\d\d-\d\d \d\d:\d\d \S+ \((\w{3} )?\d\d:\d\d UTC\)/g, 'TIME')
    .replace(/\d+\.\d+ s\b/g, 'N s')
    .replace(/\b\d+ s\b/g, 'N s')
    .replace(/time=[\d.]+s/g, 'time=Ns')
    .replace(/[ \t]+/g, ' ');
}

describe('vigie check', () => {
  it('[H1] prints a line that another monitor reads, and ends with the plug-in code of the worst state', async () => {
    const { code, stdout, stderr } = await run('check', 'website');
    assert.deepEqual([code, stderr], [2, '']);
    assert.equal(
      tame(stdout),
      `CRITICAL: HTTP 503 in N s, expected 200-299 | time=Ns size=7B
 reason: http.status
 target: http http://127.0.0.1:PORT/
`,
    );
  });

  it('[H1] names each of several checks, and writes nothing', async () => {
    const before = readFileSync(at('state/history.sqlite'));
    const { stdout } = await run('check', '*/*');
    assert.match(stdout, /^shop\/page CRITICAL: .*[\s\S]*^website\/front-page CRITICAL: /m);
    assert.ok(readFileSync(at('state/history.sqlite')).equals(before));
  });

  it('[H1] -v shows the conversation, and no secret', async () => {
    const { stdout } = await run('check', '-v', 'website/front-page');
    assert.match(stdout, /^ +\d+\.\d{3} s {2}.*127\.0\.0\.1/m);
    assert.match(stdout, /HTTP 503, 7 bytes/);
    assert.doesNotMatch(stdout, /CANARY|Q0FOQVJZ/);
  });

  it('[W5] --json prints one object for each check', async () => {
    const { stdout } = await run('check', '--json', '*/*');
    const results = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { check: string; state: string; code: string });
    assert.deepEqual(
      results.map(({ check, state, code }) => [check, state, code]),
      [
        ['shop/page', 'CRITICAL', 'http.status'],
        ['website/front-page', 'CRITICAL', 'http.status'],
      ],
    );
  });

  it('[H1] a pattern that matches nothing, or none at all, is an error of usage', async () => {
    const nothing = await run('check', 'nobody/*');
    assert.deepEqual(
      [nothing.code, nothing.stderr],
      [3, 'check: no check matches "nobody/*", expected a check, a host, a service or a pattern; vigie status lists them\n'],
    );
    const none = await run('check');
    assert.deepEqual([none.code, none.stderr], [3, 'check: expected PATTERN, found nothing\n']);
  });
});

describe('vigie status', () => {
  it('[W4] shows the last known states, worst first, soft ones with their count', async () => {
    const { code, stdout } = await run('status');
    assert.equal(code, 0);
    assert.equal(
      tame(stdout),
      `STATE CHECK SINCE SEEN
CRITICAL shop/page N s HTTP 503 in N s, expected 200-299
CRITICAL website/front-page N s 1/3 HTTP 503 in N s, expected 200-299
`,
    );
  });

  it('[W6] --needed-by answers by what is sure, chooses its services, and does not say yes to a word that nothing is needed by', async () => {
    const release = await run('status', '--needed-by', 'release', '--exit-code');
    assert.deepEqual([release.code, release.stdout.split('\n')[0]], [0, 'release: yes; 1 service, none broken']);
    assert.equal((await run('status', 'website', '--exit-code')).code, 2, 'without it the last known state counts');
    assert.deepEqual(
      release.stdout
        .trim()
        .split('\n')
        .slice(2)
        .map((line) => line.split(/ +/)[1]),
      ['website/front-page'],
    );
    const nobody = await run('status', '--needed-by', 'nobody', '--exit-code');
    assert.equal(nobody.code, 3);
    assert.match(nobody.stdout, /^nobody: not known; no service says that it is needed for this\n/);
    assert.match((await run('status', 'shop', '--problems')).stdout, /shop\/page/);
  });

  it('[W5] --json prints one object for each check', async () => {
    const { stdout } = await run('status', '--json', 'shop');
    const status = JSON.parse(stdout) as { check: string; latest: { state: string } };
    assert.deepEqual([status.check, status.latest.state], ['shop/page', 'CRITICAL']);
  });

  it('[W4] before the first run it says what is missing', async () => {
    const fresh = installation(globalFile('maildir:state/mail'), { 'website.yaml': CHECKS(target.url) });
    const { code, stderr } = await vigie(fresh.path, ['status']);
    assert.equal(code, 2);
    assert.match(stderr, /^status: no history in .* yet, expected a run before: vigie run\n$/);
    fresh.remove();
  });
});

describe('vigie explain', () => {
  it('[C2] says where a check is defined, where each setting comes from, and why it does not alert yet', async () => {
    const { code, stdout } = await run('explain', 'website/front-page');
    assert.equal(code, 0);
    const text = tame(stdout);
    assert.match(
      text,
      /^website\/front-page: http, http:\/\/127\.0\.0\.1:PORT\/\ndefined in (FOLDER\/)?conf\.d\/website\.yaml:\d+\n/,
    );
    const settings = [
      'every 5m (default)',
      'timeout 40s a try, 40s in all (defaults)',
      'retries 0 after 2s (defaults, default)',
      'attempts 3 (check)',
      'thresholds.days_left warning 14d:, critical 7d: (type http)',
      'thresholds.time warning 2s, critical 5s (check)',
      'body Welcome (check)',
      'auth {"user":"anna","password":"***"} (check)',
      'method GET (type http)',
    ];
    for (const line of settings) assert.ok(text.includes(`\n ${line}\n`), line);
    assert.match(text, /\n why: soft: failure 1 of 3 before an alert\n/);
    assert.match(text, /\nlast results\n TIME CRITICAL .*\n TIME OK /);
    assert.doesNotMatch(stdout, /CANARY|WEB_PASSWORD/);
  });

  it('[C2] says who was told of a problem', async () => {
    const { stdout } = await run('explain', 'shop/page');
    assert.match(tame(stdout), /why: told as CRITICAL to sysadmins; a recovery goes to them after 1 OK result/);
    assert.match(tame(stdout), /\nevents\n TIME problem CRITICAL /);
  });

  it('[C2] an unknown id is an error of usage', async () => {
    const { code, stderr } = await run('explain', 'website/nothing');
    assert.deepEqual([code, stderr], [2, 'explain: no check has the id "website/nothing"; vigie status lists them\n']);
  });
});

describe('vigie run by hand', () => {
  for (const [name, args, message] of [
    [
      'a pattern that matches nothing',
      ['--now', 'websit/*'],
      'run: no check matches "websit/*", expected a check, a host, a service or a pattern (did you mean "website"?); vigie status lists them\n',
    ],
    [
      'a name without --now',
      ['website'],
      'run: expected nothing more, found "website"; a text with spaces needs quotes; usage: vigie run [--now PATTERN]\n',
    ],
  ] as const) {
    it(`[H1] ${name} is an error of usage, not a run of something else`, async () => {
      const requests = target.requests;
      const { code, stderr } = await run('run', ...args);
      assert.deepEqual([code, stderr, target.requests], [2, message, requests]);
    });
  }
});

describe('vigie render', () => {
  it('[H2] makes the pages again from the history, asks nobody, and tells nobody', async () => {
    const [requests, mails] = [target.requests, readMaildir(at('state/mail')).length];
    rmSync(at('site'), { recursive: true });
    const { code, stdout, stderr } = await run('render');
    assert.deepEqual([code, stdout, stderr], [0, '', '']);
    assert.match(readFileSync(at('site/private/index.html'), 'utf8'), /website\/front-page|front-page/);
    assert.ok(existsSync(at('site/public/index.html')));
    assert.deepEqual([target.requests, readMaildir(at('state/mail')).length], [requests, mails]);
  });

  it('[case E01] waits for no run that holds the lock', async () => {
    const release = takeLock(at('state'));
    const { code, stderr } = await run('render');
    release?.();
    assert.deepEqual([code, stderr], [3, 'vigie: a run holds the lock; nothing was rendered\n']);
  });
});

describe('vigie mail test', () => {
  it('[H1] sends one message to each address, and says what became of it', async () => {
    const before = readMaildir(at('state/mail')).length;
    const { code, stdout } = await run('mail', 'test', 'sysadmins');
    assert.equal(code, 0);
    assert.match(stdout, /^sysadmins@example\.org: sent through maildir:.*\n$/);
    const mails = readMaildir(at('state/mail'));
    assert.equal(mails.length, before + 1);
    assert.ok(mails.some(({ subject }) => subject === '[vigie] TEST sysadmins: mail from vigie arrives'));
  });

  it('[H1] an unknown contact, and no contact, are errors of usage', async () => {
    assert.deepEqual(await run('mail', 'test', 'nobody').then(({ code, stderr }) => [code, stderr]), [
      2,
      'mail: no contact "nobody", expected one of sysadmins\n',
    ]);
    assert.equal((await run('mail')).stderr, 'mail: expected test, found nothing\n');
  });

  it('[H1] a server that cannot be reached is said, with exit code 1', async () => {
    const other = installation(globalFile('smtp://127.0.0.1:1'), { 'website.yaml': CHECKS(target.url) });
    const { code, stdout } = await vigie(other.path, ['mail', 'test', 'sysadmins']);
    assert.equal(code, 1);
    assert.match(stdout, /^sysadmins@example\.org: unreachable through smtp:\/\/127\.0\.0\.1:1: .*ECONNREFUSED/);
    other.remove();
  });
});

describe('vigie doctor', () => {
  it('[R2] finds a sound installation sound', async () => {
    const { code, stdout } = await run('doctor');
    const lines = tame(stdout).trim().split('\n');
    assert.ok(
      lines.slice(0, -1).every((line) => line.startsWith('ok ')),
      stdout,
    );
    assert.equal(lines.at(-1), 'all is well');
    assert.equal(code, 0);
    for (const subject of ['configuration', 'state folder', 'private site', 'history', 'last run', 'contacts', 'mail'])
      assert.match(stdout, new RegExp(`^ok {2}${subject}: `, 'm'));
  });

  it('[R2] names a state folder that others may read', async () => {
    chmodSync(at('state'), 0o755);
    const { code, stdout } = await run('doctor');
    chmodSync(at('state'), 0o700);
    assert.equal(code, 1);
    assert.match(tame(stdout), /^BAD state folder: FOLDER\/state is open to others \(mode 755\), expected 700$/m);
    assert.match(stdout, /^1 finding to mend$/m);
  });

  it('[case E09] names a cron line that does not fire', needs('faketime'), async () => {
    const { openHistory } = await import('../../src/store/database.ts');
    const shift = (ms: number) => {
      const { database } = openHistory(at('state'), 0);
      database.prepare('UPDATE runs SET started_at = started_at + ?').run(ms);
      database.close();
    };
    shift(-3_600_000);
    const { code, stdout } = await run('doctor');
    shift(3_600_000);
    assert.equal(code, 1);
    assert.match(stdout, /^BAD last run: 1 h( \d+ min)? ago, expected within 3 min: is the cron line there\?$/m);
  });

  it('[R2] an invalid configuration is the only finding', async () => {
    const good = readFileSync(at('conf.d/website.yaml'), 'utf8');
    writeFileSync(at('conf.d/website.yaml'), `${good}        colour: red\n`);
    const { code, stdout } = await run('doctor');
    writeFileSync(at('conf.d/website.yaml'), good);
    assert.equal(code, 1);
    assert.equal(stdout, 'BAD configuration: 1 error; vigie config check lists them\n1 finding to mend\n');
  });
});

describe('vigie types, help and init', () => {
  it('[A4] types lists every check type with its sentence', async () => {
    const { code, stdout } = await run('types');
    assert.equal(code, 0);
    assert.deepEqual(
      stdout
        .trim()
        .split('\n')
        .map((line) => line.split(/ +/)[0]),
      checkTypeNames(),
    );
  });

  it('[A4] types TYPE shows its options, and a mistyped one the nearest name', async () => {
    assert.match((await run('types', 'tcp')).stdout, /\| `port` \| whole number, 1 to 65535 \| required \|/);
    const { code, stderr } = await run('types', 'htpt');
    assert.equal(code, 2);
    assert.match(stderr, /unknown check type.*"htpt".*did you mean "?http/s);
    assert.equal((JSON.parse((await run('types', 'tcp', '--json')).stdout) as { type: string }).type, 'tcp');
  });

  it('[A4] help, COMMAND --help and --version', async () => {
    const help = await run('help');
    for (const command of [
      'init',
      'run',
      'check',
      'status',
      'explain',
      'config',
      'render',
      'mail',
      'ack',
      'downtime',
      'change',
      'incident',
      'watch',
      'doctor',
      'backup',
      'restore',
      'types',
    ])
      assert.match(help.stdout, new RegExp(`^ {2}vigie ${command}\\b`, 'm'));
    assert.deepEqual(
      help.stdout.split('\n').filter((line) => line.length > 80),
      [],
    );
    assert.equal((await run('status', '--help')).stdout, (await run('help', 'status')).stdout);
    assert.match((await run('--version')).stdout, /^vigie \d+\.\d+\.\d+\n$/);
    assert.equal((await run()).stdout, help.stdout);
  });

  it('[A4] init writes a configuration that validates, and leaves one that is there as it is', async () => {
    const empty = temporaryFolder();
    const first = await vigie(empty.path, ['init', '--url', target.url]);
    assert.deepEqual([first.code, /^wrote .*; now: vigie run\n.*ssh-ed25519 /.test(first.stdout)], [0, true]);
    assert.equal((await vigie(empty.path, ['config', 'check'])).code, 0);
    const written = readFileSync(join(empty.path, 'vigie.yaml'), 'utf8');
    const second = await vigie(empty.path, ['init']);
    assert.deepEqual([second.code, /is there already, and was left as it is/.test(second.stderr)], [2, true]);
    assert.equal((await vigie(empty.path, ['init', '--quiet'])).code, 0);
    assert.equal(readFileSync(join(empty.path, 'vigie.yaml'), 'utf8'), written);
    assert.equal((await vigie(empty.path, ['init', 'x', '--url', 'not an address'])).code, 2);
    empty.remove();
  });
});
