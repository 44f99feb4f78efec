import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Withheld } from '../../src/core/observation.ts';
import type { Status } from '../../src/core/status.ts';
import { explainWhy, findHolding } from '../../src/core/why.ts';
import { checkOf } from '../support/model.ts';
import { play, START } from '../support/sequence.ts';

const check = checkOf();

function statusAfter(story: string, options: Parameters<typeof play>[1] = {}): Status {
  const status = play(story, options).at(-1)?.status;
  assert.ok(status);
  return status;
}

const why = (status: Status, more = check, parents: string[] = []) => explainWhy(more, status, START + 3_600_000, parents);

describe('why a check does or does not alert', () => {
  const reasons: [Withheld, RegExp][] = [
    ['config', /configuration is not valid/],
    ['isolated', /our own network is cut/],
    ['clock', /our clock is wrong/],
    ['proxy', /its proxy does not work/],
    ['report', /report of its host is missing/],
    ['unreachable', /what it depends on has failed.*\(web1\/alive\)/],
    ['grace', /only just come back/],
    ['not-run', /the run was over/],
  ];
  for (const [withheld, said] of reasons) {
    it(`[W1] a result that is withheld as ${withheld} says so`, () => {
      const status = statusAfter('C');
      assert.ok(status.latest);
      const withheldStatus = { ...status, latest: { ...status.latest, withheld } };
      const parents = withheld === 'unreachable' ? ['web1/alive'] : [];
      assert.match(why(withheldStatus, check, parents)[0] ?? '', said);
      assert.equal(findHolding(withheldStatus, START)?.because, withheld);
    });
  }

  it('[W1] soft: how many failures are missing', () => {
    assert.match(why(statusAfter('C C'))[0] ?? '', /soft: failure 2 of 3 before an alert/);
  });

  it('[W1] told: to whom, and when the recovery comes', () => {
    assert.match(why(statusAfter('C C C'))[0] ?? '', /^told as CRITICAL to sysadmins; a recovery goes to them after 1 OK result$/);
  });

  it('[W1] HARD by frequency: how many failures are left', () => {
    const lines = why(statusAfter('C O C O C O C O C O C'));
    assert.match(lines[0] ?? '', /when at most 3 failures are left in its window \(now 6\)/);
  });

  it('[W1] on its way to frequent: how far', () => {
    assert.ok(why(statusAfter('C O C O')).includes('frequency: 2 of the last 20 results failed; 6 would be told'));
  });

  it('[W1] unstable: what would be told all the same, and until when', () => {
    const own = { frequency: null, dailyPattern: false };
    const lines = why(statusAfter('C C C O C C C O C C C O C C C', { check: own }), checkOf(own));
    assert.match(lines[0] ?? '', /^not told: it is unstable/);
    assert.match(lines[1] ?? '', /an outage that lasts 15 min is told all the same; stable at the earliest 2026-11-23 01:15 UTC/);
  });

  it('[W1] waiting for a mass failure or for its daily pattern', () => {
    const status = statusAfter('C C C');
    assert.ok(status.problem);
    const waiting = (waits: 'pattern' | 'mass-failure') =>
      ({ ...status, problem: { ...status.problem, told: null, waits } }) as Status;
    assert.match(why(waiting('pattern'))[0] ?? '', /fails daily around this time/);
    assert.match(why(waiting('mass-failure'))[0] ?? '', /many checks fail at once/);
  });

  it('[W1] new, without contacts, switched off, OK', () => {
    assert.match(why(statusAfter('C C C', { isNew: true }))[0] ?? '', /it is new and has never been OK/);
    const mute = { contacts: [] };
    assert.match(why(statusAfter('C C C', { check: mute }), checkOf(mute))[0] ?? '', /it has no contacts/);
    assert.deepEqual(why(statusAfter('O'), checkOf({ enabled: false })), ['it is switched off: enabled: false']);
    assert.deepEqual(why(statusAfter('O')), ['it is OK']);
  });
});
