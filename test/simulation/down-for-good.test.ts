import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Check } from '../../src/core/configuration.ts';
import type { Item } from '../../src/core/item.ts';
import type { Result } from '../../src/core/observation.ts';
import { type Act, Replay } from '../../src/core/replay.ts';
import { checkOf, configurationOf } from '../support/model.ts';
import { DAY, HOUR, MINUTE, randomOf, type Seen, Simulation } from '../support/simulate.ts';

const START = Date.UTC(2026, 5, 1);
const SEEDS = Array.from({ length: 40 }, (_, i) => i + 1);

interface Story {
  check?: Partial<Check>;
  outages: { from: number; to: number }[];
  /** Single results that fail. */
  glitches?: number[];
  downAt: number;
}

function simulate({ check, outages, glitches = [], downAt }: Story): Item[] {
  const isGlitch = (at: number) => glitches.some((glitch) => at >= glitch && at < glitch + MINUTE);
  const isDown = (at: number) => at >= downAt || isGlitch(at) || outages.some(({ from, to }) => at >= from && at < to);
  const see = (_check: Check, at: number): Seen => (isDown(at) ? 'CRITICAL' : 'OK');
  return new Simulation(configurationOf([checkOf(check)]), START).until(downAt + 4 * HOUR, { see }).items;
}

/** Minutes from going down to the first item that says so. */
function delayOf(items: Item[], downAt: number): number {
  const said = items.find(({ at, kind }) => at >= downAt && (kind === 'problem' || kind === 'worse' || kind === 'unstable'));
  assert.ok(said, 'it is never told');
  return (said.at - downAt) / MINUTE;
}

function nowDowns(items: Item[], before: number): Item[] {
  return items.filter(({ at, reason }) => reason === 'now-down' && at < before && at >= before - 6 * HOUR);
}

describe('a check that flaps, and then goes down for good', () => {
  it('[W1] is mailed within 20 minutes, or within 65 if now-down was told in the 6 hours before', () => {
    let doubled = 0;
    for (const seed of SEEDS) {
      const random = randomOf(seed);
      const outages: Story['outages'] = [];
      // Three flaps or more, each long enough to be HARD, some long enough to be now-down.
      let at = START + 2 * HOUR;
      for (let i = 0; i < 3 + Math.floor(random() * 4); i += 1) {
        const length = (8 + Math.floor(random() * 25)) * MINUTE;
        outages.push({ from: at, to: at + length });
        at += length + (15 + Math.floor(random() * 60)) * MINUTE;
      }
      const downAt = at + Math.floor(random() * 300) * MINUTE;
      const items = simulate({ outages, downAt });
      assert.ok(
        items.some(({ kind }) => kind === 'unstable'),
        `seed ${seed} did not become unstable`,
      );
      const isDoubled = nowDowns(items, downAt).length > 0;
      if (isDoubled) doubled += 1;
      const delay = delayOf(items, downAt);
      assert.ok(delay <= (isDoubled ? 65 : 20), `seed ${seed}: ${delay} min`);
    }
    assert.ok(doubled >= 5, `only ${doubled} of them had a now-down before`);
  });

  it('[W1] of priority critical is mailed as soon as a first problem would be', () => {
    const outages = [2, 3, 4].map((hour) => ({ from: START + hour * HOUR, to: START + hour * HOUR + 8 * MINUTE }));
    // The third of them was told as now-down at once: six hours later that doubles nothing any more.
    const downAt = START + 11 * HOUR;
    const items = simulate({ check: { priority: 'critical' }, outages, downAt });
    assert.ok(delayOf(items, downAt) <= 7);
  });
});

describe('a check that is HARD by frequency, and then goes down for good', () => {
  it('[W1] is mailed as now-down within 20 minutes', () => {
    for (const seed of SEEDS) {
      const random = randomOf(seed);
      // Every third scheduled result fails, never twice in a row.
      const glitches = Array.from({ length: 10 }, (_, i) => START + 2 * HOUR + i * 15 * MINUTE);
      const downAt = (glitches.at(-1) ?? 0) + (6 + Math.floor(random() * 20)) * MINUTE;
      const items = simulate({ outages: [], glitches, downAt });
      assert.deepEqual(
        items.filter(({ at }) => at < downAt).map(({ kind }) => kind),
        ['frequent'],
        `seed ${seed}`,
      );
      const [down] = items.filter(({ at }) => at >= downAt);
      assert.equal(down?.reason, 'now-down', `seed ${seed}`);
      assert.ok((down?.at ?? 0) - downAt <= 20 * MINUTE, `seed ${seed}`);
      assert.ok((down?.onset ?? 0) - downAt <= 5 * MINUTE, `seed ${seed}`);
    }
  });
});

describe('a check that is HARD by frequency, is acknowledged, and then goes down for good', () => {
  it('[W1] is mailed as now-down within 20 minutes: an acknowledgement of glitches is none of an outage', () => {
    const configuration = configurationOf([checkOf()]);
    const id = checkOf().id;
    const glitches = Array.from({ length: 10 }, (_, i) => START + 2 * HOUR + i * 15 * MINUTE);
    const ackAt = (glitches.at(-1) ?? 0) + MINUTE;
    const downAt = ackAt + 40 * MINUTE;
    const replay = new Replay(configuration, START);
    const items: Item[] = [];
    for (let at = START; at < downAt + HOUR; at += MINUTE) {
      const scheduled = (at - START) % (5 * MINUTE) === 0;
      const isSoft = (replay.statuses.get(id)?.streak ?? null) !== null;
      const state = glitches.includes(at) || at >= downAt ? 'CRITICAL' : 'OK';
      const acts: Act[] = at === ackAt ? [{ kind: 'ack', pattern: id, until: at + 30 * HOUR, note: 'the disk is slow' }] : [];
      const results = scheduled || isSoft ? [resultAt(id, at, state, scheduled)] : [];
      items.push(...replay.play({ at, results, sentinels: [], acts }).items);
    }
    assert.deepEqual(
      items.map(({ kind, reason, at }) => [kind, reason === 'now-down', at >= downAt]),
      [
        ['frequent', false, false],
        ['worse', true, true],
      ],
    );
    assert.ok((items[1]?.at ?? 0) - downAt <= 20 * MINUTE);
  });
});

function resultAt(check: string, at: number, state: 'OK' | 'CRITICAL', scheduled: boolean): Result {
  const rest = { run: 0, code: '', output: '', metrics: {}, parts: [], withheld: null, duration: 0 };
  return { check, at, state, scheduled, ...rest };
}

describe('a service that is down 5 minutes every day', () => {
  it('[H5] is one recurring item by the fifth day and none a day after, whatever the minute', () => {
    for (const minute of Array.from({ length: 24 }, (_, i) => i * 61)) {
      const isDown = (at: number) =>
        at >= START + DAY && (at - START) % DAY >= minute * MINUTE && (at - START) % DAY < (minute + 5) * MINUTE;
      const simulation = new Simulation(configurationOf([checkOf()]), START).until(START + 30 * DAY, {
        see: (_check, at) => (isDown(at) ? 'CRITICAL' : 'OK'),
      });
      const recurring = simulation.items.filter(({ kind }) => kind === 'recurring');
      assert.equal(recurring.length, 1, `minute ${minute}`);
      const at = recurring[0]?.at ?? 0;
      assert.ok(at < START + 6 * DAY, `minute ${minute}: by the fifth day of it`);
      assert.deepEqual(
        simulation.items.filter((item) => item.at > at).map(({ kind }) => kind),
        [],
        `minute ${minute}`,
      );
    }
  });
});
