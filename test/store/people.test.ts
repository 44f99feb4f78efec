import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Worker } from 'node:worker_threads';
import { historyPath, openHistory, openHistoryForPeople } from '../../src/store/database.ts';
import { readPastProblems } from '../../src/store/history.ts';
import {
  addAcknowledgements,
  addChange,
  addDowntime,
  downtimesReader,
  forgetPeople,
  readOwnChanges,
  readPeople,
  removeDowntime,
  storeChange,
  storePeopleUpdate,
  takeNews,
} from '../../src/store/people.ts';
import { MIGRATIONS } from '../../src/store/schema.ts';
import { freshHistory } from '../support/history.ts';
import { temporaryFolder } from '../support/server.ts';

const NOON = Date.UTC(2026, 10, 22, 12, 0, 0);

describe('what was said of an earlier problem', () => {
  it('[W4] is told with the next one: who did what then', () => {
    const history = freshHistory(NOON);
    const { database } = history;
    try {
      const insert = database.prepare("INSERT INTO events VALUES (NULL, ?, 1, ?, 'website/front-page', NULL, 2, ?, '', '', 1)");
      const [first, second] = [NOON - 20 * 86_400_000, NOON - 5 * 86_400_000];
      for (const onset of [first, second]) {
        insert.run(onset, 'problem', onset);
        insert.run(onset + 360_000, 'recovery', onset);
      }
      const said = { until: NOON, author: 'anna', publicNote: null };
      addAcknowledgements(database, ['website/front-page'], { ...said, at: first + 60_000, note: 'looking' });
      addAcknowledgements(database, ['website/front-page'], { ...said, at: first + 120_000, note: 'uwsgi restarted' });
      addAcknowledgements(database, ['website/login'], { ...said, at: second + 60_000, note: 'another check' });
      assert.deepEqual(readPastProblems(database, 'website/front-page', NOON), [
        { onset: second, duration: 360 },
        { onset: first, duration: 360, note: 'anna: uwsgi restarted' },
      ]);
    } finally {
      history.remove();
    }
  });
});

describe('what changed by itself, in the store', () => {
  it('[T2] is read by host, since a moment, without what people said and what was not watched', () => {
    const history = freshHistory(NOON);
    try {
      const store = (target: string, author: string, until: number) =>
        storeChange(history.database, { target, author, at: NOON, until, note: 'it was booted' });
      store('web1', '', NOON + 1);
      store('web1', '', NOON + 2);
      store('web1', '', NOON - 1);
      store('web1', '', NOON);
      store('web1', 'anna', NOON + 1);
      store('web2', '', NOON + 1);
      assert.deepEqual(readOwnChanges(history.database, 'web1', NOON - 2), ['it was booted', 'it was booted']);
      assert.deepEqual(readOwnChanges(history.database, 'web1', NOON + 1).length, 1);
    } finally {
      history.remove();
    }
  });
});

describe('what people said, in the store', () => {
  const downtime = {
    target: 'web1',
    from: NOON,
    duration: 3600,
    repeat: null,
    zone: 'UTC',
    flexible: 600,
    at: NOON,
    author: 'anna',
    note: 'new disk',
    publicNote: 'The shop is closed.',
  };

  it('[W2] a change is known for as long as a problem that began after it: pages say what came just before', () => {
    const history = freshHistory(NOON);
    addChange(history.database, { target: 'web1', at: NOON - 600_000, until: NOON, author: 'anna', note: 'new kernel' });
    const later = NOON + 5 * 86_400_000;
    assert.equal(readPeople(history.database, later), null);
    assert.deepEqual(
      readPeople(history.database, later, NOON - 300_000)?.changes.map(({ note }) => note),
      ['new kernel'],
    );
    history.remove();
  });

  it('[R1] a run hears once that there is something new, also when it is only taken back', () => {
    const { database, remove } = freshHistory(NOON);
    try {
      assert.equal(takeNews(database), false);
      const number = addDowntime(database, downtime);
      assert.deepEqual([takeNews(database), takeNews(database)], [true, false]);
      assert.equal(removeDowntime(database, number, { at: NOON + 1, author: 'bert' }), true);
      assert.equal(removeDowntime(database, number, { at: NOON + 2, author: 'bert' }), false);
      assert.equal(takeNews(database), true);
    } finally {
      remove();
    }
  });

  it('[W4] a downtime that is over is known to whoever asks about a time before its end', () => {
    const { database, remove } = freshHistory(NOON);
    try {
      const number = addDowntime(database, { ...downtime, publicNote: null });
      storePeopleUpdate(database, { begun: [], told: [{ downtime: number, until: NOON + 900, isOver: true }], ended: [] });
      assert.equal(readPeople(database, NOON + 1000), null);
      const since = downtimesReader(database);
      assert.deepEqual(since(NOON + 900), []);
      assert.deepEqual(
        since(NOON + 899).map((one) => [one.number, one.publicNote, one.begun]),
        [[number, null, null]],
      );
      assert.equal(since(NOON + 950).length, 1, 'what was read serves for later times too');
    } finally {
      remove();
    }
  });

  it('[W1] what a run changed of it is kept: begun, told, over', () => {
    const { database, remove } = freshHistory(NOON);
    try {
      const number = addDowntime(database, downtime);
      const [before] = readPeople(database, NOON)?.downtimes ?? [];
      assert.deepEqual(before, { ...downtime, number, begun: null, toldUntil: NOON, removedAt: null });
      storePeopleUpdate(database, { begun: [{ downtime: number, window: NOON, at: NOON + 5 }], told: [], ended: [] });
      assert.deepEqual(readPeople(database, NOON)?.downtimes[0]?.begun, { window: NOON, at: NOON + 5 });
      storePeopleUpdate(database, { begun: [], told: [{ downtime: number, until: NOON + 9, isOver: false }], ended: [] });
      assert.equal(readPeople(database, NOON)?.downtimes[0]?.toldUntil, NOON + 9);
      storePeopleUpdate(database, { begun: [], told: [{ downtime: number, until: NOON + 9, isOver: true }], ended: [] });
      assert.equal(readPeople(database, NOON), null);
    } finally {
      remove();
    }
  });

  it('[W2] a change is remembered for an hour and more after its watch window, then no longer', () => {
    const { database, remove } = freshHistory(NOON);
    try {
      addChange(database, { target: 'web1', at: NOON, until: NOON + 1000, author: 'anna', note: 'x' });
      assert.equal(readPeople(database, NOON + 3_600_000)?.changes.length, 1);
      assert.equal(readPeople(database, NOON + 3 * 3_600_000), null);
    } finally {
      remove();
    }
  });

  it('[R1] is forgotten like events, but for what still holds', () => {
    const { database, remove } = freshHistory(NOON);
    const old = NOON - 100 * 86_400_000;
    try {
      addDowntime(database, { ...downtime, from: old, at: old });
      addDowntime(database, { ...downtime, from: old, at: old, repeat: 'weekly' });
      storePeopleUpdate(database, { begun: [], told: [{ downtime: 1, until: old + 1000, isOver: true }], ended: [] });
      addChange(database, { target: 'web1', at: old, until: old + 1000, author: 'anna', note: 'x' });
      const said = { at: old, until: NOON, author: 'anna', note: 'x', publicNote: null };
      addAcknowledgements(database, ['a/b', 'a/c'], said);
      storePeopleUpdate(database, { begun: [], told: [], ended: [{ acknowledgement: 1, at: old + 1000, because: 'recovered' }] });
      forgetPeople(database, NOON - 90 * 86_400_000);
      const left = (table: string) => database.prepare(`SELECT count(*) FROM ${table}`).pluck().get();
      assert.deepEqual([left('downtimes'), left('changes'), left('acknowledgements')], [1, 0, 1]);
      assert.equal(readPeople(database, NOON)?.downtimes[0]?.repeat, 'weekly');
    } finally {
      remove();
    }
  });

  it('[R1] a person who comes first after an upgrade migrates the history, and two at once do it once', async () => {
    const folder = temporaryFolder();
    try {
      openHistory(folder.path, NOON, MIGRATIONS.slice(0, 1)).database.close();
      const script = `
        const { parentPort, workerData } = require('node:worker_threads');
        import(workerData.module).then(({ openHistoryForPeople }) => {
          const database = openHistoryForPeople(workerData.state, workerData.now);
          parentPort.postMessage(database.pragma('user_version', { simple: true }));
          database.close();
        }, (error) => { throw error; });`;
      const module = new URL('../../src/store/database.js', import.meta.url).href;
      const open = (now: number) =>
        new Promise((resolve, reject) => {
          const worker = new Worker(script, { eval: true, workerData: { module, state: folder.path, now } });
          worker.once('message', resolve);
          worker.once('error', reject);
        });
      const versions = await Promise.all([open(NOON + 1), open(NOON + 2), open(NOON + 3)]);
      assert.deepEqual(versions, [MIGRATIONS.length, MIGRATIONS.length, MIGRATIONS.length]);
      assert.equal(openHistoryForPeople(`${folder.path}/nothing`, NOON), null);
      assert.match(historyPath(folder.path), /history\.sqlite$/);
    } finally {
      folder.remove();
    }
  });
});
