#!/usr/bin/env -S node --single-threaded-gc
// A run is over in a second: garbage is collected on the one thread that works. Any other flag of V8 here would make Node compile its
// own modules anew instead of taking the code that it comes with: 30 ms of each run. Those that help are set in src/commands/run.ts.
//
// The bundle begins here: `build.mjs` writes this file as main.js and main.ts beside it as program.js. Every other script of the
// bundle is loaded with the code that V8 made of it when vigie was built, in the folder `code`: compiling anew would be a tenth of
// each run from cron. Node has that by itself from 22.1 on (`module.enableCompileCache`), in a folder that a run must be able to
// write; this one belongs to who installs.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { arch, version } from 'node:process';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { cachedDataVersionTag } from 'node:v8';
import { Script } from 'node:vm';

type Exports = Record<string, unknown>;

/** Before each file's code: the SHA-256 of script and code (build.mjs). */
const DIGEST_BYTES = 32;
const TOP = join(import.meta.dirname, '..');
const require = createRequire(import.meta.url);
const loaded = new Map<string, { exports: Exports }>();

forbidCode();
load(join(import.meta.dirname, 'program.js'));

/** No text ever becomes code: what would do it throws, also for the libraries and for what came into a prototype. */
function forbidCode(): void {
  const refuse = (): never => {
    throw new EvalError('no text becomes code in this program');
  };
  globalThis.eval = refuse;
  for (const kind of [() => {}, async () => {}, function* () {}, async function* () {}]) {
    const prototype = Object.getPrototypeOf(kind) as object;
    const Refused = Object.assign(function Refused() {}, { prototype });
    Object.defineProperty(prototype, 'constructor', { value: new Proxy(Refused, { apply: refuse, construct: refuse }) });
  }
  globalThis.Function = Function.prototype.constructor as FunctionConstructor;
}

/** Runs one script of the bundle, once. Its dependencies are scripts of the bundle (relative, or a file's URL) or Node's. */
function load(file: string): Exports {
  const known = loaded.get(file);
  if (known !== undefined) return known.exports;
  const module = { exports: {} };
  loaded.set(file, module);
  const folder = dirname(file);
  const text = readFileSync(file);
  const source = `(function(exports,require,module,__filename,__dirname,scriptUrl){${text.toString()}\n})`;
  const script = new Script(source, { filename: file, cachedData: readCode(file, text) });
  const run = script.runInThisContext() as (...args: unknown[]) => void;
  const requireFrom = (id: string): unknown => {
    if (id.startsWith('.')) return load(join(folder, id));
    return id.startsWith('file:') ? load(fileURLToPath(id)) : require(id);
  };
  run(module.exports, requireFrom, module, file, folder, pathToFileURL(file).href);
  return module.exports;
}

/**
 * Code is only good for the very Node that made it, under the flags of V8 that are set now, and for this very text: V8 itself looks at
 * the length of a text only, and trusts what it is given. Undefined where there is none: the script is compiled then.
 */
function readCode(file: string, text: Buffer): Buffer | undefined {
  let kept: Buffer;
  try {
    kept = readFileSync(join(TOP, 'code', `${version}-${arch}-${cachedDataVersionTag()}`, `${relative(TOP, file)}.code`));
  } catch {
    return undefined;
  }
  const code = kept.subarray(DIGEST_BYTES);
  const digest = createHash('sha256').update(text).update(code).digest();
  return digest.equals(kept.subarray(0, DIGEST_BYTES)) ? code : undefined;
}
