import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import promql from '../../checks/promql.ts';
import type { Observation } from '../../src/check-type.ts';
import { codeOf, problemsOf, runCheck } from '../support/check.ts';
import { testContext } from '../support/context.ts';
import { type Exporter, startNodeExporter, startPrometheus } from '../support/prometheus.ts';
import { rawServer } from '../support/raw-server.ts';
import { needs } from '../support/server.ts';

const TEXTFILE = 'queue_length{queue="mail"} 3\nqueue_length{queue="print"} 250\nqueue_length{queue="old"} 40\n';
const range = (min: number | null, max: number | null) => ({ min, max, inverted: false });

describe('promql check against the real Prometheus', needs('prometheus', 'prometheus-node-exporter'), () => {
  let exporter: Exporter | undefined;
  let server: Awaited<ReturnType<typeof startPrometheus>> | undefined;
  const run = (options: Record<string, unknown>): Promise<Observation> =>
    runCheck(promql, { url: `http://127.0.0.1:${server?.port}/`, ...options }, testContext());

  before(async () => {
    exporter = await startNodeExporter();
    exporter.write('test.prom', TEXTFILE);
    server = await startPrometheus(exporter.port);
    const deadline = performance.now() + 120_000;
    while (codeOf(await run({ query: 'queue_length' })) === 'promql.empty' && performance.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  });
  after(async () => {
    await server?.stop();
    await exporter?.stop();
  });

  it('[K23] each series is judged by its own range and named', async () => {
    const seen = await run({ query: 'queue_length', warning: range(0, 30), critical: range(0, 100), name: ['queue'] });
    assert.deepEqual(
      seen.parts?.map(({ name, state }) => `${name} ${state}`),
      ['print CRITICAL', 'old WARNING', 'mail OK'],
    );
    assert.equal(seen.kind === 'judged' && seen.state, 'CRITICAL');
    assert.equal(seen.output, '2 of 3 series, print: 250, expected 100');
  });

  it('[K23] one series has a value that thresholds can judge', async () => {
    const seen = await run({ query: 'sum(queue_length)' });
    assert.deepEqual(seen.metrics, { series: 1, value: 293 });
  });

  it('[K23] a scalar is a series', async () =>
    assert.equal((await run({ query: 'scalar(sum(queue_length))' })).metrics?.['value'], 293));

  it('[K23] no series is a failure, or what one hoped for', async () => {
    assert.equal(codeOf(await run({ query: 'queue_length > 1000' })), 'promql.empty');
    const seen = await run({ query: 'queue_length > 1000', empty: 'ok' });
    assert.equal(seen.kind === 'judged' && seen.state, 'OK');
  });

  it('[K23] a query that the server refuses is a failure with the server’s words', async () => {
    const seen = await run({ query: 'queue_length{' });
    assert.equal(codeOf(seen), 'promql.error');
    assert.match(seen.output, /parse error/);
  });

  it('[K23] a range vector is not what an instant query is for', async () => {
    assert.equal(codeOf(await run({ query: 'queue_length[1m]' })), 'promql.type');
  });

  it('[K23] up of a target that is gone is 0', async () => {
    await exporter?.stop();
    exporter = undefined;
    const deadline = performance.now() + 120_000;
    let seen = await run({ query: 'up', critical: range(1, null) });
    while (codeOf(seen) !== 'promql.range' && performance.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 200));
      seen = await run({ query: 'up', critical: range(1, null) });
    }
    assert.match(seen.output, /job=node: 0, expected 1:/);
  });
});

describe('promql check against wrong answers', () => {
  for (const { name, status = 200, body, code } of [
    { name: 'HTML', body: '<html>', code: 'promql.answer' },
    { name: 'JSON null', body: 'null', code: 'promql.answer' },
    { name: 'a list', body: '[]', code: 'promql.answer' },
    { name: 'a vector that is none', body: '{"status":"success","data":{"resultType":"vector","result":{}}}', code: 'promql.type' },
    {
      name: 'a series without value',
      body: '{"status":"success","data":{"resultType":"vector","result":[null]}}',
      code: 'promql.answer',
    },
    { name: 'data null', body: '{"status":"success","data":null}', code: 'promql.type' },
    { name: 'status 503', status: 503, body: 'x', code: 'http.status' },
    {
      name: 'NaN',
      body: '{"status":"success","data":{"resultType":"vector","result":[{"metric":{"a":"<b>"},"value":[1,"NaN"]}]}}',
      code: 'promql.range',
    },
  ]) {
    it(`[case A09] ${name} is ${code}`, async () => {
      const server = await rawServer((socket) =>
        socket.end(`HTTP/1.1 ${status} X\r\nContent-Length: ${body.length}\r\n\r\n${body}`),
      );
      try {
        assert.equal(codeOf(await runCheck(promql, { url: `http://127.0.0.1:${server.port}`, query: 'up' }, testContext())), code);
      } finally {
        await server.close();
      }
    });
  }

  it('[A1] a login stands in auth, not in the address', () => {
    assert.deepEqual(Object.keys(problemsOf(promql, { url: 'http://a:b@192.0.2.1/', query: 'up' })), ['url']);
  });
});
