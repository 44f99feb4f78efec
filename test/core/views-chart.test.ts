import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseRange } from '../../src/core/range.ts';
import { type ChartSeries, describeLimits, describeRange, roundUp, toChart } from '../../src/core/views-chart.ts';

function seriesOf(values: ChartSeries['values'], more: Partial<ChartSeries> = {}): ChartSeries {
  const labels = values.map((_, i) => `day ${i + 1}`);
  return {
    title: 'Time',
    unit: 's',
    layers: ['p50', 'p95', 'p99'],
    said: 1,
    say: (value) => `95 of 100 within ${value}`,
    values,
    labels,
    threshold: undefined,
    ends: [labels[0] ?? '', labels.at(-1) ?? ''],
    ...more,
  };
}

describe('the scale of a chart', () => {
  const rows: { name: string; value: number; unit: 's' | 'B' | ''; expected: number }[] = [
    { name: 'nothing stays nothing', value: 0, unit: 's', expected: 0 },
    { name: 'a step of 1, 2, 2.5 or 5', value: 0.21, unit: 's', expected: 0.25 },
    { name: 'a value on a step stays', value: 0.5, unit: 's', expected: 0.5 },
    { name: 'the next power of ten', value: 7, unit: '', expected: 10 },
    { name: 'large numbers', value: 123_456, unit: '', expected: 200_000 },
    { name: 'sizes go in their binary unit', value: 14_540, unit: 'B', expected: 20 * 1024 },
    { name: 'a size below one unit', value: 300, unit: 'B', expected: 500 },
  ];
  for (const { name, value, unit, expected } of rows) it(`[H2] ${name}`, () => assert.equal(roundUp(value, unit), expected));
});

describe('a chart', () => {
  it('[H2] has columns of three heights in hundredths of a scale that is good to read, and a gap where nothing was measured', () => {
    const chart = toChart(seriesOf([[0.1, 0.2, 0.4], null, [0.2, 0.25, 0.5]]));
    assert.deepEqual(chart?.columns, [[20, 40, 80], null, [40, 50, 100]]);
    assert.deepEqual(chart?.ticks, [
      { at: 0, words: '0 ms' },
      { at: 50, words: '250 ms' },
      { at: 100, words: '500 ms' },
    ]);
  });

  it('[H2] says in words what it shows: the range, the most and when, and what was lately', () => {
    const chart = toChart(
      seriesOf([
        [0.1, 0.2, 0.4],
        [0.2, 0.25, 1.5],
        [0.15, 0.2, 0.3],
      ]),
    );
    assert.equal(chart?.words, 'Time: p50 between 100 ms and 200 ms, p99 at most 1.5 s (day 2)');
    assert.equal(chart?.legend, '95 of 100 within 200 ms');
  });

  it('[H2] shows a near threshold as a line and says a far one in words', () => {
    const threshold = { warning: parseRange('1s', 's'), critical: parseRange('60s', 's') };
    const chart = toChart(
      seriesOf(
        [
          [0.1, 0.2, 0.4],
          [0.2, 0.25, 0.5],
        ],
        { threshold },
      ),
    );
    assert.deepEqual(chart?.limits, [{ at: 100, class: 'warning', words: 'warning 1 s' }]);
    assert.equal(chart?.beyond, 'critical above 60 s');
  });

  it('[H2] a lower threshold is a line as well, and no line stands on zero', () => {
    const threshold = { warning: parseRange('14:', 'd'), critical: parseRange('7:', 'd') };
    const chart = toChart(
      seriesOf(
        [
          [30, 30, 30],
          [20, 20, 20],
        ],
        { unit: 'd', threshold },
      ),
    );
    assert.deepEqual(
      chart?.limits.map(({ at, words }) => [at, words]),
      [
        [28, 'warning 14 days'],
        [14, 'critical 7 days'],
      ],
    );
  });

  it('[H2] a share is drawn on a scale of 100 unless it is always small', () => {
    const top = (most: number) =>
      toChart(
        seriesOf(
          [
            [1, 1, most],
            [1, 1, most],
          ],
          { unit: '%' },
        ),
      )?.ticks.at(-1)?.words;
    assert.deepEqual([top(64), top(3)], ['100 %', '5 %']);
  });

  it('[H2] values below zero have their place below', () => {
    const chart = toChart(
      seriesOf(
        [
          [-1, 0, 1],
          [0, 0, 1],
        ],
        { unit: '' },
      ),
    );
    assert.deepEqual(
      chart?.ticks.map(({ words }) => words),
      ['-1', '0', '1'],
    );
    assert.deepEqual(chart?.columns[0], [0, 50, 100]);
  });

  for (const { name, values } of [
    { name: 'nothing', values: [null, null] },
    { name: 'one column', values: [null, [1, 1, 1] as const] },
  ])
    it(`[H2] is not drawn of ${name}`, () => assert.equal(toChart(seriesOf([...values])), null));

  it('[H2] a value too small for its place is seen all the same', () => {
    assert.deepEqual(
      toChart(
        seriesOf([
          [0, 0, 0.0001],
          [1, 1, 1],
        ]),
      )?.columns[0],
      [0, 0, 1],
    );
  });
});

describe('thresholds in words', () => {
  const rows: { range: string; expected: string }[] = [
    { range: '2s', expected: 'above 2 s' },
    { range: '14:', expected: 'below 14 s' },
    { range: '10:20', expected: 'outside 10 s to 20 s' },
    { range: '@10:20', expected: 'inside 10 s to 20 s' },
    { range: '~:5', expected: 'above 5 s' },
    { range: '@14:', expected: 'from 14 s on' },
  ];
  for (const { range, expected } of rows)
    it(`[H2] ${range} is ${expected}`, () => assert.equal(describeRange(parseRange(range, 's'), 's'), expected));
  it('[H2] both ranges of a metric stand together', () => {
    assert.equal(
      describeLimits({ warning: parseRange('80%', '%'), critical: parseRange('90%', '%') }, '%'),
      'warning above 80 %, critical above 90 %',
    );
    assert.equal(describeLimits({ warning: null, critical: null }, ''), '');
  });
});
