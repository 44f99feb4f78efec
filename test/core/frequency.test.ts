import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { stateType } from '../../src/core/status.ts';
import { items, play, START } from '../support/sequence.ts';

const O = (number: number) => 'O '.repeat(number);
const SIX_OF_20 = 'C O O C O O C O O C O O C O O C';

describe('failures that never come enough in a row', () => {
  const stories = [
    { name: '[H5] six of twenty results make it frequent', story: SIX_OF_20, expected: ['16 frequent CRITICAL'] },
    { name: '[H5] five of twenty do not', story: `C O O C O O C O O C O O C ${O(20)}`, expected: [] },
    {
      name: '[H5] six in a window of more than twenty do not',
      story: 'C O O O C O O O C O O O C O O O C O O O C',
      expected: [],
    },
    { name: '[H5] the state is the worst of the counted ones', story: 'C O W O W O W O W O W', expected: ['11 frequent CRITICAL'] },
    { name: '[H5] UNKNOWN results are no failures', story: 'U O U O U O U O U O U O U', expected: [] },
    {
      name: '[H5] six failures of two streaks are one burst, not a frequency: three streaks at least',
      story: 'C C O C C O O',
      expected: [],
    },
    {
      name: '[H5] six failures of three streaks are enough',
      story: 'C C O C C O C C',
      expected: ['8 frequent CRITICAL'],
    },
    {
      name: '[H5] a streak that became HARD does not count, nor does what began inside its problem',
      story: 'C C C O C O C O C O C O',
      expected: ['3 problem CRITICAL', '4 recovery OK'],
    },
    {
      name: '[H4] a result that completes the attempts is a problem, not a frequency',
      story: 'C C O C C O C W W',
      expected: ['8 frequent CRITICAL'],
    },
    {
      name: '[H5] withheld results are skipped by the window',
      story: 'C sO sO sO sO sO sO sO sO sO sO sO sO sO sO sO O C O C O C O C O C',
      expected: ['26 frequent CRITICAL'],
    },
  ];
  for (const { name, story, expected } of stories) it(name, () => assert.deepEqual(items(play(story)), expected));

  it('[H5] its onset is the first counted failure, and it is HARD', () => {
    const steps = play(SIX_OF_20);
    assert.equal(steps[15]?.items[0]?.onset, START + 5 * 60_000);
    assert.equal(steps[15]?.items[0]?.reason, '6 of the last 20 results failed, never enough in a row');
    const status = steps[15]?.status;
    assert.ok(status);
    assert.equal(stateType(status), 'hard');
  });

  it('[H5] only the frequency rule ends it: half of the failures left, and the last attempts OK', () => {
    // The sixth failure is result 16: with 13 more the window of 20 holds the last three of them.
    const steps = play(`${SIX_OF_20} ${O(20)}`);
    assert.deepEqual(items(steps), ['16 frequent CRITICAL', '27 recovery OK']);
    assert.equal(steps[26]?.items[0]?.reason, '3 of the last 20 results failed, the last 3 results OK');
  });

  it('[H5] once HARD by frequency every scheduled failure counts as left', () => {
    const steps = play(`${SIX_OF_20} O O C O O C O O C ${O(30)}`);
    const recovery = items(steps).find((item) => item.endsWith('recovery OK'));
    assert.equal(recovery, '36 recovery OK');
  });

  it('[H5] the recovery goes to those who were told', () => {
    const steps = play(`${SIX_OF_20} ${O(20)}`);
    assert.deepEqual(steps[26]?.items[0]?.to, ['sysadmins']);
    assert.equal(steps[26]?.items[0]?.onset, steps[15]?.items[0]?.onset);
  });

  it('[H5] off means never', () => {
    assert.deepEqual(items(play('C O '.repeat(20), { check: { frequency: null } })), []);
  });

  it('[H5] four within a day: the window is time', () => {
    const check = { frequency: { failures: 4, within: 86_400 } };
    const everySix = play('C O C O C O C', { check, minutes: 240 });
    assert.deepEqual(items(everySix), ['7 frequent CRITICAL']);
    assert.equal(everySix[6]?.items[0]?.reason, '4 results within 24 h failed, never enough in a row');
    assert.deepEqual(items(play('C O C O C O C', { check, minutes: 250 })), [], 'the first is older than a day');
  });

  it('[H5] a recheck fills no window', () => {
    assert.deepEqual(items(play('C rO C rO C rO C rO C rO C')), ['11 frequent CRITICAL']);
    assert.deepEqual(items(play('rC O rC O rC O rC O rC O rC O rC')), []);
  });

  it('[H5] a check without failures keeps nothing of all this', () => {
    const steps = play(`C ${O(40)}`, { check: { dailyPattern: false } });
    assert.ok(steps[0]?.status.trouble);
    assert.equal(steps[30]?.status.trouble, undefined);
  });
});
