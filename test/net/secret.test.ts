import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { LookFailure } from '../../src/core/failure.ts';
import { readSecret } from '../../src/net/secret.ts';
import { testContext } from '../support/context.ts';
import { temporaryFolder } from '../support/server.ts';

const folder = temporaryFolder();
after(() => folder.remove());
const file = join(folder.path, 'secret');

function write(mode: number): void {
  writeFileSync(file, 'CANARY-secret\n');
  chmodSync(file, mode);
}

for (const mode of [0o600, 0o400, 0o700]) {
  test(`[T1] a secret file of mode ${mode.toString(8)} is read without its line break`, () => {
    write(mode);
    assert.equal(readSecret({ file }, {}), 'CANARY-secret');
  });
}

for (const mode of [0o640, 0o604, 0o644, 0o620, 0o602, 0o666]) {
  test(`[case F05] a secret file of mode ${mode.toString(8)} is secret.mode, and its text is nowhere`, () => {
    write(mode);
    assert.throws(
      () => readSecret({ file }, {}),
      (error) => {
        assert.ok(error instanceof LookFailure);
        assert.equal(error.code, 'secret.mode');
        assert.ok(error.message.endsWith(`expected mode 0600, found 0${mode.toString(8)}`), error.message);
        assert.doesNotMatch(error.message, /CANARY/);
        return true;
      },
    );
  });
}

test('[T1] a secret that is missing, a folder or far too long says so', () => {
  assert.throws(() => readSecret({ file: join(folder.path, 'none') }, {}), { code: 'secret.missing' });
  mkdirSync(join(folder.path, 'sub'), { mode: 0o700 });
  assert.throws(() => readSecret({ file: join(folder.path, 'sub') }, {}), { code: 'secret.missing' });
  writeFileSync(file, Buffer.alloc(70_000), { mode: 0o600 });
  chmodSync(file, 0o600);
  assert.throws(() => readSecret({ file }, {}), { code: 'secret.size' });
});

test('[T1] a secret of the environment comes from the record that is given, not from the process', () => {
  assert.equal(readSecret({ env: 'TOKEN' }, { TOKEN: 'abc' }), 'abc');
  assert.throws(() => readSecret({ env: 'PATH' }, {}), { code: 'secret.missing' });
});

test('[T1] a secret that was read never shows in the trace', () => {
  const context = testContext({ secrets: { TOKEN: 'CANARY-token' } });
  assert.equal(context.secret({ env: 'TOKEN' }), 'CANARY-token');
  context.trace('sent CANARY-token');
  assert.deepEqual(context.steps, ['sent ***']);
});
