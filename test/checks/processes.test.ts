import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import processes from '../../checks/processes.ts';
import { judge } from '../support/derived.ts';

describe('processes', () => {
  it('[K1] are counted; many zombies are a WARNING', async () => {
    const seen = await judge(processes, { processes: { total: 143, zombies: 2 } });
    assert.deepEqual([seen.state, seen.output, seen.metrics], ['OK', '143 processes, 2 zombies', { total: 143, zombies: 2 }]);
    const many = await judge(processes, { processes: { total: 143, zombies: 21 } });
    assert.deepEqual([many.state, many.code], ['WARNING', 'threshold.zombies']);
    const one = await judge(processes, { processes: { total: 1, zombies: 1 } });
    assert.equal(one.output, '1 process, 1 zombie');
  });
});
