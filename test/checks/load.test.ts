import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import load from '../../checks/load.ts';
import { judge } from '../support/derived.ts';

const fact = { one: 9, five: 8.5, fifteen: 8, processors: 4 };

describe('load', () => {
  it('[K1] is judged for each processor, by the mean of fifteen minutes', async () => {
    const seen = await judge(load, { load: fact });
    assert.deepEqual([seen.state, seen.output], ['OK', 'load 9 8.5 8 on 4 processors']);
    assert.deepEqual(seen.metrics, { one: 9, five: 8.5, fifteen: 8, per_processor: 2 });
    assert.equal((await judge(load, { load: { ...fact, processors: 3 } })).state, 'WARNING');
    assert.equal((await judge(load, { load: { ...fact, processors: 1 } })).state, 'CRITICAL');
  });

  it('[K1] without a number of processors nothing is judged, and it says so', async () => {
    const seen = await judge(load, { load: { ...fact, processors: 0 } });
    assert.deepEqual([seen.state, seen.output], ['OK', 'load 9 8.5 8 on an unknown number of processors']);
    assert.equal(seen.metrics['per_processor'], undefined);
  });
});
