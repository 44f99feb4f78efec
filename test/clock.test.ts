import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { askClock } from '../src/clock.ts';
import { freshHistory } from './support/history.ts';

const NOON = Date.UTC(2026, 10, 22, 12, 0, 0);
const MINUTE = 60_000;
let history: ReturnType<typeof freshHistory>;
let asked = 0;

beforeEach(() => {
  history = freshHistory(NOON);
  asked = 0;
});
afterEach(() => history.remove());

const ask = (minutes: number, word: boolean | null) =>
  askClock(history.database, NOON + minutes * MINUTE, async () => {
    asked += 1;
    return word;
  });

describe("the system's word about its clock", () => {
  it('[H4] is asked once an hour while it is good', async () => {
    assert.deepEqual([await ask(0, true), await ask(5, false), await ask(59, false)], [true, true, true]);
    assert.equal(asked, 1);
    assert.equal(await ask(60, true), true);
    assert.equal(asked, 2);
  });

  it('[H4] counts when it is bad twice, ten minutes apart: after a boot a clock takes a while', async () => {
    assert.deepEqual([await ask(0, false), await ask(5, false), await ask(10, false)], [null, null, false]);
    assert.equal(asked, 2);
    assert.equal(await ask(20, true), true);
  });

  it('[H4] [case C01] is forgotten by a clock that went back', async () => {
    assert.deepEqual([await ask(60, true), await ask(0, null)], [true, null]);
    assert.equal(asked, 2);
  });

  it('[H4] is no word where the system cannot say', async () => assert.equal(await ask(0, null), null));
});
