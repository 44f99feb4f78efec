import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Check } from '../../src/core/configuration.ts';
import { checkOf, configurationOf } from '../support/model.ts';
import { DAY, HOUR, MINUTE, type Seen, Simulation } from '../support/simulate.ts';

const START = Date.UTC(2026, 5, 1);
const DOWN_AT = START + DAY + 3 * MINUTE;

const alive = checkOf({ id: 'web1/alive', name: 'alive', service: null, type: 'ping' });
const page = checkOf({ parents: ['web1/alive'] });
const others = Array.from({ length: 14 }, (_, i) =>
  checkOf({
    id: `web1/check-${i}`,
    name: `check-${i}`,
    service: null,
    parents: ['web1/alive'],
    priority: i < 2 ? 'critical' : 'medium',
  }),
);

function told(checks: Check[], see: (check: Check, at: number) => Seen, end = DOWN_AT + 6 * HOUR): Simulation {
  return new Simulation(configurationOf(checks), START).until(end, { see });
}

function problemsOf({ items }: Simulation): string[] {
  return items.filter(({ kind }) => kind === 'problem').map(({ check, at }) => `${check} +${(at - DOWN_AT) / MINUTE}`);
}

describe('a parent that says nothing of its children', () => {
  it('[W1] never answers: it does not blind them', () => {
    const simulation = told([alive, page], (check, at) => (check === alive || at >= DOWN_AT ? 'CRITICAL' : 'OK'));
    assert.deepEqual(
      problemsOf(simulation).filter((item) => item.startsWith('website')),
      ['website/front-page +4'],
    );
  });

  it('[W1] begins to fail for good (filtered ping) while they work: they are not blind afterwards', () => {
    const simulation = told([alive, page], (check, at) => {
      const since = check === alive ? DOWN_AT - HOUR : DOWN_AT;
      return at >= since ? 'CRITICAL' : 'OK';
    });
    assert.ok(problemsOf(simulation).some((item) => item.startsWith('website/front-page')));
  });

  it('[W1] fails every other time: a child that is down is told within 15 minutes', () => {
    for (const phase of [0, 1]) {
      let looks = phase;
      const simulation = told([alive, page], (check, at) => {
        if (check === alive) {
          looks += 1;
          return looks % 2 === 0 ? 'CRITICAL' : 'OK';
        }
        return at >= DOWN_AT ? 'CRITICAL' : 'OK';
      });
      const [own] = problemsOf(simulation).filter((item) => item.startsWith('website'));
      assert.ok(own !== undefined, `phase ${phase}: blind`);
      assert.ok(Number(own.split('+')[1]) <= 15, own);
    }
  });
});

describe('a host that goes down', () => {
  it('[W1] is one item, not one for each check, and it says what it hides', () => {
    const simulation = told([alive, page, ...others], (_check, at) => (at >= DOWN_AT ? 'CRITICAL' : 'OK'));
    assert.deepEqual(
      simulation.items.map(({ check, kind }) => `${kind} ${check}`),
      ['problem web1/alive'],
    );
    const words = simulation.items[0]?.facts?.affected ?? '';
    assert.match(words, /, of them critical: web1\/check-0, web1\/check-1$/);
  });

  it('[W1] comes back: one recovery, and nothing of its checks', () => {
    const simulation = told(
      [alive, page, ...others],
      (check, at) => (at >= DOWN_AT && at < DOWN_AT + HOUR + (check === alive ? 0 : MINUTE) ? 'CRITICAL' : 'OK'),
      DOWN_AT + 4 * HOUR,
    );
    assert.deepEqual(
      simulation.items.map(({ check, kind }) => `${kind} ${check}`),
      ['problem web1/alive', 'recovery web1/alive'],
    );
  });

  it('[W3] a check that does not come back with it is told soon', () => {
    const simulation = told(
      [alive, page, ...others],
      (check, at) => (at >= DOWN_AT && (check === page || at < DOWN_AT + HOUR) ? 'CRITICAL' : 'OK'),
      DOWN_AT + 4 * HOUR,
    );
    const own = simulation.items.find(({ check }) => check === page.id);
    assert.equal(own?.kind, 'problem');
    assert.ok(
      (own?.at ?? 0) - (DOWN_AT + HOUR) <= 10 * MINUTE,
      `${((own?.at ?? 0) - DOWN_AT - HOUR) / MINUTE} min after it was back`,
    );
  });

  it('[W1] behind a router that goes down is the router’s item', () => {
    const router = checkOf({ id: 'router/alive', name: 'alive', host: 'router', service: null });
    const behind = [
      { ...alive, parents: ['router/alive'] },
      { ...page, parents: ['web1/alive', 'router/alive'] },
    ];
    const simulation = told([router, ...behind, ...others], (_check, at) => (at >= DOWN_AT ? 'CRITICAL' : 'OK'));
    assert.deepEqual(
      simulation.items.map(({ check, kind }) => `${kind} ${check}`),
      ['problem router/alive'],
    );
    assert.match(simulation.items[0]?.facts?.affected ?? '', /^\d+ checks/);
  });
});
