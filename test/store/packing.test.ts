import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type PackedResult, packResults, unpackResults } from '../../src/store/packing.ts';

const NOON = Date.UTC(2026, 10, 22, 12, 0, 0);

function day(count: number): PackedResult[] {
  let noise = 1;
  return Array.from({ length: count }, (_, i) => {
    noise = (noise * 48_271) % 2_147_483_647;
    const time = 0.042 + (noise % 10_000) / 1_000_000;
    return { at: NOON + i * 300_000, state: 0, scheduled: true, withheld: null, metrics: { time }, code: '', output: '' };
  });
}

describe('a packed day', () => {
  it('[R1] takes at most two bytes for a result with its state and one metric', () => {
    const results = day(288);
    assert.ok(packResults(results).length / results.length <= 2, `${packResults(results).length} bytes`);
  });

  it('[R4] gives back every result, its numbers to three significant digits', () => {
    const failed: PackedResult = {
      at: NOON + 300_000,
      state: 2,
      scheduled: false,
      withheld: 'proxy',
      metrics: {},
      code: 'proxy.refused',
      output: 'refused',
    };
    const results = [day(1)[0], failed].filter((one) => one !== undefined);
    const back = unpackResults(packResults(results));
    assert.deepEqual(back[1], failed);
    assert.deepEqual({ ...back[0], metrics: {} }, { ...results[0], metrics: {} });
    assert.ok(Math.abs((back[0]?.metrics['time'] ?? 0) - (results[0]?.metrics['time'] ?? 0)) < 0.0001);
  });

  it('[T1] of a machine that names its numbers anew in every result the first hundred are kept, and every result', () => {
    const results = day(1440).map((one, i) => ({
      ...one,
      metrics: Object.fromEntries(Array.from({ length: 20 }, (_, k) => [`n${i}x${k}`, i])),
    }));
    const packed = packResults(results);
    assert.ok(packed.length < 64 * 1024, `${packed.length} bytes`);
    const back = unpackResults(packed);
    assert.deepEqual([back.length, back[4]?.metrics['n4x19'], back[5]?.metrics], [1440, 4, {}]);
  });

  it('[R4] holds for any results', () => {
    const result = fc.record({
      at: fc.integer({ min: 0, max: 4_102_444_800 }).map((seconds) => seconds * 1000),
      state: fc.integer({ min: 0, max: 3 }),
      scheduled: fc.boolean(),
      withheld: fc.constantFrom(null, 'proxy', 'not-run'),
      metrics: fc.dictionary(
        fc.constantFrom('time', 'size', 'constructor'),
        fc.integer({ min: -1_000_000_000_000, max: 1_000_000_000_000 }),
      ),
      code: fc.constant(''),
      output: fc.constant(''),
    });
    fc.assert(
      fc.property(fc.array(result, { maxLength: 50 }), (results) => {
        const plain = results.map((one) => ({ ...one, metrics: { ...one.metrics } }));
        assert.deepEqual(unpackResults(packResults(plain)), plain);
      }),
      { numRuns: 300 },
    );
  });
});
