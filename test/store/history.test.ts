import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { toDay } from '../../src/core/availability.ts';
import { windowFigures } from '../../src/core/past.ts';
import { newStatus } from '../../src/core/status.ts';
import { compact } from '../../src/store/compaction.ts';
import { historyPath } from '../../src/store/database.ts';
import {
  calmResultsReader,
  databaseSecret,
  readEvents,
  readPastProblems,
  readRuns,
  readStatuses,
  resultsReader,
} from '../../src/store/history.ts';
import { unpackResults } from '../../src/store/packing.ts';
import { PastBook } from '../../src/store/pasts.ts';
import { freshHistory, resultOf, storeRun } from '../support/history.ts';
import { checkOf, configurationOf, contactOf } from '../support/model.ts';
import { needs } from '../support/server.ts';

const NOON = Date.UTC(2026, 10, 22, 12, 0, 0);
const DAY = 86_400_000;
const check = checkOf();
const configuration = configurationOf([check]);
let history: ReturnType<typeof freshHistory>;

beforeEach(() => {
  history = freshHistory(NOON);
});
afterEach(() => history.remove());

function play(states: string, options: { start?: number; step?: number } = {}): void {
  for (const [i, letter] of [...states].entries()) {
    const now = (options.start ?? NOON) + i * (options.step ?? 300_000);
    storeRun(history.database, configuration, [resultOf(check.id, letter === 'O' ? 'OK' : 'CRITICAL')], now);
  }
}

describe('the history', () => {
  it('[R1] a status comes back as it was stored', () => {
    play('OCC');
    const status = readStatuses(history.database).get(check.id);
    assert.equal(status?.streak?.length, 2);
    assert.equal(status?.latest?.output, 'seen CRITICAL');
    assert.equal(status?.everOk, true);
  });

  it('[H1] an item is stored once for each address, though contacts share it', () => {
    const shared = configurationOf([checkOf({ contacts: ['a', 'b'] })], {
      contacts: { a: contactOf('a', ['x@example.org', 'y@example.org']), b: contactOf('b', ['x@example.org']) },
      contactsForAll: ['a'],
    });
    for (const [i, state] of (['OK', 'CRITICAL', 'CRITICAL', 'CRITICAL'] as const).entries()) {
      storeRun(history.database, shared, [resultOf(check.id, state)], NOON + i * 300_000);
    }
    const rows = history.database.prepare("SELECT recipient FROM items WHERE kind = 'problem' ORDER BY recipient").pluck().all();
    assert.deepEqual(rows, ['x@example.org', 'y@example.org']);
  });

  it('[H1] the first run on an empty history owes one item, not one for each check in trouble', () => {
    storeRun(history.database, configuration, [resultOf(check.id, 'CRITICAL')], NOON);
    assert.deepEqual(history.database.prepare('SELECT kind, reason FROM items').all(), [
      { kind: 'started', reason: 'watching 1 check, 1 of them in trouble' },
    ]);
  });

  it('[H1] [W1] what is withheld at the start is counted and not listed: it would hide its cause', () => {
    const own = Array.from({ length: 41 }, (_, i) => resultOf(`host${i}/report`, 'CRITICAL'));
    const readers = own.map(({ check: id }) => ({
      ...resultOf(id.replace('report', 'disk'), 'UNKNOWN'),
      withheld: 'report' as const,
    }));
    const checks = [...own, ...readers].map(({ check: id }) => checkOf({ id }));
    const many = configurationOf(checks, { contacts: { a: contactOf('a', ['x@example.org']) }, contactsForAll: ['a'] });
    storeRun(history.database, many, [...readers, ...own], NOON);
    const [{ reason, lines }] = history.database.prepare('SELECT reason, content AS lines FROM items').all() as [
      { reason: string; lines: string },
    ];
    assert.equal(reason, 'watching 82 checks, 41 of them in trouble, 41 not judged yet');
    assert.match(lines, /host39\/report CRITICAL/);
    assert.match(lines, /and 1 more/);
    assert.doesNotMatch(lines, /disk/);
  });

  it('[W1] earlier problems are told with their lengths, newest first', () => {
    play('OCCCOOCCCO');
    const past = readPastProblems(history.database, check.id, NOON + DAY);
    assert.deepEqual(past, [
      { onset: NOON + 6 * 300_000, duration: 900 },
      { onset: NOON + 300_000, duration: 900 },
    ]);
  });

  it('[R1] a batch is one transaction: an item that cannot be stored leaves no result behind', () => {
    const broken = { ...resultOf(check.id, 'OK'), output: null as unknown as string };
    history.database.exec("CREATE TRIGGER refuse BEFORE INSERT ON results BEGIN SELECT RAISE(ABORT, 'no'); END");
    assert.throws(() => storeRun(history.database, configuration, [broken], NOON));
    assert.equal(readRuns(history.database, 10).length, 0);
    assert.equal(readStatuses(history.database).size, 0);
  });

  it('[R4] the views are readable with sqlite3', needs('sqlite3'), () => {
    play('OCCC');
    const ask = (sql: string) => execFileSync('sqlite3', [historyPath(history.state), sql], { encoding: 'utf8' }).trim();
    assert.equal(ask('SELECT "check", state, state_type FROM readable_checks'), 'website/front-page|CRITICAL|hard');
    assert.equal(ask('SELECT time, state, output FROM readable_results ORDER BY run LIMIT 1'), '2026-11-22T12:00:00Z|OK|seen OK');
    assert.equal(ask("SELECT kind, onset FROM readable_events WHERE kind = 'problem'"), 'problem|2026-11-22T12:05:00Z');
    assert.equal(ask('SELECT count(*) FROM readable_days'), '0');
    assert.equal(ask('SELECT count(*) FROM readable_mail'), '0');
  });

  it('[R3] the secret of a database is made once', () => {
    assert.match(databaseSecret(history.database), /^[0-9a-f]{64}$/);
    assert.equal(databaseSecret(history.database), databaseSecret(history.database));
  });
});

describe('compaction', () => {
  const retention = { rows: 2 * 86_400, packed: 100 * 86_400, events: 100 * 86_400 };

  it('[R1] packs whole days that are older than the hot rows, and keeps what they held', async () => {
    play('OOCO', { step: 3_600_000 });
    const now = NOON + 4 * DAY;
    assert.equal((await compact(history.database, retention, now)).packed, 1);
    assert.equal(resultsReader(history.database, 10)(check.id).length, 0);
    const row = history.database.prepare('SELECT day, results, content FROM packed').get() as {
      day: string;
      results: number;
      content: Buffer;
    };
    assert.deepEqual([row.day, row.results], ['2026-11-22', 4]);
    assert.deepEqual(
      unpackResults(row.content).map(({ state }) => state),
      [0, 0, 2, 0],
    );
  });

  it('[H2] results that were all OK are told as one span; one that was not OK makes them lines', () => {
    const calm = calmResultsReader(history.database, 3);
    assert.equal(calm(check.id), null);
    play('COOO');
    assert.equal(calmResultsReader(history.database, 4)(check.id), null);
    const [newest, , oldest] = resultsReader(history.database, 3)(check.id);
    assert.deepEqual(calm(check.id), { count: 3, from: oldest?.at, to: newest?.at });
  });

  it('[R1] leaves the days that are still hot', async () => {
    play('OO');
    assert.equal((await compact(history.database, retention, NOON + DAY)).packed, 0);
    assert.equal(resultsReader(history.database, 10)(check.id).length, 2);
  });

  it('[case C01] a day that is packed twice, because the clock went back, loses nothing', async () => {
    play('OO');
    await compact(history.database, retention, NOON + 4 * DAY);
    play('OOO', { start: NOON + 1000 });
    await compact(history.database, retention, NOON + 4 * DAY);
    assert.deepEqual(history.database.prepare('SELECT day, results FROM packed ORDER BY day').all(), [
      { day: '2026-11-22', results: 2 },
      { day: '2026-11-22#2', results: 3 },
    ]);
  });

  it('[R1] forgets packed days, counters and events beyond their retention', async () => {
    play('OCCCO');
    play('O', { start: NOON + DAY });
    await compact(history.database, retention, NOON + 4 * DAY);
    play('O'.repeat(60), { start: NOON + 200 * DAY, step: 60_000 });
    await compact(history.database, retention, NOON + 200 * DAY);
    await compact(history.database, retention, NOON + 200 * DAY);
    assert.deepEqual(countOld(), { packed: 0, days: 0, events: 0, runs: 0 });
  });

  it('[case C02] forgets nothing by a clock that jumped ahead for less than sixty runs', async () => {
    play('OCCCO');
    play('O', { start: NOON + DAY });
    for (let i = 0; i < 2; i += 1) await compact(history.database, retention, NOON + 4 * DAY);
    const before = countOld();
    assert.ok(Object.values(before).every((count) => count > 0));
    play('O'.repeat(59), { start: NOON + 9999 * DAY, step: 60_000 });
    await compact(history.database, retention, NOON + 9999 * DAY);
    const after = countOld();
    for (const [table, count] of Object.entries(before)) assert.ok((after[table] ?? 0) >= count, table);
  });

  /** What is left of the first two days. */
  function countOld(): Record<string, number> {
    const until = NOON + 2 * DAY;
    const tables = {
      packed: `day < '${toDay(until)}'`,
      days: `day < '${toDay(until)}'`,
      events: `at < ${until}`,
      runs: `started_at < ${until}`,
    };
    const count = (table: string, where: string) =>
      history.database.prepare(`SELECT count(*) FROM ${table} WHERE ${where}`).pluck().get() as number;
    return Object.fromEntries(Object.entries(tables).map(([table, where]) => [table, count(table, where)]));
  }

  it('[F1] availability over days comes from counters, made once a day', async () => {
    play('OCOO', { step: 300_000 });
    const later = NOON + 3 * DAY;
    play('O', { start: later });
    const pasts = new PastBook(history.database, toDay(later));
    const status = readStatuses(history.database).get(check.id) ?? newStatus(check.id, later);
    // Twice its interval the last OK of the first day still held.
    assert.deepEqual(windowFigures('7d', status, pasts.get(check.id)).critical, 300);
    assert.equal(windowFigures('7d', status, pasts.get(check.id)).availability, (600 + 600) / 1500);
    await compact(history.database, retention, later, pasts);
    assert.equal(history.database.prepare('SELECT count(*) FROM past').pluck().get(), 1);
    history.database.exec('DELETE FROM days');
    assert.deepEqual(new PastBook(history.database, toDay(later)).get(check.id), pasts.get(check.id));
    // The next day they are made anew.
    assert.deepEqual(new PastBook(history.database, toDay(later + DAY)).get(check.id).windows['1y'].latency, []);
  });

  it('[R2] what is too old is looked for once a day, and when another retention is configured', async () => {
    const countOldDays = () => history.database.prepare("SELECT count(*) FROM days WHERE day < '2027'").pluck().get() as number;
    const compactAt = (at: number, packed: number) => compact(history.database, { ...retention, packed }, at);
    play('OC');
    const later = NOON + 200 * DAY;
    play('O'.repeat(60), { start: later, step: 60_000 });
    await compactAt(later, 999 * 86_400);
    assert.equal(countOldDays(), 1);
    await compactAt(later, 100 * 86_400);
    assert.equal(countOldDays(), 0);
    const columns = 'check_number, day, ok_s, warning_s, critical_s, unknown_s, unmeasured_s, results, failures, latency, metrics';
    history.database.exec(`INSERT INTO days (${columns}) SELECT 1, '2026-01-01', 0, 0, 0, 0, 0, 0, 0, '[]', '{}'`);
    await compactAt(later + 60 * 60_000, 100 * 86_400);
    assert.equal(countOldDays(), 1);
    play('O'.repeat(60), { start: later + DAY, step: 60_000 });
    await compactAt(later + DAY, 100 * 86_400);
    assert.equal(countOldDays(), 0);
  });

  it('[R1] events are read newest first', async () => {
    play('OCCCO');
    assert.deepEqual(
      readEvents(history.database, 10, check.id).map(({ kind }) => kind),
      ['recovery', 'problem', 'soft'],
    );
  });
});
