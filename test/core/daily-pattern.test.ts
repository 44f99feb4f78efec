import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Check, Configuration } from '../../src/core/configuration.ts';
import { formatTimeOfDay, shiftDays } from '../../src/core/wall-clock.ts';
import { checkOf, configurationOf } from '../support/model.ts';
import { DAY, describeItems, HOUR, MINUTE, type Seen, Simulation } from '../support/simulate.ts';

const MIDNIGHT = Date.UTC(2026, 5, 1);
const zones = { berlin: 'Europe/Berlin', utc: 'UTC' };

/** Each day from `down` (after local midnight) on, for some minutes, on these days; the check worked the day before the first. */
function simulate(
  days: number[],
  {
    down,
    minutes = 6,
    state = 'CRITICAL' as const,
    ...rest
  }: {
    down: number;
    minutes?: number;
    state?: 'CRITICAL' | 'WARNING' | 'UNKNOWN';
    check?: Partial<Check>;
    configuration?: Partial<Configuration>;
    start?: number;
    until?: number;
    also?(at: number): Seen | null;
  },
): string[] {
  const start = rest.start ?? MIDNIGHT;
  const zone = rest.configuration?.timezone ?? 'UTC';
  const outages = days.map((day) => shiftDays(start + down, day, zone));
  const check = checkOf({ frequency: null, ...rest.check });
  const simulation = new Simulation(configurationOf([check], rest.configuration), start - DAY);
  const isDown = (at: number) => outages.some((from) => at >= from && at < from + minutes * MINUTE);
  const see = (_check: Check, at: number) => rest.also?.(at) ?? (isDown(at) ? state : ('OK' as const));
  simulation.until(shiftDays(start, rest.until ?? 12, zone), { see });
  return describeItems(simulation.items, start);
}

/** The days after the start on which a kind of item came. */
function daysOf(items: string[], kind: string): number[] {
  return items.filter((item) => item.includes(` ${kind} `)).map((item) => Math.floor(Number(item.split(' ')[0]) / 1440));
}

const AT_0410 = 4 * HOUR + 10 * MINUTE;

describe('a service that is down at the same time every day', () => {
  it('[H5] is told as recurring on the fifth day, and its problems no more', () => {
    const items = simulate([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], { down: AT_0410 });
    assert.deepEqual(daysOf(items, 'recurring'), [4]);
    assert.deepEqual(daysOf(items, 'problem'), [0, 1, 2, 3]);
    assert.deepEqual(daysOf(items, 'recovery'), [0, 1, 2, 3]);
  });

  it('[H5] says when and on how many days', () => {
    const check = checkOf({ frequency: null });
    const simulation = new Simulation(configurationOf([check]), MIDNIGHT - DAY);
    const isDown = (at: number) =>
      at >= MIDNIGHT && (at - MIDNIGHT) % DAY >= AT_0410 && (at - MIDNIGHT) % DAY < AT_0410 + 6 * MINUTE;
    simulation.until(MIDNIGHT + 6 * DAY, { see: (_check, at) => (isDown(at) ? 'CRITICAL' : 'OK') });
    const item = simulation.items.find(({ kind }) => kind === 'recurring');
    assert.equal(item?.reason, 'fails daily around 04:10: 5 of 7 days');
    assert.equal(item?.onset, MIDNIGHT + 4 * DAY + AT_0410);
  });

  it('[H5] four of the six days before are enough', () => {
    assert.deepEqual(daysOf(simulate([0, 1, 3, 4, 6], { down: AT_0410 }), 'recurring'), [6]);
    assert.deepEqual(daysOf(simulate([0, 2, 4, 6, 8], { down: AT_0410 }), 'recurring'), []);
  });

  it('[H5] soft failures count as well', () => {
    const items = simulate([0, 1, 2, 3, 4, 5], { down: AT_0410, minutes: 2 });
    assert.deepEqual(items, ['+6010 website/front-page recurring CRITICAL']);
  });

  it('[H5] a quarter of an hour is around it, more is not', () => {
    const shifted = (minutes: number) => {
      const outages = [0, 1, 2, 3].map((day) => day * DAY + AT_0410);
      const last = 4 * DAY + AT_0410 + minutes * MINUTE;
      const check = checkOf({ frequency: null });
      const simulation = new Simulation(configurationOf([check]), MIDNIGHT - DAY);
      const see = (_check: Check, at: number): Seen =>
        [...outages, last].some((from) => at - MIDNIGHT >= from && at - MIDNIGHT < from + MINUTE) ? 'WARNING' : 'OK';
      simulation.until(MIDNIGHT + 5 * DAY, { see });
      return simulation.items.filter(({ kind }) => kind === 'recurring').length;
    };
    assert.equal(shifted(15), 1);
    assert.equal(shifted(-15), 1);
    assert.equal(shifted(20), 0);
    assert.equal(shifted(-20), 0);
  });

  it('[H5] is seen over midnight', () => {
    // 23:55 and 00:05 in turn: each is within a quarter of an hour of the other day's.
    const outages = [0, 1, 2, 3, 4].map((day) => day * DAY + (day % 2 === 0 ? 24 * HOUR - 5 * MINUTE : 24 * HOUR + 5 * MINUTE));
    const simulation = new Simulation(configurationOf([checkOf({ frequency: null })]), MIDNIGHT - DAY);
    const see = (_check: Check, at: number): Seen =>
      outages.some((from) => at - MIDNIGHT >= from && at - MIDNIGHT < from + MINUTE) ? 'CRITICAL' : 'OK';
    simulation.until(MIDNIGHT + 6 * DAY, { see });
    assert.deepEqual(describeItems(simulation.items, MIDNIGHT), ['+7195 website/front-page recurring CRITICAL']);
  });

  for (const [name, day] of [
    ['spring', Date.UTC(2026, 2, 24, 23)],
    ['autumn', Date.UTC(2026, 9, 20, 22)],
  ] as const) {
    it(`[H5] is seen across the change of daylight-saving time in ${name}`, () => {
      const configuration = { timezone: zones.berlin };
      const items = simulate([0, 1, 2, 3, 4, 5, 6, 7], { down: AT_0410, configuration, start: day });
      assert.equal(items.filter((item) => item.includes('recurring')).length, 1);
      assert.equal(items.filter((item) => item.includes('problem')).length, 4);
    });
  }

  it('[H5] UNKNOWN is no failure of the service', () => {
    const items = simulate([0, 1, 2, 3, 4, 5], { down: AT_0410, minutes: 4, state: 'UNKNOWN' });
    assert.deepEqual(items, []);
  });

  it('[H5] a check that fails a quarter of the time has no pattern', () => {
    const always = (at: number): Seen | null => (at >= MIDNIGHT && Math.floor(at / HOUR) % 3 === 0 ? 'CRITICAL' : null);
    const items = simulate([0, 1, 2, 3, 4, 5], { down: AT_0410, also: always });
    assert.deepEqual(daysOf(items, 'recurring'), []);
  });

  it('[H5] while it holds a problem of its time of day waits until it has lasted 30 min', () => {
    const long = (at: number): Seen | null =>
      at >= MIDNIGHT + 6 * DAY + AT_0410 && at < MIDNIGHT + 6 * DAY + AT_0410 + HOUR ? 'CRITICAL' : null;
    const items = simulate([0, 1, 2, 3, 4, 5, 6], { down: AT_0410, also: long, until: 7 });
    const after = items.filter((item) => Number(item.split(' ')[0]) >= 6 * 1440);
    const begin = 6 * 1440 + 250;
    assert.deepEqual(after, [
      `+${begin + 30} website/front-page problem CRITICAL`,
      `+${begin + 60} website/front-page recovery OK`,
    ]);
  });

  it('[H5] a problem of another time of day does not wait', () => {
    const noon = (at: number): Seen | null =>
      at >= MIDNIGHT + 6 * DAY + 12 * HOUR && at < MIDNIGHT + 6 * DAY + 12 * HOUR + 10 * MINUTE ? 'CRITICAL' : null;
    const items = simulate([0, 1, 2, 3, 4, 5, 6], { down: AT_0410, also: noon, until: 7 });
    assert.ok(items.includes(`+${6 * 1440 + 722} website/front-page problem CRITICAL`), items.join(', '));
  });

  it('[H5] of priority critical is told at once', () => {
    const items = simulate([0, 1, 2, 3, 4, 5], { down: AT_0410, check: { priority: 'critical' } });
    assert.deepEqual(daysOf(items, 'problem'), [0, 1, 2, 3, 4, 5]);
  });

  it('[H5] three clean days clear it, and it is told again only after a week', () => {
    // Cleared after day 4 + 3; seen again on day 12, which is 8 days after it was told.
    const items = simulate([0, 1, 2, 3, 4, 8, 9, 10, 11, 12], { down: AT_0410, until: 14 });
    assert.deepEqual(daysOf(items, 'recurring'), [4, 12]);
    assert.deepEqual(daysOf(items, 'problem'), [0, 1, 2, 3, 8, 9, 10, 11]);
    const early = simulate([0, 1, 2, 3, 4, 8, 9, 10], { down: AT_0410, until: 14 });
    assert.deepEqual(daysOf(early, 'recurring'), [4], 'four of the six days before day 10 are two old and two new: not yet a week');
  });

  it('[H5] off means never', () => {
    const items = simulate([0, 1, 2, 3, 4, 5], { down: AT_0410, check: { dailyPattern: false } });
    assert.deepEqual(daysOf(items, 'problem'), [0, 1, 2, 3, 4, 5]);
    assert.deepEqual(daysOf(items, 'recurring'), []);
  });
});

describe('the same time on another day', () => {
  const cases = [
    { name: 'winter', from: '2026-01-10T03:10:00Z', days: -1, to: '2026-01-09T03:10:00Z' },
    { name: 'into summer time', from: '2026-03-28T03:10:00Z', days: 1, to: '2026-03-29T02:10:00Z' },
    { name: 'back over it', from: '2026-03-30T02:10:00Z', days: -2, to: '2026-03-28T03:10:00Z' },
    { name: 'out of summer time', from: '2026-10-24T02:10:00Z', days: 1, to: '2026-10-25T03:10:00Z' },
    { name: 'a time that comes twice is the first', from: '2026-10-24T00:30:00Z', days: 1, to: '2026-10-25T00:30:00Z' },
    {
      name: 'a time that is left out is as long after the change',
      from: '2026-03-28T01:30:00Z',
      days: 1,
      to: '2026-03-29T01:30:00Z',
    },
  ];
  for (const { name, from, days, to } of cases) {
    it(`[H5] by the wall clock of Berlin: ${name}`, () => {
      assert.equal(new Date(shiftDays(Date.parse(from), days, zones.berlin)).toISOString(), to.replace('Z', '.000Z'));
    });
  }

  it('[H5] a day is a day in UTC', () => assert.equal(shiftDays(MIDNIGHT, -6, zones.utc), MIDNIGHT - 6 * DAY));

  it('[H5] is said in hours and minutes', () => {
    assert.equal(formatTimeOfDay(Date.parse('2026-01-10T03:10:59Z'), zones.berlin), '04:10');
    assert.equal(formatTimeOfDay(Date.parse('2026-01-10T23:05:00Z'), zones.berlin), '00:05');
  });
});
