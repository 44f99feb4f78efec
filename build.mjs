// Builds dist/: sources and tests compiled by tsc, then dist/vigie, the bundle that people run: fewer files to load, so that a run
// from cron starts quickly. Check types stay one file each: `src/registry.ts` finds them by their names.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { build, transformSync } from 'esbuild';
import nunjucks from 'nunjucks';
import { keepCode } from './build-code.mjs';

rmSync('dist', { recursive: true, force: true });
try {
  execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', '.'], { stdio: 'inherit' });
} catch {
  process.exit(1);
}
compileTemplates('dist/src/site');

// One script that every run from cron loads, instead of the thirty small chunks that sharing among entry points would lead to: each
// costs a millisecond of every run. What an idle run does not need (calendar, messages, pages, packing) stays outside.
const KERNEL = 'dist/vigie/src/kernel.js';
const START = 'dist/vigie/src/main.js';
const kernel = findKernel([
  'dist/src/commands/run.js',
  'dist/src/observe.js',
  'dist/src/core/verdict.js',
  'dist/src/core/option.js',
  'dist/src/core/failure.js',
  'dist/src/core/text.js',
]);
const common = {
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  // nunjucks' slim build looks for the global object by making code from text, which is forbidden here, and then for `self`.
  define: { self: 'globalThis' },
  legalComments: 'linked',
  logLevel: 'warning',
};
await build({
  ...common,
  stdin: { contents: [...kernel].map((file) => `export * from './${file}';`).join('\n'), resolveDir: '.' },
  outfile: KERNEL,
  plugins: [lazyImports()],
});

const checks = readdirSync('dist/checks').filter((file) => file.endsWith('.js'));
const lazy = [
  'clock',
  'config/load-files',
  'core/people',
  'emergency',
  'fleet',
  'dead-man',
  'heartbeat',
  'core/host-changes',
  'host-news',
  'incident-files',
  'mail-outside',
  'mail/delivery',
  'replies',
  'observer',
  'sentinel',
  'settings-news',
  'commands/summary',
  'site/publisher',
  'store/packing',
  'tell',
];
await build({
  ...common,
  entryPoints: Object.fromEntries([
    ['src/program', 'dist/src/main.js'],
    ...[...checks.map((file) => `checks/${file.slice(0, -3)}`), ...lazy.map((name) => `src/${name}`)].map((name) => [
      name,
      `dist/${name}.js`,
    ]),
  ]),
  outdir: 'dist/vigie',
  // Chunks stand beside program.js, since the registry looks for `../checks/` from wherever it was bundled to.
  chunkNames: 'src/[name]-[hash]',
  splitting: true,
  plugins: [fromKernel(), undiciAlone()],
});
compileTemplates('dist/vigie/src');
compileTemplates('dist/vigie/src/site');
toScripts();
writeStart();
await keepCode(START);

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
  const version = createHash('sha1').update(code).digest('hex').slice(0, 12);
  const { code: small } = transformSync(code, { minifyWhitespace: true, minifySyntax: true });
  writeFileSync(`${folder}/templates.js`, `${small}export const version = '${version}';\n`);
  cpSync('public', `${folder}/public`, { recursive: true });
  writeStyle(`${folder}/public/style.css`);
}

/** Lengths and heights of bars and charts are classes: inline styles are forbidden. Written here, so that the style sheet stays readable. */
function writeStyle(file) {
  const steps = Array.from({ length: 101 }, (_, i) => `.a${i}{--a:${i}}.b${i}{--b:${i}}.c${i}{--c:${i}}`);
  const lengths = Array.from({ length: 90 }, (_, i) => `.n${i + 1}{--n:${i + 1}}`);
  const text = [readFileSync(file, 'utf8'), ...lengths, ...steps].join('\n');
  writeFileSync(file, transformSync(text, { loader: 'css', minify: true }).code);
}

/** What these modules import statically, themselves included: absolute paths are not needed, all stand below dist/src. */
function findKernel(roots) {
  const found = new Set();
  const visit = (file) => {
    if (found.has(file)) return;
    found.add(file);
    for (const [, target] of readFileSync(file, 'utf8').matchAll(/^(?:import|export)[^;'"]*?from '(\.[^']+)'/gm))
      visit(join(dirname(file), target));
  };
  roots.forEach(visit);
  const names = [...found].flatMap((file) =>
    [...readFileSync(file, 'utf8').matchAll(/^export (?:async )?(?:function|const|class) (\w+)/gm)].map(([, name]) => name),
  );
  const twice = names.filter((name, i) => names.indexOf(name) !== i);
  if (twice.length > 0) throw new Error(`exported by two modules of the kernel: ${twice.join(', ')}`);
  return found;
}

/**
 * ES modules become scripts: code that V8 made can be kept for scripts only (src/start.ts), and `import` of a module of Node's loads
 * what lies behind each of its getters (`fs` the streams, 20 ms), while `require` takes what is named.
 */
function toScripts() {
  for (const name of readdirSync('dist/vigie', { recursive: true }).filter((file) => file.endsWith('.js'))) {
    const file = join('dist/vigie', name);
    const text = readFileSync(file, 'utf8').replaceAll('"#kernel"', JSON.stringify(toKernel(file)));
    writeFileSync(file, toScript(text, { minifySyntax: true, minifyWhitespace: true }));
  }
  writeFileSync('dist/vigie/package.json', '{ "type": "commonjs" }\n');
}

function toScript(text, more) {
  const { code } = transformSync(text, {
    format: 'cjs',
    platform: 'node',
    target: 'node20',
    define: { 'import.meta.url': 'scriptUrl', 'import.meta.dirname': '__dirname' },
    supported: { 'dynamic-import': false },
    logLevel: 'warning',
    ...more,
  });
  return code;
}

function toKernel(file) {
  const path = relative(dirname(file), KERNEL);
  return path.startsWith('.') ? path : `./${path}`;
}

/** What people call: a script that Node itself loads. */
function writeStart() {
  const banner = "const scriptUrl = require('node:url').pathToFileURL(__filename).href;";
  writeFileSync(START, toScript(readFileSync('dist/src/start.js', 'utf8'), { banner }));
  chmodSync(START, 0o755);
}

/** Inside the kernel: dynamic imports stay what they are, files beside it. */
function lazyImports() {
  return {
    name: 'lazy',
    setup(builder) {
      builder.onResolve({ filter: /^\./ }, ({ kind, path, resolveDir }) => {
        if (kind !== 'dynamic-import') return undefined;
        const name = relative(resolve('dist/src'), join(resolveDir, path));
        return { path: `./${name}`, external: true };
      });
    },
  };
}

/** Outside of the kernel: its modules are the kernel's, so that there is one copy of each class. */
function fromKernel() {
  const files = new Set([...kernel].map((file) => resolve(file)));
  return {
    name: 'kernel',
    setup(builder) {
      builder.onResolve({ filter: /^\./ }, ({ kind, path, resolveDir }) => {
        if (!files.has(join(resolveDir, path)) || kind === 'entry-point') return undefined;
        // A name for now: whether this module ends up in a chunk or in an entry point, and in which folder, esbuild decides.
        return { path: '#kernel', external: true };
      });
    },
  };
}

/**
 * What undici's client takes from Node's own HTTP modules is a default that we set and a class of which we have no object, and it goes
 * on without HTTP/2. Loading them costs 20 to 50 ms of every run.
 */
function undiciAlone() {
  const namespace = 'undici-alone';
  return {
    name: namespace,
    setup(builder) {
      builder.onResolve({ filter: /^(node:)?http2?$/ }, ({ path, importer }) =>
        importer.includes('/node_modules/undici/') ? { path, namespace } : undefined,
      );
      builder.onLoad({ filter: /http$/, namespace }, () => ({
        contents: 'module.exports = { maxHeaderSize: 16384, IncomingMessage: class {} };',
      }));
      builder.onLoad({ filter: /http2$/, namespace }, () => ({
        contents: "throw new Error('HTTP/2 is not part of this program');",
      }));
    },
  };
}
