import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import memory from '../../checks/memory.ts';
import { codeOf, runCheck } from '../support/check.ts';
import { testContext } from '../support/context.ts';
import { reportOf } from '../support/host-report.ts';

const look = (fact: object | undefined) =>
  runCheck(memory, {}, { ...testContext(), report: reportOf(fact === undefined ? {} : { memory: fact }) });

describe('memory', () => {
  it('[K3] says the share that programs can no longer get', async () => {
    const at = 1_795_291_200;
    const seen = await look({ at, total: 8 * 1024 ** 3, available: 1024 ** 3, swap_total: 0, swap_free: 0 });
    assert.deepEqual(seen, {
      kind: 'measured',
      output: '87.5 % of 8 GiB used, 1 GiB available',
      metrics: { used: 87.5, available: 1024 ** 3, total: 8 * 1024 ** 3 },
    });
  });

  it('[K3] an old fact is said with its age', async () => {
    const seen = await look({ at: 1_795_291_200 - 7200, total: 1024, available: 1024, swap_total: 0, swap_free: 0 });
    assert.match(seen.output, /^0 % of 1 KiB used, 1 KiB available, 2 h before the report$/);
  });

  it('[K3] a machine that cannot say is UNKNOWN, with its reason, and so is an agent that knows no memory', async () => {
    const seen = await look({ unavailable: 'no /proc' });
    assert.deepEqual([seen.kind, codeOf(seen), seen.output], ['unknown', 'report.fact', 'memory: no /proc']);
    assert.equal((await look(undefined)).output, 'the report has no memory: agent 1.0');
    assert.equal(codeOf(await runCheck(memory, {}, testContext())), 'report.none');
  });
});
