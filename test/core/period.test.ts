import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Period } from '../../src/core/configuration.ts';
import { formatPeriod, isOpen, nextOpen } from '../../src/core/period.ts';

const PARIS = 'Europe/Paris';
const WORK: Period[] = [{ days: [1, 2, 3, 4, 5], from: 480, to: 1200 }];
const NIGHT: Period[] = [{ days: [5], from: 1320, to: 360 }];
const HOUR = 3_600_000;
/** 2026-11-23 is a Monday; Paris is one hour ahead of UTC then. */
const at = (day: number, hour: number, minute = 0) => Date.UTC(2026, 10, day, hour - 1, minute);

describe('the hours of a contact', () => {
  const rows: { name: string; periods: Period[] | null; time: number; open: boolean }[] = [
    { name: 'always, without periods', periods: null, time: at(22, 3), open: true },
    { name: 'Monday 08:00, its first minute', periods: WORK, time: at(23, 8), open: true },
    { name: 'Monday 07:59', periods: WORK, time: at(23, 7, 59), open: false },
    { name: 'Monday 19:59', periods: WORK, time: at(23, 19, 59), open: true },
    { name: 'Monday 20:00, its end', periods: WORK, time: at(23, 20), open: false },
    { name: 'Sunday noon', periods: WORK, time: at(22, 12), open: false },
    { name: 'Friday 22:00, over midnight', periods: NIGHT, time: at(27, 22), open: true },
    { name: 'Saturday 05:59, begun on Friday', periods: NIGHT, time: at(28, 5, 59), open: true },
    { name: 'Saturday 06:00', periods: NIGHT, time: at(28, 6), open: false },
    { name: 'Friday 05:00, begun on no Thursday', periods: NIGHT, time: at(27, 5), open: false },
    { name: 'Saturday 22:00', periods: NIGHT, time: at(28, 22), open: false },
  ];
  for (const { name, periods, time, open } of rows) {
    it(`[H6] ${name}: ${open ? 'open' : 'closed'}`, () => assert.equal(isOpen(periods, time, PARIS), open));
  }

  const next: { name: string; periods: Period[] | null; from: number; to: number }[] = [
    { name: 'always is now', periods: null, from: at(22, 3), to: at(22, 3) },
    { name: 'Sunday night waits for Monday morning', periods: WORK, from: at(22, 23), to: at(23, 8) },
    { name: 'Friday evening waits for Monday', periods: WORK, from: at(27, 20), to: at(30, 8) },
    { name: 'within it is now', periods: WORK, from: at(23, 12, 34), to: at(23, 12, 34) },
    { name: 'Saturday morning waits for Friday night', periods: NIGHT, from: at(28, 6), to: at(34, 22) },
    {
      name: 'a start that the clock jumps over opens when it jumps (29 March, 02:00 is 03:00)',
      periods: [{ days: [7], from: 150, to: 300 }],
      from: Date.UTC(2026, 2, 28, 22),
      to: Date.UTC(2026, 2, 29, 1),
    },
    {
      name: 'eight in the morning is eight in the morning after the clock jumped',
      periods: WORK,
      from: Date.UTC(2026, 2, 28, 12),
      to: Date.UTC(2026, 2, 30, 6),
    },
    {
      name: 'an hour that comes twice opens twice (25 October, 03:00 is 02:00)',
      periods: [{ days: [7], from: 150, to: 180 }],
      from: Date.UTC(2026, 9, 25, 1, 0),
      to: Date.UTC(2026, 9, 25, 1, 30),
    },
  ];
  for (const { name, periods, from, to } of next) {
    it(`[H6] ${name}`, () => assert.equal(new Date(nextOpen(periods, from, PARIS)).toISOString(), new Date(to).toISOString()));
  }

  it('[H6] the next opening is open, and nothing between is, for every quarter of an hour of a year with both changes', () => {
    const periods = [...WORK, ...NIGHT, { days: [7], from: 135, to: 165 }];
    for (let time = Date.UTC(2026, 0, 1); time < Date.UTC(2027, 0, 1); time += 7 * HOUR + 15 * 60_000) {
      const opens = nextOpen(periods, time, PARIS);
      assert.ok(opens >= time && isOpen(periods, opens, PARIS), new Date(time).toISOString());
      for (let between = time; between < opens; between += 15 * 60_000)
        assert.ok(!isOpen(periods, between, PARIS), new Date(between).toISOString());
    }
  });

  it('[C2] a period is shown as it is written', () => {
    const all = [1, 2, 3, 4, 5, 6, 7];
    const written = [...WORK, ...NIGHT, { days: all, from: 0, to: 360 }, { days: [6, 7], from: 0, to: 1440 }].map(formatPeriod);
    assert.deepEqual(written, ['Mon-Fri 08:00-20:00', 'Fri 22:00-06:00', '00:00-06:00', 'Sat,Sun']);
    assert.equal(formatPeriod({ days: all, from: 0, to: 1440 }), 'Mon-Sun');
  });
});
