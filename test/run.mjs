// Runs the compiled tests and fails when there were none: `node --test` on a folder of .ts files runs nothing and exits 0.
// node test/run.mjs [--coverage] [substring of a file name ...]
import { spawnSync } from 'node:child_process';
import { readdirSync, rmSync } from 'node:fs';

const wanted = process.argv.slice(2).filter((word) => word !== '--coverage');
const files = readdirSync('dist/test', { recursive: true })
  .filter((name) => name.endsWith('.test.js') && (wanted.length === 0 || wanted.some((part) => name.includes(part))))
  .map((name) => `dist/test/${name}`)
  .sort();
if (files.length === 0) {
  console.error('no test files in dist/test: build first, or the filter matches nothing');
  process.exit(1);
}
const isCoverage = process.argv.includes('--coverage');
const coverage = process.env.NODE_V8_COVERAGE ?? 'coverage/raw';
if (isCoverage) rmSync('coverage', { recursive: true, force: true });
const result = spawnSync(
  process.execPath,
  // A test that fails leaves its server behind, which would keep its file from ending, and this gate from saying what failed.
  ['--enable-source-maps', '--test', '--test-force-exit', '--test-concurrency=4', '--test-reporter=spec', ...files],
  { stdio: 'inherit', env: { ...process.env, ...(isCoverage ? { NODE_V8_COVERAGE: coverage } : {}) } },
);
if (result.status !== 0 || !isCoverage) process.exit(result.status ?? 1);

// `--all` and `--exclude-after-remap`: without them no file is covered, and the threshold passes.
const report = spawnSync(
  'node_modules/.bin/c8',
  [
    'report',
    '--temp-directory',
    coverage,
    '--all',
    '--src',
    '.',
    '--exclude-after-remap',
    '--include',
    'src/**',
    '--include',
    'checks/**',
    '--reporter',
    'text-summary',
    '--reporter',
    'json-summary',
    '--reporter',
    'html',
    '--check-coverage',
    '--lines',
    '90',
    '--branches',
    '85',
  ],
  { stdio: 'inherit' },
);
if (report.status !== 0) process.exit(report.status ?? 1);
const { readFileSync } = await import('node:fs');
const covered = Object.keys(JSON.parse(readFileSync('coverage/coverage-summary.json', 'utf8'))).length - 1;
if (covered < 40) {
  console.error(`coverage saw ${covered} files, expected all of src and checks`);
  process.exit(1);
}
