import assert from 'node:assert/strict';
import { createServer as createHttpsServer } from 'node:https';
import { createServer } from 'node:net';
import { after, before, describe, it } from 'node:test';
import type { Sentinel } from '../src/core/configuration.ts';
import type { SentinelReport } from '../src/core/isolation.ts';
import { askSentinels } from '../src/sentinel.ts';
import { certificateRig, DAY, type Issued } from './support/certificates.ts';
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

  describe('of https', () => {
    const rig = certificateRig();
    after(() => rig.remove());

    /** Answers with a clock that is so far ahead of ours. */
    async function offsetOf(certificate: Issued, aheadMs: number): Promise<SentinelReport | undefined> {
      const server = createHttpsServer({ key: certificate.key, cert: certificate.chain }, (_request, response) => {
        response.writeHead(404, { date: new Date(Date.now() + aheadMs).toUTCString() }).end();
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const address = server.address();
      const own = typeof address === 'object' && address !== null ? address.port : 0;
      const sentinels: Sentinel[] = [{ kind: 'https', url: `https://127.0.0.1:${own}/` }];
      const configuration = configurationOf([], { sentinels: { direct: sentinels } });
      const outside = { run: 1, now: Date.now(), timeoutMs: 5000, ca: rig.caFile };
      const [report] = await askSentinels(configuration, ['direct'], outside).finish();
      server.closeAllConnections();
      server.close();
      return report;
    }

    it('[W1] any answer will do, and its Date says how far our clock is off', async () => {
      const report = await offsetOf(rig.issue('good'), 600_000);
      assert.equal(report?.failed, 0);
      const [offset = 0] = report?.clockOffsetsMs ?? [];
      assert.ok(Math.abs(offset - 600_000) < 3000, `${offset} ms`);
    });

    it('[W1] one whose certificate is over by our clock answers all the same: it is our clock that may be wrong', async () => {
      const expired = rig.issue('expired', { notBefore: Date.now() - 9 * DAY, notAfter: Date.now() - DAY });
      const report = await offsetOf(expired, 0);
      assert.equal(report?.failed, 0);
      assert.equal(report?.clockOffsetsMs.length, 1);
    });

    it('[W1] one with a certificate of somebody else is a network that lies: it has failed', async () => {
      const report = await offsetOf(rig.issue('self', { issuer: 'self' }), 0);
      assert.equal(report?.failed, 1);
    });
  });
});
