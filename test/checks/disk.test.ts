import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import disk from '../../checks/disk.ts';
import { AT, DAY, HOUR, judge, lookAt } from '../support/derived.ts';
import { NOW } from '../support/host-report.ts';

const GB = 1e9;
const root = { mount: '/', type: 'ext4', size: 10 * GB, available: 4 * GB, inodes: 1000, inodes_free: 900, read_only: false };
const srv = { mount: '/srv', type: 'btrfs', size: 1000 * GB, available: 100 * GB, inodes: 0, inodes_free: 0, read_only: false };
const look = (list: object[], options: Record<string, unknown> = {}, memory?: unknown) =>
  judge(disk, { filesystems: { list } }, { options, memory });

describe('disk', () => {
  it('[K2] bytes and inodes of each file system are parts; the fullest stands first and is judged', async () => {
    const seen = await look([root, srv]);
    assert.equal(seen.state, 'WARNING');
    assert.equal(seen.output, '/srv 90 % of 931 GiB used (of 2 file systems), warning above 85 % (used)');
    assert.deepEqual(seen.metrics, { used: 90, available: 100 * GB, inodes_used: 10 });
    assert.deepEqual(seen.parts, [
      { name: '/srv', state: 'WARNING', output: '90 % of 931 GiB used' },
      { name: '/', state: 'OK', output: '60 % of 9.3 GiB used, 10 % of inodes' },
    ]);
  });

  for (const { name, list, options, state, output } of [
    { name: 'nearly full', list: [{ ...root, available: 0.4 * GB }], state: 'CRITICAL', output: /critical above 95 % \(used\)$/ },
    {
      name: 'without inodes',
      list: [{ ...root, inodes_free: 10 }],
      state: 'CRITICAL',
      output: /99 % of inodes, critical above 95 % \(inodes used\)$/,
    },
    {
      name: 'without inodes, not the fullest',
      list: [
        { ...srv, available: 500 * GB },
        { ...root, available: 9 * GB, inodes_free: 10 },
      ],
      state: 'CRITICAL',
      output: /^\/srv 50 % .*; \/ 99 % of inodes \(of 2 file systems\), critical above 95 %/,
    },
    {
      name: 'mounted read-only',
      list: [root, { ...srv, read_only: true }],
      state: 'CRITICAL',
      output: /^\/srv is mounted read-only, expected/,
    },
    {
      name: 'meant to be read-only, and full',
      list: [root, { ...srv, read_only: true, available: 0 }],
      options: { read_only: ['/srv'] },
      state: 'OK',
      output: /^\/ 60 %/,
    },
    {
      name: 'excluded',
      list: [root, srv],
      options: { exclude: ['/s*'] },
      state: 'OK',
      output: '/ 60 % of 9.3 GiB used, 10 % of inodes',
    },
    { name: 'not among those that are included', list: [root, srv], options: { include: ['/'] }, state: 'OK', output: /^\/ 60 %/ },
    {
      name: 'asked for and not mounted',
      list: [root],
      options: { include: ['/', '/srv'] },
      state: 'CRITICAL',
      output: '/srv is not mounted',
    },
    {
      name: 'of the kernel, of a container or full by its nature',
      list: [
        root,
        { ...srv, mount: '/tmp', type: 'tmpfs', available: 0 },
        { ...srv, mount: '/snap/core', type: 'squashfs', available: 0 },
        { ...srv, mount: '/var/lib/docker/x', type: 'overlay', available: 0 },
        { ...srv, mount: '/run/user', type: 'ext4', available: 0 },
        { ...srv, mount: '/proc', type: 'proc', size: 0, available: 0 },
      ],
      state: 'OK',
      output: '/ 60 % of 9.3 GiB used, 10 % of inodes',
    },
    {
      name: 'a tmpfs that is named in full',
      list: [root, { ...srv, mount: '/tmp', type: 'tmpfs', available: 0 }],
      options: { include: ['/', '/tmp'] },
      state: 'CRITICAL',
      output: /^\/tmp 100 %/,
    },
    { name: 'none at all', list: [], state: 'UNKNOWN', output: 'none of 0 file systems fits, expected at least one' },
  ] as { name: string; list: object[]; options?: Record<string, unknown>; state: string; output: string | RegExp }[]) {
    it(`[K2] ${name}: ${state}`, async () => {
      const seen = await look(list, options);
      assert.equal(seen.state, state, seen.output);
      if (typeof output === 'string') assert.equal(seen.output, output);
      else assert.match(seen.output, output);
    });
  }

  /** Looks every hour for so long. */
  async function follow(hours: number, used: (hour: number) => number) {
    let memory: unknown;
    let seen = await lookAt(disk, {});
    for (let hour = 0; hour <= hours; hour += 1) {
      const list = [{ ...root, size: 100 * GB, available: Math.round(100 * GB - used(hour)) }];
      seen = await lookAt(disk, { filesystems: { list } }, { memory, now: NOW + hour * HOUR * 1000 });
      memory = seen.memory;
    }
    return seen;
  }

  it('[K2] full in so many days, by the line through the last week', async () => {
    const seen = await follow(96, (hour) => 50 * GB + (hour / 24) * 5 * GB);
    assert.equal(seen.metrics?.['full_in'], 6);
    assert.match(seen.output, /^\/ 70 % of 93.1 GiB used, 10 % of inodes, full in 6 days$/);
  });

  it('[K2] soon full is a WARNING and then CRITICAL, however much is free', async () => {
    const days = (full: number) => ({ filesystems: { list: [{ ...root, available: full }] } });
    let memory: unknown;
    for (let hour = 0; hour < 72; hour += 6)
      memory = (await lookAt(disk, days(10 * GB - Math.round((hour / 24) * GB)), { memory, now: NOW + hour * HOUR * 1000 })).memory;
    const now = NOW + 72 * HOUR * 1000;
    assert.equal((await judge(disk, days(7 * GB), { memory, now })).state, 'OK');
    assert.equal((await judge(disk, days(2.5 * GB), { memory, now })).state, 'WARNING');
  });

  for (const { name, hours, used } of [
    { name: 'less than two days are known', hours: 40, used: (hour: number) => hour * GB },
    { name: 'one large file came', hours: 120, used: (hour: number) => (hour < 60 ? 10 * GB : 60 * GB) },
    { name: 'logs come and go within a day', hours: 150, used: (hour: number) => 50 * GB + (hour % 24) * GB },
    { name: 'it shrinks', hours: 120, used: (hour: number) => 90 * GB - hour * 0.1 * GB },
    { name: 'it takes more than a year', hours: 120, used: (hour: number) => 10 * GB + hour * 0.001 * GB },
  ]) {
    it(`[K2] nothing is foretold when ${name}`, async () => {
      assert.equal((await follow(hours, used)).metrics?.['full_in'], undefined);
    });
  }

  it('[K2] the last days are said in hours, and what is full is not foretold', async () => {
    const day = (hour: number) => (hour / 24) * 20 * GB;
    assert.match((await follow(96, day)).output, /, full in 24 h$/);
    const full = await follow(120, day);
    assert.match(full.output, /^\/ 100 % of 93.1 GiB used, 10 % of inodes$/);
    assert.equal(full.metrics?.['full_in'], undefined);
  });

  it('[K2] days without a report are a gap, not a step', async () => {
    const seen = await follow(48, (hour) => hour * 0.5 * GB);
    const now = NOW + 6 * DAY * 1000;
    const list = [{ ...root, size: 100 * GB, available: 28 * GB }];
    const later = await lookAt(disk, { filesystems: { list } }, { memory: seen.memory, now });
    assert.equal(later.metrics?.['full_in'], 2.3);
  });

  it('[K2] [T1] a hundred file systems with long names fit into the memory of a check, the fullest first', async () => {
    const list = Array.from({ length: 100 }, (_, i) => ({ ...srv, mount: `/${'x'.repeat(60)}${i}`, available: i * 10 * GB }));
    let memory: unknown;
    for (let hour = 0; hour < 200; hour += 6)
      memory = (await lookAt(disk, { filesystems: { list } }, { memory, now: NOW + hour * HOUR * 1000 })).memory;
    const size = JSON.stringify(memory).length;
    assert.ok(size > 2000 && size <= 4096, String(size));
    const { used } = memory as { used: Record<string, string> };
    assert.equal(Object.keys(used)[0], list[0]?.mount);
    const hostile = [{ ...root, mount: '__proto__' }];
    const seen = await lookAt(
      disk,
      { filesystems: { list: hostile } },
      { memory: { slot: 1, used: { constructor: 'zz' }, pace: {} } },
    );
    assert.equal(seen.kind, 'measured');
  });

  it('[K2] a fact of yesterday is UNKNOWN', async () => {
    const seen = await judge(disk, { filesystems: { at: AT - DAY, list: [root] } });
    assert.deepEqual([seen.state, seen.code], ['UNKNOWN', 'report.fact_stale']);
  });
});
