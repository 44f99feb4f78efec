// Builds dist/: sources and tests compiled by tsc, then dist/vigie, the bundle that people run: fewer files to load, so that a run
// from cron starts quickly. Check types stay one file each: `src/registry.ts` finds them by their names.
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { build, transformSync } from 'esbuild';
import nunjucks from 'nunjucks';

rmSync('dist', { recursive: true, force: true });
try {
  execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', '.'], { stdio: 'inherit' });
} catch {
  process.exit(1);
}
compileTemplates('dist/src/site');

const checks = readdirSync('dist/checks').filter((file) => file.endsWith('.js'));
await build({
  entryPoints: ['dist/src/main.js', ...checks.map((file) => `dist/checks/${file}`)],
  outdir: 'dist/vigie',
  outbase: 'dist',
  // Chunks stand beside main.js, since the registry looks for `../checks/` from wherever it was bundled to.
  chunkNames: 'src/[name]-[hash]',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  external: ['better-sqlite3'],
  // CommonJS packages in an ES module still ask for require().
  banner: { js: "import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url);" },
  sourcemap: 'linked',
  sourcesContent: false,
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'linked',
  logLevel: 'warning',
});
compileTemplates('dist/vigie/src');
chmodSync('dist/vigie/src/main.js', 0o755);

/**
 * Templates and assets go beside the module that uses them, wherever it was bundled to. The compiling environment is the one whose
 * throwOnUndefined counts; at run time no template is compiled, so that code generation from strings can be forbidden.
 */
function compileTemplates(folder) {
  const env = new nunjucks.Environment([], { autoescape: true, throwOnUndefined: true, trimBlocks: true, lstripBlocks: true });
  const wrapper = (templates) =>
    `export const templates = {\n${templates
      .map(({ name, template }) => `${JSON.stringify(name)}: (function() {\n${template}\n})(),\n`)
      .join('')}};\n`;
  const code = nunjucks.precompile('templates', { env, include: [/\.njk$/], wrapper });
  writeFileSync(`${folder}/templates.js`, transformSync(code, { minifyWhitespace: true, minifySyntax: true }).code);
  cpSync('public', `${folder}/public`, { recursive: true });
}
