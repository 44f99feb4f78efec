import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import upgrades from '../../checks/upgrades.ts';
import { AT, DAY, HOUR, judge, lookAt } from '../support/derived.ts';
import { NOW } from '../support/host-report.ts';

const FACT = { updated: AT - HOUR, upgrades: 5, security: 2, held: 1 };

describe('upgrades', () => {
  it('[K5] those of security are counted apart, and for how long they wait', async () => {
    const first = await lookAt(upgrades, { apt: FACT });
    assert.equal(first.output, '5 pending, 2 of security, 1 held');
    const later = await judge(upgrades, { apt: FACT }, { memory: first.memory, now: NOW + 2 * HOUR * 1000 });
    assert.deepEqual([later.state, later.output], ['OK', '5 pending, 2 of security for 2 h, 1 held']);
    assert.deepEqual(later.metrics, { pending: 5, security: 2, held: 1, security_for: 2 * HOUR });
  });

  it('[K5] what waits for longer than unattended upgrades take is a WARNING, and once there are none it begins anew', async () => {
    const memory = { since: NOW - 2 * DAY * 1000 };
    const seen = await judge(upgrades, { apt: FACT }, { memory });
    assert.deepEqual([seen.state, seen.code], ['WARNING', 'threshold.security_for']);
    assert.match(seen.output, /of security for 2 days, 1 held, warning above 36 h \(security for\)$/);
    const none = await judge(upgrades, { apt: { ...FACT, security: 0 } }, { memory });
    assert.deepEqual([none.state, none.memory], ['OK', { since: null }]);
  });

  for (const { name, updated, code } of [
    { name: 'old', updated: AT - 4 * DAY, code: 'apt.stale' },
    { name: 'not there', updated: null, code: 'apt.stale' },
    { name: 'of the future', updated: AT + DAY, code: 'apt.future' },
  ]) {
    it(`[K5] with indices that are ${name} it is UNKNOWN, never "0 pending"`, async () => {
      const seen = await judge(upgrades, { apt: { updated, upgrades: 0, security: 0, held: 0 } });
      assert.deepEqual([seen.state, seen.code, seen.metrics], ['UNKNOWN', code, {}]);
      assert.doesNotMatch(seen.output, /0 pending/);
    });
  }
});
