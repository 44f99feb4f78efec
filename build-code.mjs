// The last step of the build: code that V8 made of the bundle, kept beside it, so that a run from cron need not compile anything.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

/**
 * Runs the bundle as cron does and keeps the code that V8 made of what was used: the starter configuration, a problem with its mail,
 * its end, a run with nothing to do. src/start.ts loads it; without it the program works, and takes 50 ms longer to start.
 */
export async function keepCode(program) {
  const folder = mkdtempSync(join(tmpdir(), 'vigie-build-'));
  writeFileSync(join(folder, 'keeper.cjs'), keeper());
  let status = 503;
  const server = createServer((_, response) => response.writeHead(status, { connection: 'close' }).end('ok'));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  await callProgram(program, folder, 'init', '--quiet');
  const url = `http://127.0.0.1:${server.address().port}/`;
  const checks = Array.from({ length: 15 }, (_, i) => `check${i}: { type: http, url: "${url}", attempts: 1 }`).join(', ');
  const hosts = Array.from({ length: 4 }, (_, i) => `  host${i}: { address: 127.0.0.1, checks: { ${checks} } }\n`).join('');
  writeFileSync(join(folder, 'conf.d/hosts.yaml'), `hosts:\n${hosts}`);
  for (status of [503, 503, 200]) await callProgram(program, folder, 'run', '--now', '*');
  await callProgram(program, folder, 'run');
  server.close();
  rmSync(folder, { recursive: true });
}

async function callProgram(program, folder, ...args) {
  const flags = readFileSync(program, 'utf8').split('\n', 1)[0].split(' ').slice(3);
  const { NODE_V8_COVERAGE: _, ...env } = process.env;
  const child = spawn(process.execPath, [...flags, '--require', join(folder, 'keeper.cjs'), resolve(program), ...args], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...env, CODE_TOP: resolve('dist/vigie') },
  });
  const [code] = await once(child, 'exit');
  if (code !== 0) process.stderr.write(`build: vigie ${args.join(' ')} ended with ${code}: the program may start more slowly\n`);
}

/**
 * Loaded before the program: it keeps each script that is made, and writes its code at the end. Code is bound to the flags of V8, and a
 * batch sets some (src/commands/run.ts): which script is loaded before that depends on the run, so each is written for both states.
 */
function keeper() {
  return `
const { execFileSync } = require('node:child_process');
const v8 = require('node:v8');
const vm = require('node:vm');
const { createHash } = require('node:crypto');
const { mkdirSync, readFileSync, writeFileSync } = require('node:fs');
const { dirname, join, relative } = require('node:path');
const scripts = new Map();
vm.Script = class extends vm.Script {
  constructor(source, options) {
    super(source, options);
    scripts.set(options.filename, this);
  }
};
const changed = [];
const { setFlagsFromString } = v8;
v8.setFlagsFromString = (flag) => {
  changed.push(flag.split('=')[0]);
  setFlagsFromString(flag);
};
process.on('exit', () => {
  writeAll();
  const help = execFileSync(process.execPath, ['--v8-options'], { encoding: 'utf8' });
  for (const name of changed) setFlagsFromString(new RegExp('default: (' + name + '=.+)').exec(help)[1]);
  writeAll();
});
function writeAll() {
  const folder = join(process.env.CODE_TOP, 'code', [process.version, process.arch, v8.cachedDataVersionTag()].join('-'));
  for (const [file, script] of scripts) {
    const path = join(folder, relative(process.env.CODE_TOP, file) + '.code');
    mkdirSync(dirname(path), { recursive: true });
    const code = script.createCachedData();
    const digest = createHash('sha256').update(readFileSync(file)).update(code).digest();
    writeFileSync(path, Buffer.concat([digest, code]));
  }
}
`;
}
