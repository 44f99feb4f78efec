import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import alive from '../../checks/alive.ts';
import { runCheck } from '../support/check.ts';
import { testContext } from '../support/context.ts';
import { HOUR, judge } from '../support/derived.ts';
import { NOW } from '../support/host-report.ts';
import { rawServer } from '../support/raw-server.ts';
import { freePort, needs } from '../support/server.ts';

describe('alive', () => {
  it('[K1] by a fresh report: since when it runs', async () => {
    const seen = await judge(alive, { uptime: { seconds: 5 * HOUR } }, { now: NOW + 40_000 });
    assert.deepEqual([seen.state, seen.output, seen.metrics], ['OK', 'up for 5 h, report 40 s old', { uptime: 5 * HOUR }]);
  });

  it('[K1] a report that does not say since when is UNKNOWN', async () => {
    assert.equal((await judge(alive, { uptime: { unavailable: 'no /proc' } })).output, 'uptime: no /proc');
  });

  it('[K1] by TCP: a port that answers, and one that refuses: only a machine that runs can do either', async () => {
    const server = await rawServer((socket) => socket.end());
    try {
      const look = (port: number) => runCheck(alive, { by: 'tcp', address: '127.0.0.1', port }, testContext());
      const seen = await look(server.port);
      assert.deepEqual([seen.kind, seen.output.replace(/in .*/, '')], ['measured', `port ${server.port} answers `]);
      const closed = await freePort();
      assert.match((await look(closed)).output, new RegExp(`^port ${closed} refuses, so it runs, in `));
    } finally {
      await server.close();
    }
  });

  it('[K1] a name that leads nowhere is its failure, whatever the way', async () => {
    const resolver = { servers: ['127.0.0.1:9'] };
    const seen = await runCheck(alive, { by: 'tcp', address: 'web1.invalid', port: 22 }, testContext({ resolver, timeoutMs: 500 }));
    assert.notEqual(seen.kind, 'measured');
  });

  it('[K1] by echo requests', needs('ping', 'setpriv', 'prlimit'), async () => {
    const seen = await runCheck(alive, { by: 'ping', address: '127.0.0.1', port: 22 }, testContext());
    assert.deepEqual([seen.kind, Object.keys(seen.metrics ?? {})], ['measured', ['rtt']], seen.output);
  });

  it('[K1] what needs an address says so, and only by report it reads the report', () => {
    const address = '${host.address}';
    assert.match(alive.validate?.({ by: 'ping', address } as never)['address'] ?? '', /^missing/);
    assert.deepEqual(alive.validate?.({ by: 'report', address } as never), {});
    const reads = alive.readsReport;
    assert.ok(typeof reads === 'function');
    assert.deepEqual([reads({ by: 'report' } as never), reads({ by: 'tcp' } as never)], [true, false]);
  });
});
