import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import report from '../../checks/report.ts';
import type { Observation } from '../../src/check-type.ts';
import { FACTS, type FactField, type FactFields } from '../../src/core/report-facts.ts';
import { openHistoryForReading } from '../../src/store/database.ts';
import { codeOf, problemsOf, runCheck } from '../support/check.ts';
import { BUNDLE, globalFile, installation, vigie } from '../support/cli.ts';
import { testContext } from '../support/context.ts';
import { FULL_FACTS, NOW, signedReport, testHost } from '../support/host-report.ts';
import { readMaildir } from '../support/maildir.ts';
import { rawServer } from '../support/raw-server.ts';
import { attacksOf } from '../support/report-attacks.ts';
import { temporaryFolder } from '../support/server.ts';
import { Target } from '../support/target.ts';

const web1 = testHost('web1');
const web2 = testHost('web2');
const now = NOW + 10_000;

describe('check type report', () => {
  let folder: { path: string; remove: () => void };
  const at = (...names: string[]) => join(folder.path, ...names);
  before(() => {
    folder = temporaryFolder();
  });
  after(() => folder.remove());

  const look = (source: Record<string, unknown>, memory?: unknown, at = now): Promise<Observation> =>
    runCheck(report, { host: 'web1', keys: [web1.line], ...source }, testContext({ now: at, memory }));

  /** A web server that says these bytes to whatever is asked. */
  async function lookAtServer(answer: string | Buffer, after?: () => void): Promise<Observation> {
    const server = await rawServer((socket) => void socket.end(answer));
    try {
      return await look({ url: `http://127.0.0.1:${server.port}/vigie-report` });
    } finally {
      after?.();
      await server.close();
    }
  }

  const answerOf = (body: Buffer, head = '') =>
    Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n${head}\r\n`), body]);

  it('[case J01] one that is fetched is verified, and given to the checks that read it', async () => {
    const seen = await lookAtServer(answerOf(signedReport(web1)));
    assert.equal(seen.output, 'report 10 s old, agent 1.0');
    assert.deepEqual([seen.kind, seen.report?.isNews, seen.report?.report.host], ['measured', true, 'web1']);
  });

  it('[case J02] the same file again is no news', async () => {
    writeFileSync(at('vigie-report'), signedReport(web1));
    const first = await look({ inbox: folder.path });
    const second = await look({ file: at('vigie-report') }, first.memory);
    assert.deepEqual([first.report?.isNews, second.report?.isNews], [true, false]);
    writeFileSync(at('vigie-report'), signedReport(web1, { seq: 5 }));
    assert.equal(codeOf(await look({ inbox: folder.path }, second.memory)), 'report.replay');
  });

  it('[case J04] one from the future is UNKNOWN: it may be our own clock', async () => {
    writeFileSync(at('vigie-report'), signedReport(web1));
    const seen = await look({ inbox: folder.path }, undefined, NOW - 3_600_000);
    assert.deepEqual([seen.kind, codeOf(seen)], ['unknown', 'report.future']);
  });

  it('[case J05] one that is older than three of the configured intervals is stale', async () => {
    writeFileSync(at('vigie-report'), signedReport(web1));
    assert.equal(codeOf(await look({ inbox: folder.path, interval: 60 }, undefined, NOW + 180_000)), 'measured');
    assert.equal(codeOf(await look({ inbox: folder.path, interval: 60 }, undefined, NOW + 181_000)), 'report.stale');
    const old = await look({ inbox: folder.path, max_age: 86_400 }, undefined, NOW + 80_000_000);
    assert.deepEqual([old.kind, old.output], ['measured', 'report 22 h old, agent 1.0']);
  });

  const sizes: { name: string; answer: Buffer }[] = [
    { name: '64 KiB and one byte', answer: answerOf(Buffer.alloc(65_537, 'x')) },
    { name: 'gzip', answer: answerOf(signedReport(web1), 'Content-Encoding: gzip\r\n') },
  ];
  for (const { name, answer } of sizes) {
    it(`[case J18] ${name} is report.size`, async () => assert.equal(codeOf(await lookAtServer(answer)), 'report.size'));
  }

  it('[case J18] a report without end is cut at the cap', async () => {
    let sent = 0;
    const server = await rawServer((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n');
      const pour = (): void => {
        while (!socket.destroyed && socket.write(Buffer.alloc(16_384, 'x'))) sent += 16_384;
      };
      socket.on('drain', pour);
      pour();
    });
    assert.equal(codeOf(await look({ url: `http://127.0.0.1:${server.port}/` })), 'report.size');
    await server.close();
    assert.ok(sent < 16 * 1024 * 1024, `${sent} bytes`);
  });

  it('[T1] what is not there, a link, a folder or a pipe in an inbox is report.missing', async () => {
    assert.equal(codeOf(await lookAtServer('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n')), 'report.missing');
    for (const make of [() => {}, () => symlinkSync('/etc/passwd', at('vigie-report')), () => mkdirSync(at('vigie-report'))]) {
      rmSync(at('vigie-report'), { force: true, recursive: true });
      make();
      assert.equal(codeOf(await look({ inbox: folder.path })), 'report.missing');
    }
    rmSync(at('vigie-report'), { force: true, recursive: true });
    symlinkSync('/etc/passwd', at('vigie-report'));
    assert.match((await look({ inbox: folder.path })).output, /vigie-report is a symbolic link, expected a file$/);
    rmSync(at('vigie-report'));
  });

  it('[T6] one source, keys that are keys, and no plain HTTP over a network', () => {
    const given = { host: 'web1', keys: [web1.line] };
    assert.deepEqual(problemsOf(report, { ...given, url: 'https://web1.example.org/vigie-report' }), {});
    assert.deepEqual(problemsOf(report, { ...given, url: `http://${'a'.repeat(56)}.onion/vigie-report` }), {});
    assert.match(problemsOf(report, { ...given, url: 'http://web1.example.org/' })['url'] ?? '', /plain http/);
    assert.match(problemsOf(report, given)['url'] ?? '', /found 0/);
    assert.match(problemsOf(report, { ...given, inbox: '/a', file: '/b' })['url'] ?? '', /found 2/);
    assert.match(problemsOf(report, { host: 'web1', keys: ['ssh-rsa AAAA'], inbox: '/a' })['keys'] ?? '', /not a public key/);
  });
});

describe('a host with a report', () => {
  let folder: { path: string; remove: () => void };
  const at = (...names: string[]) => join(folder.path, ...names);
  const seconds = () => Math.floor(Date.now() / 1000);
  let seq = seconds();

  beforeEach(() => {
    folder = installation(globalFile('maildir:state/mail'), { 'web1.yaml': hostFile() });
  });
  afterEach(() => folder.remove());

  const hostFile = () => `hosts:
  web1:
    report: { file: web1.report, keys: ["${web1.line}"] }
    checks: { memory: { type: memory, attempts: 3 } }
  web2: { address: 127.0.0.1, checks: { memory: { type: proxy, port: 9 } } }
`;

  /** The host's agent writes a new one. */
  function publish(available: number, change: (file: Buffer) => Buffer = (file) => file): void {
    seq = Math.max(seq + 1, seconds());
    const memory = { at: seconds(), total: 1000, available, swap_total: 0, swap_free: 0 };
    const created = new Date(seconds() * 1000).toISOString().replace('.000', '');
    writeFileSync(at('web1.report'), change(signedReport(web1, { seq, created, facts: { memory } })));
  }

  const run = async () => assert.match((await vigie(folder.path, ['run', '--now', '*'], { program: BUNDLE })).stderr, /^$/);
  function rows<T>(sql: string): T[] {
    const database = openHistoryForReading(at('state'));
    assert.ok(database !== null);
    const found = database.prepare(sql).all() as T[];
    database.close();
    return found;
  }
  const results = (id: string) =>
    rows<{ state: string; code: string | null; withheld: string | null }>(
      `SELECT state, code, withheld FROM readable_results WHERE "check" = '${id}' ORDER BY run`,
    ).map(({ state, code, withheld }) => [state, code, withheld]);
  const items = () => rows<{ kind: string; id: string }>("SELECT kind, check_id AS id FROM items WHERE check_id LIKE 'web1/%'");

  it('[T6] one sample is never two failures: without a new report the last result holds', async () => {
    publish(900);
    await run();
    publish(10);
    for (let i = 0; i < 4; i += 1) await run();
    assert.deepEqual(results('web1/memory').slice(1), [['CRITICAL', 'threshold.used', null]]);
    assert.equal(results('web1/report').length, 5);
    publish(10);
    await run();
    assert.deepEqual(items(), []);
    publish(10);
    await run();
    assert.deepEqual(items(), [{ kind: 'problem', id: 'web1/memory' }]);
  });

  it('[T2] a report that cannot be verified is one problem: what reads it is withheld, and counts again with the next good one', async () => {
    publish(900);
    await run();
    publish(900, (file) => Buffer.from(file.toString().replace('"total":1000', '"total":1001')));
    await run();
    assert.deepEqual(results('web1/memory')[1], ['UNKNOWN', 'report.none', 'report']);
    assert.deepEqual(items(), [{ kind: 'problem', id: 'web1/report' }]);
    publish(900);
    await run();
    assert.deepEqual(results('web1/memory')[2], ['OK', null, null]);
    assert.deepEqual(
      items().map(({ kind }) => kind),
      ['problem', 'recovery'],
    );
  });

  it('[K3] vigie check fetches the report for a check that reads it, and shows only what was asked for', async () => {
    publish(10);
    const { code, stdout } = await vigie(folder.path, ['check', 'web1/memory']);
    assert.equal(code, 2);
    assert.match(stdout, /^CRITICAL: 99 % of 1000 B used, 10 B available, critical above 95 % \(used\) \| used=99%/);
    assert.doesNotMatch(stdout, /report 0 s old/);
    rmSync(at('web1.report'));
    const without = await vigie(folder.path, ['check', 'web1/memory']);
    assert.equal(without.code, 3);
    assert.match(without.stdout, /^UNKNOWN: no report: \S+web1.report cannot be read \(ENOENT\)/);
  });

  it('[case J22] a reinstalled machine counts from below: refused, until somebody says vigie host reset', async () => {
    publish(900);
    await run();
    const memory = { at: seconds(), total: 1000, available: 900, swap_total: 0, swap_free: 0 };
    const created = new Date(seconds() * 1000).toISOString().replace('.000', '');
    writeFileSync(at('web1.report'), signedReport(web1, { seq: 5, created, facts: { memory } }));
    await run();
    assert.deepEqual(results('web1/report')[1]?.slice(0, 2), ['CRITICAL', 'report.replay']);
    const reset = await vigie(folder.path, ['host', 'reset', 'web1']);
    assert.deepEqual([reset.code, reset.stdout], [0, 'the next report of web1 is accepted whatever its number\n']);
    await run();
    assert.deepEqual(results('web1/report')[2]?.slice(0, 2), ['OK', null]);
    assert.deepEqual(results('web1/memory').at(-1), ['OK', null, null]);
    assert.equal((await vigie(folder.path, ['host', 'reset', 'web9'])).code, 2);
    assert.match((await vigie(folder.path, ['host', 'reset', 'web2'])).stderr, /no host "web2" that reports, expected one of web1/);
  });

  const lies: { name: string; file: () => Buffer }[] = [
    { name: 'speaks of another host', file: () => signedReport(web1, { host: 'web2' }) },
    { name: 'is not signed by it', file: () => signedReport(testHost('web1')) },
    { name: 'is not a report', file: () => Buffer.from('OK: all is well\n') },
    { name: 'is an older one', file: () => signedReport(web1, { seq: 1 }) },
    {
      name: 'is well signed, and full of other names, states, times and headers',
      file: () => {
        seq += 1;
        const text = 'OK\r\nBcc: all@example.org\r\n2026-01-01T00:00:00Z web2/memory OK';
        const list = [{ name: 'web2/memory', code: 0, output: text, perfdata: 'web2=1' }];
        const created = new Date(seconds() * 1000).toISOString().replace('.000', '');
        return signedReport(web1, { seq, created, facts: { plugins: { at: seconds(), list } } });
      },
    },
  ];
  for (const { name, file } of lies) {
    it(`[T4] [case J25] a report that ${name} changes no row of another host`, async () => {
      publish(900);
      await run();
      const rest = () => ({
        checks: rows("SELECT * FROM checks WHERE id NOT LIKE 'web1/%' ORDER BY id"),
        results: rows(
          "SELECT r.* FROM results r JOIN checks c ON c.number = check_number WHERE c.id NOT LIKE 'web1/%' ORDER BY c.id, run",
        ),
        reports: rows("SELECT * FROM reports WHERE host <> 'web1'"),
        events: rows("SELECT * FROM events WHERE check_id IS NOT NULL AND check_id NOT LIKE 'web1/%'"),
        items: rows("SELECT * FROM items WHERE check_id IS NOT NULL AND check_id NOT LIKE 'web1/%'"),
      });
      const before = rest();
      assert.equal(before.checks.length, 1);
      writeFileSync(at('web1.report'), file());
      assert.equal((await vigie(folder.path, ['run', '--now', 'web1'], { program: BUNDLE })).stderr, '');
      assert.equal(results('web1/report').length, 2);
      assert.deepEqual(rest(), before);
    });
  }

  it('[T4] [case J03] [case J05] [case J06] [case J19] [case J20] [case J25] after each attack other hosts’ rows are as before', async () => {
    const lines = `hosts:\n  web2: { every: 1d, report: { file: web2.report, keys: ["${web2.line}"] }, checks: { memory: { type: memory } } }\n`;
    writeFileSync(at('vigie.yaml'), globalFile('maildir:state/mail'));
    writeFileSync(at('conf.d/web2.yaml'), lines);
    writeFileSync(at('conf.d/web1.yaml'), hostFile().replace(/^ {2}web2:.*\n/m, ''));
    const created = new Date(seconds() * 1000).toISOString().replace('.000', '');
    writeFileSync(at('web2.report'), signedReport(web2, { seq: seconds(), created }));
    publish(900);
    // The first result sets the hour of the next one.
    await run();
    await run();
    const rest = () => ({
      checks: rows("SELECT * FROM checks WHERE id NOT LIKE 'web1/%' ORDER BY id"),
      reports: rows("SELECT * FROM reports WHERE host <> 'web1'"),
      said: ['events', 'items'].map((table) => rows(`SELECT * FROM ${table} WHERE check_id LIKE 'web2/%' OR host = 'web2'`)),
      changes: rows("SELECT * FROM changes WHERE target <> 'web1'"),
      results: rows(
        "SELECT r.* FROM results r JOIN checks c ON c.number = check_number WHERE c.id NOT LIKE 'web1/%' ORDER BY c.id, run",
      ),
    });
    const before = rest();
    assert.equal(before.checks.length, 2);
    assert.equal(before.reports.length, 1);
    const signed = (parts: Record<string, unknown>) => signedReport(web1, { seq: seq + 1, created, ...parts });
    const more: { name: string; bytes: () => Buffer; code: string }[] = [
      { name: 'an older number', bytes: () => signed({ seq: seq - 1 }), code: 'report.replay' },
      { name: 'an old one', bytes: () => signed({ created: '2026-01-01T00:00:00Z' }), code: 'report.stale' },
      { name: 'half of one', bytes: () => signed({}).subarray(0, 1000), code: 'report.format' },
      { name: 'mounts by the thousand', bytes: () => signed({ facts: { filesystems: thousands() } }), code: 'report.schema' },
      { name: 'another host’s name as a key', bytes: () => signed({ web2: { facts: {} } }), code: 'report.schema' },
      { name: 'a file of the other host', bytes: () => readFileSync(at('web2.report')), code: 'report.key' },
    ];
    // Of each case one: a run costs more than a verification.
    const firsts = new Map(attacksOf(web1, web2).map((attack) => [attack.name.slice(0, '[case J07]'.length), attack]));
    const attacks = [...firsts.values(), ...more];
    for (const { name, bytes, code } of attacks) {
      writeFileSync(at('web1.report'), bytes());
      assert.equal((await vigie(folder.path, ['run', '--now', 'web1'], { program: BUNDLE })).stderr, '');
      assert.equal(results('web1/report').at(-1)?.[1], code, name);
      assert.deepEqual(rest(), before, name);
    }
    assert.equal(results('web1/report').length, attacks.length + 2);
  });

  const thousands = () => ({ at: seconds(), list: Array.from({ length: 2000 }, () => ({ mount: '/' })) });

  it('[T1] [T4] whatever the numbers and words of one host, the pages of all are written, and nothing is made but pages', async () => {
    const types = ['alive', 'apt-indices', 'clock', 'disk', 'load', 'mail-queue', 'memory', 'plugin', 'processes', 'puppet'];
    const checks = [...types, 'reboot-required', 'swap', 'systemd', 'upgrades']
      .map((type) => `${type}: { type: ${type} }`)
      .join(', ');
    writeFileSync(at('conf.d/web1.yaml'), hostFile().replace('memory: { type: memory, attempts: 3 }', checks));
    const words = [
      '__proto__',
      '../../../etc/x',
      '<script>alert(1)</script>\r\nBcc: all@example.org',
      '',
      '/\u200b',
      '/',
      'x'.repeat(1000),
    ];
    const fill = (field: FactField, number: number, turn: number): unknown => {
      if (field.kind === 'count' || field.kind === 'time' || field.kind === 'decimal') return number;
      if (field.kind === 'text') return words[turn % words.length];
      if (field.kind === 'word') return field.words[turn % field.words.length];
      if (field.kind === 'flag') return turn % 2 === 0;
      return field.kind === 'names' ? words : words.map((_, i) => fillAll(field.fields, number, turn + i));
    };
    const fillAll = (fields: FactFields, number: number, turn: number): Record<string, unknown> =>
      Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, fill(field, number, turn)]));
    const names = () => readdirSync(at('site/private'), { recursive: true }).toSorted();
    for (const [turn, number] of [seconds(), Number.MAX_SAFE_INTEGER, 8_640_000_000_001, 0].entries()) {
      seq = Math.max(seq + 1, seconds());
      const created = new Date(seconds() * 1000).toISOString().replace('.000', '');
      const at0 = turn === 3 ? seconds() : number;
      const facts = Object.fromEntries(
        Object.entries(FACTS).map(([name, { fields }]) => [name, { at: at0, ...fillAll(fields, number, turn) }]),
      );
      writeFileSync(at('web1.report'), signedReport(web1, { seq, created, facts, boot: words[turn] ?? '', agent: words[2] ?? '' }));
      const { code, stderr } = await vigie(folder.path, ['run', '--now', '*'], { program: BUNDLE });
      assert.deepEqual([code, stderr], [0, ''], String(number));
      assert.deepEqual(results('web1/report').at(-1), ['OK', null, null]);
      assert.doesNotMatch(names().join('\n'), /script|etc|proto|xxx/);
      const bad = names().filter(
        (name) => name.toString().endsWith('.html') && /<script/.test(readFileSync(at(`site/private/${name}`), 'utf8')),
      );
      assert.deepEqual(bad, []);
    }
    for (const { content } of readMaildir(at('state/mail'))) assert.doesNotMatch(content, /^Bcc:/im);
  });

  it('[W2] [W3] what Puppet changed just before stands in the mail, and a reboot in the events', async () => {
    const site = await Target.start();
    writeFileSync(
      at('conf.d/web1.yaml'),
      `${hostFile()}services:\n  site: { host: web1, checks: { page: { type: http, url: "${site.url}" } } }\n`,
    );
    const say = (puppet: Record<string, unknown>, boot: string) => {
      seq = Math.max(seq + 1, seconds());
      const created = new Date(seconds() * 1000).toISOString().replace('.000', '');
      const facts = {
        memory: { at: seconds(), total: 1000, available: 900, swap_total: 0, swap_free: 0 },
        uptime: { at: seconds(), seconds: 1 },
        puppet: { ...FULL_FACTS.puppet, at: seconds(), ...puppet },
      };
      writeFileSync(at('web1.report'), signedReport(web1, { seq, created, boot, facts }));
    };
    try {
      say({ last_run: seconds() - 4000, changed: 0 }, 'first');
      await run();
      say({ last_run: seconds() - 240, changed: 3 }, 'second');
      site.status = 503;
      await run();
      const mails = readMaildir(at('state/mail'));
      const mail = mails.find(({ subject }) => subject.includes('PROBLEM site/page'));
      assert.match(mail?.content ?? '', /after (it was booted|Puppet applied 3 changes)/);
      assert.deepEqual(
        rows<{ note: string }>('SELECT note FROM changes ORDER BY note').map(({ note }) => note),
        ['Puppet applied 3 changes', 'it was booted'],
      );
      const page = readFileSync(at('site/private/hosts/web1.html'), 'utf8');
      assert.match(page, /Changed lately.*it was booted.*Puppet applied 3 changes/s);
      // A watch window is open: the next run looks at all of the host, without being told to.
      const again = JSON.parse((await vigie(folder.path, ['run', '--json'], { program: BUNDLE })).stdout) as {
        checks: { due: number };
      };
      assert.ok(again.checks.due >= 2);
      site.status = 200;
      say({ last_run: seconds() - 240, changed: 3 }, 'second');
      await run();
      const [event] = rows<{ reason: string; told: number }>("SELECT reason, told FROM events WHERE kind = 'reboot'");
      assert.match(event?.reason ?? '', /^web1 was booted at \d\d:\d\d: all \d checks are back$/);
      assert.equal(event?.told, 0);
    } finally {
      await site.stop();
    }
  });
});
