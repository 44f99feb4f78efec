import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Replay } from '../../src/core/replay.ts';
import { compact } from '../../src/store/compaction.ts';
import { readPastRuns } from '../../src/store/past-runs.ts';
import { freshHistory, resultOf, storeRun } from '../support/history.ts';
import { checkOf, configurationOf } from '../support/model.ts';

const DAY = 86_400_000;
const START = Date.UTC(2026, 10, 20, 12);
const check = checkOf();
const configuration = configurationOf([check]);

describe('the stored past', () => {
  it('[W1] is judged once more as it was, from rows and from packed days alike', async () => {
    const history = freshHistory(START);
    try {
      const told: string[] = [];
      for (const [i, state] of (['OK', 'CRITICAL', 'CRITICAL', 'CRITICAL', 'OK'] as const).entries()) {
        const result = resultOf(check.id, state, { code: state === 'OK' ? '' : 'http.status' });
        const { owed } = storeRun(history.database, configuration, [result], START + i * 300_000);
        told.push(...owed.map(({ item }) => `${item.at} ${item.kind}`).filter((item) => !item.endsWith('started')));
      }
      const replayed = () => {
        const replay = new Replay(configuration, START);
        const runs = readPastRuns(history.database, configuration, { since: START - DAY, until: START + DAY });
        return [...runs].flatMap((run) => replay.play(run).items.map((item) => `${item.at} ${item.kind}`));
      };
      assert.deepEqual(replayed(), [`${START + 900_000} problem`, `${START + 1_200_000} recovery`]);
      assert.deepEqual(told, replayed());
      await compact(history.database, { rows: 86_400, packed: 400 * 86_400, events: 400 * 86_400 }, START + 5 * DAY);
      assert.deepEqual(replayed(), told);
    } finally {
      history.remove();
    }
  });

  it('[W1] only of checks that are configured, and only of its time', () => {
    const history = freshHistory(START);
    try {
      storeRun(history.database, configuration, [resultOf(check.id, 'OK')], START);
      storeRun(history.database, configuration, [resultOf(check.id, 'OK')], START + DAY);
      const times = (since: number, own = configuration) => {
        return [...readPastRuns(history.database, own, { since, until: START + 2 * DAY })].map(({ at }) => at);
      };
      assert.deepEqual(times(START), [START, START + DAY]);
      assert.deepEqual(times(START + 1), [START + DAY]);
      assert.deepEqual(times(START, configurationOf([checkOf({ id: 'other/page' })])), []);
    } finally {
      history.remove();
    }
  });
});
