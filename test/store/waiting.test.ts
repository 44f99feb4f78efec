import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { Configuration } from '../../src/core/configuration.ts';
import { readMeta } from '../../src/store/history.ts';
import { openOutbox } from '../../src/store/outbox.ts';
import { readWeek } from '../../src/store/week.ts';
import { freshHistory, resultOf, storeRun } from '../support/history.ts';
import { checkOf, configurationOf, contactOf } from '../support/model.ts';

const DAY = 86_400_000;
const HOUR = 3_600_000;
const MINUTE = 60_000;
/** Sunday, 22:00. */
const NIGHT = Date.UTC(2026, 10, 22, 22);
const check = checkOf({ attempts: 1 });
let history: ReturnType<typeof freshHistory>;

beforeEach(() => {
  history = freshHistory(NIGHT);
});
afterEach(() => history.remove());

const see = (state: 'OK' | 'CRITICAL', at: number, configuration: Configuration) =>
  storeRun(history.database, configuration, [resultOf(check.id, state)], at);
const pending = (now: number) =>
  openOutbox(history.database)
    .pendingItems(now)
    .map(({ content }) => content.kind);

describe('what waits in the outbox', () => {
  const periods = [{ days: [1, 2, 3, 4, 5], from: 480, to: 1200 }];
  const office = configurationOf([check], { contacts: { sysadmins: { ...contactOf('sysadmins'), periods } }, contactsForAll: [] });

  it('[H6] is stored with the run, is no mail before its time, and is one from then on', () => {
    see('OK', NIGHT, office);
    see('CRITICAL', NIGHT + MINUTE, office);
    const opens = Date.UTC(2026, 10, 23, 8);
    assert.deepEqual(history.database.prepare('SELECT wait, release_at FROM items').all(), [{ wait: 'period', release_at: opens }]);
    assert.equal(openOutbox(history.database).isAnythingOwed(opens - 1), false);
    assert.deepEqual(pending(opens - 1), []);
    assert.equal(openOutbox(history.database).isAnythingOwed(opens), true);
    assert.deepEqual(pending(opens), ['problem']);
    assert.equal(Number(readMeta(history.database, 'tell_next')), opens);
  });

  it('[H6] does not go to the fallback: nothing failed', () => {
    const fallback = { after: 900, mail: ['phone@example.net'], transport: null };
    const high = checkOf({ attempts: 1, priority: 'high' });
    const contacts = { sysadmins: { ...contactOf('sysadmins', ['a@example.org'], fallback), periods } };
    const configuration = configurationOf([high], { contacts, contactsForAll: [] });
    see('OK', NIGHT, configuration);
    storeRun(history.database, configuration, [resultOf(check.id, 'WARNING')], NIGHT + MINUTE);
    const outbox = openOutbox(history.database);
    const add = (now: number) => outbox.addFallbackItems({ contact: 'sysadmins', after: 900, mail: fallback.mail, now });
    assert.equal(add(NIGHT + 9 * HOUR), 0);
    assert.equal(add(Date.UTC(2026, 10, 23, 8, 15)), 1);
  });

  it('[T2] a message that waits for the budget is moved in the transaction of the run that decides it', () => {
    const checks = Array.from({ length: 20 }, (_, i) => checkOf({ id: `s${i}/page`, host: null, service: `s${i}`, attempts: 1 }));
    const plain = configurationOf(checks, { contactsForAll: [] });
    const set = (i: number, state: 'OK' | 'CRITICAL' | 'WARNING', at: number) =>
      storeRun(history.database, plain, [resultOf(`s${i}/page`, state)], at);
    storeRun(
      history.database,
      plain,
      checks.map(({ id }) => resultOf(id, 'OK')),
      NIGHT,
    );
    const outbox = openOutbox(history.database);
    // Each run's message leaves at once, so that the next one is a further message.
    const send = (now: number) => {
      const items = outbox.pendingItems(now);
      if (items.length === 0) return 0;
      const message = outbox.openMessage(items, { recipient: 'sysadmins@example.org', transport: 'maildir:/x', now });
      outbox.markSent(message, now, '250');
      return items.length;
    };
    const sent: number[] = [];
    for (let i = 0; i < 9; i += 1) {
      const now = NIGHT + (i + 1) * MINUTE;
      set(i, 'WARNING', now);
      sent.push(send(now));
    }
    assert.deepEqual(sent, [1, 1, 1, 1, 1, 1, 0, 0, 0]);
    const { wait, number } = history.database
      .prepare("SELECT wait, count(*) AS number FROM items WHERE message IS NULL AND kind = 'problem'")
      .get() as { wait: string; number: number };
    assert.deepEqual([wait, number], ['budget', 3]);
    // A CRITICAL of a host that was quiet passes and takes along what waits.
    set(15, 'CRITICAL', NIGHT + 10 * MINUTE);
    assert.equal(send(NIGHT + 10 * MINUTE), 4);
  });

  it('[W1] the week is read from the history: problems with their ends, soft failures, messages, runs', () => {
    const three = checkOf();
    const configuration = configurationOf([three], { contactsForAll: [] });
    const states = ['OK', 'CRITICAL', 'OK', 'CRITICAL', 'CRITICAL', 'CRITICAL', 'OK'] as const;
    for (const [i, state] of states.entries()) see(state, NIGHT + i * 5 * MINUTE, configuration);
    const week = readWeek(history.database, NIGHT + HOUR);
    assert.deepEqual(week.problems, [
      { check: check.id, state: 'CRITICAL', onset: NIGHT + 15 * MINUTE, endedAt: NIGHT + 30 * MINUTE },
    ]);
    assert.deepEqual(week.soft, [{ check: check.id, at: NIGHT + 10 * MINUTE }]);
    assert.deepEqual(week.noisiest, [{ check: check.id, items: 2 }]);
    assert.equal(week.runs, 7);
    // It began eight days ago and ended within the week: what it was is not forgotten.
    const later = readWeek(history.database, NIGHT + 27 * MINUTE + 7 * DAY);
    assert.deepEqual(later.problems, week.problems);
    assert.deepEqual(readWeek(history.database, NIGHT + 8 * DAY).problems, []);
  });
});
