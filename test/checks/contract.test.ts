import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { describe, it } from 'node:test';
import type { CheckType, Context } from '../../src/check-type.ts';
import type { Option, Options } from '../../src/core/option.ts';
import { checkTypeNames, loadCheckType } from '../../src/registry.ts';

const ROOT = new URL('../../..', import.meta.url).pathname;
const types: CheckType[] = [];
for (const name of checkTypeNames()) {
  const type = await loadCheckType(name);
  if (type !== undefined) types.push(type);
}

/** Every option with its path, those inside of objects, lists and maps too. */
function allOptions(options: Options, path = ''): [string, Option][] {
  return Object.entries(options).flatMap(([name, option]): [string, Option][] => {
    const holder = option.kind === 'list' ? option.item : option;
    const inner = holder.kind === 'object' ? allOptions(holder.fields, `${path}${name}.`) : [];
    return [[`${path}${name}`, option], ...inner];
  });
}

/** A context in which nothing can be reached and whose signal is aborted already. */
function abortedContext(): Context {
  const signal = AbortSignal.abort();
  const never = () => new Promise<never>((_, reject) => setImmediate(() => reject(new Error('aborted'))));
  return {
    signal,
    dial: never,
    via: null,
    resolve: never,
    spawn: never,
    secret: () => 'CANARY-secret',
    elapsed: () => 0,
    now: 0,
    memory: undefined,
    trace: (step) => assert.ok(!step.includes('CANARY'), `a secret in the trace: ${step}`),
  };
}

describe('every check type', () => {
  it('[A4] there is one for each file', () => {
    const files = readdirSync(`${ROOT}checks`).filter((file) => file.endsWith('.ts'));
    assert.ok(files.length >= 6);
    assert.deepEqual(types.map(({ type }) => `${type}.ts`).sort(), files.sort());
  });

  for (const type of types) {
    it(`[A4] ${type.type} is documented: one sentence, each option and each metric explained`, () => {
      assert.match(type.summary, /^[A-Z].*\.$/s);
      for (const [path, option] of allOptions(type.options)) assert.ok(option.help.length > 5, `${type.type}.${path} has no help`);
      for (const [name, { help, label }] of Object.entries(type.metrics)) {
        assert.match(name, /^[a-z][a-z0-9_]*$/);
        assert.ok(help.length > 5 && label.length > 0, `${type.type} metric ${name}`);
      }
      for (const metric of Object.keys(type.thresholds)) assert.ok(Object.hasOwn(type.metrics, metric), `threshold for ${metric}`);
    });

    it(`[A4] ${type.type} has a test file of its own`, () => {
      assert.ok(existsSync(`${ROOT}test/checks/${type.type}.test.ts`));
    });

    it(`[T8] ${type.type} ends when it is aborted and tells no secret`, async () => {
      const options = { ...type.example } as never;
      // Long enough for a busy machine to load what the type needs; what ignores the abort never ends.
      const late = new Promise<'late'>((resolve) => setTimeout(() => resolve('late'), 60_000).unref());
      const outcome = await Promise.race([type.run(options, abortedContext()).catch((error: unknown) => error), late]);
      assert.notEqual(outcome, 'late');
      assert.ok(!JSON.stringify(outcome instanceof Error ? outcome.message : outcome).includes('CANARY'));
    });
  }
});
