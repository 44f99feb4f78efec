import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import plugin from '../../checks/plugin.ts';
import { bind, toObjectSchema } from '../../src/config/schema.ts';
import { judge } from '../support/derived.ts';

const cluster = { name: 'ganeti-cluster', code: 2, output: 'CRITICAL: node2 is drained', perfdata: 'nodes=3;;;0 instances=41' };
const raid = { name: 'raid', code: 0, output: 'OK: 2 disks', perfdata: "'disks'=2 'read time'=12.5ms;100;200" };
const look = (list: object[], names?: string[]) =>
  judge(plugin, { plugins: { list } }, { options: names === undefined ? {} : { names } });

describe('plugin', () => {
  it('[K21] the exit code alone is the state, the words are shown, the performance data are metrics', async () => {
    const seen = await look([cluster, raid], ['ganeti-cluster']);
    assert.deepEqual([seen.state, seen.output], ['CRITICAL', 'CRITICAL: node2 is drained']);
    assert.deepEqual(seen.metrics, { nodes: 3, instances: 41, failing: 1 });
    assert.deepEqual(seen.parts, []);
  });

  it('[K21] several are parts with metrics of their own; the worst counts', async () => {
    const seen = await look([cluster, raid]);
    assert.deepEqual([seen.state, seen.output], ['CRITICAL', '1 of 2 not OK, ganeti-cluster: CRITICAL: node2 is drained']);
    assert.deepEqual(
      seen.parts.map(({ name, state }) => [name, state]),
      [
        ['ganeti-cluster', 'CRITICAL'],
        ['raid', 'OK'],
      ],
    );
    assert.deepEqual(seen.metrics, {
      ganeti_cluster_nodes: 3,
      ganeti_cluster_instances: 41,
      raid_disks: 2,
      raid_read_time: 0.0125,
      failing: 1,
    });
  });

  for (const key of ['command', 'arguments', 'args', 'allow_arguments']) {
    it(`[case P14] the configuration of the monitor passes no ${key} to a plug-in: what is run, and how, the host alone says`, () => {
      const { mistakes } = bind(toObjectSchema(plugin.options, 'an option of type plugin'), {
        names: ['raid'],
        [key]: '-H x; rm -rf /',
      });
      assert.deepEqual(
        mistakes?.map(({ path, atKey }) => [path, atKey]),
        [[[key], true]],
      );
    });
  }

  it('[case P09] what a plug-in prints is cleaned, and of its numbers only those count that are finite', async () => {
    const output = 'disk\r\nBcc: all@example.org \u001b[31mfull\u202e<b>';
    const hostile = { name: 'raid', code: 1, output, perfdata: 'a=NaN b=1e999 c=-1e999 d=Infinity e=\u0007 f=7' };
    const seen = await look([hostile], ['raid']);
    // One line without control or direction characters; markup is text, which the pages escape.
    assert.match(seen.output, /^disk ?Bcc: all@example.org full<b>$/);
    assert.deepEqual(seen.metrics, { f: 7, failing: 1 });
  });

  for (const { name, list, names, state, output } of [
    {
      name: 'one that could not be run',
      list: [{ ...raid, code: 127, output: '' }],
      state: 'UNKNOWN',
      output: 'exit code 127, expected 0 to 3',
    },
    { name: 'one that says OK and means WARNING', list: [{ ...raid, code: 1, output: 'OK' }], state: 'WARNING', output: 'OK' },
    { name: 'one without words', list: [{ ...raid, output: '' }], state: 'OK', output: 'no words' },
    {
      name: 'none that fits',
      list: [raid],
      names: ['nfs'],
      state: 'UNKNOWN',
      output: 'no nfs in the report: the agent needs "plugin NAME COMMAND"',
    },
    {
      name: 'one of two that is not reported',
      list: [raid],
      names: ['raid', 'nfs'],
      state: 'UNKNOWN',
      output: '1 of 2 not OK, nfs: not in the report',
    },
  ]) {
    it(`[K21] ${name} is ${state}`, async () => {
      const seen = await look(list, names);
      assert.deepEqual([seen.state, seen.output], [state, output]);
    });
  }
});
