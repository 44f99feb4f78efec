import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Bucket, nextToken, PER_HOST, PER_RECIPIENT, refill, takeToken } from '../../src/core/budget.ts';

const HOUR = 3_600_000;

/** How many of these tries get a token. */
function granted(times: number[], allowance = PER_RECIPIENT): number {
  let bucket: Bucket | undefined;
  let number = 0;
  for (const time of times) {
    bucket = refill(bucket, allowance, time);
    const left = takeToken(bucket);
    if (left !== null) number += 1;
    bucket = left ?? bucket;
  }
  return number;
}

describe('a bucket', () => {
  it('[T2] a recipient gets six messages at once, then one for every half hour', () => {
    const everyMinute = (minutes: number) => Array.from({ length: minutes }, (_, i) => i * 60_000);
    assert.equal(granted(everyMinute(30)), 6);
    assert.equal(granted(everyMinute(31)), 7);
    assert.equal(granted(everyMinute(61)), 8);
    assert.equal(granted(everyMinute(24 * 60)), 6 + 47);
  });

  it('[T2] a host gets four items, then one for every four hours, and four again after sixteen quiet ones', () => {
    const burst = (at: number) => Array.from({ length: 10 }, () => at);
    assert.equal(granted(burst(0), PER_HOST), 4);
    assert.equal(granted([...burst(0), ...burst(4 * HOUR)], PER_HOST), 5);
    assert.equal(granted([...burst(0), ...burst(16 * HOUR)], PER_HOST), 8);
    assert.equal(granted([...burst(0), ...burst(100 * HOUR)], PER_HOST), 8);
  });

  it('[T2] a clock that went back gives nothing and takes nothing', () => {
    const bucket = { tokens: 2, at: 10 * HOUR };
    assert.deepEqual(refill(bucket, PER_HOST, 9 * HOUR), { tokens: 2, at: 9 * HOUR });
  });

  it('[T2] an empty bucket says when it has a token again', () => {
    const bucket = refill({ tokens: 0, at: 0 }, PER_HOST, 3 * HOUR);
    assert.equal(takeToken(bucket), null);
    assert.equal(nextToken(bucket, PER_HOST), 4 * HOUR);
  });
});
