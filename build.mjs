// Builds dist/: compiled sources and tests (tsc), the precompiled templates, and dist/vigie, the bundle that people run.
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, rmSync } from 'node:fs';

rmSync('dist', { recursive: true, force: true });
execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', '.'], { stdio: 'inherit' });
if (existsSync('dist/src/main.js')) chmodSync('dist/src/main.js', 0o755);
