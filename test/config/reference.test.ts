import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { CHECK } from '../../src/config/check-fields.ts';
import { GLOBAL_FILE } from '../../src/config/global-fields.ts';
import { renderJsonSchema } from '../../src/config/json-schema.ts';
import { HOST, SERVICE } from '../../src/config/owner-fields.ts';
import { renderReference, renderTypes } from '../../src/config/reference.ts';
import { FAKE_TYPES } from '../support/check-types.ts';

function compareGolden(path: string, text: string): void {
  if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(path, text);
  assert.equal(text, readFileSync(path, 'utf8'));
}

test('[C2] the configuration reference is current and names every key', () => {
  const text = renderReference();
  compareGolden('docs/configuration.md', text);
  for (const key of Object.keys({ ...GLOBAL_FILE, ...HOST, ...SERVICE, ...CHECK })) {
    assert.match(text, new RegExp(`\`([a-z_.NAME]*\\.)?${key}\``), key);
  }
});

test('[A4] a type’s reference shows options, metrics, thresholds and an example', () => {
  compareGolden('test/golden/check-types.md', renderTypes(Object.values(FAKE_TYPES)));
});

test('[C2] the JSON Schema of both files describes every key', () => {
  const schema = renderJsonSchema('global', Object.values(FAKE_TYPES));
  compareGolden('test/golden/schema.json', `${JSON.stringify(schema, null, 1)}\n`);
  assert.deepEqual(Object.keys(schema['properties'] as object), Object.keys(GLOBAL_FILE));
  const dropIn = renderJsonSchema('drop-in', []);
  assert.deepEqual(Object.keys(dropIn['properties'] as object), ['profiles', 'hosts', 'services']);
});
