import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PRIORITIES, type Priority } from '../../src/core/configuration.ts';
import { countEarly, isDueInDigest, nextEarly, REMINDERS } from '../../src/core/reminder.ts';

const HOUR = 3_600_000;
const TOLD = Date.UTC(2026, 10, 23, 14, 0);
const dayOf = (offset: number) => new Date(TOLD + offset * 24 * HOUR).toISOString().slice(0, 10);

/** Days after the telling on which a digest holds a reminder, of those before `until`. */
function days(priority: Priority, until = 40): number[] {
  const found: number[] = [];
  for (let day = 0; day < until; day += 1) {
    if (isDueInDigest(REMINDERS[priority], TOLD, { today: dayOf(day), since: dayOf(day - 1), zone: 'UTC' })) found.push(day);
  }
  return found;
}

describe('reminders of what nobody acknowledged', () => {
  const expected: Record<Priority, number[]> = {
    critical: Array.from({ length: 39 }, (_, i) => i + 1),
    high: [1, 2, 4, 8, 15, 22, 29, 36],
    medium: [1, 2, 4, 8, 15, 22, 29, 36],
    low: [7, 14, 21, 28, 35],
  };
  for (const priority of PRIORITIES) {
    it(`[W1] priority ${priority} is in the digest on days ${expected[priority].slice(0, 8).join(', ')} ...`, () =>
      assert.deepEqual(days(priority), expected[priority]));
  }

  it('[W1] priority critical is told again after 1 h and 4 h, the others are not', () => {
    assert.deepEqual(
      [0.9, 1, 3.9, 4, 50].map((hours) => countEarly(REMINDERS.critical, TOLD, TOLD + hours * HOUR)),
      [0, 1, 1, 2, 2],
    );
    assert.equal(nextEarly(REMINDERS.critical, TOLD, 0), TOLD + HOUR);
    assert.equal(nextEarly(REMINDERS.critical, TOLD, 1), TOLD + 4 * HOUR);
    assert.equal(nextEarly(REMINDERS.critical, TOLD, 2), null);
    for (const priority of ['high', 'medium', 'low'] as const)
      assert.equal(countEarly(REMINDERS[priority], TOLD, TOLD + 99 * HOUR), 0);
  });

  it('[W1] a digest that never came, since nothing ran, is made up for once by the next', () => {
    const { high } = REMINDERS;
    assert.equal(isDueInDigest(high, TOLD, { today: dayOf(7), since: dayOf(2), zone: 'UTC' }), true);
    assert.equal(isDueInDigest(high, TOLD, { today: dayOf(7), since: dayOf(4), zone: 'UTC' }), false);
  });

  it('[W1] days are those of the calendar in the zone: told at 23:30 UTC is the next day in Paris', () => {
    const late = Date.UTC(2026, 10, 23, 23, 30);
    const due = (zone: string) => isDueInDigest(REMINDERS.high, late, { today: '2026-11-24', since: '2026-11-23', zone });
    assert.deepEqual([due('UTC'), due('Europe/Paris')], [true, false]);
  });

  it('[C2] reminders of its own take the place of the priority’s; none is never', () => {
    const own = { after: [2 * 3600, 3 * 86_400], every: 2 * 86_400 };
    const found = Array.from({ length: 10 }, (_, day) => day).filter((day) =>
      isDueInDigest(own, TOLD, { today: dayOf(day), since: dayOf(day - 1), zone: 'UTC' }),
    );
    assert.deepEqual(found, [3, 5, 7, 9]);
    assert.equal(isDueInDigest({ after: [], every: null }, TOLD, { today: dayOf(9), since: dayOf(0), zone: 'UTC' }), false);
  });
});
