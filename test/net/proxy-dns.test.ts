import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '../support/server.ts';

const here = spawnSync('unshare', ['-n', '-m', 'true']).status === 0 ? {} : { skip: 'network and mount namespaces need root' };
const module = (path: string) => JSON.stringify(new URL(path, import.meta.url).href);

/** Runs where the only name server is its own recorder on port 53; prints the names that it was asked for, step by step. */
const SCRIPT = `
import { createSocket } from 'node:dgram';
import packet from ${JSON.stringify(import.meta.resolve('dns-packet'))};
const { testContext } = await import(${module('../support/context.js')});
const { rawServer } = await import(${module('../support/raw-server.js')});
const { bind } = await import(${module('../support/bind.js')});
const { default: http } = await import(${module('../../checks/http.js')});
let asked = [];
const recorder = createSocket('udp4').on('message', (bytes) => asked.push(packet.decode(bytes).questions[0].name));
await new Promise((resolve) => recorder.bind(53, '127.0.0.1', resolve));
const report = (step) => { console.log(JSON.stringify([step, [...new Set(asked)]])); asked = []; };
const replies = [Buffer.from([5, 0]), Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]), Buffer.from('HTTP/1.1 200 OK\\r\\ncontent-length: 2\\r\\n\\r\\nok')];
const proxy = await rawServer((socket) => {
  const left = [...replies];
  const next = () => left.length > 0 && socket.write(left.shift());
  socket.on('data', next);
  next();
});
await testContext({ timeoutMs: 300 }).dial({ host: 'control.example', port: 80 }).catch(() => {});
report('control');
const through = { proxy: { name: 'tor', host: '127.0.0.1', port: proxy.port } };
for (const host of ['secret.onion', 'www.example.org']) {
  const seen = await http.run(bind(http, { url: 'http://' + host + '/', body: 'ok' }), testContext(through));
  report(seen.kind);
}
await testContext({ proxy: { name: 'tor', host: '127.0.0.1', port: 1 } }).dial({ host: 'fallback.example', port: 80 }).catch((error) => report(error.code));
process.exit();
`;

test('[N1] [case K08] no DNS query leaves for a proxied host, and a proxy that is down is no reason to ask directly', here, () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder.path, 'resolv.conf'), 'nameserver 127.0.0.1\n');
  writeFileSync(join(folder.path, 'script.mjs'), SCRIPT);
  const inside = 'ip link set lo up; mount --bind "$1/resolv.conf" "$(readlink -f /etc/resolv.conf)"; exec "$2" "$1/script.mjs"';
  const done = spawnSync('unshare', ['-n', '-m', 'sh', '-c', inside, 'sh', folder.path, process.execPath], { encoding: 'utf8' });
  folder.remove();
  assert.equal(done.status, 0, done.stderr);
  assert.deepEqual(
    done.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line)),
    [
      // The control shows that the recorder sees what a direct check asks.
      ['control', ['control.example']],
      ['measured', []],
      ['measured', []],
      ['proxy.refused', []],
    ],
  );
});
