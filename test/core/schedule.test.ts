import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { chooseDue } from '../../src/core/batch.ts';
import { dueAs, nextDueAt } from '../../src/core/schedule.ts';
import { isSelected } from '../../src/core/selection.ts';
import { newStatus, type Status } from '../../src/core/status.ts';
import { checkOf, configurationOf } from '../support/model.ts';
import { play, START } from '../support/sequence.ts';

const check = checkOf({ every: 300, recheck: 60 });
const second = 1000;

function statusAt(at: number, story = 'O'): Status {
  const steps = play(story, { check, start: at - 300 * second, minutes: 5 });
  return steps.at(-1)?.status ?? newStatus(check.id, at);
}

describe('what is due', () => {
  it('[R1] a check that never ran is due', () => {
    assert.equal(dueAs(check, undefined, 60, START), 'scheduled');
  });

  const cases = [
    {
      name: '[R1] a check is due `every` minus half an interval after its last scheduled start',
      story: 'O',
      after: 270,
      expected: 'scheduled',
    },
    { name: '[R1] a check is not due before that', story: 'O', after: 269, expected: null },
    { name: '[H4] a soft check is due again after `recheck`', story: 'C', after: 60, expected: 'recheck' },
    { name: '[H4] a soft check is not due before `recheck` minus half an interval', story: 'C', after: 29, expected: null },
    { name: '[H4] a check with a problem is looked at by `every`', story: 'C C C', after: 60, expected: null },
    { name: '[case C06] a second that the clock said twice costs no check its run', story: 'O', after: 299, expected: 'scheduled' },
    { name: '[case C06] nor does it cost one its recheck', story: 'C', after: 59, expected: 'recheck' },
    { name: '[case C06] nor is a check due early in a day that is a second longer', story: 'O', after: 241, expected: null },
    { name: '[case C01] a clock that went back makes a check due', story: 'O', after: -3600, expected: 'scheduled' },
  ] as const;
  for (const { name, story, after, expected } of cases) {
    it(name, () => {
      const status = statusAt(START, story);
      const last = status.latest?.at ?? 0;
      assert.equal(dueAs(check, status, 60, last + after * second), expected);
    });
  }

  it('[R1] a disabled check is never due', () => {
    assert.equal(dueAs({ ...check, enabled: false }, undefined, 60, START), null);
    assert.deepEqual(chooseDue(configurationOf([{ ...check, enabled: false }]), new Map(), { now: START, force: '*' }), []);
  });

  it('[W2] --now runs what matches whether due or not, as a recheck', () => {
    const statuses = new Map([[check.id, statusAt(START)]]);
    const due = (force: string | null) => chooseDue(configurationOf([check]), statuses, { now: START + second, force });
    assert.deepEqual(due(null), []);
    assert.deepEqual(
      due('website').map((one) => one.due),
      ['recheck'],
    );
  });

  it('[N1] the proxy of a soft check is due in every run', () => {
    const child = { ...check, via: 'tor', parents: ['proxy/tor'] };
    const proxy = checkOf({ id: 'proxy/tor', every: 300 });
    const soft = statusAt(START, 'C');
    const statuses = new Map([
      [child.id, soft],
      [proxy.id, { ...soft, check: proxy.id, streak: null }],
    ]);
    const now = (soft.latest?.at ?? 0) + 60 * second;
    assert.deepEqual(
      chooseDue(configurationOf([child, proxy]), statuses, { now, force: null }).map((one) => one.check.id),
      [child.id, proxy.id],
    );
  });
});

describe('a crowd', () => {
  const checks = Array.from({ length: 300 }, (_, i) => checkOf({ id: `s${i}/check`, every: 300 }));
  const configuration = configurationOf(checks);

  it('[R1] checks that were new together are spread over their interval, each keeps its phase, and none is lost', () => {
    const statuses = new Map(checks.map(({ id }) => [id, { ...statusAt(START), check: id, lastScheduledAt: START }]));
    const perRun: number[] = [];
    const first = new Map<string, number>();
    for (let minute = 1; minute <= 30; minute += 1) {
      const now = START + minute * 60 * second;
      const due = chooseDue(configuration, statuses, { now, force: null });
      perRun.push(due.length);
      for (const { check: one } of due) {
        const status = statuses.get(one.id);
        assert.ok(status !== undefined && now - (status.lastScheduledAt ?? 0) < 600 * second, `${one.id} waited too long`);
        if (first.has(one.id)) assert.equal((now - (status.lastScheduledAt ?? 0)) / second, 300);
        first.set(one.id, now);
        statuses.set(one.id, { ...status, lastScheduledAt: now });
      }
    }
    assert.equal(first.size, 300);
    assert.ok(Math.max(...perRun.slice(10)) < 100, `too many at once: ${perRun.join(' ')}`);
  });

  it('[R1] few checks are never held back', () => {
    const few = checks.slice(0, 40);
    const statuses = new Map(few.map(({ id }) => [id, { ...statusAt(START), check: id, lastScheduledAt: START }]));
    assert.equal(chooseDue(configurationOf(few), statuses, { now: START + 300 * second, force: null }).length, 40);
  });

  it('[R1] a run whose interval is `every` has all of them', () => {
    const statuses = new Map(checks.map(({ id }) => [id, { ...statusAt(START), check: id, lastScheduledAt: START }]));
    const all = configurationOf(checks, { interval: 300 });
    assert.equal(chooseDue(all, statuses, { now: START + 300 * second, force: null }).length, 300);
  });
});

describe('when the pages grow old', () => {
  it('[W4] the next result is due when the first check is', () => {
    const status = statusAt(START);
    const now = (status.latest?.at ?? 0) + 10 * second;
    assert.equal(
      nextDueAt(configurationOf([check]), new Map([[check.id, status]]), now),
      (status.lastScheduledAt ?? 0) + 300 * second,
    );
  });
});

describe('a check that never ran', () => {
  it('[R1] is due now, so that a run looks at it though nothing else is due', () => {
    const status = statusAt(START);
    const other = checkOf({ id: 'other/check' });
    const statuses = new Map([[check.id, status]]);
    assert.equal(nextDueAt(configurationOf([check, other]), statuses, START), START);
    assert.equal(nextDueAt(configurationOf([check, { ...other, enabled: false }]), statuses, START) > START, true);
  });
});

describe('a PATTERN', () => {
  const cases = [
    { name: '[W2] an id names its check', pattern: 'website/front-page', id: 'website/front-page', expected: true },
    { name: '[W2] a bare service means all its checks', pattern: 'website', id: 'website/front-page', expected: true },
    { name: '[W2] a bare host means all its checks', pattern: 'web1', id: 'website/front-page', expected: true },
    { name: '[W2] a star is any text', pattern: 'web*/f*t-*', id: 'website/front-page', expected: true },
    { name: '[W2] a question mark is one character', pattern: 'website/front?page', id: 'website/front-page', expected: true },
    { name: '[W2] a part of an id is not enough', pattern: 'website/front', id: 'website/front-page', expected: false },
    { name: '[case H29] many stars end quickly', pattern: `${'*a'.repeat(40)}b`, id: 'a'.repeat(200), expected: false },
  ];
  for (const { name, pattern, id, expected } of cases) {
    it(name, () => assert.equal(isSelected(pattern, { id, host: 'web1', service: 'website' }), expected));
  }
});
