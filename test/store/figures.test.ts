import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { HourRow } from '../../src/core/availability.ts';
import { dailyFigures, hourlyFigures } from '../../src/core/figures.ts';
import { newStatus } from '../../src/core/status.ts';
import { dayLabels } from '../../src/core/views-bar.ts';
import { dayCountersReader, measuredResultsReader } from '../../src/store/figures.ts';
import { freshHistory } from '../support/history.ts';

const NOW = Date.parse('2026-11-22T14:05:00Z');
const HOUR = 3_600_000;

describe('figures for charts', () => {
  it('[H2] days are read from their counters, the last 90 of them, and today from the status', () => {
    const { database, remove } = freshHistory(NOW);
    database.prepare("INSERT INTO checks (number, id, status) VALUES (1, 'web/a', '{}'), (2, 'web/b', '{}')").run();
    const insert = database.prepare("INSERT INTO days VALUES (?, ?, 86000, 0, 300, 0, 0, 288, 1, '[-65,100,-30,2]', ?, 100)");
    const size = (min: number, max: number, sum: number) => JSON.stringify({ size: { min, max, sum, count: 2 } });
    insert.run(1, '2026-11-21', size(10, 30, 40));
    insert.run(1, '2026-08-01', size(1, 1, 2));
    insert.run(2, '2026-11-21', size(7, 7, 14));
    const rows = dayCountersReader(database, '2026-11-22')('web/a');
    assert.deepEqual(
      rows.map(({ day }) => day),
      ['2026-11-21'],
    );
    const today = { ...rows[0], day: '2026-11-22', metrics: { size: { min: 5, max: 5, sum: 5, count: 1 } } };
    const status = { ...newStatus('web/a', 0), today: today as (typeof rows)[number] };
    const figures = dailyFigures(dayLabels('2026-11-22'), rows, status);
    assert.equal(figures.length, 90);
    assert.deepEqual(figures[88]?.metrics.get('size'), [10, 20, 30]);
    assert.deepEqual(figures[88]?.tally, [86_000, 0, 300, 0, 0, 100]);
    assert.deepEqual(figures[89]?.metrics.get('size'), [5, 5, 5]);
    assert.ok((figures[88]?.latency?.[0] ?? 0) < (figures[88]?.latency?.[2] ?? 0), 'p50 below p99');
    assert.equal(figures[87]?.tally, null);
    remove();
  });

  it('[H2] hours are those of the stored results, without what was withheld, and answer times those of the status', () => {
    const { database, remove } = freshHistory(NOW);
    database.prepare("INSERT INTO checks (number, id, status) VALUES (1, 'web/a', '{}')").run();
    const insert = database.prepare("INSERT INTO results VALUES (1, ?, ?, 0, 1, ?, NULL, 'x', ?, NULL, 0.1)");
    insert.run(1, NOW - 60_000, null, '{"size":4,"constructor":1}');
    insert.run(2, NOW - 120_000, null, '{"size":8}');
    insert.run(3, NOW - 180_000, 'isolated', '{"size":900}');
    insert.run(4, NOW - 30 * HOUR, null, '{"size":900}');
    insert.run(5, NOW - 23 * HOUR, null, '{"size":2}');
    const results = measuredResultsReader(database, NOW - 24 * HOUR)('web/a');
    assert.equal(results.length, 3);
    const hour = Math.floor(NOW / HOUR);
    const status = {
      ...newStatus('web/a', 0),
      hours: [[hour, 3000, 0, 600, 0, 0, 0, [-65, 3]] as HourRow],
    };
    const figures = hourlyFigures(NOW, results, status);
    assert.equal(figures.length, 24);
    assert.deepEqual(figures[23]?.metrics.get('size'), [4, 6, 8]);
    assert.deepEqual(figures[23]?.metrics.get('constructor'), [1, 1, 1]);
    assert.deepEqual(figures[23]?.tally, [3000, 0, 600, 0, 0, 0]);
    assert.ok(figures[23]?.latency !== null);
    assert.deepEqual(figures[0]?.metrics.get('size'), [2, 2, 2]);
    assert.deepEqual([figures[5]?.tally, figures[5]?.latency, figures[5]?.metrics.size], [null, null, 0]);
    remove();
  });
});
