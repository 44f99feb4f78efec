import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { parseExposition } from '../../src/net/exposition.ts';
import { toMetricsText } from '../../src/site/openmetrics.ts';
import { demoSnapshot } from '../support/demo.ts';
import { needs } from '../support/server.ts';

const samplesOf = (text: string) => parseExposition(Buffer.from(text), 'application/openmetrics-text; version=1.0.0', () => true);

describe('metrics.txt', () => {
  it('[R4] says each check’s state, problem, time and metrics, and how the runs go', () => {
    const samples = samplesOf(toMetricsText(demoSnapshot()));
    const value = (name: string, check: string, metric?: string) =>
      samples.find((one) => one.name === name && one.labels.get('check') === check && one.labels.get('metric') === metric)?.value;
    assert.equal(value('vigie_check_state', 'website/front-page'), 2);
    assert.equal(value('vigie_check_problem', 'website/front-page'), 1);
    assert.equal(value('vigie_check_state', 'jenkins/login'), 2);
    assert.equal(value('vigie_check_problem', 'jenkins/login'), 0, 'soft');
    assert.equal(value('vigie_check_withheld', 'backup/ssh'), 1);
    assert.equal(value('vigie_check_metric', 'website/front-page', 'size'), 14_540);
    assert.equal(value('vigie_check_last_result_timestamp_seconds', 'git/web'), demoSnapshot().now / 1000);
    assert.equal(samples.find(({ name }) => name === 'vigie_run_number')?.value, 8123);
    assert.equal(samples.find(({ name, labels }) => name === 'vigie_mails' && labels.get('state') === 'waiting')?.value, 1);
  });

  it('[R4] promtool accepts it', needs('promtool'), () => {
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
      input: toMetricsText(demoSnapshot()),
      encoding: 'utf8',
    });
    assert.deepEqual([status, stdout, stderr], [0, '', '']);
  });

  it('[T1] a name that a peer chose stays inside of its quotes', needs('promtool'), () => {
    const demo = demoSnapshot();
    const status = demo.statuses.get('git/web');
    if (status?.latest == null) throw new Error('the demo has git/web');
    const name = 'a"} 1\nvigie_run_number 7\\';
    status.latest = { ...status.latest, metrics: { [name]: 5 } };
    const text = toMetricsText(demo);
    const samples = samplesOf(text);
    assert.equal(samples.find(({ labels }) => labels.get('metric') === name)?.value, 5);
    assert.deepEqual(
      samples.filter((one) => one.name === 'vigie_run_number').map(({ value }) => value),
      [8123],
    );
    assert.equal(spawnSync('promtool', ['check', 'metrics'], { input: text }).status, 0);
  });

  it('[R4] without any result it is complete all the same', () => {
    const text = toMetricsText({ ...demoSnapshot(), statuses: new Map() });
    assert.match(text, /# EOF\n$/);
    assert.ok(!text.includes('vigie_check_state'));
  });
});
