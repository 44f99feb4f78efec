import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import puppet from '../../checks/puppet.ts';
import { AT, DAY, HOUR, judge } from '../support/derived.ts';

const FACT = {
  last_run: AT - 600,
  version: '1',
  result: 'unchanged',
  changed: 0,
  failed: 0,
  enabled: true,
  message: '',
  running: false,
};

describe('puppet', () => {
  for (const { name, fact, state, code, output } of [
    { name: 'a run that changed nothing', fact: {}, state: 'OK', code: '', output: 'last run 10 min ago changed nothing' },
    {
      name: 'a run that changed something',
      fact: { result: 'changed', changed: 3 },
      state: 'OK',
      code: '',
      output: 'last run 10 min ago changed 3 resources',
    },
    {
      name: 'a run that is going on',
      fact: { running: true },
      state: 'OK',
      code: '',
      output: 'last run 10 min ago changed nothing, running now',
    },
    {
      name: 'a run that hangs: the one before is too old',
      fact: { running: true, last_run: AT - 3 * HOUR },
      state: 'WARNING',
      code: 'threshold.age',
      output: 'last run 3 h ago changed nothing, running now, warning above 2 h (age)',
    },
    {
      name: 'failed resources',
      fact: { result: 'failed', failed: 1, changed: 2 },
      state: 'WARNING',
      code: 'threshold.failed',
      output: 'last run 10 min ago failed in 1 resource, warning above 0 (failed)',
    },
    {
      name: 'a run that applied nothing',
      fact: { result: 'failed' },
      state: 'CRITICAL',
      code: 'puppet.no_catalogue',
      output: 'last run 10 min ago applied nothing: no catalogue',
    },
    {
      name: 'a run of days ago',
      fact: { last_run: AT - 3 * DAY },
      state: 'CRITICAL',
      code: 'threshold.age',
      output: 'last run 3 days ago changed nothing, critical above 1 day (age)',
    },
    {
      name: 'an agent that never ran',
      fact: { result: 'never', last_run: null },
      state: 'WARNING',
      code: 'puppet.never',
      output: 'never ran',
    },
    {
      name: 'the first run',
      fact: { result: 'never', last_run: null, running: true },
      state: 'UNKNOWN',
      code: 'puppet.first',
      output: 'the first run is going on',
    },
    {
      name: 'an agent that somebody switched off, however long ago it ran',
      fact: { enabled: false, message: 'anna: moving to the new rack', last_run: AT - 3 * DAY },
      state: 'WARNING',
      code: 'puppet.disabled',
      output: 'switched off: anna: moving to the new rack, last run 3 days ago changed nothing',
    },
    {
      name: 'one that was switched off before it ever ran',
      fact: { enabled: false, result: 'never', last_run: null },
      state: 'WARNING',
      code: 'puppet.disabled',
      output: 'switched off without a word, never ran',
    },
    {
      name: 'a last run in the future',
      fact: { last_run: AT + HOUR },
      state: 'UNKNOWN',
      code: 'puppet.future',
      output: "Puppet's last run lies 1 h ahead of now: whose clock is wrong?",
    },
  ]) {
    it(`[K4] [case J21] ${name} is ${state}`, async () => {
      const seen = await judge(puppet, { puppet: { ...FACT, ...fact } });
      assert.deepEqual([seen.state, seen.code, seen.output], [state, code, output]);
    });
  }

  it('[K4] a machine without Puppet is UNKNOWN, with the reason', async () => {
    const seen = await judge(puppet, { puppet: { unavailable: 'Puppet is not installed' } });
    assert.deepEqual([seen.state, seen.output], ['UNKNOWN', 'puppet: Puppet is not installed']);
  });
});
