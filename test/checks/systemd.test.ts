import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import systemd from '../../checks/systemd.ts';
import { HOUR, judge } from '../support/derived.ts';

const look = (state: string, failed: string[] = [], options: object = {}, seconds = HOUR) =>
  judge(systemd, { systemd: { state, failed }, uptime: { seconds } }, { options: { ...options } });

describe('systemd', () => {
  for (const { name, state, failed, seconds, becomes, output } of [
    { name: 'running', state: 'running', becomes: 'OK', output: 'running, no unit failed' },
    {
      name: 'degraded',
      state: 'degraded',
      failed: ['backup.service'],
      becomes: 'WARNING',
      output: '1 failed: backup.service, warning above 0 (failed)',
    },
    { name: 'starting, soon after the boot', state: 'starting', seconds: 60, becomes: 'OK', output: 'booting for 1 min' },
    { name: 'starting for an hour', state: 'starting', becomes: 'WARNING', output: 'still starting after 1 h' },
    { name: 'in maintenance', state: 'maintenance', becomes: 'CRITICAL', output: 'maintenance: maintenance, no unit failed' },
    { name: 'silent', state: 'unknown', becomes: 'UNKNOWN', output: 'systemd says "unknown", expected running or degraded' },
  ]) {
    it(`[K6] ${name} is ${becomes}`, async () => {
      const seen = await look(state, failed, {}, seconds);
      assert.deepEqual([seen.state, seen.output], [becomes, output]);
    });
  }

  it('[K6] each failed unit is a part; some are CRITICAL, some do not count', async () => {
    const failed = ['nginx.service', 'backup.service', 'wait-online.service'];
    const seen = await look('degraded', failed, { ignore: ['wait-*'], critical: ['nginx.service'] });
    assert.deepEqual(seen.parts, [
      { name: 'nginx.service', state: 'CRITICAL', output: 'failed' },
      { name: 'backup.service', state: 'WARNING', output: 'failed' },
    ]);
    assert.equal(seen.state, 'CRITICAL');
    assert.equal(seen.output, '2 failed: nginx.service, backup.service, 1 ignored, warning above 0 (failed)');
    assert.equal((await look('degraded', ['wait-online.service'], { ignore: ['wait-*'] })).state, 'OK');
  });
});
