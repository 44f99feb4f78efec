import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { newStatus } from '../../src/core/status.ts';
import { composeWeek, type WeekFacts } from '../../src/core/weekly.ts';
import { checkOf, configurationOf } from '../support/model.ts';
import { DAY, HOUR, MINUTE } from '../support/telling.ts';

const NOW = Date.UTC(2026, 10, 23, 9);
const checks = ['tls', 'page'].map((name) => checkOf({ id: `website/${name}`, name }));
const configuration = configurationOf(checks, { timezone: 'Europe/Paris' });

function week(more: Partial<WeekFacts> = {}): WeekFacts {
  const statuses = new Map(checks.map(({ id }) => [id, newStatus(id, NOW)]));
  return { problems: [], soft: [], messages: { sent: 0, failed: 0 }, noisiest: [], runs: 10_080, statuses, ending: [], ...more };
}

const compose = (more: Partial<WeekFacts> = {}) => composeWeek(week(more), configuration, NOW);

describe('the weekly mail', () => {
  it('[W1] of a week without anything says so, line by line: silence is proven', () => {
    const { reason, lines } = compose();
    assert.equal(reason, '0 problems, 0 ended; 0 messages sent');
    assert.deepEqual(lines, [
      'What broke: nothing',
      'Near misses: failed on 5 or more days, never long enough to be told: nothing',
      'Due within 30 days: nothing',
      'Ending this week: nothing',
      'Most often in the mail: nothing',
      'Watched: 2 checks in 10080 runs, 0 failing now; 0 messages sent, none failed',
    ]);
  });

  it('[W1] what broke has its time with its zone, and how long it was', () => {
    const onset = Date.UTC(2026, 10, 19, 13, 5);
    const { lines } = compose({
      problems: [
        { check: 'website/page', state: 'CRITICAL', onset, endedAt: onset + 12 * MINUTE },
        { check: 'website/tls', state: 'WARNING', onset, endedAt: null },
      ],
    });
    assert.deepEqual(lines.slice(0, 3), [
      'What broke:',
      '  website/page CRITICAL, Thu 19 Nov 14:05 CET, 12 min',
      '  website/tls WARNING, Thu 19 Nov 14:05 CET, not over',
    ]);
  });

  it('[W1] failures on five or more days that nobody was told of are near misses; on four they are chance', () => {
    const on = (check: string, days: number) =>
      Array.from({ length: days * 2 }, (_, i) => ({ check, at: NOW - (i % days) * DAY - HOUR }));
    const { lines } = compose({ soft: [...on('website/page', 5), ...on('website/tls', 4)] });
    assert.deepEqual(
      lines.filter((line) => line.startsWith('  ')),
      ['  website/page: 10 failures on 5 of 7 days'],
    );
  });

  it('[W1] a certificate that expires within 30 days is named, the soonest first', () => {
    const statuses = new Map(
      checks.map(({ id }, i) => {
        const metrics = { days_left: i === 0 ? 29.9 : 12.3 };
        const latest = { at: NOW, run: 1, state: 'OK' as const, code: '', output: '', metrics, parts: [], withheld: null };
        return [id, { ...newStatus(id, NOW), latest: { ...latest, duration: 0, scheduled: true } }];
      }),
    );
    const { lines } = compose({ statuses });
    assert.deepEqual(
      lines.filter((line) => line.startsWith('  ')),
      ['  website/page: certificate expires in 12 days', '  website/tls: certificate expires in 29 days'],
    );
  });

  it('[K2] [W1] a disk that is full within 30 days at its pace is named too', () => {
    const latest = {
      at: NOW,
      run: 1,
      state: 'OK' as const,
      code: '',
      output: '',
      metrics: { full_in: 12.4 },
      parts: [],
      withheld: null,
    };
    const id = checks[0]?.id ?? '';
    const statuses = new Map([[id, { ...newStatus(id, NOW), latest: { ...latest, duration: 0, scheduled: true } }]]);
    assert.ok(compose({ statuses }).lines.includes(`  ${id}: full in 12 days`));
  });

  it('[W1] long lists are cut, and what ends and what was told most often is there', () => {
    const { lines } = compose({
      ending: Array.from({ length: 20 }, (_, i) => `downtime ${i} ends`),
      noisiest: [{ check: 'website/page', items: 1 }],
      messages: { sent: 3, failed: 1 },
    });
    assert.ok(lines.includes('  downtime 14 ends') && !lines.includes('  downtime 15 ends') && lines.includes('  and 5 more'));
    assert.ok(lines.includes('  website/page: 1 line'));
    assert.match(lines.at(-1) ?? '', /3 messages sent, 1 failed$/);
  });
});
