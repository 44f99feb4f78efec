import assert from 'node:assert/strict';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { DatabaseUnusable, openHistory, openHistoryForReading, takeLock } from '../../src/store/database.ts';
import { readMeta, readStatuses, writeMeta } from '../../src/store/history.ts';
import { MIGRATIONS } from '../../src/store/schema.ts';
import { temporaryFolder } from '../support/server.ts';

const NOW = Date.UTC(2026, 10, 22, 12, 0, 0);
let folder: ReturnType<typeof temporaryFolder>;

beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => folder.remove());

describe('opening the history', () => {
  it('[R3] makes a private file in a private folder', () => {
    const state = join(folder.path, 'state');
    openHistory(state, NOW).database.close();
    assert.equal(statSync(state).mode & 0o777, 0o700);
    assert.equal(statSync(join(state, 'history.sqlite')).mode & 0o777, 0o600);
  });

  it('[R1] writes ahead and waits for the disk', () => {
    const { database } = openHistory(folder.path, NOW);
    assert.equal(database.pragma('journal_mode', { simple: true }), 'wal');
    assert.equal(database.pragma('synchronous', { simple: true }), 2);
    database.close();
  });

  it('[case Q09] an older schema is migrated, what it held is kept, and a copy of it stands beside', () => {
    const { database } = openHistory(folder.path, NOW);
    writeMeta(database, 'kept', 'yes');
    database.close();
    const newer = openHistory(folder.path, NOW, [...MIGRATIONS, 'ALTER TABLE runs ADD COLUMN later INTEGER']).database;
    assert.equal(readMeta(newer, 'kept'), 'yes');
    assert.equal(newer.pragma('user_version', { simple: true }), MIGRATIONS.length + 1);
    newer.close();
    assert.ok(readdirSync(folder.path).includes(`history.sqlite.before-${MIGRATIONS.length}-${NOW}`));
  });

  it('[case Q09] histograms of the first schema, which were objects, become lists of pairs in days and statuses, and planned downtime gets its place', () => {
    const { database } = openHistory(folder.path, NOW, MIGRATIONS.slice(0, 1));
    const objects = JSON.stringify({ '-58': 4, '-70': 1, '3': 2 });
    database.exec(`
      INSERT INTO checks VALUES (1, 'web/front', '{"hours":[[498703,51,0,0,0,0,${objects}]],"today":{"tally":[51,0,0,0,0],"latency":${objects}}}');
      INSERT INTO checks VALUES (2, 'web/new', '{"hours":[],"today":null}');
      INSERT INTO days VALUES (1, '2026-11-21', 0, 0, 0, 0, 0, 7, 0, '${objects}', '{}');`);
    database.close();
    const { database: migrated } = openHistory(folder.path, NOW);
    const pairs = [-70, 1, -58, 4, 3, 2];
    assert.deepEqual(readStatuses(migrated).get('web/front'), {
      hours: [[498703, 51, 0, 0, 0, 0, 0, pairs]],
      today: { tally: [51, 0, 0, 0, 0, 0], latency: pairs },
    });
    assert.deepEqual(JSON.parse(String(migrated.prepare('SELECT latency FROM days').pluck().get())), pairs);
    migrated.close();
  });

  it('[case Q09] a migration that fails changes nothing', () => {
    openHistory(folder.path, NOW).database.close();
    assert.throws(() => openHistory(folder.path, NOW, [...MIGRATIONS, 'CREATE TABLE half (a); SELECT no_such_function()']));
    const { database } = openHistory(folder.path, NOW);
    assert.equal(database.pragma('user_version', { simple: true }), MIGRATIONS.length);
    assert.equal(database.prepare("SELECT count(*) FROM sqlite_master WHERE name = 'half'").pluck().get(), 0);
    database.close();
  });

  it('[case Q10] a newer schema is refused, for reading too', () => {
    openHistory(folder.path, NOW, [...MIGRATIONS, 'CREATE TABLE more (a)']).database.close();
    const isNewer = (error: unknown) => error instanceof DatabaseUnusable && error.fault === 'newer';
    assert.throws(() => openHistory(folder.path, NOW), isNewer);
    assert.throws(() => openHistoryForReading(folder.path), isNewer);
  });

  it('[R1] there is nothing to read before the first run', () => {
    assert.equal(openHistoryForReading(folder.path), null);
  });

  it('[case E02] the lock is exclusive, and free again after its release', () => {
    const release = takeLock(folder.path);
    assert.ok(release !== null);
    assert.equal(takeLock(folder.path), null);
    release();
    const again = takeLock(folder.path);
    assert.ok(again !== null);
    again();
  });
});
