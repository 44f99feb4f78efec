import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fromLocal } from '../../src/core/calendar.ts';
import type { Event } from '../../src/core/item.ts';
import type { Database } from '../../src/store/database.ts';
import { readEventArchive } from '../../src/store/event-archive.ts';
import { readMeta } from '../../src/store/history.ts';
import { freshHistory } from '../support/history.ts';

const ZONE = 'Europe/Paris';
const YEAR = 365 * 86_400;
const at = (day: string, minutes = 720) => fromLocal(day, minutes, ZONE);

function happen(database: Database, time: number, about: { check?: string; host?: string } = { check: 'website/page' }): void {
  const { check = null, host = null } = about;
  database
    .prepare("INSERT INTO events VALUES (NULL, ?, 1, 'problem', ?, ?, 2, ?, 'reason', 'output', 1)")
    .run(time, check, host, time);
}

function withHistory(days: Record<string, number>, use: (database: Database) => void): void {
  const { database, remove } = freshHistory(at('2026-11-22'));
  try {
    for (const [day, count] of Object.entries(days)) for (let i = 0; i < count; i += 1) happen(database, at(day, 720 + i));
    use(database);
  } finally {
    remove();
  }
}

const archive = (database: Database, day: string, more: Partial<{ zone: string; kept: number; minutes: number }> = {}) =>
  readEventArchive(database, { zone: more.zone ?? ZONE, now: at(day, more.minutes ?? 720), kept: more.kept ?? YEAR });
const daysOf = (database: Database, day: string, more = {}) =>
  archive(database, day, more).days.map((one) => `${one.day} ${one.count}`);

describe('events of days that are over', () => {
  const days = { '2026-10-03': 2, '2026-11-20': 1, '2026-11-21': 3, '2026-11-22': 5 };

  it('[W2] each day before today that has events is known with how many, the newest first', () => {
    withHistory(days, (database) => {
      assert.deepEqual(daysOf(database, '2026-11-22'), ['2026-11-21 3', '2026-11-20 1', '2026-10-03 2']);
      assert.deepEqual(daysOf(database, '2026-11-23'), ['2026-11-22 5', '2026-11-21 3', '2026-11-20 1', '2026-10-03 2']);
    });
  });

  it('[R2] they are counted once: a run of the same day reads what was kept, the next day counts one more', () => {
    withHistory(days, (database) => {
      daysOf(database, '2026-11-22');
      const kept = readMeta(database, 'event_days');
      database.prepare('DELETE FROM events WHERE at < ?').run(at('2026-11-01'));
      assert.deepEqual(daysOf(database, '2026-11-22', { minutes: 1439 }), ['2026-11-21 3', '2026-11-20 1', '2026-10-03 2']);
      assert.equal(readMeta(database, 'event_days'), kept);
      assert.deepEqual(daysOf(database, '2026-11-23'), ['2026-11-22 5', '2026-11-21 3', '2026-11-20 1', '2026-10-03 2']);
    });
  });

  it('[W2] after a clock that went ahead and came back, and in another zone, they are counted anew', () => {
    withHistory({ '2026-11-20': 1, '2026-11-21': 3 }, (database) => {
      assert.deepEqual(daysOf(database, '2090-01-01', { kept: 20 * YEAR }), []);
      assert.deepEqual(daysOf(database, '2026-11-22'), ['2026-11-21 3', '2026-11-20 1']);
      happen(database, at('2026-11-20', 1439));
      assert.deepEqual(daysOf(database, '2026-11-22', { zone: 'Asia/Tokyo' }), ['2026-11-21 4', '2026-11-20 1']);
    });
  });

  it('[R4] a day that is forgotten is none any more', () => {
    withHistory(days, (database) => {
      daysOf(database, '2026-11-22');
      assert.deepEqual(daysOf(database, '2026-11-23', { kept: 10 * 86_400 }), ['2026-11-22 5', '2026-11-21 3', '2026-11-20 1']);
    });
  });

  it('[W2] a day is read in parts, newest first, whole also when daylight saving makes it 25 hours long', () => {
    withHistory({ '2026-10-25': 4 }, (database) => {
      happen(database, at('2026-10-26', 0) - 1);
      happen(database, at('2026-10-25', 0));
      happen(database, at('2026-10-25', 0) - 1);
      const { days: found, readDay } = archive(database, '2026-11-22');
      assert.deepEqual(found[0], { day: '2026-10-25', count: 6 });
      const times = (limit: number, offset: number) => readDay('2026-10-25', { limit, offset }).map((event: Event) => event.at);
      const all = times(10, 0);
      assert.equal(all.length, 6);
      assert.deepEqual(
        all,
        [...all].sort((a, b) => b - a),
      );
      assert.deepEqual([...times(4, 0), ...times(4, 4)], all);
    });
  });

  it('[W2] the newest of some checks, and of a host as a whole, are found however old they are', () => {
    withHistory({}, (database) => {
      happen(database, at('2026-03-01'), { check: 'web1/disk', host: 'web1' });
      happen(database, at('2026-03-02'), { host: 'web1' });
      happen(database, at('2026-03-03'), { check: 'web1/load', host: 'web1' });
      happen(database, at('2026-03-04'), { check: 'web2/load', host: 'web2' });
      const { subjects, readNewest } = archive(database, '2026-11-22');
      assert.deepEqual([...subjects].sort(), ['web1', 'web1/disk', 'web1/load', 'web2/load']);
      const names = (events: Event[]) => events.map(({ check, host }) => check ?? host);
      assert.deepEqual(names(readNewest(['web1/disk', 'web1/load'], 'web1', 10)), ['web1/load', 'web1', 'web1/disk']);
      assert.deepEqual(names(readNewest(['web1/disk', 'web1/load'], 'web1', 2)), ['web1/load', 'web1']);
      assert.deepEqual(names(readNewest(['web1/disk'], null, 10)), ['web1/disk']);
    });
  });
});
