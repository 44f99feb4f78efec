import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parsePath, valuesAt } from '../../src/net/json-path.ts';

const DOCUMENT = {
  status: 'up',
  data: {
    items: [
      { name: 'a', on: true },
      { name: 'b', on: false },
    ],
  },
  'odd name': 1,
  __proto__x: 2,
};

describe('a path into JSON', () => {
  for (const [path, values] of [
    ['status', ['up']],
    ['$.status', ['up']],
    ['data.items[1].name', ['b']],
    ['data.items[*].on', [true, false]],
    ['data.items[2].name', []],
    ['["odd name"]', [1]],
    ['status.length', []],
    ['', [DOCUMENT]],
  ] as const) {
    it(`[K27] "${path}" leads to ${JSON.stringify(values).slice(0, 40)}`, () => {
      assert.deepEqual(valuesAt(DOCUMENT, parsePath(path) ?? ['no path']), values);
    });
  }

  for (const path of ['a b', 'a..b', 'a[', 'a[-1]', '[?(@.x)]', 'a[1', '.a.']) {
    it(`[case H26] "${path}" is no path`, () => assert.equal(parsePath(path), null));
  }

  it('[case H26] names that every object has lead nowhere', () => {
    for (const name of ['__proto__', 'constructor', 'hasOwnProperty']) {
      assert.deepEqual(valuesAt(JSON.parse('{"a":1}'), parsePath(name) ?? []), []);
    }
    assert.deepEqual(valuesAt(JSON.parse('{"__proto__":1}'), ['__proto__']), [1]);
  });

  it('[case A06] no text and no document make it throw', () => {
    fc.assert(
      fc.property(fc.string(), fc.jsonValue(), (text, document) => {
        const path = parsePath(text);
        if (path !== null) assert.ok(valuesAt(document, path).length <= 1000);
      }),
      { numRuns: 2000 },
    );
  });
});
