import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { findTrend } from '../../src/core/trend.ts';

const line = (count: number, value: (at: number) => number) => Array.from({ length: count }, (_, at) => ({ at, value: value(at) }));

describe('a trend', () => {
  it('[F3] is the line of what grows evenly', () => {
    const trend = findTrend(line(10, (at) => 5 + 2 * at));
    assert.deepEqual(trend, { slope: 2, slopeLow: 2, slopeHigh: 2, last: 23 });
  });

  it('[F3] is not bent by outliers', () => {
    const trend = findTrend(line(20, (at) => (at === 3 || at === 12 ? 1000 : at)));
    assert.ok(trend !== null && Math.abs(trend.slope - 1) < 0.01, String(trend?.slope));
  });

  it('[F3] one step is no clear growth: a quarter of the pairs does not rise', () => {
    assert.equal(findTrend(line(20, (at) => (at < 10 ? 0 : 50)))?.slopeLow, 0);
  });

  it('[F3] needs three moments, and takes a selection of very many', () => {
    assert.equal(findTrend(line(2, (at) => at)), null);
    assert.equal(
      findTrend([
        { at: 1, value: 1 },
        { at: 1, value: 2 },
        { at: 1, value: 3 },
      ]),
      null,
    );
    assert.equal(findTrend(line(100_000, (at) => at))?.last, 99_999);
  });
});
