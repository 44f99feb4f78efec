import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Unit } from '../../src/core/observation.ts';
import { breaksRange, evaluateThreshold, formatRange, parseBounds, parseRange, sayBound } from '../../src/core/range.ts';
import { UnitError } from '../../src/core/unit.ts';

const TABLE: { name: string; unit: Unit; inside: number[]; outside: number[] }[] = [
  { name: '10', unit: '', inside: [0, 10], outside: [-1, 10.1] },
  { name: '10:', unit: '', inside: [10, 1e9], outside: [9.9, -1] },
  { name: '~:10', unit: '', inside: [-1e9, 10], outside: [10.1] },
  { name: '10:20', unit: '', inside: [10, 20], outside: [9, 21] },
  { name: '@10:20', unit: '', inside: [9, 21], outside: [10, 20] },
  { name: '-0', unit: '', inside: [0], outside: [0.1] },
  { name: '-5:5', unit: '', inside: [-5, 5], outside: [-6, 6] },
  { name: '2s', unit: 's', inside: [0, 2], outside: [2.1] },
  { name: '500ms', unit: 's', inside: [0.5], outside: [0.51] },
  { name: '14d:', unit: 'd', inside: [14, 400], outside: [13.9, -3] },
  { name: '80%', unit: '%', inside: [80], outside: [81] },
  { name: '1KiB:2KiB', unit: 'B', inside: [1024, 2048], outside: [1023, 2049] },
];

test('[C2] a value outside of its range, or inside of an inverted one, breaks the threshold', () => {
  for (const row of TABLE) {
    const range = parseRange(row.name, row.unit);
    for (const value of row.inside) assert.equal(breaksRange(value, range), false, `${row.name} with ${value}`);
    for (const value of row.outside) assert.equal(breaksRange(value, range), true, `${row.name} with ${value}`);
  }
});

test('[C2] a formatted range reads back as the same range', () => {
  for (const row of TABLE) {
    const range = parseRange(row.name, row.unit);
    assert.deepEqual(parseRange(formatRange(range, row.unit), row.unit), range, row.name);
  }
  assert.equal(formatRange({ min: 14, max: null, inverted: false }, 'd'), '14d:');
  assert.equal(formatRange({ min: 0, max: 2, inverted: false }, 's'), '2s');
});

test('[C2] critical is asked before warning, and a missing level never breaks', () => {
  const threshold = { warning: parseRange('14:'), critical: parseRange('7:') };
  assert.equal(evaluateThreshold(20, threshold), 'OK');
  assert.equal(evaluateThreshold(10, threshold), 'WARNING');
  assert.equal(evaluateThreshold(3, threshold), 'CRITICAL');
  assert.equal(evaluateThreshold(3, { warning: null, critical: null }), 'OK');
});

test('[C2] bounds by name are inclusive and either may be missing', () => {
  assert.deepEqual(parseBounds({ min: '14d' }, 'd'), { min: 14, max: null, inverted: false });
  assert.deepEqual(parseBounds({ max: '80%' }, '%'), { min: null, max: 80, inverted: false });
});

test('[W1] an end of a range is said exactly, in a unit that a tired reader need not divide', () => {
  const said = (
    [
      [129_600, 's'],
      [86_400, 's'],
      [5400, 's'],
      [0.5, 's'],
      [3, 'd'],
      [1, 'd'],
      [85, '%'],
      [524_288_000, 'B'],
      [10, ''],
      [-5, 's'],
    ] as const
  ).map(([value, unit]) => sayBound(value, unit));
  assert.deepEqual(said, ['36 h', '1 day', '90 min', '500 ms', '3 days', '1 day', '85 %', '500 MiB', '10', '-5']);
});

test('[C2] a range with a foreign unit, three ends, no end or its ends swapped is refused', () => {
  for (const text of ['', ':', ':10', '1:2:3', '@', '~', '20:10', '80%', '5s', 'x', '10 :20', '0x10', '1e3']) {
    assert.throws(() => parseRange(text, ''), UnitError, text);
  }
});

test('[C2] whatever is written, a range is parsed or refused with the parser’s own error', () => {
  const text = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.stringMatching(/^@?[~0-9.:smhd%KMGiB-]{0,20}$/));
  fc.assert(
    fc.property(text, fc.constantFrom<Unit>('', 's', 'B', '%', 'd'), (value, unit) => {
      try {
        const range = parseRange(value, unit);
        assert.deepEqual(parseRange(formatRange(range, ''), ''), range);
      } catch (error) {
        assert.ok(error instanceof UnitError, String(error));
      }
    }),
    { numRuns: 3000 },
  );
});
