import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { describeReport } from '../../src/core/views-report.ts';
import { toCalendar } from '../../src/core/views-words.ts';
import { FULL_FACTS, NOW, reportOf } from '../support/host-report.ts';

const words = (facts: Record<string, unknown>) => {
  const found = describeReport(reportOf(facts), toCalendar('UTC', NOW));
  return Object.fromEntries(found.map((one) => [one.term, one.words]));
};

describe('what a host says of itself on its page', () => {
  it('[H2] is one line for each fact, in words and with its times', () => {
    assert.deepEqual(words(FULL_FACTS), {
      System: 'debian 13 trixie, kernel 6.12.48+deb13-amd64',
      Runs: 'for 14 days, since Sat 2026-11-07 13:03 UTC',
      Memory: '5.6 GiB of 7.5 GiB available, 0 B of 954 MiB swap used',
      Load: '0.31 0.22 0.18 on 4 processors',
      Processes: '143',
      Clock: 'follows another one, in step',
      Upgrades: '3 pending, of them 1 for security; indices of Sat 2026-11-21 16:53 UTC',
      Reboot: 'needed: kernel 6.12.57+deb13-amd64 is installed',
      Puppet: 'changed at Sat 2026-11-21 19:45 UTC, 3 changed, 0 failed, version 1795290250',
      systemd: 'degraded, failed: backup.service',
      Report: 'made at Sat 2026-11-21 20:00 UTC by agent 1.0, every 5 min',
    });
  });

  it('[W1] what the host cannot say is told with its reason, and what its agent does not know of is not told', () => {
    const seen = words({
      apt: { unavailable: 'no apt-get' },
      memory: { ...FULL_FACTS.memory, swap_total: 0, swap_free: 0 },
      later: { at: 1 },
    });
    assert.equal(seen['Upgrades'], 'not known: no apt-get');
    assert.match(seen['Memory'] ?? '', /, no swap$/);
    assert.equal(seen['Puppet'], undefined);
    assert.match(seen['Report'] ?? '', /, 1 fact that this vigie does not know$/);
    assert.deepEqual(describeReport(undefined, toCalendar('UTC', NOW)), []);
  });

  const offsets: { seconds: number; says: string }[] = [
    { seconds: -0.00012, says: 'in step' },
    { seconds: 0.012, says: '12 ms ahead' },
    { seconds: -0.25, says: '250 ms behind' },
    { seconds: 2, says: '2 s ahead' },
    { seconds: -61.54, says: '61.5 s behind' },
    { seconds: 7200, says: '2 h ahead' },
  ];
  for (const { seconds, says } of offsets) {
    it(`[H2] a clock that is off by ${seconds} s is ${says}`, () => {
      const clock = words({ clock: { ...FULL_FACTS.clock, offset: seconds } })['Clock'];
      assert.equal(clock, `follows another one, ${says}`);
    });
  }

  for (const number of [Number.MAX_SAFE_INTEGER, 253_402_300_800, 8_640_000_000_001, 0]) {
    it(`[T1] [T4] the number ${number} in the place of each time and length is told, and keeps no page from being written`, () => {
      const seen = words({
        uptime: { at: NOW / 1000, seconds: number },
        apt: { ...FULL_FACTS.apt, at: number, updated: number },
        puppet: { ...FULL_FACTS.puppet, at: number, last_run: number },
      });
      const time = number === 0 ? 'Thu 1970-01-01 00:00 UTC' : 'a time that cannot be';
      assert.match(seen['Upgrades'] ?? '', new RegExp(`indices of ${time}$`));
      assert.match(seen['Puppet'] ?? '', new RegExp(`^changed at ${time},`));
      assert.match(seen['Runs'] ?? '', number === 0 ? /since Sat 2026-11-21 20:00 UTC$/ : /since a time that cannot be$/);
    });
  }

  it('[T1] a Puppet that is disabled says why, and nothing of what a host says is more than text', () => {
    const seen = words({ puppet: { ...FULL_FACTS.puppet, last_run: null, enabled: false, message: 'migration' } });
    assert.equal(seen['Puppet'], 'never ran; disabled: migration');
  });
});
