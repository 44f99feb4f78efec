import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { composeText } from '../../src/core/message.ts';
import { checkOf, configurationOf } from '../support/model.ts';
import { HOUR, MINUTE, type Seen, Simulation } from '../support/simulate.ts';

const START = Date.UTC(2026, 5, 1);
const DOWN_AT = START + HOUR;

const checks = Array.from({ length: 60 }, (_, host) => {
  const alive = checkOf({ id: `host-${host}/alive`, name: 'alive', host: `host-${host}`, service: null });
  const others = Array.from({ length: 9 }, (__, i) =>
    checkOf({ ...alive, id: `host-${host}/check-${i}`, name: `check-${i}`, parents: [alive.id] }),
  );
  return [alive, ...others];
}).flat();
const sentinels = { direct: [{ kind: 'dns', name: 'example.net' } as const] };

/** 50 of the hosts go down; the sentinels answer, so it is not us. */
function simulate(interval: number): Simulation {
  const configuration = configurationOf(checks, { sentinels, interval });
  return new Simulation(configuration, START).until(DOWN_AT + HOUR, {
    see: ({ host }, at): Seen =>
      at >= DOWN_AT && Number(host?.slice(5)) < 50 ? { state: 'CRITICAL', code: 'timeout.connect' } : 'OK',
    sentinels: () => [{ group: 'direct', failed: 0, of: 3, clockOffsetsMs: [] }],
  });
}

describe('50 of 60 hosts really fail while the sentinels answer', () => {
  it('[W1] are one item each, all in the same run: one message of at most 60 lines', () => {
    const { items } = simulate(300);
    assert.equal(items.length, 50);
    assert.ok(items.every(({ kind, check }) => kind === 'problem' && check?.endsWith('/alive')));
    assert.equal(new Set(items.map(({ at }) => at)).size, 1);
    const { body } = composeText(items, { timezone: 'UTC', now: DOWN_AT, url: null });
    const named = body.split('\n').filter((line) => line.startsWith('CRITICAL host-'));
    assert.equal(named.length, 50);
    assert.match(items[0]?.facts?.affected ?? '', /^9 checks$/);
  });

  it('[W1] spread over five minutes by their schedule they come in at most six runs', () => {
    const { items } = simulate(60);
    const problems = items.filter(({ kind }) => kind === 'problem');
    assert.equal(problems.length, 50);
    assert.ok(problems.every(({ check }) => check?.endsWith('/alive')));
    const runs = new Set(problems.map(({ at }) => at));
    assert.ok(runs.size <= 6, `${runs.size} runs`);
    assert.ok(Math.max(...runs) - DOWN_AT <= 8 * MINUTE);
  });
});
