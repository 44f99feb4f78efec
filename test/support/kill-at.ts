// Loaded with --import into a run under test: kills the process with SIGKILL at a named point, so that the product needs no hooks.
// VIGIE_TEST_KILL_AT is `<when> <what> <n>`: before or after the n-th call of something; the points are listed in kill.test.ts.
import fs from 'node:fs';
import { createRequire, syncBuiltinESMExports } from 'node:module';
import net from 'node:net';

const [when = '', what = '', nth = '1'] = (process.env['VIGIE_TEST_KILL_AT'] ?? '').split('|');
let seen = 0;

function pass(moment: string, label: string): void {
  if (moment !== when || !label.includes(what)) return;
  seen += 1;
  if (seen === Number(nth)) process.kill(process.pid, 'SIGKILL');
}

type AnyFunction = (...args: unknown[]) => unknown;

function wrap(owner: Record<string, AnyFunction>, name: string, label: (self: unknown, args: unknown[]) => string): void {
  const original = owner[name];
  if (original === undefined) throw new Error(`${name} is not there to be wrapped`);
  owner[name] = function (this: unknown, ...args: unknown[]): unknown {
    const text = label(this, args);
    pass('before', text);
    const result = Reflect.apply(original, this, args);
    pass('after', text);
    return result;
  };
}

const files = fs as unknown as Record<string, AnyFunction>;
wrap(files, 'renameSync', (_, args) => `rename ${String(args[1])}`);
wrap(files, 'fsyncSync', () => 'fsync');
wrap(files, 'fdatasyncSync', () => 'fsync');
syncBuiltinESMExports();

wrap(
  net.Socket.prototype as unknown as Record<string, AnyFunction>,
  'write',
  (_, args) => `write ${String(args[0]).slice(0, 2000)}`,
);
const emit = net.Socket.prototype.emit;
net.Socket.prototype.emit = function (this: net.Socket, event: string | symbol, ...args: unknown[]): boolean {
  if (event === 'data') pass('before', `read ${String(args[0])}`);
  return Reflect.apply(emit, this, [event, ...args]) as boolean;
};

const Sqlite = createRequire(import.meta.url)('better-sqlite3') as new (
  path: string,
) => { prepare(sql: string): object; close(): void };
const scratch = new Sqlite(':memory:');
const statement = Object.getPrototypeOf(scratch.prepare('SELECT 1')) as Record<string, AnyFunction>;
scratch.close();
const sqlOf = (self: unknown) => `sql ${(self as { source: string }).source.replace(/\s+/g, ' ').trim()}`;
for (const method of ['run', 'get', 'all']) wrap(statement, method, sqlOf);
