import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { Configuration } from '../../src/core/configuration.ts';
import { deliverOutbox, type MailCounts } from '../../src/mail/delivery.ts';
import { openOutbox, readMessages } from '../../src/store/outbox.ts';
import { freshHistory, resultOf, storeRun } from '../support/history.ts';
import { checkOf, configurationOf, contactOf } from '../support/model.ts';
import { ScriptedSmtpServer, type SmtpStep } from '../support/smtp-server.ts';

const NOON = Date.UTC(2026, 10, 22, 12, 0, 0);
const MINUTE = 60_000;
const check = checkOf({ attempts: 1, priority: 'critical' });
let history: ReturnType<typeof freshHistory>;
let server: ScriptedSmtpServer;

beforeEach(async () => {
  history = freshHistory(NOON);
  server = await ScriptedSmtpServer.start();
});
afterEach(async () => {
  await server.stop();
  history.remove();
});

function configure(overrides: Partial<Configuration> = {}): Configuration {
  const base = configurationOf([check], { contactsForAll: [] });
  return { ...base, mail: { ...base.mail, transport: `smtp://127.0.0.1:${server.port}` }, ...overrides };
}

function see(state: 'OK' | 'CRITICAL', at: number, configuration = configure()): void {
  storeRun(history.database, configuration, [resultOf(check.id, state, { output: 'HTTP 503, expected 200' })], at);
}

function deliver(now: number, configuration = configure(), attemptMs = 60_000): Promise<MailCounts> {
  const outside = { secret: () => '', spawn: () => Promise.reject(new Error('no child in this test')), now, attemptMs };
  return deliverOutbox(openOutbox(history.database), configuration, outside);
}

function header(content: string, name: string): string {
  const unfolded = content.slice(0, content.indexOf('\r\n\r\n')).replace(/\r\n[ \t]+/g, ' ');
  return new RegExp(`^${name}: (.*)$`, 'mi').exec(unfolded)?.[1] ?? '';
}

const messageIds = () => server.dots.map(({ content }) => header(content, 'Message-ID'));
const subjects = () => server.received.map(({ content }) => header(content, 'Subject'));

describe('the outbox', () => {
  it('[H1] a problem is mailed once and its recovery answers it in the same thread', async () => {
    see('OK', NOON);
    see('CRITICAL', NOON + 5 * MINUTE);
    assert.deepEqual(await deliver(NOON + 5 * MINUTE), { sent: 1, queued: 0, failed: 0 });
    assert.deepEqual(await deliver(NOON + 6 * MINUTE), { sent: 0, queued: 0, failed: 0 });
    see('OK', NOON + 17 * MINUTE);
    await deliver(NOON + 17 * MINUTE);
    assert.deepEqual(subjects(), [
      '[vigie] PROBLEM website/front-page CRITICAL: HTTP 503, expected 200',
      '[vigie] RECOVERED website/front-page after 12 min',
    ]);
    const [problem, recovery] = server.received;
    assert.equal(header(recovery?.content ?? '', 'References'), header(problem?.content ?? '', 'Message-ID'));
    assert.equal(header(problem?.content ?? '', 'Auto-Submitted'), 'auto-generated');
  });

  const laterSteps: SmtpStep[] = ['MAIL', 'RCPT', 'DATA', 'end-of-data'];
  for (const step of laterSteps) {
    it(`[case O02] a 451 at ${step} is tried again after ten minutes, then after twenty`, async () => {
      see('OK', NOON);
      see('CRITICAL', NOON);
      server.fault = (at) => (at === step ? { answer: '451 4.7.1 greylisted' } : undefined);
      assert.deepEqual(await deliver(NOON), { sent: 0, queued: 1, failed: 0 });
      assert.deepEqual(await deliver(NOON + 9 * MINUTE), { sent: 0, queued: 1, failed: 0 });
      assert.equal(server.connections, 1);
      await deliver(NOON + 10 * MINUTE);
      await deliver(NOON + 29 * MINUTE);
      assert.equal(server.connections, 2);
      server.fault = () => undefined;
      assert.deepEqual(await deliver(NOON + 30 * MINUTE), { sent: 1, queued: 0, failed: 0 });
      assert.equal(new Set(messageIds()).size, 1);
    });

    it(`[case O03] a 550 at ${step} for one recipient fails for that one, is delivered once to the other, and goes to the fallback`, async () => {
      const contacts = {
        sysadmins: contactOf('sysadmins', ['gone@example.org', 'there@example.org'], {
          after: 900,
          mail: ['fallback@example.org'],
          transport: null,
        }),
      };
      const configuration = configure({ contacts });
      see('OK', NOON, configuration);
      see('CRITICAL', NOON, configuration);
      server.fault = (at, { to }) =>
        at === step && (to === 'gone@example.org' || to === '') ? { answer: '550 5.1.1 no such user' } : undefined;
      if (step === 'MAIL') {
        // Before RCPT the server cannot know for whom it is: the first message of the run is the one refused.
        let isFirst = true;
        server.fault = (at) => {
          if (at !== 'MAIL' || !isFirst) return undefined;
          isFirst = false;
          return { answer: '550 5.1.1 no such user' };
        };
      }
      assert.deepEqual(await deliver(NOON, configuration), { sent: 2, queued: 0, failed: 1 });
      assert.deepEqual(await deliver(NOON + MINUTE, configuration), { sent: 0, queued: 0, failed: 0 });
      assert.deepEqual(server.received.map(({ to }) => to).sort(), ['fallback@example.org', 'there@example.org']);
      const failed = readMessages(history.database, 10).filter(({ state }) => state === 'failed');
      assert.deepEqual(
        failed.map(({ recipient, answer }) => [recipient, answer]),
        [['gone@example.org', '550 5.1.1 no such user']],
      );
    });
  }

  const earlySteps = ['connect', 'EHLO'] as const;
  for (const step of earlySteps) {
    it(`[case O02] a 5xx at ${step} says nothing about a recipient: it is tried in every run`, async () => {
      see('OK', NOON);
      see('CRITICAL', NOON);
      server.fault = (at) => (at === step ? { answer: '554 no' } : undefined);
      assert.deepEqual(await deliver(NOON), { sent: 0, queued: 1, failed: 0 });
      server.fault = () => undefined;
      assert.deepEqual(await deliver(NOON + MINUTE), { sent: 1, queued: 0, failed: 0 });
    });
  }

  it('[case O01] a relay that is down is tried once in every run, and twelve hours become one message', async () => {
    see('OK', NOON);
    const { port } = server;
    await server.stop();
    const configuration = configure({ mail: { ...configure().mail, transport: `smtp://127.0.0.1:${port}` } });
    for (let i = 0; i < 12; i += 1) {
      see(i % 2 === 0 ? 'CRITICAL' : 'OK', NOON + i * 60 * MINUTE);
      assert.deepEqual(await deliver(NOON + i * 60 * MINUTE, configuration), { sent: 0, queued: 1, failed: 0 });
    }
    server = await ScriptedSmtpServer.start();
    assert.deepEqual(await deliver(NOON + 12 * 60 * MINUTE), { sent: 1, queued: 0, failed: 0 });
    assert.equal(server.received.length, 1);
    // Twice a problem that came and went; the third time in a day it is unstable, and its changes are told no more.
    assert.equal((server.received[0]?.content.match(/^OVER website\/front-page/gm) ?? []).length, 2);
    assert.equal((server.received[0]?.content.match(/^UNSTABLE website\/front-page/gm) ?? []).length, 1);
  });

  it('[case O07] a problem and its recovery while the relay is down become one line', async () => {
    see('OK', NOON);
    server.fault = (step) => (step === 'connect' ? 'close' : undefined);
    see('CRITICAL', NOON + 5 * MINUTE);
    await deliver(NOON + 5 * MINUTE);
    see('OK', NOON + 10 * MINUTE);
    server.fault = () => undefined;
    await deliver(NOON + 10 * MINUTE);
    assert.deepEqual(subjects(), ['[vigie] OVER website/front-page was CRITICAL for 5 min']);
  });

  it('[case M05] a connection lost before the final dot leaves the message open: later items join it', async () => {
    see('OK', NOON);
    see('CRITICAL', NOON);
    server.fault = (step) => (step === 'DATA' ? 'close' : undefined);
    assert.deepEqual(await deliver(NOON), { sent: 0, queued: 1, failed: 0 });
    see('OK', NOON + 5 * MINUTE);
    server.fault = () => undefined;
    await deliver(NOON + 5 * MINUTE);
    assert.deepEqual(subjects(), ['[vigie] OVER website/front-page was CRITICAL for 5 min']);
  });

  it('[case O04] a 250 that was lost leads to a duplicate with the same bytes and Message-ID, and to nothing else', async () => {
    see('OK', NOON);
    see('CRITICAL', NOON);
    server.fault = (step) => (step === 'end-of-data' ? 'close' : undefined);
    assert.deepEqual(await deliver(NOON), { sent: 0, queued: 1, failed: 0 });
    see('OK', NOON + 5 * MINUTE);
    server.fault = () => undefined;
    await deliver(NOON + 20 * MINUTE);
    const [first, second] = server.dots;
    assert.equal(first?.content, second?.content);
    assert.deepEqual(subjects().sort(), [
      '[vigie] PROBLEM website/front-page CRITICAL: HTTP 503, expected 200',
      '[vigie] RECOVERED website/front-page after 5 min',
    ]);
  });

  for (const [name, fault] of [
    ['a relay that is down', (step: SmtpStep) => (step === 'connect' ? ('close' as const) : undefined)],
    ['a 451', (step: SmtpStep) => (step === 'RCPT' ? { answer: '451 later' } : undefined)],
  ] as const) {
    it(`[case O04] ${name} after a 250 that was lost changes no byte: later items get a message of their own`, async () => {
      see('OK', NOON);
      see('CRITICAL', NOON);
      server.fault = (step) => (step === 'end-of-data' ? 'close' : undefined);
      await deliver(NOON);
      server.fault = fault;
      await deliver(NOON + 10 * MINUTE);
      see('OK', NOON + 15 * MINUTE);
      server.fault = () => undefined;
      await deliver(NOON + 60 * MINUTE);
      const [first, second] = server.dots;
      assert.equal(first?.content, second?.content);
      assert.equal(new Set(messageIds()).size, 2);
      assert.deepEqual(subjects().sort(), [
        '[vigie] PROBLEM website/front-page CRITICAL: HTTP 503, expected 200',
        '[vigie] RECOVERED website/front-page after 15 min',
      ]);
    });
  }

  it('[case O12] what is owed to somebody who left is closed and shown, not mailed', async () => {
    see('OK', NOON);
    see('CRITICAL', NOON);
    const without = configure({ contacts: { sysadmins: contactOf('sysadmins', ['new@example.org']) } });
    assert.deepEqual(await deliver(NOON, without), { sent: 0, queued: 0, failed: 0 });
    assert.equal(
      history.database.prepare('SELECT closed FROM items').pluck().get(),
      'sysadmins@example.org is in no contact any more',
    );
  });

  it('[case O13] a clock that jumped back does not hold mail for more than four hours', async () => {
    see('OK', NOON);
    see('CRITICAL', NOON);
    server.fault = (step) => (step === 'RCPT' ? { answer: '450 later' } : undefined);
    await deliver(NOON);
    server.fault = () => undefined;
    assert.deepEqual(await deliver(NOON - 10 * 60 * MINUTE), { sent: 1, queued: 0, failed: 0 });
  });

  it('[case O01] critical items that are owed for longer than `after` go to the fallback by its own way', async () => {
    const other = await ScriptedSmtpServer.start();
    const fallback = { after: 900, mail: ['phone@example.net'], transport: `smtp://127.0.0.1:${other.port}` };
    const configuration = configure({ contacts: { sysadmins: contactOf('sysadmins', ['a@example.org'], fallback) } });
    see('OK', NOON, configuration);
    see('CRITICAL', NOON, configuration);
    server.fault = (step) => (step === 'connect' ? 'close' : undefined);
    await deliver(NOON + 14 * MINUTE, configuration);
    assert.equal(other.received.length, 0);
    await deliver(NOON + 15 * MINUTE, configuration);
    await deliver(NOON + 16 * MINUTE, configuration);
    assert.deepEqual(
      other.received.map(({ to }) => to),
      ['phone@example.net'],
    );
    await other.stop();
  });

  it('[case O14] five hundred checks that fail at once are one message to each recipient', async () => {
    const checks = Array.from({ length: 500 }, (_, i) => checkOf({ id: `s${i}/check`, host: null, attempts: 1 }));
    const configuration = { ...configure(), checks };
    storeRun(
      history.database,
      configuration,
      checks.map(({ id }) => resultOf(id, 'OK')),
      NOON,
    );
    storeRun(
      history.database,
      configuration,
      checks.map(({ id }) => resultOf(id, 'CRITICAL')),
      NOON + MINUTE,
    );
    assert.deepEqual(await deliver(NOON + MINUTE, configuration), { sent: 1, queued: 0, failed: 0 });
    const [message] = server.received;
    assert.match(header(message?.content ?? '', 'Subject'), /\(\+499 more\)$/);
    assert.match(message?.content ?? '', /and 440 more changes/);
  });

  const hangingSteps: SmtpStep[] = ['connect', 'EHLO', 'MAIL', 'RCPT', 'DATA', 'end-of-data'];
  for (const step of hangingSteps) {
    it(`[case O06] a relay that hangs at ${step} costs one attempt's time and holds nobody else's mail back for ever`, async () => {
      const contacts = { sysadmins: contactOf('sysadmins', ['a@example.org', 'b@example.org']) };
      const configuration = configure({ contacts });
      see('OK', NOON, configuration);
      see('CRITICAL', NOON, configuration);
      server.fault = (at) => (at === step ? 'hang' : undefined);
      const began = performance.now();
      assert.deepEqual(await deliver(NOON, configuration, 250), { sent: 0, queued: 2, failed: 0 });
      assert.ok(performance.now() - began < 50_000);
      const answers = readMessages(history.database, 10).map(({ answer }) => answer);
      assert.ok(
        answers.some((answer) => /^no answer within 0.25 s$|^Greeting never received$/.test(answer)),
        answers.join('; '),
      );
      server.fault = () => undefined;
      const expected = step === 'end-of-data' ? 20 : 1;
      assert.deepEqual(await deliver(NOON + expected * MINUTE, configuration), { sent: 2, queued: 0, failed: 0 });
    });
  }

  it('[case O11] a hundred thousand owed items are one message, within seconds of work and the memory of a run', async () => {
    see('OK', NOON);
    see('CRITICAL', NOON);
    history.database.exec(`
      WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 100000)
      INSERT INTO items (run, at, kind, subject, check_id, host, state, onset, reason, contact, recipient, priority, content)
      SELECT 10 + n, at + n, kind, 'website/c' || (n % 700), 'website/c' || (n % 700), host, state, onset + n, reason, contact, recipient, priority,
        json_set(content, '$.at', at + n, '$.onset', onset + n, '$.check', 'website/c' || (n % 700))
      FROM items JOIN numbers WHERE item = 1`);
    const before = process.memoryUsage().rss;
    const began = process.cpuUsage();
    assert.deepEqual(await deliver(NOON + MINUTE), { sent: 1, queued: 0, failed: 0 });
    const { user, system } = process.cpuUsage(began);
    const [seconds, megabytes] = [(user + system) / 1e6, (process.memoryUsage().rss - before) / 2 ** 20];
    assert.ok(seconds < 20 && megabytes < 200, `${seconds.toFixed(1)} s, ${megabytes.toFixed(0)} MiB`);
    assert.match(subjects()[0] ?? '', /\(\+100000 more\)$/);
    assert.ok((server.received[0]?.content.length ?? 0) < 60_000);
    assert.equal(history.database.prepare('SELECT count(*) FROM items WHERE message IS NULL').pluck().get(), 0);
  });

  it('[H1] a maildir gets each message once, though it is delivered again after it was read', async () => {
    const folder = join(history.state, 'mail');
    const configuration = configure({ mail: { ...configure().mail, transport: `maildir:${folder}` } });
    see('OK', NOON, configuration);
    see('CRITICAL', NOON, configuration);
    assert.deepEqual(await deliver(NOON, configuration), { sent: 1, queued: 0, failed: 0 });
    const [name = ''] = readdirSync(join(folder, 'new'));
    assert.match(readFileSync(join(folder, 'new', name), 'utf8'), /^From: vigie <vigie@example.org>/m);
    mkdirSync(join(folder, 'cur'), { recursive: true });
    renameSync(join(folder, 'new', name), join(folder, 'cur', `${name}:2,S`));
    history.database.exec("UPDATE messages SET state = 'frozen'");
    assert.deepEqual(await deliver(NOON, configuration), { sent: 1, queued: 0, failed: 0 });
    assert.deepEqual(readdirSync(join(folder, 'new')), []);
  });
});
