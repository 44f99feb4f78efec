import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { stateType } from '../../src/core/status.ts';
import { items, play, START, transitions } from '../support/sequence.ts';

describe('the streak rule', () => {
  const stories = [
    {
      name: '[H4] the third failure in a row raises the problem',
      story: 'C C C',
      expected: ['soft CRITICAL', '-', 'problem CRITICAL'],
    },
    { name: '[H4] two failures and an OK are no problem', story: 'C C O', expected: ['soft CRITICAL', '-', 'soft-recovery OK'] },
    {
      name: '[H4] an OK result breaks a streak: two and two are not four',
      story: 'C C O C C',
      expected: ['soft CRITICAL', '-', 'soft-recovery OK', 'soft CRITICAL', '-'],
    },
    {
      name: '[W1] a withheld result neither counts nor breaks a streak',
      story: 'C sC C sO C',
      expected: ['soft CRITICAL', '-', '-', '-', 'problem CRITICAL'],
    },
    {
      name: '[H4] the problem has the worst state of its streak',
      story: 'C W W',
      expected: ['soft CRITICAL', '-', 'problem CRITICAL'],
    },
    {
      name: '[H4] a streak of UNKNOWN alone needs unknown_attempts results',
      story: 'U U U U U U',
      expected: ['soft UNKNOWN', '-', '-', '-', '-', 'problem UNKNOWN'],
    },
    {
      name: '[H4] one WARNING makes a streak of UNKNOWN count like any other',
      story: 'U U W',
      expected: ['soft UNKNOWN', '-', 'problem WARNING'],
    },
    {
      name: '[W1] a result above the state that was told is worse',
      story: 'W W W C',
      expected: ['soft WARNING', '-', 'problem WARNING', 'worse CRITICAL'],
    },
    {
      name: '[W1] getting better without being OK says nothing',
      story: 'C C C W U',
      expected: ['soft CRITICAL', '-', 'problem CRITICAL', '-', '-'],
    },
    {
      name: '[W1] worse is said once',
      story: 'W W W C W C',
      expected: ['soft WARNING', '-', 'problem WARNING', 'worse CRITICAL', '-', '-'],
    },
    {
      name: '[W1] UNKNOWN is not worse than a told WARNING',
      story: 'W W W U',
      expected: ['soft WARNING', '-', 'problem WARNING', '-'],
    },
    {
      name: '[W1] one OK result ends the problem by default',
      story: 'C C C O',
      expected: ['soft CRITICAL', '-', 'problem CRITICAL', 'recovery OK'],
    },
    {
      name: '[W1] a part that newly fails during a problem is worse',
      story: 'C:/ C:/ C:/ C:/ C:/,/var C:/,/var',
      expected: ['soft CRITICAL', '-', 'problem CRITICAL', '-', 'worse CRITICAL', '-'],
    },
  ];
  for (const { name, story, expected } of stories) {
    it(name, () => assert.deepEqual(transitions(play(story)), expected));
  }

  it('[H4] attempts: 1 raises the problem at once', () => {
    assert.deepEqual(transitions(play('C', { check: { attempts: 1 } })), ['problem CRITICAL']);
  });

  it('[H4] a changed attempts is applied at the next result and the streak is kept', () => {
    const [, second] = play('C C');
    assert.equal(second?.status.streak?.length, 2);
    assert.deepEqual(transitions(play('C C C', { check: { attempts: 2 } })).slice(0, 2), ['soft CRITICAL', 'problem CRITICAL']);
  });

  it('[W1] recoveries: 3 waits for three OK results in a row, and a failure between starts again', () => {
    const steps = play('C C C O O C O O O', { check: { recoveries: 3 } });
    assert.deepEqual(transitions(steps), ['soft CRITICAL', '-', 'problem CRITICAL', '-', '-', '-', '-', '-', 'recovery OK']);
  });

  it('[H4] the onset of a problem is the time of the first failure of its streak', () => {
    const steps = play('C C C O');
    assert.equal(steps[2]?.items[0]?.onset, START + 5 * 60_000);
    assert.equal(steps[3]?.items[0]?.onset, START + 5 * 60_000);
  });

  it('[H4] a check is soft until the problem begins and hard while it lasts', () => {
    assert.deepEqual(
      play('C C C W O').map(({ status }) => stateType(status)),
      ['soft', 'soft', 'hard', 'hard', 'hard'],
    );
  });
});

describe('who is told', () => {
  it('[W1] a problem and its recovery are one item each', () => {
    assert.deepEqual(items(play('C C C C C O O')), ['3 problem CRITICAL', '6 recovery OK']);
  });

  it('[W1] a check that has never been OK is not told of for two hours, then once for its host', () => {
    const steps = play('C '.repeat(30), { isNew: true });
    assert.deepEqual(items(steps), ['25 new CRITICAL']);
    assert.equal(steps[24]?.items[0]?.host, 'web1');
    assert.equal(steps[24]?.items[0]?.check, null);
  });

  it('[W1] a problem that nobody was told of ends without a word', () => {
    assert.deepEqual(items(play('C C C O', { isNew: true })), []);
  });

  it('[W1] the recovery of a check that was told as new goes to those who were told', () => {
    assert.deepEqual(items(play(`${'C '.repeat(25)}O`, { isNew: true })), ['25 new CRITICAL', '26 recovery OK']);
  });

  it('[W1] a check that breaks after its first OK is told like any other', () => {
    assert.deepEqual(items(play('O C C C', { isNew: true })), ['4 problem CRITICAL']);
  });
});
