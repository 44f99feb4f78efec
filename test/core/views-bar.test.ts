import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Latest } from '../../src/core/status.ts';
import { newStatus } from '../../src/core/status.ts';
import { describeBar, toDayBar, toHourBar } from '../../src/core/views-bar.ts';

const NOW = Date.parse('2026-11-22T14:05:00Z');
const MINUTE = 60_000;

function statusWith(latest: Partial<Latest>) {
  return {
    ...newStatus('web/front', NOW),
    latest: {
      at: NOW,
      run: 1,
      state: 'OK' as const,
      code: '',
      output: 'HTTP 200',
      metrics: {},
      parts: [],
      withheld: null,
      duration: 0.1,
      scheduled: true,
      ...latest,
    },
  };
}

describe('the last cell of a bar', () => {
  const rows: { name: string; latest: Partial<Latest>; hour: string; day: string }[] = [
    { name: 'shows the first result, though no time has passed that could be counted', latest: {}, hour: 'ok', day: 'ok' },
    { name: 'shows a first failure', latest: { state: 'CRITICAL' }, hour: 'critical', day: 'critical' },
    { name: 'shows what was not judged as such', latest: { withheld: 'proxy' }, hour: 'skipped', day: 'skipped' },
    { name: 'shows nothing of an earlier hour', latest: { at: NOW - 6 * MINUTE }, hour: 'none', day: 'ok' },
    { name: 'shows nothing of an earlier day', latest: { at: NOW - 15 * 60 * MINUTE }, hour: 'none', day: 'none' },
  ];
  for (const { name, latest, hour, day } of rows) {
    it(`[H2] ${name}`, () => {
      const status = statusWith(latest);
      assert.deepEqual([toHourBar(NOW, status).at(-1), toDayBar('2026-11-22', status, undefined).at(-1)], [hour, day]);
      assert.deepEqual(new Set(toHourBar(NOW, status).slice(0, -1)), new Set(['none']));
    });
  }

  it('[H2] what time was counted in it stands before what was seen last', () => {
    const hour = Math.floor(NOW / (60 * MINUTE));
    const status = {
      ...statusWith({}),
      hours: [[hour, 200, 0, 100, 0, 0, 0, []] as ReturnType<typeof newStatus>['hours'][number]],
    };
    assert.equal(toHourBar(NOW, status).at(-1), 'critical');
  });

  it('[H2] a bar that has only just begun says in words what it has not measured', () => {
    assert.equal(describeBar(toHourBar(NOW, statusWith({})), 'hours'), 'last 24 hours: always OK, nothing measured in 23');
    assert.equal(describeBar(toHourBar(NOW, undefined), 'hours'), 'last 24 hours: nothing measured');
  });
});
