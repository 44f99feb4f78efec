import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import reboot from '../../checks/reboot-required.ts';
import { DAY, judge, lookAt } from '../support/derived.ts';
import { NOW } from '../support/host-report.ts';

const required = { required: true, reason: 'kernel 6.12.57 is installed' };

describe('reboot-required', () => {
  it('[K5] says why, and becomes a WARNING after a day', async () => {
    const first = await lookAt(reboot, { reboot_required: required });
    assert.equal(first.output, 'reboot required (kernel 6.12.57 is installed)');
    const later = await judge(reboot, { reboot_required: required }, { memory: first.memory, now: NOW + 2 * DAY * 1000 });
    assert.deepEqual([later.state, later.metrics], ['WARNING', { required_for: 2 * DAY }]);
    assert.equal(later.output, 'reboot required for 2 days (kernel 6.12.57 is installed), warning above 1 day (required for)');
  });

  it('[K5] after the reboot nothing is left of it; restarts that are needed are said, with their units', async () => {
    const facts = {
      reboot_required: { required: false, reason: '' },
      restarts_needed: { processes: 5, units: ['nginx.service', 'ssh.service', 'cron.service', 'dbus.service'] },
    };
    const seen = await judge(reboot, facts, { memory: { since: NOW - DAY * 1000 } });
    assert.deepEqual([seen.state, seen.memory], ['OK', { since: null }]);
    assert.equal(seen.output, 'no reboot required; 5 processes to restart (nginx.service, ssh.service, cron.service ...)');
    assert.equal(seen.metrics['restarts'], 5);
  });

  it('[K5] a reboot without a reason and one program are said as what they are', async () => {
    const facts = { reboot_required: { required: true, reason: '' }, restarts_needed: { processes: 1, units: ['nginx.service'] } };
    assert.equal((await judge(reboot, facts)).output, 'reboot required; 1 process to restart (nginx.service)');
  });

  it('[K5] a machine that cannot see restarts has no number of them', async () => {
    const facts = { reboot_required: { required: false, reason: '' }, restarts_needed: { unavailable: 'only root' } };
    assert.deepEqual((await judge(reboot, facts)).metrics, { required_for: 0 });
  });
});
