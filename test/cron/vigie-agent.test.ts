import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { FACTS } from '../../src/core/report-facts.ts';
import { type OpenedReport, openReport } from '../../src/net/host-report.ts';
import { randomFrom } from '../support/random.ts';
import { needs, temporaryFolder } from '../support/server.ts';

const SCRIPT = new URL('../../../cron/vigie-agent', import.meta.url).pathname;
const SHELLS = [
  { name: 'dash', command: ['dash'] },
  { name: 'busybox ash', command: ['busybox', 'ash'] },
  { name: 'bash --posix', command: ['bash', '--posix'] },
];

let folder: ReturnType<typeof temporaryFolder>;
const at = (...names: string[]) => join(folder.path, ...names);
beforeEach(() => {
  folder = temporaryFolder();
  configure();
});
afterEach(() => folder.remove());

function configure(more = ''): void {
  const own = `host web1\nfacts ${at('facts')}\nstate ${folder.path}\npublish ${at('public/vigie-report')}\n`;
  writeFileSync(at('conf'), own + more);
  // Counting upgrades costs seconds, and the count changes with the machine: as if it were known.
  execFileSync('sh', [
    '-c',
    `umask 077; ${KNOWN} > "$1"; echo '1795291200 "upgrades":3,"security":1,"held":0' >> "$1"`,
    'sh',
    at('facts.apt'),
  ]);
}
const KNOWN =
  "{ stat -c %Y.%s /var/lib/dpkg/status /var/lib/apt/lists /etc/apt /etc/apt/preferences /etc/apt/preferences.d /etc/apt/sources.list.d 2>/dev/null | tr '\\n' _; echo; }";

interface Ended {
  status: number | null;
  stdout: string;
  stderr: string;
}

function agent(word: string, { shell = ['dash'], env = {} }: { shell?: string[]; env?: Record<string, string> } = {}): Ended {
  const [file = 'sh', ...first] = shell;
  const ended = spawnSync(file, [...first, SCRIPT, word, at('conf')], {
    env: { PATH: process.env['PATH'], ...env },
    encoding: 'utf8',
    timeout: 60_000,
  });
  return { status: ended.status, stdout: ended.stdout, stderr: ended.stderr };
}

const keyLine = () => readFileSync(at('key.pub'), 'utf8').trim();
const published = () => readFileSync(at('public/vigie-report'));
const open = (bytes = published(), now = Date.now()): OpenedReport =>
  openReport(bytes, { host: 'web1', keys: [keyLine()], now, maxAge: 900, accepted: {} });
const factsOf = (shell?: string[]) => {
  assert.equal(agent('collect', shell === undefined ? {} : { shell }).stderr, '');
  return JSON.parse(readFileSync(at('facts'), 'utf8').split('\n')[1] ?? '');
};

for (const { name, command } of SHELLS) {
  describe(`vigie-agent under ${name}`, needs(command[0] ?? '', 'ssh-keygen'), () => {
    it('[A1] a key in one command, and a report that is accepted, with every fact or why it is missing', () => {
      configure(
        `sysctl kernel.ostype\nsysctl no.such\nfile /etc/passwd\nnumber ${at('height')}\nnumber /etc/passwd\nfile /no-such\n`,
      );
      writeFileSync(at('height'), '923456\n');
      const line = agent('key', { shell: command });
      assert.match(line.stdout, /^ssh-ed25519 \S+ vigie@web1\n$/);
      assert.equal(agent('key', { shell: command }).stdout, line.stdout);
      assert.deepEqual(agent('report', { shell: command }), { status: 0, stdout: '', stderr: '' });
      const { report, age } = open();
      assert.deepEqual([report.host, report.interval, report.agent], ['web1', 300, '1.0']);
      assert.ok(age <= 60);
      assert.deepEqual(Object.keys(report.facts).sort(), Object.keys(FACTS).sort());
      const { memory, load, processes, uptime, os, apt, sysctl, files, filesystems } = report.facts;
      for (const fact of [memory, load, processes, uptime, os, apt, filesystems]) assert.ok(fact && !('unavailable' in fact));
      assert.deepEqual(sysctl && 'list' in sysctl && sysctl.list, [
        { name: 'kernel.ostype', value: 'Linux' },
        { name: 'no.such', value: null },
      ]);
      const list = files && 'list' in files ? files.list : [];
      assert.deepEqual(
        list.map(({ path, number, size }) => [path.slice(-6), number, size > 0]),
        [
          ['passwd', null, true],
          ['height', 923_456, true],
          ['passwd', null, true],
          ['o-such', null, false],
        ],
      );
      assert.equal(list[3]?.modified, null);
      if (filesystems && 'list' in filesystems) assert.ok(filesystems.list.some(({ mount, size }) => mount === '/' && size > 1e6));
    });

    it('[T1] a pipe or an endless file in the place of one that others may write keeps the collector for no moment', () => {
      execFileSync('mkfifo', [at('pipe')]);
      symlinkSync('/dev/zero', at('zero'));
      writeFileSync(at('long'), '9'.repeat(1e6));
      configure(['pipe', 'zero', 'long'].map((name) => `number ${at(name)}\n`).join(''));
      const { files } = factsOf(command);
      assert.deepEqual(
        files.list.map(({ number }: { number: number | null }) => number),
        [null, null, null],
      );
    });

    it('[T8] what is odd in a plug-in, a file’s name or Puppet’s summary makes no other JSON', () => {
      writeFileSync(at('odd'), "#!/bin/sh\nprintf 'WARNING: \"a\\\\ \\033[1m\\t<b> | x=1;2\\nsecond line\\n'\nexit 1\n");
      chmodSync(at('odd'), 0o755);
      configure(
        `as root\nplugin odd ${at('odd')} $(touch ${at('tripwire')}) *\nplugin gone /no/such\nplugin slow ;id\nfile ${at('a "b\\c')}\n`,
      );
      const { plugins, files } = factsOf(command);
      assert.deepEqual(plugins.list[0], { name: 'odd', code: 1, output: 'WARNING: "a\\ ?[1m <b>', perfdata: 'x=1;2' });
      assert.equal(plugins.list[1].code, 127);
      assert.equal(plugins.list[2].code, 127);
      assert.equal(files.list[0].path, at('a "b\\c'));
      assert.equal(existsSync(at('tripwire')), false);
    });
  });
}

describe('vigie-agent', needs('ssh-keygen', 'dash'), () => {
  it('[A1] is short: under 300 lines', () => {
    assert.ok(readFileSync(SCRIPT, 'utf8').split('\n').length <= 300);
  });

  it('[R2] takes less than a second of processor time', () => {
    agent('key');
    const used = spawnSync('bash', ['-c', 'dash "$0" report "$1"; times | tail -n 1', SCRIPT, at('conf')], {
      encoding: 'utf8',
    }).stdout;
    const seconds = [...used.matchAll(/(\d+)m([\d.]+)s/g)].reduce(
      (sum, [, minutes, rest]) => sum + Number(minutes) * 60 + Number(rest),
      0,
    );
    assert.ok(seconds < 1, used);
  });

  it('[R2] asks APT only when something changed, and then about the installed packages alone', needs('apt', 'gzip'), () => {
    const asked = agentWithOwnApt();
    const collect = () => {
      assert.equal(spawnSync('dash', [at('copy'), 'collect', at('conf')], { encoding: 'utf8' }).stderr, '');
      return JSON.parse(readFileSync(at('facts'), 'utf8').split('\n')[1] ?? '').apt;
    };
    const { at: first, ...counts } = collect();
    assert.deepEqual([counts.upgrades, counts.security, counts.held], [1, 1, 1]);
    assert.deepEqual(asked(), [
      'x_InRelease: Suite: stable',
      'x_main_Packages: Package: nginx Version: 2 Depends: libc6',
      'x_more_Packages: Odd: yes Package: libc6 Version: 9',
    ]);
    assert.equal(collect().at, first);
    assert.deepEqual(asked(), [], 'nothing changed');
    writeFileSync(at('status'), `${STATUS}Package: curl\nStatus: install ok installed\nVersion: 1\n\n`);
    assert.equal(collect().upgrades, 1);
    assert.ok(asked().includes('x_main_Packages: Package: curl Version: 1 Package: nginx Version: 2 Depends: libc6'));
    // Fewer lists than there are would be fewer upgrades than there are.
    writeFileSync(at('lists/x_more_Packages.xz'), Buffer.from('fd377a585a00', 'hex'));
    writeFileSync(at('status'), STATUS);
    assert.deepEqual(collect(), { unavailable: 'a list cannot be read' });
    rmSync(at('lists'), { recursive: true });
    mkdirSync(at('lists'));
    assert.deepEqual(collect(), { unavailable: 'apt has no lists, or fails' });
  });

  /** A copy of the agent with lists of its own, and an apt that writes down what it is given; returns what that was since the last time. */
  function agentWithOwnApt(): () => string[] {
    for (const name of ['bin', 'lists']) mkdirSync(at(name));
    writeFileSync(at('status'), STATUS);
    writeFileSync(at('lists/x_InRelease'), 'Suite: stable\n');
    const filler = Array.from({ length: 500 }, (_, i) => `Package: other${i}\nVersion: 1\n\n`).join('');
    const main = 'Package: curl\nVersion: 1\n\nPackage: nginx\nVersion: 2\nDepends: libc6\n\n';
    writeFileSync(at('lists/x_main_Packages'), filler + main + filler);
    writeFileSync(at('lists/x_main_Packages.diff_Index'), 'SHA1: 0\n');
    // APT keeps its lists packed where it is told to, and not every archive's tool begins with the name.
    writeFileSync(at('lists/x_more_Packages'), `${filler}Odd: yes\nPackage: libc6\nVersion: 9\n\n`);
    execFileSync('gzip', [at('lists/x_more_Packages')]);
    const apt = `#!/bin/sh
lists=\${2#Dir::State::Lists=}
for file in "$lists"/*; do echo "\${file##*/}:" $(cat "$file") >> "${at('asked')}"; done
echo 'nginx/stable-security 2 amd64 [upgradable from: 1]'
echo 'libc6/stable 9 amd64 [upgradable from: 1]'
`;
    writeFileSync(at('bin/apt'), apt, { mode: 0o755 });
    const copy = readFileSync(SCRIPT, 'utf8')
      .replace(/^PATH=/m, `PATH=${at('bin')}:`)
      .replace('lists=/var/lib/apt/lists', `lists=${at('lists')}`)
      .replaceAll('/var/lib/dpkg/status', at('status'));
    writeFileSync(at('copy'), copy);
    return () => {
      const lines = existsSync(at('asked')) ? readFileSync(at('asked'), 'utf8').trim().split('\n') : [];
      rmSync(at('asked'), { force: true });
      return lines;
    };
  }

  it('[T6] every report has a higher number, and the same facts are not signed twice', () => {
    agent('key');
    agent('report');
    const first = published();
    agent('sign');
    assert.deepEqual(published(), first);
    writeFileSync(
      at('facts'),
      readFileSync(at('facts'), 'utf8').replace(/^\d+/, (time) => String(Number(time) + 1)),
    );
    agent('sign');
    assert.equal(open().report.seq > open(first).report.seq, true);
  });

  it('[case J26] a clock that went back does not lower the number', needs('faketime'), () => {
    agent('key');
    agent('report');
    const before = open().report.seq;
    const ended = spawnSync('faketime', ['-f', '-2d', 'dash', SCRIPT, 'report', at('conf')], { encoding: 'utf8' });
    assert.equal(ended.status, 0);
    const { report } = open(published(), Date.now() - 2 * 86_400_000);
    assert.equal(report.seq, before + 1);
    assert.ok(report.created < Date.now() - 86_400_000);
  });

  it('[case J26] without ssh-keygen, without a key and without facts nothing is published, and the reason is said', () => {
    assert.match(agent('sign').stderr, /^vigie-agent: \S+key cannot be read: vigie-agent key makes it\n$/);
    agent('key');
    assert.match(agent('sign').stderr, /^vigie-agent: \S+facts cannot be read: does vigie-agent collect run\?\n$/);
    assert.equal(existsSync(at('public')), false);
    // The agent chooses its own PATH: a copy of it that looks elsewhere.
    mkdirSync(at('bin'));
    for (const name of ['uname', 'sed', 'tail', 'cat', 'date'])
      symlinkSync(execFileSync('which', [name], { encoding: 'utf8' }).trim(), at('bin', name));
    writeFileSync(at('copy'), readFileSync(SCRIPT, 'utf8').replace(/^PATH=.*$/m, `PATH=${at('bin')}`));
    const { stderr, status } = spawnSync('/bin/dash', [at('copy'), 'sign', at('conf')], { encoding: 'utf8' });
    assert.deepEqual([status, stderr], [1, 'vigie-agent: ssh-keygen is missing: install openssh-client\n']);
  });

  it('[case J26] a full disk or a read-only one leaves the old report as it is', { skip: process.getuid?.() !== 0 }, () => {
    agent('key');
    agent('report');
    const before = published();
    const script = `set -e
mount -t tmpfs -o size=16k tmpfs "$1/public"; cp "$2" "$1/public/vigie-report"
cat /dev/zero > "$1/public/fill" 2>/dev/null || true
sleep 1.1
dash "$3" report "$1/conf" 2>&1 && echo published || true
cmp "$2" "$1/public/vigie-report" && echo same
mount -o remount,ro "$1/public"; sleep 1.1
dash "$3" report "$1/conf" 2>&1 && echo published || true
cmp "$2" "$1/public/vigie-report" && echo same`;
    writeFileSync(at('before'), before);
    const { stdout } = spawnSync('unshare', ['-m', 'sh', '-c', script, 'sh', folder.path, at('before'), SCRIPT], {
      encoding: 'utf8',
    });
    assert.equal(stdout.match(/cannot be written/g)?.length, 2, stdout);
    assert.equal(stdout.match(/^same$/gm)?.length, 2, stdout);
    assert.doesNotMatch(stdout, /published/);
  });

  it('[case J26] killed at a thousand moments it never shows an invalid report', async () => {
    agent('key');
    agent('collect');
    const renewed = await Promise.all(['a', 'b'].map((name) => killOften(at(name), 500)));
    // Else it was killed too early each time, and nothing is proven.
    for (const number of renewed) assert.ok(number > 10 && number < 400, `${number} of 500`);
  });

  /** Signs again and again, and ends the signer with all that it started at some moment of its work; how often it was done before. */
  async function killOften(home: string, times: number): Promise<number> {
    mkdirSync(home);
    for (const name of ['key', 'key.pub', 'facts']) copyFileSync(at(name), join(home, name));
    const conf = join(home, 'conf');
    writeFileSync(conf, `host web1\nfacts ${home}/facts\nstate ${home}\npublish ${home}/report\n`);
    const random = randomFrom(times);
    const text = readFileSync(join(home, 'facts'), 'utf8');
    let [last, renewed, longest] = [0, 0, 1000];
    for (let i = 0; i < times; i += 1) {
      writeFileSync(
        join(home, 'facts'),
        text.replace(/^\d+/, (time) => String(Number(time) + i)),
      );
      await killAfter(i === 0 ? 60_000 : random() * longest, conf);
      const { seq } = open(readFileSync(join(home, 'report'))).report;
      assert.ok(seq >= last);
      // However fast the machine is: about one in five is done before it is killed.
      longest *= seq > last ? 0.9 : 1.03;
      if (seq > last) renewed += 1;
      last = seq;
    }
    return renewed;
  }

  function killAfter(milliseconds: number, conf: string): Promise<void> {
    const child = spawn('dash', [SCRIPT, 'sign', conf], { detached: true, stdio: 'ignore' });
    const timer = setTimeout(() => {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    }, milliseconds);
    return new Promise((resolve) =>
      child.on('close', () => {
        clearTimeout(timer);
        resolve();
      }),
    );
  }
});

const STATUS = `Package: nginx
Status: install ok installed
Version: 1

Package: libc6
Status: hold ok installed
Version: 1

`;

const SUMMARY = `---
version:
  config: 1795290250
  puppet: 7.23.0
resources:
  changed: 3
  failed: 0
  failed_to_restart: 0
  total: 412
time:
  total: 12.3
  last_run: 1795290300
changes:
  total: 3
events:
  failure: 0
`;

describe('what the agent says of Puppet', () => {
  const rows: { name: string; summary: string | null; more?: () => void; says: Record<string, unknown> }[] = [
    { name: 'never ran', summary: null, says: { last_run: null, result: 'never', enabled: true } },
    {
      name: 'changed something',
      summary: SUMMARY,
      says: { last_run: 1_795_290_300, result: 'changed', changed: 3, failed: 0, version: '1795290250' },
    },
    { name: 'changed nothing', summary: SUMMARY.replace('changed: 3', 'changed: 0'), says: { result: 'unchanged', changed: 0 } },
    { name: 'failed', summary: SUMMARY.replace('failed: 0', 'failed: 2'), says: { result: 'failed', failed: 2 } },
    { name: 'had no catalog', summary: SUMMARY.replace(/resources:[\s\S]*total: 412\n/, ''), says: { result: 'failed' } },
    {
      name: 'has a decimal comma',
      summary: SUMMARY.replace('last_run: 1795290300', 'last_run: 1795290300,25'),
      says: { last_run: 1_795_290_300 },
    },
    { name: 'ran in the future', summary: SUMMARY.replace('1795290300', '4000000000'), says: { last_run: 4_000_000_000 } },
    {
      name: 'is disabled',
      summary: SUMMARY,
      more: () => writeFileSync(at('puppet/state/agent_disabled.lock'), '{"disabled_message":"upgrade by anna"}'),
      says: { enabled: false, message: 'upgrade by anna' },
    },
    {
      name: 'runs just now',
      summary: SUMMARY,
      more: () => writeFileSync(at('puppet/state/agent_catalog_run.lock'), `${process.pid}\n`),
      says: { running: true },
    },
    {
      name: 'left a lock',
      summary: SUMMARY,
      more: () => writeFileSync(at('puppet/state/agent_catalog_run.lock'), '4194305\n'),
      says: { running: false },
    },
    {
      name: 'has pipes for locks, which nobody waits for',
      summary: SUMMARY,
      more: () => execFileSync('mkfifo', [at('puppet/state/agent_disabled.lock'), at('puppet/state/agent_catalog_run.lock')]),
      says: { enabled: false, message: '', running: false },
    },
  ];
  for (const { name, summary, more, says } of rows) {
    it(`[case J21] [K4] that it ${name}`, () => {
      mkdirSync(at('puppet/state'), { recursive: true });
      if (summary !== null) writeFileSync(at('puppet/state/last_run_summary.yaml'), summary);
      more?.();
      writeFileSync(at('copy'), readFileSync(SCRIPT, 'utf8').replace('in /var/lib/puppet /var', `in ${at('puppet')} /var`));
      assert.equal(spawnSync('dash', [at('copy'), 'collect', at('conf')], { encoding: 'utf8', timeout: 60_000 }).stderr, '');
      const { puppet } = JSON.parse(readFileSync(at('facts'), 'utf8').split('\n')[1] ?? '');
      for (const [key, value] of Object.entries(says)) assert.equal(puppet[key], value, `${key}: ${JSON.stringify(puppet)}`);
    });
  }
});
