import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import clock from '../../checks/clock.ts';
import { judge } from '../support/derived.ts';

describe('clock', () => {
  for (const { name, fact, state, output } of [
    { name: 'close', fact: { synchronised: true, offset: -0.00012 }, state: 'OK', output: 'follows another clock, 0.12 ms behind' },
    {
      name: 'not measured',
      fact: { synchronised: true, offset: null },
      state: 'OK',
      output: 'follows another clock, how closely is not known',
    },
    {
      name: 'a second ahead',
      fact: { synchronised: true, offset: 1.24 },
      state: 'WARNING',
      output: 'follows another clock, 1.2 s ahead, warning above 500 ms (offset)',
    },
    {
      name: 'a minute behind',
      fact: { synchronised: true, offset: -60 },
      state: 'CRITICAL',
      output: 'follows another clock, 60 s behind, critical above 10 s (offset)',
    },
    {
      name: 'on its own',
      fact: { synchronised: false, offset: null },
      state: 'WARNING',
      output: 'follows no other clock, expected one',
    },
  ]) {
    it(`[K1] ${name} is ${state}`, async () => {
      const seen = await judge(clock, { clock: fact });
      assert.deepEqual([seen.state, seen.output], [state, output]);
    });
  }
});
