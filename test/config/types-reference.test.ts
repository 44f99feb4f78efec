import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { stringify } from 'yaml';
import { renderTypes } from '../../src/config/reference.ts';
import { checkTypeNames, loadCheckType } from '../../src/registry.ts';
import { BASE, TestConfiguration } from '../support/configuration.ts';

const names = checkTypeNames();
const types = (await Promise.all(names.map((name) => loadCheckType(name)))).filter((type) => type !== undefined);

test('[A4] checks/README.md is current and shows every check type', () => {
  assert.ok(types.length > 0 && types.length === names.length);
  const text = renderTypes(types);
  if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync('checks/README.md', text);
  assert.equal(text, readFileSync('checks/README.md', 'utf8'));
});

for (const type of types) {
  test(`[A4] the example of type ${type.type} is a configuration without mistakes`, async () => {
    const checks = { example: { type: type.type, ...type.example } };
    const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA';
    const report = type.readsReport === true ? { report: { file: 'web1.report', keys: [key] } } : {};
    const hosts = { web1: { ...report, checks } };
    const folder = new TestConfiguration({ 'vigie.yaml': BASE, 'conf.d/a.yaml': stringify({ hosts }) });
    try {
      const loaded = await folder.load({ mode: 'check', loadType: loadCheckType, typeNames: names });
      assert.equal(loaded.configuration.checks.find((check) => check.id === 'web1/example')?.type, type.type);
    } finally {
      folder.remove();
    }
  });
}
