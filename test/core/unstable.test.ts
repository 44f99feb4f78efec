import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nowDownPatienceMs } from '../../src/core/unstable.ts';
import { items, play, type Step } from '../support/sequence.ts';

const O = (number: number) => 'O '.repeat(number);
const FLAP = 'C C C O ';
/** Three times HARD; a dozen results an hour. */
const UNSTABLE = FLAP.repeat(3);
/** Off, so that each story is of one rule. */
const check = { frequency: null, dailyPattern: false } as const;

function told(story: string, options: Parameters<typeof play>[1] = {}): string[] {
  return items(play(story, { ...options, check: { ...check, ...options.check } }));
}

function reasons(steps: Step[]): string[] {
  return steps.flatMap((step) => step.items.map((item) => item.reason));
}

describe('a check that is unstable', () => {
  const begun = ['3 problem CRITICAL', '4 recovery OK', '7 problem CRITICAL', '8 recovery OK', '11 unstable CRITICAL'];

  it('[W1] the third entering of HARD within 24 h is told as unstable instead of a problem', () => {
    assert.deepEqual(told(UNSTABLE), begun);
  });

  it('[W1] three times in more than 24 h are three problems', () => {
    const steps = told(FLAP.repeat(3), { minutes: 200 });
    assert.deepEqual(
      steps.filter((item) => item.includes('unstable')),
      [],
    );
    assert.equal(steps.filter((item) => item.includes('problem')).length, 3);
  });

  it('[W1] from then on everything is held back, with the reason', () => {
    const steps = play(UNSTABLE + FLAP.repeat(4), { check });
    assert.deepEqual(items(steps), begun);
    const held = steps.flatMap((step) => step.withheld.map(({ item, because }) => `${item.kind} ${because}`));
    // Nobody was told of the further problems: their recoveries are owed to nobody.
    assert.deepEqual(held, ['recovery unstable', ...Array(4).fill('problem unstable')]);
  });

  it('[W1] twelve hours after its last entering of HARD the first result that is not SOFT makes it stable', () => {
    // HARD again at result 11; 12 h are 144 results of 5 minutes.
    assert.deepEqual(told(UNSTABLE + O(150)), [...begun, '155 stable OK']);
  });

  it('[W1] a soft failure at that time waits for the end of its streak', () => {
    assert.deepEqual(told(`${UNSTABLE}${O(142)}C C O O`), [...begun, '157 stable OK']);
  });

  it('[W1] each entering of HARD begins the twelve hours anew', () => {
    assert.deepEqual(told(`${UNSTABLE}${O(60)}${FLAP}${O(150)}`), [...begun, '219 stable OK']);
  });

  it('[W1] stable is the recovery, with the onset of the problem that made it unstable', () => {
    const steps = play(UNSTABLE + O(150), { check });
    const stable = steps[154]?.items[0];
    assert.equal(stable?.onset, steps[10]?.items[0]?.onset);
    assert.deepEqual(stable?.to, ['sysadmins']);
  });

  it('[W1] earlier enterings are forgotten: after stable the next problem is a problem', () => {
    assert.deepEqual(told(`${UNSTABLE}${O(150)}${FLAP}`).slice(6), ['165 problem CRITICAL', '166 recovery OK']);
  });

  it('[W1] still HARD after twelve hours it is stable with its failing state, which counts as told', () => {
    const steps = play(`${FLAP}${FLAP}C C C ${'W '.repeat(160)}O`, { check });
    const all = items(steps);
    assert.ok(all.includes('155 stable WARNING'), all.join(', '));
    assert.equal(all.at(-1), '172 recovery OK');
  });

  it('[W1] withheld results neither end it nor keep it', () => {
    assert.deepEqual(told(`${UNSTABLE}${'sC '.repeat(150)}O`), [...begun, '163 stable OK']);
  });
});

describe('a real outage of a check that is not told as usual', () => {
  it('[W1] is told as now-down when its streak has lasted 15 min', () => {
    const steps = play(`${UNSTABLE}${'C '.repeat(6)}`, { check });
    // The streak begins at result 13; three results later it has lasted 15 min.
    assert.deepEqual(items(steps).slice(5), ['16 worse CRITICAL']);
    assert.equal(steps[15]?.items[0]?.reason, 'now-down');
    assert.equal(steps[15]?.items[0]?.onset, steps[12]?.evaluated.result.at);
  });

  it('[W1] is not told at the very result that emits unstable', () => {
    const steps = told(`${UNSTABLE}`, { check: { priority: 'critical' } });
    assert.equal(steps.filter((item) => item.includes('worse')).length, 0);
  });

  it('[W1] of priority critical is told at once', () => {
    assert.deepEqual(told(`${UNSTABLE}C C C`, { check: { priority: 'critical' } }).slice(5), ['15 worse CRITICAL']);
  });

  it('[W1] is told once for a streak, and once more for a state above the one told', () => {
    assert.deepEqual(told(`${UNSTABLE}${'W '.repeat(6)}C C C`).slice(5), ['16 worse WARNING', '19 worse CRITICAL']);
  });

  it('[W1] each one of the last six hours doubles the wait, to at most an hour', () => {
    const minute = 60_000;
    const waits = (priority: 'medium' | 'critical') => [0, 1, 2, 3, 9].map((n) => nowDownPatienceMs(priority, n) / minute);
    assert.deepEqual(waits('medium'), [15, 30, 60, 60, 60]);
    assert.deepEqual(waits('critical'), [0, 15, 30, 60, 60]);
    const steps = told(`${UNSTABLE}${'C '.repeat(5)}O ${'C '.repeat(20)}O ${'C '.repeat(20)}`);
    // Streaks begin at 13, 19 and 40: told after 15, 30 and 60 minutes.
    assert.deepEqual(steps.slice(5), ['16 worse CRITICAL', '25 worse CRITICAL', '52 worse CRITICAL']);
  });

  it('[W1] of a check that is HARD by frequency is told too', () => {
    const story = `${'C O O '.repeat(6)}${'C '.repeat(6)}`;
    const steps = play(story, { check: { dailyPattern: false } });
    assert.deepEqual(items(steps), ['16 frequent CRITICAL', '22 worse CRITICAL']);
    assert.ok(reasons(steps).includes('now-down'));
  });

  it('[W1] an UNKNOWN streak needs unknown_attempts results for it', () => {
    assert.deepEqual(told(`${UNSTABLE}${'U '.repeat(5)}`).slice(5), []);
    assert.deepEqual(told(`${UNSTABLE}${'U '.repeat(6)}`).slice(5), ['18 worse UNKNOWN']);
  });
});
