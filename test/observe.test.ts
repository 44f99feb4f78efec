import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type CheckType, type Context, defineCheckType, LookFailure, TargetFailure } from '../src/check-type.ts';
import type { Check } from '../src/core/configuration.ts';
import type { Observation, Result } from '../src/core/observation.ts';
import { formatElapsed } from '../src/net/limits.ts';
import { type Observer, observeAll } from '../src/observe.ts';
import { checkOf } from './support/model.ts';

type Behaviour = (context: Context, tryNumber: number) => Promise<Observation>;

/** Runs checks of a type that behaves as told; the context has only what the runner itself gives. */
function observe(
  checks: Check[],
  behave: Behaviour,
  limits: Partial<Observer['limits']> = {},
  metrics: CheckType['metrics'] = {},
): Promise<Result[]> {
  const type: CheckType = defineCheckType({
    type: 'told',
    summary: 'Behaves as told.',
    options: {},
    metrics,
    thresholds: {},
    example: {},
    proxied: true,
    target: () => '',
    run: (_, context) => behave(context, context.memory as number),
  });
  return observeAll(
    checks.map((check) => ({ check, due: 'scheduled', memory: undefined })),
    {
      run: 1,
      now: Date.UTC(2026, 10, 22),
      limits: { concurrency: 50, perHost: 50, perProxy: 50, runDeadline: 50, ...limits },
      loadType: async () => type,
      // The try's number travels in `memory`, so that behaviours can tell tries apart.
      contextFor: (_, { signal, tryNumber }) => ({ signal, memory: tryNumber }) as unknown as Context,
    },
  );
}

const ok: Observation = { kind: 'measured', output: 'fine', metrics: {} };
const failed: Observation = { kind: 'failed', code: 'network.refused', output: 'refused' };
let hasBlocked = false;
const toSeen = (reason: unknown): Observation =>
  reason instanceof LookFailure
    ? { kind: 'unknown', code: reason.code, output: reason.message }
    : { kind: 'failed', code: 'timeout.total', output: 'late' };
const once = { retries: { times: 0, after: 0 } };

describe('one check', () => {
  it('[case E07] [case C09] when this process stood still, a target that had no chance to be heard is UNKNOWN, not CRITICAL', async () => {
    const slow = checkOf({ id: 'a/slow', timeout: 0.2, ...once });
    const blocking = checkOf({ id: 'b/blocking', timeout: 60, deadline: 60, ...once });
    const results = await observe([slow, blocking], async ({ signal }, _) => {
      // The first check waits for its signal; the second holds the event loop for longer than any limit.
      if (signal.aborted) return ok;
      await new Promise((resolve) => setTimeout(resolve, 20));
      for (const until = performance.now() + 1500; performance.now() < until && !hasBlocked; );
      hasBlocked = true;
      return new Promise((resolve) => {
        signal.addEventListener('abort', () => resolve(toSeen(signal.reason)));
        setTimeout(() => resolve(ok), 400);
      });
    });
    assert.deepEqual(
      results.map(({ check, state, code }) => [check, state, code]),
      [
        ['a/slow', 'UNKNOWN', 'run.standstill'],
        ['b/blocking', 'OK', ''],
      ],
    );
  });

  it('[N2] a failure is tried again within the run, so that one lost circuit is no failure', async () => {
    const tries: number[] = [];
    const [result] = await observe([checkOf({ retries: { times: 2, after: 0 } })], async (_, tryNumber) => {
      tries.push(tryNumber);
      return tryNumber < 3 ? failed : ok;
    });
    assert.deepEqual([result?.state, tries], ['OK', [1, 2, 3]]);
  });

  it('[N2] no more tries than configured', async () => {
    let tries = 0;
    const [result] = await observe([checkOf({ retries: { times: 1, after: 0 } })], async () => {
      tries += 1;
      return failed;
    });
    assert.deepEqual([result?.state, result?.code, tries], ['CRITICAL', 'network.refused', 2]);
  });

  it('[N2] a number beyond its threshold is an answer and is not asked for again', async () => {
    let tries = 0;
    const slow = { time: { warning: { min: 0, max: 1, inverted: false }, critical: null } };
    const [result] = await observe([checkOf({ thresholds: slow })], async () => {
      tries += 1;
      return { kind: 'measured', output: 'slow', metrics: { time: 2 } };
    });
    assert.deepEqual([result?.state, result?.output, tries], ['WARNING', 'slow, warning above 1 (time)', 1]);
  });

  it('[W1] a threshold is said in the unit of its metric', async () => {
    const slow = { age: { warning: { min: 0, max: 129_600, inverted: false }, critical: null } };
    const run = async (): Promise<Observation> => ({ kind: 'measured', output: 'old', metrics: { age: 200_000 } });
    const [result] = await observe([checkOf({ thresholds: slow })], run, {}, { age: { unit: 's', label: 'Age', help: 'Age.' } });
    assert.equal(result?.output, 'old, warning above 36 h (age)');
  });

  it('[case H01] a check that ignores its abort is left behind at its timeout', async () => {
    const [result] = await observe([checkOf({ timeout: 0.05, deadline: 0.05, ...once })], () => new Promise(() => {}));
    assert.deepEqual([result?.state, result?.code], ['CRITICAL', 'timeout.total']);
    assert.ok((result?.duration ?? 99) < 20);
  });

  it('[case H01] a check that ends on its abort has the last word', async () => {
    const [result] = await observe(
      [checkOf({ timeout: 0.05, ...once })],
      ({ signal }) =>
        new Promise((_, reject) =>
          signal.addEventListener('abort', () => reject(new TargetFailure('timeout.connect', 'no connection'))),
        ),
    );
    assert.equal(result?.code, 'timeout.connect');
  });

  it('[case H01] [W1] a step that began late says how little of the time was its own', async () => {
    const say = (since: number) => async (context: Context) => {
      const signal = context.signal;
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      throw new TargetFailure('timeout.total', `no answer within ${formatElapsed(performance.now() - since, signal)}`);
    };
    const words = async (since: number) => (await observe([checkOf({ timeout: 0.3, ...once })], say(since)))[0]?.output;
    assert.equal(await words(100), 'no answer within the last 0.1 s of 0.3 s');
    assert.equal(await words(300), 'no answer within 0.3 s');
  });

  it('[N2] tries that do not fit into the deadline are not begun', async () => {
    let tries = 0;
    await observe([checkOf({ deadline: 0.05, retries: { times: 5, after: 10 } })], async () => {
      tries += 1;
      return failed;
    });
    assert.equal(tries, 1);
  });

  const throws = [
    { name: '[case E06] a throw is our fault: UNKNOWN', error: new TypeError('x is undefined'), state: 'UNKNOWN', code: 'bug' },
    {
      name: '[T1] what the target did wrong is CRITICAL',
      error: new TargetFailure('tls.expired', 'expired'),
      state: 'CRITICAL',
      code: 'tls.expired',
    },
    {
      name: '[W1] where we could not look it is UNKNOWN',
      error: new LookFailure('proxy.refused', 'proxy down'),
      state: 'UNKNOWN',
      code: 'proxy.refused',
    },
  ];
  for (const { name, error, state, code } of throws) {
    it(name, async () => {
      const [result] = await observe([checkOf(once)], () => Promise.reject(error));
      assert.deepEqual([result?.state, result?.code], [state, code]);
    });
  }

  it('[T1] what a check leaves open is aborted when it ends', async () => {
    let signal: AbortSignal | undefined;
    await observe([checkOf()], async (context) => {
      signal = context.signal;
      return ok;
    });
    assert.equal(signal?.aborted, true);
  });
});

describe('all checks', () => {
  const twenty = Array.from({ length: 20 }, (_, i) =>
    checkOf({ id: `s/c${i}`, host: `h${i % 2}`, via: i % 2 === 0 ? 'tor' : null, ...once }),
  );

  async function peak(checks: Check[], limits: Partial<Observer['limits']>): Promise<number> {
    let running = 0;
    let most = 0;
    await observe(
      checks,
      async () => {
        running += 1;
        most = Math.max(most, running);
        await new Promise((resolve) => setImmediate(resolve));
        running -= 1;
        return ok;
      },
      limits,
    );
    return most;
  }

  it('[R2] no more run at once than `concurrency`', async () => {
    assert.equal(await peak(twenty, { concurrency: 7 }), 7);
  });

  it('[R2] no more run at once for one host than `per_host`', async () => {
    assert.equal(
      await peak(
        twenty.filter(({ host }) => host === 'h0'),
        { perHost: 3 },
      ),
      3,
    );
  });

  it('[N1] no more run at once through one proxy than `per_proxy`', async () => {
    assert.equal(
      await peak(
        twenty.filter(({ via }) => via !== null),
        { perProxy: 2 },
      ),
      2,
    );
  });

  it('[case E10] what is not finished at the run’s deadline is withheld as not-run, and everything has a result', async () => {
    const results = await observe(
      twenty.map((check) => ({ ...check, timeout: 30, deadline: 30 })),
      () => new Promise(() => {}),
      { concurrency: 5, runDeadline: 0.1 },
    );
    assert.equal(results.length, 20);
    assert.deepEqual([...new Set(results.map(({ withheld }) => withheld))], ['not-run']);
  });

  it('[T4] one check that throws changes no other', async () => {
    let count = 0;
    const results = await observe(twenty, async () => {
      count += 1;
      if (count === 1) throw new Error('boom');
      return ok;
    });
    assert.equal(results.filter(({ state }) => state === 'OK').length, 19);
  });
});
