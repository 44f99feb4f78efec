import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { findFurther } from '../../src/config/further.ts';
import { bind, toObjectSchema } from '../../src/config/schema.ts';
import { checkTypeNames, loadCheckType } from '../../src/registry.ts';

/** What is found besides the mistakes of the options themselves. */
async function further(name: string, written: Record<string, unknown>): Promise<Record<string, string>> {
  const type = await loadCheckType(name);
  assert.ok(type);
  const schema = toObjectSchema(type.options, `a check of type ${name}`);
  const { mistakes = [] } = bind(schema, written);
  assert.notEqual(mistakes.length, 0);
  return findFurther(type, schema, written, mistakes);
}

const ESCAPE = 'unknown escape: expected \\r \\n \\t \\0 \\\\ or \\xHH, found "\\\\q"';
const cases: { name: string; type: string; written: Record<string, unknown>; found: Record<string, string> }[] = [
  {
    name: 'beside a wrong value',
    type: 'tcp',
    written: { address: 'a', port: 'many', send: '\\q' },
    found: { send: ESCAPE },
  },
  {
    name: 'beside an unknown key, where that can be nothing that it speaks of',
    type: 'tcp',
    written: { address: 'a', port: 7, send: '\\q', colour: 'red' },
    found: { send: ESCAPE },
  },
  {
    name: 'not where the wrong value may be what it misses',
    type: 'tcp',
    written: { address: 'a', port: 7, server_name: 'x', tls: 'maybe' },
    found: {},
  },
  {
    name: 'not where the unknown key may be what it misses',
    type: 'tcp',
    written: { address: 'a', port: 7, server_name: 'x', tsl: true },
    found: {},
  },
  ...['http', 'exporter', 'prometheus', 'promql', 'web-status', 'figure', 'listing'].map((type) => ({
    name: `not where a mistyped address may be one of https: ${type}`,
    type,
    written: { url: 'htps://web1.example.org/', tls: { verify: false } },
    found: {},
  })),
  {
    name: 'not where the unknown key may be the one of several that is missed, beside one that must be there and is not',
    type: 'bitcoin',
    written: { rcp: { url: 'http://127.0.0.1:8332/' } },
    found: {},
  },
  {
    name: 'not where a wrong list may have as many as are asked for',
    type: 'bitcoin',
    written: {
      file: { path: '/height' },
      sources: Array.from({ length: 7 }, (_, i) => ({ url: `${i === 0 ? 'htps' : 'https'}://${i}.example.org/` })),
      quorum: 5,
    },
    found: {},
  },
  {
    name: 'two that exclude each other',
    type: 'tcp',
    written: { address: 'a', port: 70_000, expect: 'x', regex: 'y' },
    found: { regex: 'excludes expect: expected one of them, found both' },
  },
];

describe('what a type finds in options of which some are wrong', () => {
  for (const { name, type, written, found } of cases) {
    it(`[C2] is said with the other mistakes: ${name}`, async () => {
      assert.deepEqual(await further(type, written), found);
    });
  }

  it('[R1] a mistyped option of a check that is right but for it is tried in one way or two, not in a hundred', async () => {
    const type = await loadCheckType('http');
    assert.ok(type?.validate);
    const schema = toObjectSchema(type.options, 'a check of type http');
    const written = { url: 'https://example.org/', bodi: 'x' };
    let asked = 0;
    const counting = {
      ...type,
      validate: (options: never) => {
        asked++;
        return type.validate?.(options) ?? {};
      },
    };
    const { mistakes = [] } = bind(schema, written);
    assert.deepEqual(findFurther(counting, schema, written, mistakes), {});
    assert.ok(asked >= 1 && asked <= 2, `${asked}`);
  });

  it('[C2] of no type and no option is anything made up when one option of its example is wrong or mistyped', async () => {
    let tried = 0;
    for (const name of checkTypeNames()) {
      const { options = {}, example = {} } = (await loadCheckType(name)) ?? {};
      const complete = { ...example, ...('address' in options ? { address: '192.0.2.1' } : {}) };
      for (const key of Object.keys(options)) {
        const { [key]: value, ...others } = complete as Record<string, unknown>;
        const wrong = { ...others, [key]: { wrong: { wrong: [[]] } } };
        const mistyped = { ...others, [`${key}x`]: value ?? 'x' };
        for (const written of [wrong, mistyped]) assert.deepEqual(await further(name, written), {}, `${name} ${key}`);
        tried += 2;
      }
    }
    assert.ok(tried > 400, `${tried}`);
  });
});
