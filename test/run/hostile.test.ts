import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { openHistoryForReading } from '../../src/store/database.ts';
import { checkIntegrity } from '../../src/store/history.ts';
import { certificateRig } from '../support/certificates.ts';
import { childrenOf } from '../support/children.ts';
import { BUNDLE, type Ended, globalFile, installation, vigie } from '../support/cli.ts';
import { type Peer, startHostilePeers } from '../support/hostile-peers.ts';
import { type NameServer, startNsd } from '../support/nsd.ts';
import { outlineOf } from '../support/pages.ts';
import { freePort, needs } from '../support/server.ts';
import { ScriptedSmtpServer } from '../support/smtp-server.ts';
import { startMicrosocks } from '../support/socks.ts';
import { Target } from '../support/target.ts';
import { type LocalServer, startRawServer, startTlsServer } from '../support/tls-server.ts';

const TIMEOUT_S = 2;
/** Of the healthy, who are not meant to time out on however slow a machine. */
const PATIENCE_S = 20;
const RUN_DEADLINE_S = 30;
const LIMITS = `limits: { run_deadline: ${RUN_DEADLINE_S}s }\n`;

/** An installation whose every check saw a healthy peer once; then half of its peers turn. */
interface Site {
  path: string;
  mail: ScriptedSmtpServer;
  ended: Ended;
  /** Process id of the run. */
  main: number | undefined;
  /** Wall time of the run, seconds. */
  seconds: number;
  /** Peak memory of the main process, MiB. */
  peak: number;
  temporary: string;
  stop(): Promise<void>;
}

/** C0 but for tab and line feed, DEL, C1, and what changes the direction or hides. */
const FORBIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/;

describe('one batch among hostile peers', needs('nsd', 'microsocks', 'ping', 'setpriv', 'python3'), () => {
  const stops: (() => unknown)[] = [];
  let peers: Peer[];
  let hostile: Site;
  let control: Site;

  before(async () => {
    peers = await startHostilePeers();
    stops.push(...peers.map((peer) => peer.stop));
    const silentProxy = await startRawServer(() => {});
    stops.push(silentProxy.stop);
    const healthy = await startHealthyPeers(stops);
    const dead = await freePort();
    const attack = [
      ...peers.map(({ name, check }) => ({ name, check })),
      { name: 'silent-proxy', check: `type: tcp, address: 127.0.0.1, port: ${dead}, via: silent` },
      // Sends for four seconds whatever its deadline says.
      { name: 'stubborn-child', check: 'type: ping, address: 127.0.0.1, count: 20' },
    ];
    const proxies = `proxies:\n  silent: { url: "socks5h://127.0.0.1:${silentProxy.port}" }\n  good: { url: "socks5h://127.0.0.1:${healthy.proxyPort}" }\n`;
    hostile = await runAmong(healthy, { proxies, attack });
    stops.push(hostile.stop);
    const absent = attack.map(({ name }) => ({ name, check: `type: tcp, address: 127.0.0.1, port: ${dead}` }));
    control = await runAmong(healthy, { proxies, attack: absent });
    stops.push(control.stop);
  });
  after(async () => {
    for (const stop of stops.reverse()) await stop();
  });

  it('[case I1] the run ends by its own deadline, and every check by its own', () => {
    assert.ok(hostile.seconds < RUN_DEADLINE_S + 2, `${hostile.seconds} s`);
    const slow = resultsOf(hostile).filter(({ duration }) => duration > RUN_DEADLINE_S / 2);
    assert.deepEqual(slow, []);
  });

  it('[case I2] the main process stays below 300 MiB', () => {
    assert.ok(hostile.peak > 30 && hostile.peak <= 300, `${hostile.peak} MiB`);
  });

  it('[case I3] [case D05] healthy checks give the same results as without hostile peers', () => {
    const healthyOf = (site: Site) =>
      resultsOf(site)
        .filter(({ check }) => check.startsWith('healthy'))
        .map(({ check, state, code, output, withheld, metrics }) => [
          check,
          state,
          code,
          withheld,
          output.replace(/[\d.]+ (m?s|ms on average)\b/g, 'TIME'),
          Object.keys(JSON.parse(metrics ?? '{}')),
        ]);
    const seen = healthyOf(hostile);
    assert.deepEqual(seen, healthyOf(control));
    assert.ok(seen.length >= 10, `${seen.length} healthy checks`);
    assert.ok(
      seen.every(([, state]) => state === 'OK'),
      JSON.stringify(seen),
    );
  });

  it('[case I4] pages have the same elements and attributes as without hostile peers, and no control characters', () => {
    for (const { name, content } of filesIn(join(hostile.path, 'site'))) assert.doesNotMatch(content, FORBIDDEN, name);
    const outline = outlineOf(join(hostile.path, 'site'));
    assert.deepEqual(outline, outlineOf(join(control.path, 'site')));
    assert.ok(outline.length >= 30, `only ${outline.length} kinds of elements: are there pages?`);
  });

  it('[case I5] exactly the expected messages arrive, with the intended headers and nobody else in them', () => {
    const parsed = parseMails(hostile.mail);
    assert.deepEqual(
      parsed.map(({ subject }) => subject.replace(/[:,] .*/, '')),
      ['[vigie] STARTED', '[vigie] PROBLEM h-banner-flood/peer CRITICAL'],
    );
    const names = parseMails(control.mail).at(-1)?.names;
    for (const { names: found, to, body, subject } of parsed) {
      assert.deepEqual(
        found.filter((name) => name !== 'References'),
        names?.filter((name) => name !== 'References'),
      );
      assert.equal(to, 'sysadmins@example.org');
      assert.doesNotMatch(subject + body, FORBIDDEN);
    }
    assert.deepEqual(
      hostile.mail.received.map(({ to }) => to),
      ['sysadmins@example.org', 'sysadmins@example.org'],
    );
    assert.match(parsed[1]?.body ?? '', /&lt;script|<script>alert\(1\)/, 'what the peer said is shown as text');
    assert.doesNotMatch(parsed[1]?.body ?? '', /^(Bcc:|\.\s*$)/m, 'no line of a peer stands by itself');
  });

  it('[case I6] the database is sound and holds one result for each check and run', () => {
    const database = openHistoryForReading(join(hostile.path, 'state'));
    assert.ok(database !== null);
    assert.equal(checkIntegrity(database), null);
    const counts = database.prepare('SELECT run, count(*) AS results FROM results GROUP BY run ORDER BY run').all();
    const inControl = openHistoryForReading(join(control.path, 'state'));
    assert.deepEqual(counts, inControl?.prepare('SELECT run, count(*) AS results FROM results GROUP BY run ORDER BY run').all());
    inControl?.close();
    assert.equal(database.prepare('SELECT count(*) FROM items WHERE message IS NULL').pluck().get(), 0);
    database.close();
  });

  it('[case I7] no child process, no temporary file and no half page is left', () => {
    assert.deepEqual(childrenOf(hostile.main), []);
    assert.deepEqual(readdirSync(hostile.temporary), []);
    const halves = (readdirSync(hostile.path, { recursive: true }) as string[]).filter((name) =>
      /\.(new|tmp|vigie-new)$/.test(name),
    );
    assert.deepEqual(halves, []);
  });

  it('[case I8] exit code 0 and nothing on standard error: what peers do is no fault of vigie', () => {
    assert.deepEqual([hostile.ended.code, hostile.ended.stderr, hostile.ended.stdout], [0, '', '']);
  });

  it('[case I8] every hostile peer gets its precise reason, and none is a bug of ours', () => {
    const results = new Map(resultsOf(hostile).map((result) => [result.check, result]));
    const wrong = peers
      .map(({ name, code }) => ({ name, wanted: code, found: results.get(`h-${name}/peer`) }))
      .filter(({ wanted, found }) => found?.state !== 'CRITICAL' || !found.code.startsWith(wanted));
    assert.deepEqual(wrong, []);
    assert.deepEqual(
      [...results.values()].filter(({ code }) => code === 'bug'),
      [],
    );
    for (const { output } of results.values()) assert.doesNotMatch(output, FORBIDDEN);
  });
});

interface Healthy {
  checks: string[];
  url: string;
  proxyPort: number;
}

/** Ten checks on servers that behave, of every type. */
async function startHealthyPeers(stops: (() => unknown)[]): Promise<Healthy> {
  const target = await Target.start();
  const nsd: NameServer = await startNsd();
  const proxy = await startMicrosocks();
  const rig = certificateRig();
  const tls: LocalServer = await startTlsServer(rig.issue('good'));
  const banner = await startRawServer((socket) => void socket.write('SSH-2.0-Test\r\n'));
  stops.push(() => target.stop(), nsd.stop, proxy.stop, tls.stop, banner.stop, rig.remove);
  const trust = `server_name: site.test, tls: { ca: ${rig.caFile} }`;
  const servers = `servers: "127.0.0.1:${nsd.port}"`;
  return {
    url: target.url,
    proxyPort: proxy.port,
    checks: [
      `type: http, url: "${target.url}"`,
      `type: http, url: "${target.url}", body: Welcome`,
      `type: http, url: "${target.url}", regex: "^W.*e$"`,
      `type: http, url: "${target.url}", via: good`,
      `type: tls, address: 127.0.0.1, port: ${tls.port}, ${trust}`,
      `type: tcp, address: 127.0.0.1, port: ${banner.port}, expect: SSH-2.0-`,
      `type: tcp, address: 127.0.0.1, port: ${banner.port}, via: good`,
      `type: dns, name: www.site.test, expect: 192.0.2.10, ${servers}`,
      `type: dns, name: site.test, record: TXT, transport: both, ${servers}`,
      'type: ping, address: 127.0.0.1, count: 2',
    ],
  };
}

/** As `runOnceAmong`, anew when the machine stood still meanwhile: a run then says so of its checks, and not what is meant here. */
async function runAmong(...given: Parameters<typeof runOnceAmong>): Promise<Site> {
  for (let time = 1; ; time += 1) {
    const site = await runOnceAmong(...given);
    if (time === 5 || resultsOf(site).every(({ code }) => code !== 'run.standstill')) return site;
    await site.stop();
  }
}

/** One run in which all is well, so that no check is new, then the run in which the peers show who they are. */
async function runOnceAmong(
  healthy: Healthy,
  { proxies, attack }: { proxies: string; attack: { name: string; check: string }[] },
): Promise<Site> {
  const mail = await ScriptedSmtpServer.start();
  const more = LIMITS + proxies;
  const text = globalFile(`smtp://127.0.0.1:${mail.port}`, more).replace('timeout: 40s', `timeout: ${TIMEOUT_S}s`);
  const all = healthy.checks.map((check, index) => toService(`healthy-${index}`, `${check}, timeout: ${PATIENCE_S}s`)).join('');
  const tame = attack.map(({ name }) => toService(`h-${name}`, `type: http, url: "${healthy.url}"`)).join('');
  const folder = installation(text, { 'healthy.yaml': `services:\n${all}`, 'hostile.yaml': `services:\n${tame}` });
  const temporary = join(folder.path, 'tmp');
  mkdirSync(temporary);
  const options = { program: BUNDLE, env: { TMPDIR: temporary } };
  const first = await vigie(folder.path, ['run'], options);
  assert.deepEqual([first.code, first.stderr], [0, '']);
  const turned = attack.map(({ name, check }) => toService(`h-${name}`, check)).join('');
  writeFileSync(join(folder.path, 'conf.d/hostile.yaml'), `services:\n${turned}`);
  const began = performance.now();
  let main: number | undefined;
  let peak = 0;
  let watch: NodeJS.Timeout | undefined;
  const ended = await vigie(folder.path, ['run', '--now', '*'], {
    ...options,
    onStart: ({ pid }) => {
      main = pid;
      watch = setInterval(() => {
        peak = Math.max(peak, readPeak(pid));
      }, 20);
    },
  });
  clearInterval(watch);
  const seconds = (performance.now() - began) / 1000;
  const stop = async () => {
    await mail.stop();
    folder.remove();
  };
  return { path: folder.path, mail, ended, main, seconds, peak, temporary, stop };
}

function toService(name: string, check: string): string {
  return `  ${name}:\n    public: true\n    checks:\n      peer: { ${check} }\n`;
}

/** `VmHWM` of proc(5): the largest resident set so far, in MiB. */
function readPeak(pid: number | undefined): number {
  try {
    return Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}

interface Row {
  check: string;
  state: string;
  code: string;
  output: string;
  withheld: string | null;
  duration: number;
  metrics: string | null;
}

function resultsOf({ path }: Site): Row[] {
  const database = openHistoryForReading(join(path, 'state'));
  assert.ok(database !== null);
  const rows = database.prepare('SELECT * FROM readable_results WHERE run = 2 ORDER BY "check"').all() as Row[];
  database.close();
  return rows.map((row) => ({ ...row, code: row.code ?? '', output: row.output ?? '' }));
}

function filesIn(folder: string): { name: string; content: string }[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(html|json|txt|atom)$/.test(entry.name))
    .map((entry) => ({ name: entry.name, content: readFileSync(join(entry.parentPath, entry.name), 'utf8') }));
}

interface ParsedMail {
  subject: string;
  to: string;
  names: string[];
  body: string;
}

/** Python's email package reads the messages: a parser that shares nothing with what composed them. */
function parseMails({ received }: ScriptedSmtpServer): ParsedMail[] {
  const script = `import sys, json, email, email.policy
out = []
for content in json.load(sys.stdin):
    m = email.message_from_bytes(content.encode('latin-1', 'replace'), policy=email.policy.default)
    assert not m.defects, m.defects
    out.append({'subject': m['subject'], 'to': m['to'], 'names': m.keys(), 'body': m.get_content().replace('\\r\\n', '\\n')})
print(json.dumps(out))`;
  const input = JSON.stringify(received.map(({ content }) => content));
  return JSON.parse(execFileSync('python3', ['-c', script], { input, encoding: 'utf8' })) as ParsedMail[];
}

/** Processes that bear the mark of vigie's children in their environment. */
