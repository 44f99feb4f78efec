import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Configuration } from '../../src/core/configuration.ts';
import { checkOf, configurationOf } from '../support/model.ts';
import { describeItems, HOUR, MINUTE, type Seen, Simulation } from '../support/simulate.ts';

const START = Date.UTC(2026, 5, 1);
const BREAK = START + HOUR;
const attempts = 1;

/** `failing` of `of` checks fail from BREAK on, for so many minutes; every run looks at all of them. */
function simulate(
  failing: number,
  of: number,
  {
    code = 'network.unreachable',
    minutes = 30,
    ...more
  }: { code?: string; minutes?: number; configuration?: Partial<Configuration> } = {},
): Simulation {
  const checks = Array.from({ length: of }, (_, i) => checkOf({ id: `s${i}/page`, host: null, every: 60, attempts }));
  const out = new Set(checks.slice(0, failing).map(({ id }) => id));
  return new Simulation(configurationOf(checks, more.configuration), START).until(START + 3 * HOUR, {
    see: (check, at): Seen =>
      at >= BREAK && at < BREAK + minutes * MINUTE && out.has(check.id) ? { state: 'CRITICAL', code } : 'OK',
  });
}

const brief = (simulation: Simulation) => {
  const all = describeItems(simulation.items, BREAK).map((item) => item.replace(/s\d+\/page /, ''));
  return [...new Set(all)];
};

describe('many checks that fail at once, without sentinels', () => {
  it('[W1] are a mass failure in the second run; those still HARD follow in the third', () => {
    assert.deepEqual(brief(simulate(12, 20)), ['+1 mass-failure', '+2 problem CRITICAL', '+30 recovery OK']);
    const items = simulate(12, 20).items;
    assert.equal(items.filter(({ kind }) => kind === 'problem').length, 12);
    assert.equal(items[0]?.onset, BREAK);
    assert.match(items[0]?.reason ?? '', /^12 checks that worked fail with network errors in two runs/);
  });

  it('[W1] that are back after the two runs are told of as the mass only', () => {
    assert.deepEqual(brief(simulate(12, 20, { minutes: 2 })), ['+1 mass-failure']);
  });

  it('[W1] of one run only are told of in the second, each by itself, if they are still HARD', () => {
    assert.deepEqual(brief(simulate(12, 20, { minutes: 1 })), []);
  });

  it('[W1] fewer than 10, or less than 60 %, are problems like any others', () => {
    assert.deepEqual(brief(simulate(9, 12)), ['+0 problem CRITICAL', '+30 recovery OK']);
    assert.deepEqual(brief(simulate(11, 20)), ['+0 problem CRITICAL', '+30 recovery OK']);
  });

  it('[W1] other codes than those of the network are problems like any others', () => {
    assert.deepEqual(brief(simulate(20, 20, { code: 'http.status' })), ['+0 problem CRITICAL', '+30 recovery OK']);
  });

  it('[W1] with sentinels, they decide', () => {
    const sentinels = { direct: [{ kind: 'dns', name: 'example.net' } as const] };
    assert.deepEqual(brief(simulate(20, 20, { configuration: { sentinels } })), ['+0 problem CRITICAL', '+30 recovery OK']);
  });

  it('[W1] wait with their reason', () => {
    const held = simulate(12, 20).withheld;
    assert.equal(held.length, 12);
    assert.ok(held.every(({ because, item }) => because === 'mass-failure' && item.kind === 'problem'));
  });
});
