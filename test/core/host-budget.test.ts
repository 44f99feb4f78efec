import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Item } from '../../src/core/item.ts';
import { checkOf } from '../support/model.ts';
import { HOUR, hostChecks, itemFor, linesOf, MINUTE, MONDAY, recoveryOf, Teller } from '../support/telling.ts';

describe('the budget of a host', () => {
  it('[T2] four items by name, then one line for every four hours that sums up the others', () => {
    const checks = hostChecks('web1', 40);
    const teller = new Teller(checks);
    const items = checks.map((check) => itemFor(check, MONDAY));
    assert.equal(linesOf(teller.step(MONDAY, items.slice(0, 3))).length, 3);
    assert.equal(linesOf(teller.step(MONDAY + MINUTE, items.slice(3, 30))).length, 1);
    assert.equal(teller.last?.withheld.length, 26);
    assert.deepEqual(new Set(teller.last?.withheld.map(({ because }) => because)), new Set(['budget']));
    assert.deepEqual(teller.step(MONDAY + 3 * HOUR, items.slice(30, 31)), []);
    const [message] = teller.step(MONDAY + 4 * HOUR, items.slice(31, 33));
    assert.deepEqual(
      message?.items.map(({ kind, host, reason, state }) => ({ kind, host, reason, state })),
      [
        {
          kind: 'noisy',
          host: 'web1',
          reason: '28 more changes, 33 checks in trouble, worst: web1/c000 CRITICAL',
          state: 'CRITICAL',
        },
      ],
    );
  });

  it('[T2] a token that dripped in while nothing was left unsaid is an item by its name', () => {
    const checks = hostChecks('web1', 6);
    const teller = new Teller(checks);
    teller.step(
      MONDAY,
      checks.slice(0, 4).map((check) => itemFor(check, MONDAY)),
    );
    const later = MONDAY + 4 * HOUR;
    assert.deepEqual(
      linesOf(
        teller.step(
          later,
          checks.slice(4, 5).map((check) => itemFor(check, later)),
        ),
      ),
      ['sysadmins: problem web1/c004 CRITICAL'],
    );
  });

  it('[T2] the worst comes first to the tokens of a host', () => {
    const checks = hostChecks('web1', 6);
    const teller = new Teller(checks);
    const items = checks.map((check, i) => itemFor(check, MONDAY, { state: i < 4 ? 'WARNING' : 'CRITICAL' }));
    const lines = linesOf(teller.step(MONDAY, items));
    assert.deepEqual(lines.slice(0, 2), ['sysadmins: problem web1/c004 CRITICAL', 'sysadmins: problem web1/c005 CRITICAL']);
    assert.equal(lines.length, 4);
  });

  it('[T2] recoveries cost nothing, and go only to those who were told of the problem by its name', () => {
    const checks = hostChecks('web1', 8);
    const teller = new Teller(checks);
    const items = checks.map((check) => itemFor(check, MONDAY));
    teller.step(MONDAY, items);
    const recoveries = teller.step(
      MONDAY + MINUTE,
      items.map((item) => recoveryOf(item, MONDAY + MINUTE)),
    );
    assert.equal(linesOf(recoveries).length, 4);
    assert.ok(linesOf(recoveries).every((line) => line.startsWith('sysadmins: recovery')));
  });

  it('[T2] a service without a host is its own, and each proxy too', () => {
    const checks = [1, 2, 3].flatMap((n) => [
      ...[0, 1, 2, 3].map((i) => checkOf({ id: `s${n}/c${i}`, host: null, service: `s${n}` })),
      checkOf({ id: `proxy/p${n}`, host: null, service: null }),
    ]);
    const teller = new Teller(checks);
    assert.equal(
      linesOf(
        teller.step(
          MONDAY,
          checks.map((check) => itemFor(check, MONDAY)),
        ),
      ).length,
      15,
    );
  });

  it('[T2] a check of priority critical passes once in 24 h: at first problem or worse to CRITICAL', () => {
    const checks = [...hostChecks('web1', 4), ...hostChecks('web1', 1, { id: 'web1/important', priority: 'critical' })];
    const [important] = checks.slice(-1);
    assert.ok(important !== undefined);
    const teller = new Teller(checks);
    teller.step(
      MONDAY,
      checks.slice(0, 4).map((check) => itemFor(check, MONDAY)),
    );
    const at = (hours: number, more: Partial<Item> = {}) =>
      linesOf(teller.step(MONDAY + hours * HOUR, [itemFor(important, MONDAY + hours * HOUR, more)]));
    assert.deepEqual(at(0.1, { state: 'WARNING' }), []);
    assert.deepEqual(at(0.2, { kind: 'worse' }), ['sysadmins: worse web1/important CRITICAL']);
    assert.deepEqual(at(0.3), []);
    teller.step(
      MONDAY + 23 * HOUR,
      checks.slice(0, 4).map((check) => itemFor(check, MONDAY)),
    );
    assert.deepEqual(
      at(24.3).filter((line) => line.includes('important')),
      ['sysadmins: problem web1/important CRITICAL'],
    );
  });

  it('[T2] what a host left unsaid is no news any more once its bucket is full again', () => {
    const checks = hostChecks('web1', 8);
    const teller = new Teller(checks);
    teller.step(
      MONDAY,
      checks.slice(0, 7).map((check) => itemFor(check, MONDAY)),
    );
    const later = MONDAY + 17 * HOUR;
    const lines = linesOf(
      teller.step(
        later,
        checks.slice(7).map((check) => itemFor(check, later)),
      ),
    );
    assert.deepEqual(lines, ['sysadmins: problem web1/c007 CRITICAL']);
  });

  it('[T2] problems told only in a sum are one line a day in the digest while they last', () => {
    const checks = hostChecks('web1', 8);
    const teller = new Teller(checks);
    teller.step(
      MONDAY,
      checks.map((check) => itemFor(check, MONDAY)),
    );
    const digest = teller.waitUntil(MONDAY + 21 * HOUR);
    const noisy = digest.flatMap(({ items }) => items).filter(({ kind }) => kind === 'noisy');
    assert.deepEqual(
      noisy.map(({ reason }) => reason),
      ['4 problems not told one by one; 8 checks in trouble, worst: web1/c000 CRITICAL'],
    );
  });
});
