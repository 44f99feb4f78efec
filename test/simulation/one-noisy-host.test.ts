import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Check, Configuration } from '../../src/core/configuration.ts';
import { isRecovery } from '../../src/core/item.ts';
import type { PlannedMessage } from '../../src/core/mailbag.ts';
import { composeText } from '../../src/core/message.ts';
import type { State } from '../../src/core/state.ts';
import { newStatus } from '../../src/core/status.ts';
import { resultOf } from '../support/history.ts';
import { checkOf, configurationOf } from '../support/model.ts';
import { type Moment, playRun } from '../support/play-run.ts';
import { randomFrom } from '../support/random.ts';

const START = Date.UTC(2026, 10, 23);
const FIVE_MINUTES = 300_000;
const RUNS = 288;
const TRIALS = 100;

const noisy = Array.from({ length: 1000 }, (_, i) => checkOf({ id: `noisy/c${i}`, name: `c${i}`, host: 'noisy', service: null }));
const others = Array.from({ length: 20 }, (_, i) => checkOf({ id: `other${i}/alive`, host: `other${i}`, service: null }));

function play(before: Moment, configuration: Configuration, states: Map<Check, State>, run: number) {
  const now = START + run * FIVE_MINUTES;
  const results = [...states].map(([check, state]) => resultOf(check.id, state, { at: now, run }));
  return playRun(before, configuration, results, { run, now });
}

function statesOf(held: Map<Check, State>, random: () => number): Map<Check, State> {
  return new Map([...held].map(([check, state]) => [check, random() < 0.2 ? (state === 'OK' ? 'CRITICAL' : 'OK') : state]));
}

describe('one host that flips a thousand checks at random for a day', () => {
  const configuration = configurationOf([...noisy, ...others]);
  const random = randomFrom(20_261_123);
  const calm = new Map<Check, State>(others.map((check) => [check, 'OK']));
  const statuses = new Map(configuration.checks.map(({ id }) => [id, { ...newStatus(id, START - 1e9), everOk: true }]));
  let moment: Moment = { statuses, telling: null, held: [] };
  let flipping = new Map<Check, State>(noisy.map((check) => [check, 'OK']));
  const messages: PlannedMessage[] = [];
  /** What the day was like before each run, and what the noisy host shows in the runs after it. */
  const moments: Moment[] = [];
  const shown: Map<Check, State>[] = [];
  for (let run = 0; run < RUNS; run += 1) {
    flipping = statesOf(flipping, random);
    moments.push(moment);
    shown.push(flipping);
    const next = play(moment, configuration, new Map([...flipping, ...calm]), run);
    messages.push(...next.messages);
    moment = next;
  }
  const items = messages.flatMap((message) => message.items).filter(({ host }) => host === 'noisy');

  it('[T2] causes at most 10 problem lines and 10 recoveries', () => {
    const recoveries = items.filter((item) => isRecovery(item));
    const problems = items.filter((item) => !isRecovery(item));
    assert.ok(problems.length <= 10 && problems.length >= 5, `${problems.length} problem lines`);
    assert.ok(recoveries.length <= 10 && recoveries.length >= 1, `${recoveries.length} recoveries`);
  });

  it('[T2] and says in these lines how much there was', () => {
    const sums = items.filter(({ kind }) => kind === 'noisy').map(({ reason }) => Number(/^\d+/.exec(reason)?.[0]));
    assert.ok(sums.length >= 4 && sums.every((changes) => changes > 100), sums.join());
  });

  it('[T2] cannot keep another host’s single failure out of the run in which it becomes hard, nor off its first line: 100 of 100', () => {
    for (let trial = 0; trial < TRIALS; trial += 1) {
      const first = 3 + Math.floor(random() * (RUNS - 6));
      const other = others[trial % others.length];
      assert.ok(other !== undefined);
      // Two soft failures tell nobody anything: they are judged by themselves, the third in the midst of the noise.
      let { statuses: soft } = moments[first] ?? moment;
      for (const run of [first, first + 1])
        soft = play({ ...moment, statuses: soft }, configuration, new Map([[other, 'CRITICAL']]), run).statuses;
      const before = moments[first + 2] ?? moment;
      const known = new Map(before.statuses).set(other.id, soft.get(other.id) ?? newStatus(other.id, START));
      const states = new Map<Check, State>([...(shown[first + 2] ?? flipping), ...calm]).set(other, 'CRITICAL');
      const next = play({ ...before, statuses: known }, configuration, states, first + 2);
      const mail = next.messages.flatMap((message) => message.items);
      assert.ok(
        mail.some(({ check }) => check === other.id),
        `trial ${trial}: not told in the run in which it became hard`,
      );
      const { subject, body } = composeText(mail, { timezone: 'UTC', now: START + (first + 2) * FIVE_MINUTES, url: null });
      assert.ok(body.startsWith(`CRITICAL ${other.id}`), `trial ${trial}: ${body.slice(0, 80)}`);
      assert.match(subject, new RegExp(`PROBLEM ${other.id} CRITICAL`));
    }
  });
});
