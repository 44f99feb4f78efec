import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { Configuration, Priority } from '../../src/core/configuration.ts';
import { deliverOutbox, type MailCounts } from '../../src/mail/delivery.ts';
import { openOutbox } from '../../src/store/outbox.ts';
import { freshHistory, resultOf, storeRun } from '../support/history.ts';
import { checkOf, configurationOf, contactOf } from '../support/model.ts';
import { randomFrom } from '../support/random.ts';
import { ScriptedSmtpServer } from '../support/smtp-server.ts';

const NOON = Date.UTC(2026, 10, 24, 12);
const MINUTE = 60_000;

let history: ReturnType<typeof freshHistory>;
let relay: ScriptedSmtpServer;
let relayPort: number;

beforeEach(async () => {
  history = freshHistory(NOON);
  relay = await ScriptedSmtpServer.start();
  relayPort = relay.port;
});
afterEach(async () => {
  await relay.stop();
  history.remove();
});

function deliver(configuration: Configuration, now: number): Promise<MailCounts> {
  const outside = { secret: () => '', spawn: () => Promise.reject(new Error('no child in this test')), now, attemptMs: 500 };
  return deliverOutbox(openOutbox(history.database), configuration, outside);
}

function header(content: string, name: string): string {
  const unfolded = content.slice(0, content.indexOf('\r\n\r\n')).replace(/\r\n[ \t]+/g, ' ');
  return new RegExp(`^${name}: (.*)$`, 'mi').exec(unfolded)?.[1] ?? '';
}

describe('a relay that is down for twelve hours', () => {
  it('[H1] with 300 transitions meanwhile: nothing is lost, and one message for each recipient when it is back', async () => {
    const checks = Array.from({ length: 75 }, (_, i) => checkOf({ id: `s${i}/page`, host: null, service: `s${i}`, attempts: 1 }));
    const contacts = { sysadmins: contactOf('sysadmins', ['anna@example.org', 'bert@example.org']) };
    const base = configurationOf(checks, { contacts });
    const configuration = { ...base, mail: { ...base.mail, transport: `smtp://127.0.0.1:${relayPort}` } };
    storeRun(
      history.database,
      configuration,
      checks.map(({ id }) => resultOf(id, 'OK')),
      NOON - 10 * MINUTE,
    );
    await deliver(configuration, NOON - 10 * MINUTE);
    const before = relay.received.length;
    relay.fault = (step) => (step === 'connect' ? 'close' : undefined);
    // Each check fails, recovers, and does both again; which one is next is chance.
    const random = randomFrom(300);
    const left = checks.flatMap((check) => Array.from({ length: 4 }, () => check));
    const seen = new Map<string, number>();
    for (let i = 0; i < 300; i += 1) {
      const [check] = left.splice(Math.floor(random() * left.length), 1);
      assert.ok(check !== undefined);
      const turn = (seen.get(check.id) ?? 0) + 1;
      seen.set(check.id, turn);
      const now = NOON + i * 2.4 * MINUTE;
      storeRun(history.database, configuration, [resultOf(check.id, turn % 2 === 1 ? 'CRITICAL' : 'OK')], now);
      if (i % 10 === 0) assert.equal((await deliver(configuration, now)).sent, 0);
    }
    relay.fault = () => undefined;
    const back = NOON + 12 * 60 * MINUTE;
    assert.deepEqual(await deliver(configuration, back), { sent: 2, queued: 0, failed: 0 });
    const messages = relay.received.slice(before);
    assert.deepEqual(messages.map(({ to }) => to).sort(), ['anna@example.org', 'bert@example.org']);
    const told = history.database
      .prepare(
        "SELECT count(*) FROM items i JOIN messages m ON m.message = i.message WHERE m.state = 'sent' AND i.kind IN ('problem', 'recovery')",
      )
      .pluck()
      .get();
    assert.equal(told, 600);
    // Two problems of each check came and went: 150 lines, of which a message shows 60.
    for (const { content } of messages) {
      assert.match(header(content, 'Subject'), /\(\+149 more\)$/);
      assert.equal((content.match(/^OVER s\d+\/page/gm) ?? []).length, 60);
      assert.match(content, /^and 90 more changes: see the page/m);
    }
    assert.deepEqual(await deliver(configuration, back + 60 * MINUTE), { sent: 0, queued: 0, failed: 0 });
  });
});

describe('our own mail server is what is down', () => {
  it('[H1] the fallback has what is critical and high after 15 minutes, once, and the relay the rest when it is back', async () => {
    const other = await ScriptedSmtpServer.start();
    const check = (name: string, priority: Priority) =>
      checkOf({ id: `mail/${name}`, host: 'mail', service: null, attempts: 1, priority, contacts: ['sysadmins'] });
    const checks = [check('smtp', 'critical'), check('imap', 'high'), check('queue', 'medium')];
    const fallback = { after: 900, mail: ['phone@example.net'], transport: `smtp://127.0.0.1:${other.port}` };
    const base = configurationOf(checks, { contacts: { sysadmins: contactOf('sysadmins', ['a@example.org'], fallback) } });
    const configuration = { ...base, mail: { ...base.mail, transport: `smtp://127.0.0.1:${relayPort}` } };
    storeRun(
      history.database,
      configuration,
      checks.map(({ id }) => resultOf(id, 'OK')),
      NOON - MINUTE,
    );
    await deliver(configuration, NOON - MINUTE);
    relay.fault = (step) => (step === 'connect' ? 'close' : undefined);
    for (let minute = 0; minute <= 60; minute += 1) {
      const now = NOON + minute * MINUTE;
      storeRun(
        history.database,
        configuration,
        checks.map(({ id }) => resultOf(id, minute < 40 ? 'CRITICAL' : 'OK')),
        now,
      );
      await deliver(configuration, now);
      assert.equal(other.received.length, minute < 15 ? 0 : minute < 55 ? 1 : 2, `minute ${minute}`);
    }
    const [problems, recoveries] = other.received.map(({ content }) => content);
    assert.match(header(problems ?? '', 'Subject'), /PROBLEM mail\/smtp CRITICAL: .* \(\+1 more\)/);
    assert.match(problems ?? '', /CRITICAL mail\/imap/);
    assert.doesNotMatch(problems ?? '', /^CRITICAL mail\/queue/m);
    assert.match(header(recoveries ?? '', 'Subject'), /RECOVERED mail\/(smtp|imap) after 40 min \(\+1 more\)/);
    relay.fault = () => undefined;
    assert.equal((await deliver(configuration, NOON + 61 * MINUTE)).sent, 1);
    const last = relay.received.at(-1);
    assert.equal((last?.content.match(/^OVER mail\//gm) ?? []).length, 3);
    await other.stop();
  });
});
