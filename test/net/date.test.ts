import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseDate } from '../../src/net/date.ts';

const NOON = Date.UTC(2026, 10, 22, 12, 0, 0);

describe('a date that a peer wrote', () => {
  for (const text of [
    'Sun, 22 Nov 2026 12:00:00 GMT',
    '22 Nov 2026 12:00:00 +0000',
    '22-Nov-2026 12:00',
    '2026-11-22T12:00:00Z',
    '2026-11-22 12:00',
    '2026-11-22T13:00:00+01:00',
    '2026-11-22T13:00+0100',
    '2026-11-22 12:00:00 UTC',
    String(NOON / 1000),
  ]) {
    it(`[K27] "${text}" is the same moment on every machine`, () => assert.equal(parseDate(text), NOON));
  }

  for (const text of [
    'Sat, 31 Dec 2016 23:59:60 GMT',
    '31 Dec 2016 18:59:60 -0500',
    '2016-12-31T23:59:60Z',
    '2017-01-01T00:59:60+01:00',
  ]) {
    it(`[case C06] "${text}", a leap second, is the first second of the next minute`, () =>
      assert.equal(parseDate(text), Date.UTC(2017, 0, 1)));
  }

  for (const text of [
    '2016-12-31T23:59:61Z',
    '2026-02-30',
    '31-Feb-2026 10:00',
    '01 Xyz 2026 10:00:00 GMT',
    '2026-13-01',
    '99999-01-01',
    '',
    'yesterday',
    '1',
    '22 Nov',
    '2026-11-22T25:00:00Z',
  ]) {
    it(`[case A05] "${text}" is no date`, () => assert.equal(parseDate(text), null));
  }
});
