import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import prometheus from '../../checks/prometheus.ts';
import type { Observation } from '../../src/check-type.ts';
import { codeOf, problemsOf, runCheck } from '../support/check.ts';
import { type TestContextSettings, testContext } from '../support/context.ts';
import { type Exporter, startNodeExporter } from '../support/prometheus.ts';
import { type RawServer, rawServer } from '../support/raw-server.ts';
import { needs } from '../support/server.ts';
import { startMicrosocks } from '../support/socks.ts';

const here = needs('prometheus-node-exporter');
const NOW = Date.UTC(2026, 10, 22, 12, 0, 0);
const TEXTFILE = `# HELP apt_upgrades_pending waiting
# TYPE apt_upgrades_pending gauge
apt_upgrades_pending{origin="Debian",arch="amd64"} 3
apt_upgrades_pending{origin="Debian-Security",arch="amd64"} 2
backup_last_success_seconds ${NOW / 1000 - 3600}
backup_bytes_total 5000
nothing_yet_seconds 0
`;

describe('prometheus check against the real node exporter', here, () => {
  let exporter: Exporter | undefined;
  before(async () => {
    exporter = await startNodeExporter();
    exporter.write('test.prom', TEXTFILE);
  });
  after(() => exporter?.stop());
  const run = (options: Record<string, unknown>, settings: TestContextSettings = {}): Promise<Observation> =>
    runCheck(prometheus, { url: `http://127.0.0.1:${exporter?.port}/metrics`, ...options }, testContext({ now: NOW, ...settings }));

  it('[K23] sums the series of a metric', async () => {
    const { kind, metrics, output } = await run({ metric: 'apt_upgrades_pending' });
    assert.deepEqual([kind, metrics?.['value'], metrics?.['series']], ['measured', 5, 2]);
    assert.match(output, /^apt_upgrades_pending is 5 of 2 series, in /);
  });

  for (const [aggregate, value] of [
    ['min', 2],
    ['max', 3],
    ['average', 2.5],
    ['count', 2],
  ] as const) {
    it(`[K23] ${aggregate} of two series is ${value}`, async () => {
      assert.equal((await run({ metric: 'apt_upgrades_pending', aggregate })).metrics?.['value'], value);
    });
  }

  it('[K23] selects by labels, by patterns of the whole value, and by what must not be', async () => {
    const value = async (more: object) => (await run({ metric: 'apt_upgrades_pending', ...more })).metrics?.['value'];
    assert.equal(await value({ labels: { origin: 'Debian' } }), 3);
    assert.equal(await value({ match: { origin: 'Debian.+' } }), 2);
    assert.equal(await value({ without: { origin: '.*Security' } }), 3);
    assert.equal(await value({ labels: { absent: '' } }), 5);
  });

  it('[K23] divides one metric by another: the share of memory that is available', async () => {
    const { metrics } = await run({
      metric: 'node_memory_MemAvailable_bytes',
      divide_by: { metric: 'node_memory_MemTotal_bytes' },
      factor: 100,
    });
    const share = metrics?.['value'] ?? 0;
    assert.ok(share > 0 && share <= 100, String(share));
  });

  it('[K23] the age of a metric that is a time is seconds until now', async () => {
    assert.equal((await run({ metric: 'backup_last_success_seconds', as: 'age' })).metrics?.['value'], 3600);
    assert.equal(codeOf(await run({ metric: 'nothing_yet_seconds', as: 'age' })), 'metric.no_time');
    const early = { now: NOW - 2 * 3_600_000 };
    assert.equal(codeOf(await run({ metric: 'backup_last_success_seconds', as: 'age' }, early)), 'metric.future');
  });

  it('[K23] a rate needs two looks, and survives a counter that began anew', async () => {
    const first = await run({ metric: 'backup_bytes_total', as: 'rate' });
    assert.equal(first.metrics?.['value'], undefined);
    exporter?.write('test.prom', TEXTFILE.replace('5000', '8000'));
    const second = await run({ metric: 'backup_bytes_total', as: 'rate' }, { now: NOW + 300_000, memory: first.memory });
    assert.equal(second.metrics?.['value'], 10);
    exporter?.write('test.prom', TEXTFILE.replace('5000', '600'));
    const third = await run({ metric: 'backup_bytes_total', as: 'rate' }, { now: NOW + 600_000, memory: second.memory });
    assert.equal(third.metrics?.['value'], 2);
  });

  it('[K23] no series is a failure, unless that is said to be zero', async () => {
    assert.equal(codeOf(await run({ metric: 'absent' })), 'metric.missing');
    assert.equal((await run({ metric: 'absent', missing: 'zero' })).metrics?.['value'], 0);
  });

  it('[K23] [case A08] a textfile that is broken or old shows in the exporter’s own metrics', async () => {
    exporter?.write('broken.prom', 'this is no metric\n');
    assert.equal((await run({ metric: 'node_textfile_scrape_error' })).metrics?.['value'], 1);
    exporter?.write('broken.prom', 'fine 1\n');
    const mtime = { metric: 'node_textfile_mtime_seconds', match: { file: '.*/test.prom' }, as: 'age' };
    const { metrics } = await run(mtime, { now: Date.now() });
    assert.ok((metrics?.['value'] ?? 99) < 60);
  });

  it('[N2] works through a SOCKS proxy', needs('microsocks'), async () => {
    const proxy = await startMicrosocks();
    try {
      const settings = { proxy: { name: 'socks', host: '127.0.0.1', port: proxy.port } };
      assert.equal((await run({ metric: 'node_load1' }, settings)).kind, 'measured');
    } finally {
      await proxy.stop();
    }
  });
});

describe('prometheus check against wrong answers', () => {
  const answers: { name: string; head?: string; type?: string; body: string; code: string }[] = [
    { name: 'a page of HTML with status 200', type: 'text/html', body: '<html>\n', code: 'exposition.syntax' },
    {
      name: 'OpenMetrics cut short',
      type: 'application/openmetrics-text; version=1.0.0',
      body: 'm 1\n',
      code: 'exposition.truncated',
    },
    { name: 'a duplicate series', body: 'm 1\nm 2\n', code: 'exposition.duplicate' },
    { name: 'an infinite number', body: 'm +Inf\n', code: 'metric.not_finite' },
    { name: 'NaN', body: 'm NaN\n', code: 'metric.not_finite' },
    { name: 'status 500', head: 'HTTP/1.1 500 No', body: 'm 1\n', code: 'http.status' },
  ];
  for (const { name, head = 'HTTP/1.1 200 OK', type = 'text/plain; version=0.0.4', body, code } of answers) {
    it(`[case A08] [case A09] ${name} is ${code}`, async () => {
      const server: RawServer = await rawServer((socket) =>
        socket.end(`${head}\r\nContent-Type: ${type}\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`),
      );
      try {
        assert.equal(
          codeOf(await runCheck(prometheus, { url: `http://127.0.0.1:${server.port}/`, metric: 'm' }, testContext())),
          code,
        );
      } finally {
        await server.close();
      }
    });
  }

  it('[K23] a divisor of zero is no ratio', async () => {
    const body = 'm 1\nn 0\n';
    const server = await rawServer((socket) =>
      socket.end(`HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ${body.length}\r\n\r\n${body}`),
    );
    const options = { url: `http://127.0.0.1:${server.port}/`, metric: 'm', divide_by: { metric: 'n' } };
    assert.equal(codeOf(await runCheck(prometheus, options, testContext())), 'metric.division');
    await server.close();
  });
});

describe('prometheus options', () => {
  const given = { url: 'http://192.0.2.1/metrics', metric: 'm' };
  for (const { name, more, key } of [
    { name: 'a ratio has no age', more: { as: 'age', divide_by: { metric: 'n' } }, key: 'as' },
    { name: 'a number of series has no rate', more: { as: 'rate', aggregate: 'count' }, key: 'as' },
    { name: 'a login stands in auth', more: { url: 'http://a:b@192.0.2.1/' }, key: 'url' },
  ]) {
    it(`[A1] ${name}`, () => assert.deepEqual(Object.keys(problemsOf(prometheus, { ...given, ...more })), [key]));
  }
});
