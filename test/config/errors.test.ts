import assert from 'node:assert/strict';
import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ConfigurationError, loadConfiguration } from '../../src/config/load.ts';
import { FAKE_REQUEST } from '../support/check-types.ts';
import { temporaryFolder } from '../support/server.ts';

const FIXTURES = 'test/fixtures/config';
const NAMES = readdirSync(`${FIXTURES}/errors`).sort();

/** A folder's name is the mistake, or begins with the hostile case that it is: `f04-alias-bomb`. */
function toTitle(name: string): string {
  const id = /^[a-z]\d\d(?=-)/.exec(name)?.[0];
  const words = name.slice(id === undefined ? 0 : id.length + 1).replaceAll('-', ' ');
  return `${id === undefined ? '' : `[case ${id.toUpperCase()}] `}a configuration mistake is said in exact words: ${words}`;
}

test('[C2] there are mistakes to try', () => assert.ok(NAMES.length > 60, `${NAMES.length}`));

for (const name of NAMES) {
  test(toTitle(name), async () => {
    const folder = temporaryFolder();
    try {
      cpSync(join(FIXTURES, 'errors', name), folder.path, { recursive: true });
      const path = join(folder.path, 'vigie.yaml');
      if (!existsSync(path)) cpSync(`${FIXTURES}/base.yaml`, path);
      const text = (await findErrors(path)).replaceAll(`${folder.path}/`, '');
      const golden = join(FIXTURES, 'errors', name, 'expected.txt');
      if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(golden, text);
      assert.equal(text, readFileSync(golden, 'utf8'));
    } finally {
      folder.remove();
    }
  });
}

async function findErrors(path: string): Promise<string> {
  try {
    await loadConfiguration({ ...FAKE_REQUEST, path, mode: 'check' });
    return 'no error\n';
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    return `${error.message}\n`;
  }
}
