import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { keepFleet } from '../../src/fleet.ts';
import { openHistory, openHistoryForReading } from '../../src/store/database.ts';
import { readFleetHistory, readFleetMark, readMonthFacts } from '../../src/store/fleet.ts';
import { globalFile, installation, vigie } from '../support/cli.ts';
import { FULL_FACTS, signedReport, testHost } from '../support/host-report.ts';
import { configurationOf } from '../support/model.ts';
import { temporaryFolder } from '../support/server.ts';

const DAY = 86_400_000;

describe('the fleet in a run', () => {
  const hosts = [testHost('web1'), testHost('web2')];
  let folder: { path: string; remove: () => void };
  const at = (...names: string[]) => join(folder.path, ...names);

  beforeEach(() => {
    const fleet = 'fleet:\n  inventory: [{ title: Puppet, file: puppet-hosts }, { title: LDAP, file: none }]\n';
    const lines = hosts.map(
      ({ name, line }) =>
        `  ${name}: { labels: { role: web }, report: { file: ${name}.report, keys: ["${line}"] }, checks: { load: { type: load } } }`,
    );
    folder = installation(globalFile('maildir:state/mail', fleet), { 'hosts.yaml': `hosts:\n${lines.join('\n')}\n` });
    writeFileSync(at('puppet-hosts'), '# written by Puppet\nweb1.example.org\nweb9.example.org # new\n\n');
    mkdirSync(at('incidents'));
    const now = Math.floor(Date.now() / 1000);
    const created = new Date(now * 1000).toISOString().replace('.000', '');
    for (const host of hosts) {
      const facts = { os: { ...FULL_FACTS.os, at: now }, load: { ...FULL_FACTS.load, at: now } };
      writeFileSync(at(`${host.name}.report`), signedReport(host, { seq: now, created, facts }));
    }
    const front = `---\ntitle: "x"\nstarted: ${created}\nended:\nreported_by: "anna"\n---\n`;
    writeFileSync(at('incidents', '2026-a.md'), front);
    writeFileSync(at('incidents', '2026-b.md'), front.replace('anna', 'vigie'));
    writeFileSync(at('incidents', '2020-c.md'), front.replace(created, '2020-01-01T00:00:00Z'));
  });
  afterEach(() => folder.remove());

  it('[F4] is counted with the first run, stands on its pages with the next, and is told as text', async () => {
    assert.equal((await vigie(folder.path, ['run'])).code, 0);
    assert.equal((await vigie(folder.path, ['run', '--now', '*'])).code, 0);
    const page = readFileSync(at('site', 'private', 'fleet.html'), 'utf8');
    assert.match(page, /<th scope="row">By role<\/th><td class="said">2 web<\/td>/);
    assert.match(page, /in Puppet 2, LDAP not readable \(ENOENT\), monitored 2/);
    assert.match(page, /missing: web9\.example\.org/);
    const month = new Date().toISOString().slice(0, 7);
    assert.ok(page.includes(`href="reports/${month}.html"`));
    assert.match(readFileSync(at('site', 'private', 'reports', `${month}.html`), 'utf8'), /debian 13 trixie/);
    assert.match(readFileSync(at('site', 'private', 'index.html'), 'utf8'), /href="fleet\.html"/);
    const { code, stdout } = await vigie(folder.path, ['report']);
    assert.equal(code, 0);
    assert.match(stdout, /^Test, \d{4}-\d\d\n\nHosts\n {2}Hosts: +2\n/);
    assert.match(stdout, /Others reported first: +1 of 2 incidents/);
    assert.match(stdout, /Mean load: +0\.22 \(2 hosts\)/);
    const json = JSON.parse((await vigie(folder.path, ['report', '--month', month, '--json'])).stdout) as { days: unknown[] };
    assert.equal(json.days.length, 1);
  });

  it('[F4] a month that is none, and one without a count, are told apart', async () => {
    await vigie(folder.path, ['run']);
    const wrong = await vigie(folder.path, ['report', '--month', 'May']);
    assert.deepEqual([wrong.code, wrong.stderr.includes('expected a month such as 2026-11')], [2, true]);
    const none = await vigie(folder.path, ['report', '--month', '2001-01']);
    assert.match(none.stderr, /nothing was counted in 2001-01, expected one of \d{4}-\d\d/);
  });

  it('[F5] an inventory without a source, or with two, is a mistake', async () => {
    const text = readFileSync(at('vigie.yaml'), 'utf8').replace('file: none', 'file: none, check: a/b');
    writeFileSync(at('vigie.yaml'), text);
    const { code, stdout, stderr } = await vigie(folder.path, ['config', 'check']);
    assert.notEqual(code, 0);
    assert.match(stdout + stderr, /fleet\.inventory: LDAP needs one source, expected either file or check/);
  });
});

describe('the history of the fleet', () => {
  it('[F3] has a row for each day, one day counted twice is one, and only the newest keep their counters', () => {
    const folder = temporaryFolder();
    const now = Date.UTC(2026, 9, 30, 12);
    const { database } = openHistory(folder.path, now);
    const configuration = configurationOf([], { timezone: 'Europe/Paris' });
    for (const after of [0, 1, 1.2, 2, 3]) keepFleet(database, configuration, { statuses: new Map(), now: now + after * DAY });
    const { days, months } = readFleetHistory(database);
    assert.deepEqual(
      days.map(({ day, counters }) => [day, counters !== undefined]),
      [
        ['2026-10-30', false],
        ['2026-10-31', false],
        ['2026-11-01', true],
        ['2026-11-02', true],
      ],
    );
    assert.deepEqual(Object.keys(months), ['2026-10', '2026-11']);
    const mark = readFleetMark(database);
    assert.deepEqual([mark?.day, mark?.months], ['2026-11-02', ['2026-10', '2026-11']]);
    assert.equal(mark?.nextAt, Date.parse('2026-11-03T00:00:00+01:00'));
    database.close();
    folder.remove();
  });

  it('[W4] [F4] mails, and the time from a failure to its mail and on to its acknowledgement, are medians of what was told', () => {
    const folder = temporaryFolder();
    const now = Date.UTC(2026, 10, 2);
    const { database } = openHistory(folder.path, now);
    const minute = 60_000;
    const message = database.prepare(
      `INSERT INTO messages (message, recipient, transport, message_id, subject, content, created_at, state, next_at, sent_at)
       VALUES (?, 'a@example.org', 'x', ?, '', '', ?, ?, 0, ?)`,
    );
    const item = database.prepare(
      `INSERT INTO items (run, at, kind, subject, check_id, onset, reason, contact, recipient, priority, content, message)
       VALUES (?, ?, ?, ?, ?, ?, '', 'x', 'a@example.org', 'high', '', ?)`,
    );
    const ack = database.prepare(`INSERT INTO acknowledgements (check_id, at, until, author, note) VALUES (?, ?, 0, 'anna', '')`);
    [2, 4, 60].forEach((minutes, i) => {
      const check = `web/c${i}`;
      message.run(i, `m${i}`, now, 'sent', now + minutes * minute);
      item.run(i, now + minute, 'problem', check, check, now, i);
    });
    message.run(9, 'm9', now, 'failed', null);
    ack.run('web/c0', now + 11 * minute);
    // This one was over before anybody said anything.
    item.run(9, now + 2 * minute, 'recovery', 'web/c1', 'web/c1', now, 1);
    ack.run('web/c1', now + 5 * minute);
    const facts = readMonthFacts(database, now - DAY, now + DAY);
    assert.deepEqual([facts.sent, facts.failed, facts.toMail, facts.mailed], [3, 1, 240, 3]);
    assert.deepEqual([facts.toAck, facts.acked], [600, 1]);
    assert.deepEqual(facts.noisiest[0], { check: 'web/c1', items: 2 });
    assert.equal(readMonthFacts(database, now + DAY, now + 2 * DAY).sent, 0);
    database.close();
    const reading = openHistoryForReading(folder.path);
    assert.ok(reading !== null);
    assert.deepEqual(readFleetHistory(reading), { days: [], months: {} });
    reading.close();
    folder.remove();
  });
});
