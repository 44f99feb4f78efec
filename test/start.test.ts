import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { BUNDLE, BUNDLE_FLAGS, globalFile, installation } from './support/cli.ts';
import { temporaryFolder } from './support/server.ts';

/** Runs the bundle with a script that Node loads before it, and returns what that said on standard error. */
function runWith(script: string, ...args: string[]): string[] {
  const folder = installation(globalFile('maildir:state/mail'), {
    'web.yaml': 'hosts:\n  web1:\n    address: 127.0.0.1\n    checks:\n      front: { type: http, url: "http://127.0.0.1:1/" }\n',
  });
  const path = join(folder.path, 'before.cjs');
  writeFileSync(path, script);
  const run = spawnSync(process.execPath, [...BUNDLE_FLAGS, '--require', path, BUNDLE, ...args], {
    cwd: folder.path,
    encoding: 'utf8',
    env: { ...process.env, NODE_V8_COVERAGE: '' },
  });
  folder.remove();
  return run.stderr.split('\n').filter((line) => line !== '');
}

describe('the start of the bundled program', () => {
  it('[R2] no script of a first run is compiled anew: each comes with the code that the build kept', () => {
    const said = runWith(
      `const vm = require('node:vm');
      const { Script } = vm;
      vm.Script = class extends Script {
        constructor(source, options) {
          super(source, options);
          const how = options.cachedData === undefined ? 'none' : this.cachedDataRejected ? 'rejected' : 'kept';
          process.stderr.write(how + ' ' + options.filename.replace(/.*vigie./, '') + '\\n');
        }
      };`,
      'run',
      '--now',
      '*',
    );
    assert.ok(said.includes('kept src/kernel.js') && said.includes('kept checks/http.js'), said.join('\n'));
    assert.deepEqual(
      said.filter((line) => !line.startsWith('kept ')),
      [],
    );
  });

  it('[R2] without kept code, as under another version of Node, the program compiles its scripts and works', () => {
    const said = runWith("Object.defineProperty(process, 'version', { value: 'v20.0.0-other' });", 'config', 'check');
    assert.deepEqual(said, []);
  });

  it('[R2] code of another text, or damaged code, is not run: the script is compiled', () => {
    const program = temporaryFolder();
    const top = join(BUNDLE, '../..');
    cpSync(top, join(program.path, 'dist/vigie'), { recursive: true });
    cpSync(join(top, '../../package.json'), join(program.path, 'package.json'));
    symlinkSync(join(top, '../../node_modules'), join(program.path, 'node_modules'));
    const at = (path: string) => join(program.path, 'dist/vigie', path);
    // As long as before: V8 would take the old code for it.
    const text = readFileSync(at('src/program.js'), 'utf8');
    const changed = text.replaceAll('one process, one cron line', 'one process, one CRON line');
    assert.notEqual(changed, text);
    writeFileSync(at('src/program.js'), changed);
    for (const folder of readdirSync(at('code'))) {
      const damaged = readFileSync(at(`code/${folder}/src/kernel.js.code`));
      for (let i = 1000; i < damaged.length; i += 500) damaged[i] = (damaged[i] ?? 0) ^ 0xff;
      writeFileSync(at(`code/${folder}/src/kernel.js.code`), damaged);
    }
    const help = spawnSync(process.execPath, [...BUNDLE_FLAGS, at('src/main.js'), 'help'], {
      encoding: 'utf8',
      env: { ...process.env, NODE_V8_COVERAGE: '' },
    });
    program.remove();
    assert.deepEqual([help.status, help.stderr, help.stdout.includes('one CRON line')], [0, '', true]);
  });

  it('[T7] no text becomes code, whoever asks', () => {
    const said = runWith(
      `process.on('exit', () => {
        const ways = {
          eval: () => eval('1'),
          indirect: () => (0, eval)('1'),
          Function: () => Function('return 1'),
          constructed: () => new Function('return 1'),
          constructor: () => (() => {}).constructor('return 1'),
          async: () => (async () => {}).constructor('return 1'),
          generator: () => (function* () {}).constructor('yield 1'),
          asyncGenerator: () => (async function* () {}).constructor('yield 1'),
          reflected: () => Reflect.construct((() => {}).constructor, ['return 1']),
        };
        for (const [name, way] of Object.entries(ways)) {
          try {
            way();
            process.stderr.write(name + ' made code\\n');
          } catch (error) {
            process.stderr.write(name + ': ' + error.name + '\\n');
          }
        }
        process.stderr.write(String((() => {}) instanceof Function) + '\\n');
      });`,
      'help',
    );
    const names = [
      'eval',
      'indirect',
      'Function',
      'constructed',
      'constructor',
      'async',
      'generator',
      'asyncGenerator',
      'reflected',
    ];
    assert.deepEqual(said, [...names.map((name) => `${name}: EvalError`), 'true']);
  });
});
