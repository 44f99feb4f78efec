import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { evaluate } from '../../src/core/evaluate.ts';
import { planNotifications } from '../../src/core/notify.ts';
import type { Result } from '../../src/core/observation.ts';
import type { State } from '../../src/core/state.ts';
import type { Status } from '../../src/core/status.ts';
import { checkOf, configurationOf } from '../support/model.ts';
import { START } from '../support/sequence.ts';

const child = checkOf({ id: 'website/front-page', via: 'tor', parents: ['proxy/tor'], priority: 'critical' });
const parent = checkOf({ id: 'proxy/tor', name: 'tor', host: null, service: null, type: 'proxy' });
const configuration = configurationOf([parent, child]);

/** Each step is `parent child`, a dot where a check was not due; the child's code can follow after a colon. */
function play(story: string[]): { withheld: (string | null)[]; items: string[]; affected: (string | null)[] } {
  let statuses = new Map<string, Status>();
  const withheld: (string | null)[] = [];
  const items: string[] = [];
  const affected: (string | null)[] = [];
  for (const [index, step] of ['O O', ...story].entries()) {
    const at = START + index * 300_000;
    const [first = '.', second = '.'] = step.split(' ');
    const results = [resultOf(parent.id, first, at, index + 1), resultOf(child.id, second, at, index + 1)].filter(
      (one) => one !== null,
    );
    const evaluated = evaluate(configuration, statuses, results, at);
    const facts = { run: index + 1, now: at, isFirstRun: false, pastProblems: () => [], whole: [] };
    const plan = planNotifications(configuration, statuses, evaluated, facts);
    statuses = plan.statuses;
    withheld.push(evaluated.find(({ check }) => check.id === child.id)?.result.withheld ?? null);
    items.push(...plan.items.map((item) => `${index} ${item.check} ${item.kind}`));
    affected.push(...plan.items.map((item) => item.facts?.affected ?? null));
  }
  return { withheld: withheld.slice(1), items, affected };
}

function resultOf(check: string, word: string, at: number, run: number): Result | null {
  if (word === '.') return null;
  const [letter = '', code = ''] = word.split(':');
  const state = ({ O: 'OK', C: 'CRITICAL', U: 'UNKNOWN', W: 'WARNING' } as Record<string, State>)[letter] ?? 'OK';
  return { check, at, run, state, code, output: '', metrics: {}, parts: [], scheduled: true, withheld: null, duration: 0 };
}

describe('a proxy that is down', () => {
  it('[case K01] is one problem, and the checks behind it are withheld', () => {
    const { withheld, items } = play(['C U:proxy.refused', 'C U:proxy.refused', 'C U:proxy.refused', 'C U:proxy.refused', 'O O']);
    assert.deepEqual(withheld, ['proxy', 'proxy', 'proxy', 'proxy', null]);
    assert.deepEqual(items, ['3 proxy/tor problem', '5 proxy/tor recovery']);
  });

  it('[W6] its item says what is unreachable behind it and names what is critical', () => {
    assert.deepEqual(play(['C C', 'C C', 'C C', 'O O']).affected, ['1 check, of them critical: website/front-page', null]);
  });

  it('[W1] explains a failure behind it that is not the proxy’s own word', () => {
    assert.deepEqual(play(['C C', 'C C', 'C C', 'C C']).withheld, Array(4).fill('unreachable'));
  });

  it('[W1] does not blind a check that worked twice while the proxy failed', () => {
    const { withheld, items } = play(['C O', 'C O', 'C C', 'C C', 'C C']);
    assert.deepEqual(withheld.slice(2), [null, null, null]);
    assert.ok(items.includes('5 website/front-page problem'));
  });

  it('[W1] counts with its latest result when it was not due', () => {
    assert.deepEqual(play(['C C', '. C']).withheld, ['unreachable', 'unreachable']);
  });

  it('[W1] a WARNING or UNKNOWN parent explains nothing', () => {
    assert.deepEqual(play(['W C', 'U C']).withheld, [null, null]);
  });

  it('[W1] the first run after it is back is grace for what it explained, at most once an hour', () => {
    assert.deepEqual(play(['C C', 'O C', 'O C']).withheld, ['unreachable', 'grace', null]);
    assert.deepEqual(play(['C C', 'O C', 'C C', 'O C']).withheld, ['unreachable', 'grace', 'unreachable', null]);
  });

  it('[W1] holds back no recovery of the checks behind it', () => {
    const { items } = play(['O C', 'O C', 'O C', 'C C', 'C O']);
    assert.deepEqual(items, ['3 website/front-page problem', '5 website/front-page recovery']);
  });
});
