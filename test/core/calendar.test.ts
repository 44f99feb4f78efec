import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatAge, formatShortTime, formatTime, zoneName } from '../../src/core/calendar.ts';

const WINTER = Date.UTC(2026, 10, 22, 13, 5, 0);
const SUMMER = Date.UTC(2026, 6, 22, 13, 5, 0);

describe('times for people', () => {
  const times = [
    { name: '[H1] UTC stands alone', at: WINTER, zone: 'UTC', expected: 'Sun 2026-11-22 13:05 UTC' },
    {
      name: '[H1] a local time has UTC beside it',
      at: WINTER,
      zone: 'Europe/Paris',
      expected: 'Sun 2026-11-22 14:05 CET (13:05 UTC)',
    },
    {
      name: '[case C05] summer time has its own name',
      at: SUMMER,
      zone: 'Europe/Paris',
      expected: 'Wed 2026-07-22 15:05 CEST (13:05 UTC)',
    },
    {
      name: '[H1] another day in UTC is named',
      at: WINTER,
      zone: 'Pacific/Auckland',
      expected: 'Mon 2026-11-23 02:05 NZDT (Sun 13:05 UTC)',
    },
    { name: '[H1] London in winter is UTC', at: WINTER, zone: 'Europe/London', expected: 'Sun 2026-11-22 13:05 UTC' },
  ];
  for (const { name, at, zone, expected } of times) it(name, () => assert.equal(formatTime(at, zone), expected));

  it('[H1] the names of other parts of the world are theirs', () => {
    assert.equal(zoneName(WINTER, 'America/New_York'), 'EST');
  });

  it('[H1] today needs no date', () => {
    assert.equal(formatShortTime(WINTER, WINTER, 'UTC'), '13:05');
    assert.equal(formatShortTime(WINTER, WINTER + 86_400_000, 'UTC'), 'Sun 22 Nov 13:05');
  });

  const ages = [
    [0, '0 s'],
    [59, '59 s'],
    [60, '1 min'],
    [3599, '1 h'],
    [17_700, '4 h 55 min'],
    [40_000, '11 h'],
    [41 * 86_400, '41 days'],
  ] as const;
  for (const [seconds, expected] of ages)
    it(`[H1] ${seconds} seconds are ${expected}`, () => assert.equal(formatAge(seconds), expected));
});
