import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import queue from '../../checks/mail-queue.ts';
import { AT, HOUR, judge } from '../support/derived.ts';

describe('mail-queue', () => {
  for (const { name, fact, state, output } of [
    { name: 'empty', fact: { total: 0, oldest: null }, state: 'OK', output: 'the queue is empty' },
    { name: 'short', fact: { total: 1, oldest: AT - HOUR }, state: 'OK', output: '1 mail waits, the oldest for 1 h' },
    { name: 'long', fact: { total: 101, oldest: null }, state: 'WARNING', output: '101 mails wait, warning above 100 (waiting)' },
    {
      name: 'very long',
      fact: { total: 1001, oldest: AT },
      state: 'CRITICAL',
      output: '1001 mails wait, the oldest for 0 s, critical above 1000 (waiting)',
    },
  ]) {
    it(`[K25] a queue that is ${name} is ${state}`, async () => {
      const seen = await judge(queue, { mail_queue: fact });
      assert.deepEqual([seen.state, seen.output], [state, output]);
    });
  }

  it('[K25] how long the oldest waits is a metric', async () => {
    assert.deepEqual((await judge(queue, { mail_queue: { total: 2, oldest: AT - 60 } })).metrics, { waiting: 2, oldest: 60 });
  });
});
