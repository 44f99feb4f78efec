// Runs the compiled tests and fails when there were none: `node --test` on a folder of .ts files runs nothing and exits 0.
// node test/run.mjs [substring of a file name ...]
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';

const wanted = process.argv.slice(2);
const files = readdirSync('dist/test', { recursive: true })
  .filter((name) => name.endsWith('.test.js') && (wanted.length === 0 || wanted.some((part) => name.includes(part))))
  .map((name) => `dist/test/${name}`)
  .sort();
if (files.length === 0) {
  console.error('no test files in dist/test: build first, or the filter matches nothing');
  process.exit(1);
}
const result = spawnSync(process.execPath, ['--enable-source-maps', '--test', '--test-concurrency=2', ...files], {
  stdio: 'inherit',
});
process.exit(result.status ?? 1);
