import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { availability, countResult, emptyDay, type Tally, toDay, toTallyIndex } from '../../src/core/availability.ts';
import type { Result, Withheld } from '../../src/core/observation.ts';
import { dayBefore, summarisePast, windowFigures } from '../../src/core/past.ts';
import type { State } from '../../src/core/state.ts';
import { newStatus, type Status, toLatest } from '../../src/core/status.ts';
import { describeBar, hourLabels, toDayBar, toHourBar } from '../../src/core/views-bar.ts';

const NOON = Date.UTC(2026, 10, 22, 12, 0, 0);

function resultOf(at: number, state: State, more: { scheduled?: boolean; withheld?: Withheld; time?: number } = {}): Result {
  return {
    check: 'a/b',
    at,
    run: 1,
    state,
    code: '',
    output: '',
    metrics: more.time === undefined ? {} : { time: more.time },
    parts: [],
    scheduled: more.scheduled ?? true,
    withheld: more.withheld ?? null,
    duration: 0,
  };
}

/** Plays results through the counters as `evaluate` does. */
function live(results: Result[], every = 300, planned = false): { status: Status; finished: string[] } {
  let status = newStatus('a/b', results[0]?.at ?? NOON);
  const finished: string[] = [];
  for (const result of results) {
    const counted = countResult(status, result, every);
    finished.push(...counted.finished.map(({ day }) => day));
    status = {
      ...status,
      hours: counted.hours,
      today: counted.today,
      latest: toLatest(result),
      lastScheduledAt: result.scheduled ? result.at : status.lastScheduledAt,
      heldClass: result.scheduled ? toTallyIndex(result.state, result.withheld, planned) : status.heldClass,
    };
  }
  return { status, finished };
}

const minutes = (count: number) => NOON + count * 60_000;

describe('availability', () => {
  it('[F1] a result holds until the next scheduled one', () => {
    const { status } = live([
      resultOf(minutes(0), 'OK'),
      resultOf(minutes(5), 'CRITICAL'),
      resultOf(minutes(10), 'OK'),
      resultOf(minutes(15), 'OK'),
    ]);
    assert.deepEqual(status.today?.tally, [600, 0, 300, 0, 0, 0]);
    assert.equal(availability(status.today?.tally ?? [0, 0, 0, 0, 0, 0]), 2 / 3);
  });

  it('[F1] rechecks do not count: only scheduled results hold', () => {
    const { status } = live([
      resultOf(minutes(0), 'CRITICAL'),
      resultOf(minutes(1), 'OK', { scheduled: false }),
      resultOf(minutes(5), 'OK'),
    ]);
    assert.deepEqual(status.today?.tally, [0, 0, 300, 0, 0, 0]);
    assert.equal(status.today?.results, 2);
  });

  it('[W1] a gap in which the monitor was off is not measured', () => {
    const { status } = live([resultOf(minutes(0), 'OK'), resultOf(minutes(600), 'OK')]);
    assert.deepEqual(status.today?.tally, [600, 0, 0, 0, 0, 0]);
  });

  const classes: { name: string; state: State; withheld?: Withheld; index: number }[] = [
    { name: '[F1] WARNING is available', state: 'WARNING', index: 1 },
    { name: '[F1] UNKNOWN is not measured as CRITICAL', state: 'UNKNOWN', index: 3 },
    { name: '[F1] withheld as unreachable counts as CRITICAL', state: 'CRITICAL', withheld: 'unreachable', index: 2 },
    { name: '[F1] other withheld results are not measured', state: 'CRITICAL', withheld: 'proxy', index: 4 },
  ];
  for (const { name, state, withheld, index } of classes) {
    it(name, () => {
      const { status } = live([
        resultOf(minutes(0), state, withheld === undefined ? {} : { withheld }),
        resultOf(minutes(5), 'OK'),
      ]);
      const expected: Tally = [0, 0, 0, 0, 0, 0];
      expected[index] = 300;
      assert.deepEqual(status.today?.tally, expected);
    });
  }

  it('[F1] an outage inside of a planned downtime is shown apart and counts neither way', () => {
    const results = [resultOf(minutes(0), 'OK'), resultOf(minutes(5), 'CRITICAL'), resultOf(minutes(10), 'OK')];
    const { status } = live(
      [...results, resultOf(minutes(15), 'CRITICAL', { withheld: 'unreachable' }), resultOf(minutes(20), 'OK')],
      300,
      true,
    );
    assert.deepEqual(status.today?.tally, [600, 0, 0, 0, 0, 600]);
    assert.equal(availability(status.today?.tally ?? [0, 0, 0, 0, 0, 0]), 1);
    assert.equal(windowFigures('24h', status, undefined).planned, 600);
    assert.equal(toHourBar(minutes(20), status)[23], 'planned');
    assert.match(describeBar(toHourBar(minutes(20), status), 'hours'), /planned downtime in 1 of 24/);
  });

  it('[F1] nothing measured is null, not 100 %', () => {
    assert.equal(availability([0, 0, 0, 500, 500, 500]), null);
  });

  it('[F1] time over midnight is split between the days, and the finished day is handed out once', () => {
    const late = Date.UTC(2026, 10, 22, 23, 58, 0);
    const { status, finished } = live([resultOf(late, 'OK'), resultOf(late + 300_000, 'CRITICAL'), resultOf(late + 600_000, 'OK')]);
    assert.deepEqual(finished, ['2026-11-22']);
    assert.equal(status.today?.day, '2026-11-23');
    assert.deepEqual(status.today?.tally, [180, 0, 300, 0, 0, 0]);
  });

  it('[case C01] a clock that went back credits nothing and breaks nothing', () => {
    const { status } = live([resultOf(minutes(60), 'OK'), resultOf(minutes(0), 'CRITICAL'), resultOf(minutes(5), 'OK')]);
    assert.deepEqual(status.today?.tally, [0, 0, 300, 0, 0, 0]);
  });

  it('[F1] the 24 hour bar has 24 cells, the current hour last, and shows the worst moment of each', () => {
    const { status } = live([
      resultOf(minutes(-60), 'OK'),
      resultOf(minutes(-55), 'CRITICAL'),
      resultOf(minutes(-50), 'OK'),
      resultOf(minutes(0), 'OK'),
      resultOf(minutes(5), 'OK'),
    ]);
    const bar = toHourBar(minutes(5), status);
    assert.equal(bar.length, 24);
    assert.deepEqual([bar[0], bar[22], bar[23]], ['none', 'critical', 'ok']);
    assert.equal(hourLabels(minutes(5))[22], '11:00 UTC');
  });

  it('[F1] days are those of UTC', () => {
    assert.equal(toDay(Date.UTC(2026, 10, 22, 23, 59, 59)), '2026-11-22');
  });
});

describe('the last 24 hours', () => {
  it('[F1] percentiles are those of the last hours, midnight or not', () => {
    const late = Date.UTC(2026, 10, 22, 23, 50, 0);
    const { status } = live([
      resultOf(late, 'OK', { time: 2 }),
      resultOf(late + 900_000, 'OK', { time: 2 }),
      resultOf(late + 1_200_000, 'OK', { time: 0.1 }),
    ]);
    const { p50, p99 } = windowFigures('24h', status, undefined);
    assert.ok(p50 !== null && Math.abs(p50 - 2) < 0.06, `p50 ${p50}`);
    assert.ok(p99 !== null && Math.abs(p99 - 2) < 0.06, `p99 ${p99}`);
  });

  it('[F1] hours that are over a day old are forgotten', () => {
    const { status } = live([resultOf(minutes(0), 'OK', { time: 2 }), resultOf(minutes(26 * 60), 'OK', { time: 0.1 })]);
    assert.equal(status.hours.length, 1);
    assert.ok((windowFigures('24h', status, undefined).p99 ?? 9) < 0.2);
  });
});

describe('windows over days', () => {
  const today = '2026-11-22';
  const rows = Array.from({ length: 400 }, (_, i) => ({
    ...emptyDay(dayBefore(today, i + 1)),
    tally: [86_400 - 864 * (i === 0 ? 1 : 0), 0, i === 0 ? 864 : 0, 0, 0, 0] as Tally,
  }));
  const past = summarisePast(today, rows);
  const status = { ...newStatus('a/b', 0), today: { ...emptyDay(today), tally: [43_200, 0, 0, 0, 0, 0] as Tally } };

  it('[F1] a window of seven days is today and the six days before', () => {
    const total = 6 * 86_400 + 43_200;
    assert.equal(windowFigures('7d', status, past).availability, (total - 864) / total);
  });

  it('[F1] days beyond the window do not count', () => {
    const old = summarisePast(today, [{ ...emptyDay(dayBefore(today, 7)), tally: [0, 0, 86_400, 0, 0, 0] }]);
    assert.equal(windowFigures('7d', status, old).availability, 1);
    assert.equal(windowFigures('30d', status, old).critical, 86_400);
  });

  it('[F1] the 90 day bar has 90 cells, today last', () => {
    const bar = toDayBar(today, status, past);
    assert.equal(bar.length, 90);
    assert.deepEqual([bar[87], bar[88], bar[89]], ['ok', 'critical', 'ok']);
  });
});
