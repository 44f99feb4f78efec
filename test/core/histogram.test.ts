import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { addToHistogram, type Histogram, percentiles } from '../../src/core/histogram.ts';

describe('percentiles', () => {
  it('[F1] a percentile is within 2.5 % of the exact nearest rank', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0.0005, max: 300, noNaN: true }), { minLength: 1, maxLength: 300 }),
        fc.constantFrom(0.5, 0.95, 0.99),
        (values, q) => {
          const histogram: Histogram = [];
          for (const value of values) addToHistogram(histogram, value);
          const exact = [...values].sort((a, b) => a - b)[Math.ceil(q * values.length) - 1] ?? 0;
          const found = percentiles([histogram], [q])[0] ?? 0;
          assert.ok(Math.abs(found - exact) / exact <= 0.026, `${found} is not ${exact}`);
        },
      ),
    );
  });

  it('[F1] no observations have no percentile', () => {
    assert.deepEqual(percentiles([[]], [0.5]), [null]);
  });
});
