import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PRIORITIES, type Priority } from '../../src/core/configuration.ts';
import type { Item } from '../../src/core/item.ts';
import { checkOf, contactOf } from '../support/model.ts';
import {
  countProblems,
  DAY,
  HOUR,
  hostChecks,
  itemFor,
  linesOf,
  MINUTE,
  MONDAY,
  NIGHT,
  recoveryOf,
  Teller,
  WORK,
} from '../support/telling.ts';

describe('the budget of a recipient', () => {
  /** Hosts that are not quiet, so that nothing passes. */
  function busy(number: number): { teller: Teller; problem(i: number, now: number): Item } {
    const checks = Array.from({ length: number }, (_, i) => hostChecks(`h${i}`, 2)).flat();
    const teller = new Teller(checks);
    teller.step(
      MONDAY,
      checks.filter((_, i) => i % 2 === 1).map((check) => itemFor(check, MONDAY, { state: 'WARNING' })),
    );
    return {
      teller,
      problem: (i, now) => {
        const check = checks[2 * i];
        assert.ok(check !== undefined);
        return itemFor(check, now);
      },
    };
  }

  it('[T2] six messages, then one for every half hour; what is delayed is merged and nothing is dropped', () => {
    const { teller, problem } = busy(100);
    const sent: number[] = [];
    for (let minute = 1; minute <= 90; minute += 1) {
      const now = MONDAY + minute * MINUTE;
      for (const { items } of teller.step(now, [problem(minute, now)])) sent.push(items.length);
    }
    assert.deepEqual(sent, [1, 1, 1, 1, 1, 25, 30, 30]);
    const items = teller.messages.flatMap((message) => message.items).filter(({ state }) => state === 'CRITICAL');
    assert.equal(items.length, 90);
  });

  it('[T2] when nothing more happens, the run asks for itself to be woken when the token is there', () => {
    const { teller, problem } = busy(20);
    for (let i = 1; i <= 8; i += 1) teller.step(MONDAY + i * MINUTE, [problem(i, MONDAY + i * MINUTE)]);
    assert.equal(teller.last?.nextAt, MONDAY + 30 * MINUTE);
    assert.equal(teller.waitUntil(MONDAY + 29 * MINUTE).length, 0);
    assert.equal(linesOf(teller.waitUntil(MONDAY + 30 * MINUTE)).length, 3);
  });

  it('[T2] the first hard CRITICAL of a host that had no item for 24 h passes, and takes along what waits', () => {
    const { teller, problem } = busy(20);
    const quiet = checkOf({ id: 'quiet/alive', host: 'quiet', service: null });
    teller.configuration.checks.push(quiet);
    for (let i = 1; i <= 8; i += 1) teller.step(MONDAY + i * MINUTE, [problem(i, MONDAY + i * MINUTE)]);
    const now = MONDAY + 9 * MINUTE;
    const [message] = teller.step(now, [itemFor(quiet, now)]);
    assert.equal(message?.items.length, 4);
    assert.equal(message?.items.find(({ check }) => check === 'quiet/alive')?.isFresh, true);
    assert.deepEqual(teller.bag.held, []);
    const again = now + HOUR / 4;
    assert.deepEqual(teller.step(again, [itemFor(quiet, again)]), []);
  });

  it('[T2] its WARNING does not pass', () => {
    const { teller, problem } = busy(20);
    const quiet = checkOf({ id: 'quiet/alive', host: 'quiet', service: null });
    teller.configuration.checks.push(quiet);
    for (let i = 1; i <= 8; i += 1) teller.step(MONDAY + i * MINUTE, [problem(i, MONDAY + i * MINUTE)]);
    assert.deepEqual(teller.step(MONDAY + 9 * MINUTE, [itemFor(quiet, MONDAY, { state: 'WARNING' })]), []);
  });

  it('[T2] what joins a message that never left costs none', () => {
    const { teller, problem } = busy(40);
    teller.unsent.add('sysadmins@example.org');
    for (let i = 1; i <= 30; i += 1) assert.equal(teller.step(MONDAY + i * MINUTE, [problem(i, MONDAY + i * MINUTE)]).length, 1);
    teller.unsent.clear();
    assert.equal(teller.step(MONDAY + 31 * MINUTE, [problem(31, MONDAY + 31 * MINUTE)]).length, 1);
  });

  it('[H1] an address in several contacts is told once', () => {
    const check = checkOf({ contacts: ['a', 'b'] });
    const contacts = { a: contactOf('a', ['x@example.org', 'y@example.org']), b: contactOf('b', ['X@example.org']) };
    const teller = new Teller([check], { contacts });
    assert.deepEqual(linesOf(teller.step(MONDAY, [itemFor(check, MONDAY)])), [
      'x: problem website/front-page CRITICAL',
      'y: problem website/front-page CRITICAL',
    ]);
  });
});

describe('priorities and hours', () => {
  const cases: { priority: Priority; state: 'CRITICAL' | 'WARNING'; told: string }[] = [
    { priority: 'critical', state: 'CRITICAL', told: 'at once' },
    { priority: 'critical', state: 'WARNING', told: 'at once' },
    { priority: 'high', state: 'CRITICAL', told: 'at once' },
    { priority: 'high', state: 'WARNING', told: 'when its hours begin' },
    { priority: 'medium', state: 'CRITICAL', told: 'when its hours begin' },
    { priority: 'medium', state: 'WARNING', told: 'when its hours begin' },
    { priority: 'low', state: 'CRITICAL', told: 'in the digest' },
    { priority: 'low', state: 'WARNING', told: 'in the digest' },
  ];
  for (const { priority, state, told } of cases) {
    it(`[H6] outside of the contact's hours a ${state} of priority ${priority} is told ${told}`, () => {
      const check = checkOf({ priority });
      const contacts = { sysadmins: { ...contactOf('sysadmins'), periods: WORK } };
      const teller = new Teller([check], { contacts });
      const now = teller.step(NIGHT, [itemFor(check, NIGHT, { state })]).length;
      const morning = countProblems(teller.waitUntil(NIGHT + 10 * HOUR));
      const digest = countProblems(teller.waitUntil(NIGHT + 11 * HOUR));
      assert.deepEqual([now, morning, digest], told === 'at once' ? [1, 0, 0] : told === 'in the digest' ? [0, 0, 1] : [0, 1, 0]);
    });
  }

  it('[H6] within its hours only low waits, for the digest', () => {
    for (const priority of PRIORITIES) {
      const check = checkOf({ priority });
      const teller = new Teller([check], { contacts: { sysadmins: { ...contactOf('sysadmins'), periods: WORK } } });
      assert.equal(teller.step(MONDAY, [itemFor(check, MONDAY)]).length, priority === 'low' ? 0 : 1, priority);
    }
  });

  it('[H6] a recovery outside of the hours is told at once for priority critical only', () => {
    for (const priority of ['critical', 'high', 'medium'] as const) {
      const check = checkOf({ priority });
      const teller = new Teller([check], { contacts: { sysadmins: { ...contactOf('sysadmins'), periods: WORK } } });
      const item = itemFor(check, MONDAY);
      teller.step(MONDAY, [item]);
      assert.equal(teller.step(NIGHT, [recoveryOf(item, NIGHT)]).length, priority === 'critical' ? 1 : 0, priority);
      const later = teller
        .waitUntil(NIGHT + 10 * HOUR)
        .flatMap(({ items }) => items)
        .filter(({ kind }) => kind === 'recovery');
      assert.equal(later.length, priority === 'critical' ? 0 : 1, priority);
    }
  });

  it('[H6] a problem that came and went at night is in the morning one message with both', () => {
    const check = checkOf();
    const teller = new Teller([check], { contacts: { sysadmins: { ...contactOf('sysadmins'), periods: WORK } } });
    const item = itemFor(check, NIGHT);
    teller.step(NIGHT, [item]);
    teller.step(NIGHT + HOUR, [recoveryOf(item, NIGHT + HOUR)]);
    assert.equal(teller.last?.withheld[0]?.because, 'period');
    assert.deepEqual(
      teller.waitUntil(NIGHT + 10 * HOUR).map(({ items }) => items.map(({ kind }) => kind)),
      [['problem', 'recovery']],
    );
  });

  it('[H6] what makes vigie blind is told at any hour', () => {
    const teller = new Teller([checkOf()], { contacts: { sysadmins: { ...contactOf('sysadmins'), periods: WORK } } });
    const whole = (kind: Item['kind']): Item => ({
      ...itemFor(checkOf(), NIGHT),
      kind,
      check: null,
      host: null,
      state: null,
      facts: null,
    });
    assert.equal(teller.step(NIGHT, [whole('isolated')]).length, 1);
    assert.equal(teller.step(NIGHT + MINUTE, [whole('config')]).length, 0);
  });

  it('[H6] a rota tells whoever is in charge, and the recovery goes to exactly who was told', () => {
    const rota = {
      members: ['anna', 'bert'],
      every: { count: 1, unit: 'week' as const },
      since: '2026-11-23',
      handover: { weekday: 1, minutes: 540 },
    };
    const contacts = { anna: contactOf('anna'), bert: contactOf('bert'), duty: { ...contactOf('duty', []), rota } };
    const check = checkOf({ contacts: ['duty'] });
    const teller = new Teller([check], { contacts, contactsForAll: [] });
    const item = itemFor(check, MONDAY);
    assert.deepEqual(linesOf(teller.step(MONDAY, [item])), ['anna: problem website/front-page CRITICAL']);
    const next = MONDAY + 7 * DAY;
    assert.deepEqual(
      linesOf(teller.step(next, [recoveryOf(item, next)])).filter((line) => line.includes('recovery')),
      ['anna: recovery website/front-page OK'],
    );
    assert.deepEqual(linesOf(teller.step(next + HOUR, [itemFor(check, next + HOUR)])), [
      'bert: problem website/front-page CRITICAL',
    ]);
  });
});
