import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { checkOf, contactOf } from '../support/model.ts';
import { DAY, HOUR, hostChecks, itemFor, linesOf, MINUTE, MONDAY, NIGHT, recoveryOf, Teller, WORK } from '../support/telling.ts';

describe('reminders and escalation', () => {
  const boss = { contacts: { sysadmins: contactOf('sysadmins'), boss: contactOf('boss'), chief: contactOf('chief') } };
  const escalate = [
    { after: 4 * 3600, contacts: ['chief'] },
    { after: 7200, contacts: ['boss'] },
  ];

  it('[W4] each step of escalation comes once, counted from the first telling, and its contacts are told of the recovery', () => {
    const check = checkOf({ escalate, priority: 'high' });
    const teller = new Teller([check], boss);
    const item = itemFor(check, MONDAY);
    teller.step(MONDAY, [item]);
    assert.deepEqual(linesOf(teller.waitUntil(MONDAY + 2 * HOUR - 1)), []);
    assert.deepEqual(linesOf(teller.waitUntil(MONDAY + 2 * HOUR)), ['boss: escalation website/front-page CRITICAL']);
    const [escalation] = teller.messages.at(-1)?.items ?? [];
    assert.equal(escalation?.reason, 'not acknowledged 2h after sysadmins was told');
    assert.deepEqual(linesOf(teller.waitUntil(MONDAY + 5 * HOUR)), ['chief: escalation website/front-page CRITICAL']);
    const over = MONDAY + 6 * HOUR;
    assert.deepEqual(linesOf(teller.step(over, [recoveryOf(item, over)])).sort(), [
      'boss: recovery website/front-page OK',
      'chief: recovery website/front-page OK',
      'sysadmins: recovery website/front-page OK',
    ]);
    assert.equal(Object.keys(teller.state?.told ?? {}).length, 0);
  });

  it('[W4] it counts from when the first contact was told, not from the problem', () => {
    const check = checkOf({ escalate });
    const contacts = { ...boss.contacts, sysadmins: { ...contactOf('sysadmins'), periods: WORK } };
    const teller = new Teller([check], { contacts });
    teller.step(NIGHT, [itemFor(check, NIGHT)]);
    assert.deepEqual(linesOf(teller.waitUntil(NIGHT + 12 * HOUR - 1)), ['sysadmins: problem website/front-page CRITICAL']);
    assert.deepEqual(
      linesOf(teller.waitUntil(NIGHT + 12 * HOUR)).filter((line) => line.includes('boss')),
      ['boss: escalation website/front-page CRITICAL'],
    );
  });

  it('[W4] an acknowledgement holds back both; what is escalated when it ends is told then', () => {
    const check = checkOf({ escalate, priority: 'critical' });
    const teller = new Teller([check], boss);
    teller.step(MONDAY, [itemFor(check, MONDAY)]);
    teller.heldBack.add(check.id);
    assert.deepEqual(linesOf(teller.waitUntil(MONDAY + 3 * HOUR)), []);
    teller.heldBack.delete(check.id);
    assert.deepEqual(linesOf(teller.waitUntil(MONDAY + 3 * HOUR + 10 * MINUTE)), ['boss: escalation website/front-page CRITICAL']);
  });

  it('[W4] priority critical is reminded of after 1 h and 4 h at once, then in each digest', () => {
    const check = checkOf({ priority: 'critical' });
    const teller = new Teller([check]);
    teller.step(MONDAY, [itemFor(check, MONDAY)]);
    const times = teller
      .waitUntil(MONDAY + 3 * DAY)
      .flatMap(({ at, items }) => items.filter(({ kind }) => kind === 'reminder').map(() => (at - MONDAY) / HOUR));
    assert.deepEqual(times, [1, 4, 21, 45, 69]);
  });

  it('[W4] a check that works meanwhile, or is gone, is reminded of no more', () => {
    const check = checkOf({ priority: 'critical' });
    const teller = new Teller([check]);
    teller.step(MONDAY, [itemFor(check, MONDAY)]);
    teller.set(check.id, 'OK', MONDAY + MINUTE);
    assert.deepEqual(linesOf(teller.waitUntil(MONDAY + DAY)), []);
    teller.configuration.checks.length = 0;
    teller.step(MONDAY + DAY);
    assert.deepEqual(teller.state?.told, {});
  });

  it('[W4] of a problem that was told only in a sum nobody is reminded by its name', () => {
    const checks = hostChecks('web1', 6, { priority: 'high' });
    const teller = new Teller(checks);
    teller.step(
      MONDAY,
      checks.map((check) => itemFor(check, MONDAY)),
    );
    const reminders = teller
      .waitUntil(MONDAY + DAY)
      .flatMap(({ items }) => items)
      .filter(({ kind }) => kind === 'reminder');
    assert.equal(reminders.length, 4);
  });

  it('[W4] problems of new checks, which are told together, have reminders from then on', () => {
    const check = checkOf({ priority: 'critical' });
    const teller = new Teller([check]);
    const problem = { onset: MONDAY, told: 'CRITICAL' as const, toldTo: ['sysadmins'], parts: [], okInARow: 0, run: 1 };
    teller.set(check.id, 'CRITICAL', MONDAY);
    const status = teller.statuses.get(check.id);
    assert.ok(status !== undefined);
    teller.statuses.set(check.id, { ...status, problem });
    teller.step(MONDAY, [{ ...itemFor(check, MONDAY), kind: 'new', check: null, facts: null }]);
    assert.deepEqual(linesOf(teller.waitUntil(MONDAY + HOUR)), ['sysadmins: reminder website/front-page CRITICAL']);
  });
});
