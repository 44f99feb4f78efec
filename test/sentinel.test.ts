import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { after, before, describe, it } from 'node:test';
import type { Sentinel } from '../src/core/configuration.ts';
import { askSentinels } from '../src/sentinel.ts';
import { configurationOf } from './support/model.ts';

/** RFC 5737's documentation range is not routed; here a port that nobody listens on answers faster. */
const CLOSED: Sentinel = { kind: 'tcp', host: '127.0.0.1', port: 1 };

describe('sentinels', () => {
  let port = 0;
  let accepted = 0;
  const server = createServer((socket) => {
    accepted += 1;
    socket.destroy();
  });
  before(
    () =>
      new Promise<void>((resolve) => {
        server.listen(0, '127.0.0.1', () => {
          const address = server.address();
          port = typeof address === 'object' && address !== null ? address.port : 0;
          resolve();
        });
      }),
  );
  after(() => server.close());

  const ask = (sentinels: Sentinel[]) =>
    askSentinels(configurationOf([], { sentinels: { direct: sentinels } }), ['direct'], {
      run: 1,
      now: Date.now(),
      timeoutMs: 3000,
    });

  it('[W1] a tcp sentinel works when it accepts a connection', async () => {
    const [report] = await ask([{ kind: 'tcp', host: '127.0.0.1', port }, CLOSED]).finish();
    assert.deepEqual(report, { group: 'direct', failed: 1, of: 2, clockOffsetsMs: [] });
  });

  it('[W1] those that failed are asked again at the end, the others are not', async () => {
    const began = accepted;
    const asked = ask([{ kind: 'tcp', host: '127.0.0.1', port }, CLOSED]);
    await asked.finish();
    assert.equal(accepted - began, 1);
  });

  it('[W1] a dns sentinel works when our resolver finds the name', async () => {
    const [report] = await ask([
      { kind: 'dns', name: 'localhost' },
      { kind: 'dns', name: 'nothing.invalid' },
    ]).finish();
    assert.equal(report?.failed, 1);
  });

  it('[W1] an https sentinel that does not answer has failed, and has no say about the clock', async () => {
    const [report] = await ask([{ kind: 'https', url: `https://127.0.0.1:${port}/` }]).finish();
    assert.deepEqual(report, { group: 'direct', failed: 1, of: 1, clockOffsetsMs: [] });
  });
});
