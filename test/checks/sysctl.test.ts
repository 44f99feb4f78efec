import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import sysctl from '../../checks/sysctl.ts';
import { judge } from '../support/derived.ts';

const list = [
  { name: 'kernel.unprivileged_userns_clone', value: '1' },
  { name: 'net.ipv4.ip_local_port_range', value: '32768\t60999' },
  { name: 'kernel.none', value: null },
];
const look = (settings: Record<string, unknown>) => judge(sysctl, { sysctl: { list } }, { options: { settings } });

describe('sysctl', () => {
  for (const { name, settings, state, output } of [
    {
      name: 'as decided',
      settings: { 'kernel.unprivileged_userns_clone': 1 },
      state: 'OK',
      output: 'kernel.unprivileged_userns_clone is 1',
    },
    {
      name: 'several numbers',
      settings: { 'net.ipv4.ip_local_port_range': '32768 60999' },
      state: 'OK',
      output: 'net.ipv4.ip_local_port_range is 32768 60999',
    },
    {
      name: 'true is 1',
      settings: { 'kernel.unprivileged_userns_clone': true },
      state: 'OK',
      output: 'kernel.unprivileged_userns_clone is 1',
    },
    {
      name: 'another value',
      settings: { 'kernel.unprivileged_userns_clone': 0 },
      state: 'CRITICAL',
      output: 'kernel.unprivileged_userns_clone is 1, expected 0',
    },
    {
      name: 'a kernel without it',
      settings: { 'kernel.none': 0 },
      state: 'CRITICAL',
      output: 'kernel.none is no setting of this kernel, expected 0',
    },
    {
      name: 'not reported',
      settings: { 'vm.swappiness': 10 },
      state: 'UNKNOWN',
      output: 'vm.swappiness is not reported: the agent needs "sysctl vm.swappiness"',
    },
  ]) {
    it(`[K22] ${name}: ${state}`, async () => {
      const seen = await look(settings);
      assert.deepEqual([seen.state, seen.output], [state, output]);
    });
  }

  it('[K22] several are parts, and the worst counts', async () => {
    const seen = await look({ 'kernel.unprivileged_userns_clone': 0, 'vm.swappiness': 10 });
    assert.deepEqual(
      seen.parts.map(({ name, state }) => [name, state]),
      [
        ['kernel.unprivileged_userns_clone', 'CRITICAL'],
        ['vm.swappiness', 'UNKNOWN'],
      ],
    );
    assert.equal(seen.state, 'CRITICAL');
    assert.deepEqual(sysctl.validate?.({ settings: {} } as never), { settings: 'empty, expected at least one' });
  });
});
