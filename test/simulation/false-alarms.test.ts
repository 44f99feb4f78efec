import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Check, Configuration } from '../../src/core/configuration.ts';
import { judgeRun } from '../../src/core/evaluate.ts';
import { judgeResult } from '../../src/core/judgement.ts';
import { planNotifications, type RunFacts } from '../../src/core/notify.ts';
import type { Result } from '../../src/core/observation.ts';
import type { State } from '../../src/core/state.ts';
import { isSoft, newStatus, type Status } from '../../src/core/status.ts';
import { checkOf, configurationOf } from '../support/model.ts';
import { DAY, MINUTE, randomOf } from '../support/simulate.ts';

const kinds: Record<string, number> = {};
const START = Date.UTC(2026, 0, 1);
const EVERY = 5 * MINUTE;
const CHANCE = 0.005;
const OK: Omit<Result, 'check' | 'at'> = {
  run: 1,
  state: 'OK',
  code: '',
  output: '',
  metrics: {},
  parts: [],
  scheduled: true,
  withheld: null,
  duration: 0,
};

/**
 * One check whose results fail by chance, each by itself, its rechecks too. Every failure, and all that follows from it, goes through
 * the rules and `planNotifications`. OK results after an OK one are passed over: they move the window of the frequency rule, and
 * change nothing else, as the second test proves.
 */
class ChanceCheck {
  /** When an item came. */
  readonly told: number[] = [];
  private readonly configuration: Configuration;
  private readonly check: Check;
  private statuses: Map<string, Status>;
  private readonly random: () => number;

  constructor(number: number, random: () => number) {
    this.check = checkOf({ id: `service-${number}/page`, host: null });
    this.configuration = configurationOf([this.check]);
    this.random = random;
    this.statuses = new Map([[this.check.id, { ...newStatus(this.check.id, START - DAY), everOk: true }]]);
  }

  simulate(days: number): void {
    const results = (days * DAY) / EVERY;
    for (let i = this.skip(); i < results; ) {
      this.keepUp(START + (i - 1) * EVERY);
      i = this.fail(i, results);
      i = this.settle(i);
    }
  }

  /** How many results are OK before the next failure. */
  private skip(): number {
    return Math.floor(Math.log(1 - this.random()) / Math.log(1 - CHANCE));
  }

  /** From a failure on, until it is no longer soft: rechecks every minute, and the scheduled ones in their places. */
  private fail(index: number, results: number): number {
    let next = index;
    let at = START + index * EVERY;
    let state: State = 'CRITICAL';
    for (; next < results; ) {
      const scheduled = at === START + next * EVERY;
      if (scheduled) next += 1;
      this.look(at, state, scheduled);
      const status = this.status;
      at = isSoft(status) ? at + MINUTE : START + next * EVERY;
      if (!isSoft(status) && status.problem === null) return next;
      state = this.random() < CHANCE ? 'CRITICAL' : 'OK';
    }
    return next;
  }

  /** Over the OK results up to the next failure, whose index it gives: all that they change is how far the window has moved. */
  private settle(index: number): number {
    const failure = index + this.skip();
    this.statuses.set(this.check.id, passOver(this.status, failure - index));
    return failure;
  }

  /** The last result before a failure was OK, and on time. */
  private keepUp(at: number): void {
    const status = this.status;
    if (at > (status.lastScheduledAt ?? 0)) this.statuses.set(this.check.id, { ...status, lastScheduledAt: at });
  }

  private get status(): Status {
    const status = this.statuses.get(this.check.id);
    assert.ok(status);
    return status;
  }

  private look(at: number, state: State, scheduled: boolean): void {
    const evaluated = judgeRun(this.configuration, this.statuses, [this.resultOf(at, state, scheduled)], at);
    const facts: RunFacts = { run: 1, now: at, isFirstRun: false, pastProblems: () => [], whole: [], isReplay: true };
    const plan = planNotifications(this.configuration, this.statuses, evaluated, facts);
    this.statuses = plan.statuses;
    for (const { kind } of plan.items) kinds[kind] = (kinds[kind] ?? 0) + 1;
    // A recovery is no alarm: it ends one.
    if (plan.items.some(({ kind }) => kind !== 'recovery')) this.told.push(at);
  }

  private resultOf(at: number, state: State, scheduled: boolean): Result {
    const { id: check } = this.check;
    return { ...OK, check, at, state, scheduled };
  }
}

/** So many OK results of a check that works. */
function passOver(status: Status, results: number): Status {
  const { trouble } = status;
  return trouble === undefined || trouble.recent.length === 0
    ? status
    : { ...status, trouble: { ...trouble, seen: trouble.seen + results } };
}

/** False alarms of so many checks: what comes in the same minute is one message. */
function countMessages(seed: number, checks: number, days: number): number {
  const times = new Set<number>();
  const random = randomOf(seed);
  for (let number = 0; number < checks; number += 1) {
    const check = new ChanceCheck(number, random);
    check.simulate(days);
    for (const at of check.told) times.add(at);
  }
  return times.size;
}

describe('90 days of 500 checks with 0.5 % of random failures', () => {
  it('[W1] send at most 7 false messages, over ten seeds at most 4 on average', (t) => {
    const counts = Array.from({ length: 10 }, (_, seed) => countMessages(seed + 1, 500, 90));
    t.diagnostic(`false messages by seed: ${counts.join(' ')}`);
    t.diagnostic(JSON.stringify(kinds));
    assert.ok(Math.max(...counts) <= 7, counts.join(' '));
    assert.ok(counts.reduce((sum, one) => sum + one, 0) / counts.length <= 4, counts.join(' '));
  });

  it('[W1] lose nothing by the short way: OK results after an OK one only move the window', () => {
    const random = randomOf(3);
    const check = checkOf();
    const play = (status: Status, at: number, state: State): Status => {
      const { streak, problem, trouble, transition } = judgeResult(check, status, { ...OK, check: check.id, at, state }, 'UTC');
      if (state === 'OK' && status.streak === null) assert.equal(transition, null);
      const { trouble: _before, ...rest } = status;
      return { ...rest, streak, problem, lastScheduledAt: at, ...(trouble === undefined ? {} : { trouble }) };
    };
    for (let story = 0; story < 300; story += 1) {
      let [whole, short] = [newStatus(check.id, START - DAY), newStatus(check.id, START - DAY)];
      for (let i = 0; i < 100; ) {
        // A failure and the OK that ends its streak, then as many more as chance has it.
        for (const state of ['CRITICAL', 'OK'] as const) {
          whole = play(whole, START + i * EVERY, state);
          short = play(short, START + i * EVERY, state);
          i += 1;
        }
        if (whole.problem !== null || short.problem !== null) break;
        const pause = Math.floor(random() * 12);
        for (let k = 0; k < pause; k += 1) whole = play(whole, START + (i + k) * EVERY, 'OK');
        short = { ...passOver(short, pause), lastScheduledAt: whole.lastScheduledAt };
        i += pause;
      }
      assert.equal(whole.problem?.onset, short.problem?.onset);
      // The next failure sees the same window.
      const [a, b] = [play(whole, START + 1000 * EVERY, 'WARNING'), play(short, START + 1000 * EVERY, 'WARNING')];
      const windowOf = ({ trouble }: Status) =>
        trouble?.recent.map(({ at, place, counts }) => [at, (trouble?.seen ?? 0) - place, counts]);
      assert.deepEqual(windowOf(a), windowOf(b));
      assert.deepEqual(a.trouble?.spells, b.trouble?.spells);
    }
  });
});
