import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import swap from '../../checks/swap.ts';
import { AT, HOUR, judge } from '../support/derived.ts';

const memory = { total: 8e9, available: 6e9 };

describe('swap', () => {
  for (const { name, fact, state, output } of [
    { name: 'little of it', fact: { swap_total: 2 ** 30, swap_free: 2 ** 29 }, state: 'OK', output: '50 % of 1 GiB used' },
    {
      name: 'much',
      fact: { swap_total: 1000, swap_free: 100 },
      state: 'WARNING',
      output: '90 % of 1000 B used, warning above 80 % (used)',
    },
    {
      name: 'nearly all',
      fact: { swap_total: 1000, swap_free: 0 },
      state: 'CRITICAL',
      output: '100 % of 1000 B used, critical above 95 % (used)',
    },
    { name: 'none at all', fact: { swap_total: 0, swap_free: 0 }, state: 'OK', output: 'no swap' },
  ]) {
    it(`[K3] ${name} is ${state}`, async () => {
      const seen = await judge(swap, { memory: { ...memory, ...fact } });
      assert.deepEqual([seen.state, seen.output], [state, output]);
    });
  }

  it('[K3] what was seen long before the report says nothing of now', async () => {
    const seen = await judge(swap, { memory: { at: AT - 4 * HOUR, ...memory, swap_total: 0, swap_free: 0 } });
    assert.deepEqual(
      [seen.state, seen.code, seen.output],
      ['UNKNOWN', 'report.fact_stale', 'memory: seen 4 h before the report, expected 3 h'],
    );
  });
});
