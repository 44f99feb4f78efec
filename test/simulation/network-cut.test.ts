import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Check } from '../../src/core/configuration.ts';
import { checkOf, configurationOf } from '../support/model.ts';
import { DAY, HOUR, MINUTE, type Seen, Simulation, type World } from '../support/simulate.ts';

const START = Date.UTC(2026, 5, 1);
const CUT = { from: START + HOUR + 7 * MINUTE + 30_000, to: START + 7 * HOUR + 7 * MINUTE };
const END = START + 8 * HOUR;
const isCut = (at: number) => at >= CUT.from && at < CUT.to;

const checks: Check[] = Array.from({ length: 500 }, (_, i) =>
  checkOf({ id: `host-${i % 50}/check-${i}`, name: `check-${i}`, host: `host-${i % 50}`, service: null }),
);

const world: World = {
  see: (_check, at): Seen => (isCut(at) ? { state: 'CRITICAL', code: 'timeout.connect' } : 'OK'),
  sentinels: (at) => [{ group: 'direct', failed: isCut(at) ? 3 : 0, of: 3, clockOffsetsMs: [] }],
};

describe('the network of 500 checks is cut for 6 hours', () => {
  it('[W1] [case O15] with sentinels it is exactly one item, and one at its end', () => {
    const sentinels = { direct: [{ kind: 'tcp', host: '192.0.2.1', port: 443 } as const] };
    const simulation = new Simulation(configurationOf(checks, { sentinels }), START).until(END, world);
    assert.deepEqual(
      simulation.items.map(({ kind }) => kind),
      ['isolated', 'isolation-over'],
    );
    const [isolated, over] = simulation.items;
    assert.ok((isolated?.at ?? 0) - CUT.from <= 6 * MINUTE, 'told in the second run with checks');
    assert.ok((over?.at ?? 0) - CUT.to <= 6 * MINUTE);
    assert.equal(over?.onset, isolated?.onset);
  });

  it('[W1] without sentinels it is a mass failure, once; what is still HARD comes after its two runs', () => {
    const { see } = world;
    const simulation = new Simulation(configurationOf(checks), START).until(END, { see });
    const masses = simulation.items.filter(({ kind }) => kind === 'mass-failure');
    assert.equal(masses.length, 1);
    const first = simulation.items[0];
    assert.equal(first?.kind, 'mass-failure', 'nothing comes before it');
    assert.equal(simulation.items.filter(({ kind }) => kind === 'problem').length, 500);
    assert.equal(simulation.items.filter(({ kind }) => kind === 'recovery').length, 500);
  });

  it('[W1] a cut of one run is a line of the digest only', () => {
    const short = { from: START + DAY, to: START + DAY + MINUTE };
    const inShort = (at: number) => at >= short.from && at < short.to;
    const every = { ...checkOf(), every: 300 };
    const simulation = new Simulation(configurationOf([every]), START).until(START + 2 * DAY, {
      see: (_check, at) => (inShort(at) ? { state: 'CRITICAL', code: 'network.unreachable' } : 'OK'),
      sentinels: (at) => [{ group: 'direct', failed: inShort(at) ? 2 : 0, of: 3, clockOffsetsMs: [] }],
    });
    assert.deepEqual(
      simulation.items.map(({ kind, digest }) => [kind, digest]),
      [['isolation-over', 'next']],
    );
  });

  it('[W1] a real failure while the sentinels answer is told as ever', () => {
    const simulation = new Simulation(configurationOf(checks.slice(0, 20)), START).until(START + 3 * HOUR, {
      see: (check, at) => (check.id === 'host-3/check-3' && at >= START + HOUR ? 'CRITICAL' : 'OK'),
      sentinels: () => [{ group: 'direct', failed: 1, of: 3, clockOffsetsMs: [] }],
    });
    assert.deepEqual(
      simulation.items.map(({ kind, check }) => `${kind} ${check}`),
      ['problem host-3/check-3'],
    );
  });
});
