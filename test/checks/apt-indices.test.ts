import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import indices from '../../checks/apt-indices.ts';
import { AT, DAY, HOUR, judge } from '../support/derived.ts';

const look = (updated: number | null) => judge(indices, { apt: { at: AT - DAY, updated, upgrades: 0, security: 0, held: 0 } });

describe('apt-indices', () => {
  for (const { name, updated, state, output } of [
    { name: 'hours ago', updated: AT - 5 * HOUR, state: 'OK', output: 'apt-get update worked 5 h ago' },
    {
      name: 'three days ago',
      updated: AT - 3 * DAY,
      state: 'WARNING',
      output: /^apt-get update worked 3 days ago, warning above 2 days \(age\)$/,
    },
    {
      name: 'eight days ago',
      updated: AT - 8 * DAY,
      state: 'CRITICAL',
      output: /^apt-get update worked 8 days ago, critical above 7 days \(age\)$/,
    },
    { name: 'never', updated: null, state: 'CRITICAL', output: 'no sign that apt-get update ever worked' },
    { name: 'in the future', updated: AT + DAY, state: 'UNKNOWN', output: /ahead of now: whose clock is wrong\?$/ },
  ]) {
    it(`[K5] an update that last worked ${name} is ${state}`, async () => {
      const seen = await look(updated);
      assert.equal(seen.state, state);
      if (typeof output === 'string') assert.equal(seen.output, output);
      else assert.match(seen.output, output);
    });
  }
});
