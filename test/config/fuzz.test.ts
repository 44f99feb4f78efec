import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CHECK } from '../../src/config/check-fields.ts';
import { GLOBAL_FILE } from '../../src/config/global-fields.ts';
import { ConfigurationError } from '../../src/config/load.ts';
import { HOST, SERVICE } from '../../src/config/owner-fields.ts';
import { FAKE_TYPES } from '../support/check-types.ts';
import { TestConfiguration } from '../support/configuration.ts';

const KEYS = Object.keys({
  ...GLOBAL_FILE,
  ...HOST,
  ...SERVICE,
  ...CHECK,
  ...FAKE_TYPES['http']?.options,
  ...FAKE_TYPES['tcp']?.options,
});
const NAMES = [
  'web1',
  'tor',
  'sysadmins',
  'debian',
  'alive',
  'constructor',
  'loss',
  'time',
  'warning',
  'title',
  'of',
  'url',
  'mail',
  'private',
];
const LEAVES = [
  '10',
  '10:',
  '@',
  '5m',
  '500MiB',
  'http',
  'ping',
  'proxy',
  'tor',
  'direct',
  'web1',
  'debian',
  '${host.address}',
  '${',
  'a@b.c',
];

/** A tree made of keys and values that mean something somewhere. */
const tree = fc.letrec((tie) => ({
  leaf: fc.oneof(fc.constantFrom<unknown>(...LEAVES, null, true, false, 0, -1, 3, 1e308, ''), fc.string({ maxLength: 5 })),
  list: fc.array(tie('node'), { maxLength: 3 }),
  map: fc.dictionary(fc.constantFrom(...KEYS, ...NAMES), tie('node'), { maxKeys: 6 }),
  node: fc.oneof({ depthSize: 'small', withCrossShrink: true }, tie('leaf'), tie('map'), tie('list')),
}));

/** Named things at the right places, with anything inside. */
const sections = fc.record(
  Object.fromEntries(
    ['hosts', 'services', 'profiles', 'proxies', 'contacts'].map((key) => [
      key,
      fc.dictionary(fc.constantFrom(...NAMES), tree.map, { maxKeys: 3 }),
    ]),
  ),
  { requiredKeys: [] },
);

test('[case F04] whatever a configuration holds, it loads or is refused with places, and nothing else is thrown', async () => {
  const folder = new TestConfiguration({});
  try {
    await fc.assert(
      fc.asyncProperty(tree.map, sections, sections, async (general, named, dropIn) => {
        folder.write('vigie.yaml', JSON.stringify({ ...(general as object), ...named }));
        folder.write('conf.d/a.yaml', JSON.stringify(dropIn));
        try {
          await folder.load({ mode: 'check' });
        } catch (error) {
          assert.ok(error instanceof ConfigurationError, error instanceof Error ? error.stack : String(error));
          for (const { message, line } of error.problems)
            assert.ok(line > 0 && !/undefined|\[object|Invalid|NaN/.test(message), message);
        }
      }),
      { numRuns: 100 },
    );
  } finally {
    folder.remove();
  }
});
