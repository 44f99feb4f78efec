import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fileAge from '../../checks/file-age.ts';
import { AT, DAY, HOUR, judge } from '../support/derived.ts';

const list = [
  { path: '/backup/a.gz', modified: AT - HOUR, size: 2 ** 20, number: null },
  { path: '/backup/b.gz', modified: AT - 30 * HOUR, size: 10, number: null },
  { path: '/backup/c.gz', modified: null, size: 0, number: null },
  { path: '/backup/d.gz', modified: AT + DAY, size: 0, number: null },
];
const look = (...paths: string[]) => judge(fileAge, { files: { list } }, { options: { paths } });

describe('file-age', () => {
  for (const { name, path, state, output } of [
    { name: 'written lately', path: '/backup/a.gz', state: 'OK', output: '/backup/a.gz 1 h old, 1 MiB' },
    {
      name: 'written yesterday',
      path: '/backup/b.gz',
      state: 'WARNING',
      output: '/backup/b.gz 30 h old, 10 B, warning above 26 h (age)',
    },
    { name: 'missing', path: '/backup/c.gz', state: 'CRITICAL', output: '/backup/c.gz is not there' },
    {
      name: 'of the future',
      path: '/backup/d.gz',
      state: 'UNKNOWN',
      output: 'the time of /backup/d.gz lies 24 h ahead of now: whose clock is wrong?',
    },
    { name: 'not reported', path: '/etc/x', state: 'UNKNOWN', output: '/etc/x is not reported: the agent needs "file /etc/x"' },
  ]) {
    it(`[K27] a file that is ${name} is ${state}`, async () => {
      const seen = await look(path);
      assert.deepEqual([seen.state, seen.output], [state, output]);
    });
  }

  it('[K27] of several the oldest and the smallest count', async () => {
    const seen = await look('/backup/a.gz', '/backup/b.gz');
    assert.deepEqual([seen.state, seen.metrics, seen.parts.length], ['WARNING', { age: 30 * HOUR, size: 10 }, 2]);
  });
});
