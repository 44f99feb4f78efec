import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Period, PRIORITIES, type Priority } from '../../src/core/configuration.ts';
import type { Item } from '../../src/core/item.ts';
import type { PlannedMessage } from '../../src/core/mailbag.ts';
import { checkOf, contactOf } from '../support/model.ts';
import { DAY, HOUR, itemFor, linesOf, MINUTE, MONDAY, recoveryOf, Teller } from '../support/telling.ts';

const WORK: Period[] = [{ days: [1, 2, 3, 4, 5], from: 480, to: 1200 }];
/** Monday 22:00: outside of these hours; they begin at 08:00, before the digest. */
const NIGHT = MONDAY + 10 * HOUR;
const hostChecks = (host: string, number: number, more: Parameters<typeof checkOf>[0] = {}) =>
  Array.from({ length: number }, (_, i) => checkOf({ id: `${host}/c${String(i).padStart(3, '0')}`, host, service: null, ...more }));

const problems = (messages: PlannedMessage[]) =>
  messages.flatMap(({ items }) => items).filter(({ kind }) => kind === 'problem').length;

describe('the budget of a host', () => {
  it('[T2] four items by name, then one line for every four hours that sums up the others', () => {
    const checks = hostChecks('web1', 40);
    const teller = new Teller(checks);
    const items = checks.map((check) => itemFor(check, MONDAY));
    assert.equal(linesOf(teller.step(MONDAY, items.slice(0, 3))).length, 3);
    assert.equal(linesOf(teller.step(MONDAY + MINUTE, items.slice(3, 30))).length, 1);
    assert.equal(teller.last?.withheld.length, 26);
    assert.deepEqual(new Set(teller.last?.withheld.map(({ because }) => because)), new Set(['budget']));
    assert.deepEqual(teller.step(MONDAY + 3 * HOUR, items.slice(30, 31)), []);
    const [message] = teller.step(MONDAY + 4 * HOUR, items.slice(31, 33));
    assert.deepEqual(
      message?.items.map(({ kind, host, reason, state }) => ({ kind, host, reason, state })),
      [
        {
          kind: 'noisy',
          host: 'web1',
          reason: '28 more changes, 33 checks in trouble, worst: web1/c000 CRITICAL',
          state: 'CRITICAL',
        },
      ],
    );
  });

  it('[T2] a token that dripped in while nothing was left unsaid is an item by its name', () => {
    const checks = hostChecks('web1', 6);
    const teller = new Teller(checks);
    teller.step(
      MONDAY,
      checks.slice(0, 4).map((check) => itemFor(check, MONDAY)),
    );
    const later = MONDAY + 4 * HOUR;
    assert.deepEqual(
      linesOf(
        teller.step(
          later,
          checks.slice(4, 5).map((check) => itemFor(check, later)),
        ),
      ),
      ['sysadmins: problem web1/c004 CRITICAL'],
    );
  });

  it('[T2] the worst comes first to the tokens of a host', () => {
    const checks = hostChecks('web1', 6);
    const teller = new Teller(checks);
    const items = checks.map((check, i) => itemFor(check, MONDAY, { state: i < 4 ? 'WARNING' : 'CRITICAL' }));
    const lines = linesOf(teller.step(MONDAY, items));
    assert.deepEqual(lines.slice(0, 2), ['sysadmins: problem web1/c004 CRITICAL', 'sysadmins: problem web1/c005 CRITICAL']);
    assert.equal(lines.length, 4);
  });

  it('[T2] recoveries cost nothing, and go only to those who were told of the problem by its name', () => {
    const checks = hostChecks('web1', 8);
    const teller = new Teller(checks);
    const items = checks.map((check) => itemFor(check, MONDAY));
    teller.step(MONDAY, items);
    const recoveries = teller.step(
      MONDAY + MINUTE,
      items.map((item) => recoveryOf(item, MONDAY + MINUTE)),
    );
    assert.equal(linesOf(recoveries).length, 4);
    assert.ok(linesOf(recoveries).every((line) => line.startsWith('sysadmins: recovery')));
  });

  it('[T2] a service without a host is its own, and each proxy too', () => {
    const checks = [1, 2, 3].flatMap((n) => [
      ...[0, 1, 2, 3].map((i) => checkOf({ id: `s${n}/c${i}`, host: null, service: `s${n}` })),
      checkOf({ id: `proxy/p${n}`, host: null, service: null }),
    ]);
    const teller = new Teller(checks);
    assert.equal(
      linesOf(
        teller.step(
          MONDAY,
          checks.map((check) => itemFor(check, MONDAY)),
        ),
      ).length,
      15,
    );
  });

  it('[T2] a check of priority critical passes once in 24 h: at first problem or worse to CRITICAL', () => {
    const checks = [...hostChecks('web1', 4), ...hostChecks('web1', 1, { id: 'web1/important', priority: 'critical' })];
    const [important] = checks.slice(-1);
    assert.ok(important !== undefined);
    const teller = new Teller(checks);
    teller.step(
      MONDAY,
      checks.slice(0, 4).map((check) => itemFor(check, MONDAY)),
    );
    const at = (hours: number, more: Partial<Item> = {}) =>
      linesOf(teller.step(MONDAY + hours * HOUR, [itemFor(important, MONDAY + hours * HOUR, more)]));
    assert.deepEqual(at(0.1, { state: 'WARNING' }), []);
    assert.deepEqual(at(0.2, { kind: 'worse' }), ['sysadmins: worse web1/important CRITICAL']);
    assert.deepEqual(at(0.3), []);
    teller.step(
      MONDAY + 23 * HOUR,
      checks.slice(0, 4).map((check) => itemFor(check, MONDAY)),
    );
    assert.deepEqual(
      at(24.3).filter((line) => line.includes('important')),
      ['sysadmins: problem web1/important CRITICAL'],
    );
  });

  it('[T2] what a host left unsaid is no news any more once its bucket is full again', () => {
    const checks = hostChecks('web1', 8);
    const teller = new Teller(checks);
    teller.step(
      MONDAY,
      checks.slice(0, 7).map((check) => itemFor(check, MONDAY)),
    );
    const later = MONDAY + 17 * HOUR;
    const lines = linesOf(
      teller.step(
        later,
        checks.slice(7).map((check) => itemFor(check, later)),
      ),
    );
    assert.deepEqual(lines, ['sysadmins: problem web1/c007 CRITICAL']);
  });

  it('[T2] problems told only in a sum are one line a day in the digest while they last', () => {
    const checks = hostChecks('web1', 8);
    const teller = new Teller(checks);
    teller.step(
      MONDAY,
      checks.map((check) => itemFor(check, MONDAY)),
    );
    const digest = teller.waitUntil(MONDAY + 21 * HOUR);
    const noisy = digest.flatMap(({ items }) => items).filter(({ kind }) => kind === 'noisy');
    assert.deepEqual(
      noisy.map(({ reason }) => reason),
      ['4 problems not told one by one; 8 checks in trouble, worst: web1/c000 CRITICAL'],
    );
  });
});

describe('the budget of a recipient', () => {
  /** Hosts that are not quiet, so that nothing passes. */
  function busy(number: number): { teller: Teller; problem(i: number, now: number): Item } {
    const checks = Array.from({ length: number }, (_, i) => hostChecks(`h${i}`, 2)).flat();
    const teller = new Teller(checks);
    teller.step(
      MONDAY,
      checks.filter((_, i) => i % 2 === 1).map((check) => itemFor(check, MONDAY, { state: 'WARNING' })),
    );
    return {
      teller,
      problem: (i, now) => {
        const check = checks[2 * i];
        assert.ok(check !== undefined);
        return itemFor(check, now);
      },
    };
  }

  it('[T2] six messages, then one for every half hour; what is delayed is merged and nothing is dropped', () => {
    const { teller, problem } = busy(100);
    const sent: number[] = [];
    for (let minute = 1; minute <= 90; minute += 1) {
      const now = MONDAY + minute * MINUTE;
      for (const { items } of teller.step(now, [problem(minute, now)])) sent.push(items.length);
    }
    assert.deepEqual(sent, [1, 1, 1, 1, 1, 25, 30, 30]);
    const items = teller.messages.flatMap((message) => message.items).filter(({ state }) => state === 'CRITICAL');
    assert.equal(items.length, 90);
  });

  it('[T2] when nothing more happens, the run asks for itself to be woken when the token is there', () => {
    const { teller, problem } = busy(20);
    for (let i = 1; i <= 8; i += 1) teller.step(MONDAY + i * MINUTE, [problem(i, MONDAY + i * MINUTE)]);
    assert.equal(teller.last?.nextAt, MONDAY + 30 * MINUTE);
    assert.equal(teller.waitUntil(MONDAY + 29 * MINUTE).length, 0);
    assert.equal(linesOf(teller.waitUntil(MONDAY + 30 * MINUTE)).length, 3);
  });

  it('[T2] the first hard CRITICAL of a host that had no item for 24 h passes, and takes along what waits', () => {
    const { teller, problem } = busy(20);
    const quiet = checkOf({ id: 'quiet/alive', host: 'quiet', service: null });
    teller.configuration.checks.push(quiet);
    for (let i = 1; i <= 8; i += 1) teller.step(MONDAY + i * MINUTE, [problem(i, MONDAY + i * MINUTE)]);
    const now = MONDAY + 9 * MINUTE;
    const [message] = teller.step(now, [itemFor(quiet, now)]);
    assert.equal(message?.items.length, 4);
    assert.equal(message?.items.find(({ check }) => check === 'quiet/alive')?.isFresh, true);
    assert.deepEqual(teller.bag.held, []);
    const again = now + HOUR / 4;
    assert.deepEqual(teller.step(again, [itemFor(quiet, again)]), []);
  });

  it('[T2] its WARNING does not pass', () => {
    const { teller, problem } = busy(20);
    const quiet = checkOf({ id: 'quiet/alive', host: 'quiet', service: null });
    teller.configuration.checks.push(quiet);
    for (let i = 1; i <= 8; i += 1) teller.step(MONDAY + i * MINUTE, [problem(i, MONDAY + i * MINUTE)]);
    assert.deepEqual(teller.step(MONDAY + 9 * MINUTE, [itemFor(quiet, MONDAY, { state: 'WARNING' })]), []);
  });

  it('[T2] what joins a message that never left costs none', () => {
    const { teller, problem } = busy(40);
    teller.unsent.add('sysadmins@example.org');
    for (let i = 1; i <= 30; i += 1) assert.equal(teller.step(MONDAY + i * MINUTE, [problem(i, MONDAY + i * MINUTE)]).length, 1);
    teller.unsent.clear();
    assert.equal(teller.step(MONDAY + 31 * MINUTE, [problem(31, MONDAY + 31 * MINUTE)]).length, 1);
  });

  it('[H1] an address in several contacts is told once', () => {
    const check = checkOf({ contacts: ['a', 'b'] });
    const contacts = { a: contactOf('a', ['x@example.org', 'y@example.org']), b: contactOf('b', ['X@example.org']) };
    const teller = new Teller([check], { contacts });
    assert.deepEqual(linesOf(teller.step(MONDAY, [itemFor(check, MONDAY)])), [
      'x: problem website/front-page CRITICAL',
      'y: problem website/front-page CRITICAL',
    ]);
  });
});

describe('priorities and hours', () => {
  const cases: { priority: Priority; state: 'CRITICAL' | 'WARNING'; told: string }[] = [
    { priority: 'critical', state: 'CRITICAL', told: 'at once' },
    { priority: 'critical', state: 'WARNING', told: 'at once' },
    { priority: 'high', state: 'CRITICAL', told: 'at once' },
    { priority: 'high', state: 'WARNING', told: 'when its hours begin' },
    { priority: 'medium', state: 'CRITICAL', told: 'when its hours begin' },
    { priority: 'medium', state: 'WARNING', told: 'when its hours begin' },
    { priority: 'low', state: 'CRITICAL', told: 'in the digest' },
    { priority: 'low', state: 'WARNING', told: 'in the digest' },
  ];
  for (const { priority, state, told } of cases) {
    it(`[H6] outside of the contact's hours a ${state} of priority ${priority} is told ${told}`, () => {
      const check = checkOf({ priority });
      const contacts = { sysadmins: { ...contactOf('sysadmins'), periods: WORK } };
      const teller = new Teller([check], { contacts });
      const now = teller.step(NIGHT, [itemFor(check, NIGHT, { state })]).length;
      const morning = problems(teller.waitUntil(NIGHT + 10 * HOUR));
      const digest = problems(teller.waitUntil(NIGHT + 11 * HOUR));
      assert.deepEqual([now, morning, digest], told === 'at once' ? [1, 0, 0] : told === 'in the digest' ? [0, 0, 1] : [0, 1, 0]);
    });
  }

  it('[H6] within its hours only low waits, for the digest', () => {
    for (const priority of PRIORITIES) {
      const check = checkOf({ priority });
      const teller = new Teller([check], { contacts: { sysadmins: { ...contactOf('sysadmins'), periods: WORK } } });
      assert.equal(teller.step(MONDAY, [itemFor(check, MONDAY)]).length, priority === 'low' ? 0 : 1, priority);
    }
  });

  it('[H6] a recovery outside of the hours is told at once for priority critical only', () => {
    for (const priority of ['critical', 'high', 'medium'] as const) {
      const check = checkOf({ priority });
      const teller = new Teller([check], { contacts: { sysadmins: { ...contactOf('sysadmins'), periods: WORK } } });
      const item = itemFor(check, MONDAY);
      teller.step(MONDAY, [item]);
      assert.equal(teller.step(NIGHT, [recoveryOf(item, NIGHT)]).length, priority === 'critical' ? 1 : 0, priority);
      const later = teller
        .waitUntil(NIGHT + 10 * HOUR)
        .flatMap(({ items }) => items)
        .filter(({ kind }) => kind === 'recovery');
      assert.equal(later.length, priority === 'critical' ? 0 : 1, priority);
    }
  });

  it('[H6] a problem that came and went at night is in the morning one message with both', () => {
    const check = checkOf();
    const teller = new Teller([check], { contacts: { sysadmins: { ...contactOf('sysadmins'), periods: WORK } } });
    const item = itemFor(check, NIGHT);
    teller.step(NIGHT, [item]);
    teller.step(NIGHT + HOUR, [recoveryOf(item, NIGHT + HOUR)]);
    assert.equal(teller.last?.withheld[0]?.because, 'period');
    assert.deepEqual(
      teller.waitUntil(NIGHT + 10 * HOUR).map(({ items }) => items.map(({ kind }) => kind)),
      [['problem', 'recovery']],
    );
  });

  it('[H6] what makes vigie blind is told at any hour', () => {
    const teller = new Teller([checkOf()], { contacts: { sysadmins: { ...contactOf('sysadmins'), periods: WORK } } });
    const whole = (kind: Item['kind']): Item => ({
      ...itemFor(checkOf(), NIGHT),
      kind,
      check: null,
      host: null,
      state: null,
      facts: null,
    });
    assert.equal(teller.step(NIGHT, [whole('isolated')]).length, 1);
    assert.equal(teller.step(NIGHT + MINUTE, [whole('config')]).length, 0);
  });

  it('[H6] a rota tells whoever is in charge, and the recovery goes to exactly who was told', () => {
    const rota = {
      members: ['anna', 'bert'],
      every: { count: 1, unit: 'week' as const },
      since: '2026-11-23',
      handover: { weekday: 1, minutes: 540 },
    };
    const contacts = { anna: contactOf('anna'), bert: contactOf('bert'), duty: { ...contactOf('duty', []), rota } };
    const check = checkOf({ contacts: ['duty'] });
    const teller = new Teller([check], { contacts, contactsForAll: [] });
    const item = itemFor(check, MONDAY);
    assert.deepEqual(linesOf(teller.step(MONDAY, [item])), ['anna: problem website/front-page CRITICAL']);
    const next = MONDAY + 7 * DAY;
    assert.deepEqual(
      linesOf(teller.step(next, [recoveryOf(item, next)])).filter((line) => line.includes('recovery')),
      ['anna: recovery website/front-page OK'],
    );
    assert.deepEqual(linesOf(teller.step(next + HOUR, [itemFor(check, next + HOUR)])), [
      'bert: problem website/front-page CRITICAL',
    ]);
  });
});

describe('reminders and escalation', () => {
  const boss = { contacts: { sysadmins: contactOf('sysadmins'), boss: contactOf('boss'), chief: contactOf('chief') } };
  const escalate = [
    { after: 4 * 3600, contacts: ['chief'] },
    { after: 7200, contacts: ['boss'] },
  ];

  it('[W4] each step of escalation comes once, counted from the first telling, and its contacts are told of the recovery', () => {
    const check = checkOf({ escalate, priority: 'high' });
    const teller = new Teller([check], boss);
    const item = itemFor(check, MONDAY);
    teller.step(MONDAY, [item]);
    assert.deepEqual(linesOf(teller.waitUntil(MONDAY + 2 * HOUR - 1)), []);
    assert.deepEqual(linesOf(teller.waitUntil(MONDAY + 2 * HOUR)), ['boss: escalation website/front-page CRITICAL']);
    const [escalation] = teller.messages.at(-1)?.items ?? [];
    assert.equal(escalation?.reason, 'not acknowledged 2h after sysadmins was told');
    assert.deepEqual(linesOf(teller.waitUntil(MONDAY + 5 * HOUR)), ['chief: escalation website/front-page CRITICAL']);
    const over = MONDAY + 6 * HOUR;
    assert.deepEqual(linesOf(teller.step(over, [recoveryOf(item, over)])).sort(), [
      'boss: recovery website/front-page OK',
      'chief: recovery website/front-page OK',
      'sysadmins: recovery website/front-page OK',
    ]);
    assert.equal(Object.keys(teller.state?.told ?? {}).length, 0);
  });

  it('[W4] it counts from when the first contact was told, not from the problem', () => {
    const check = checkOf({ escalate });
    const contacts = { ...boss.contacts, sysadmins: { ...contactOf('sysadmins'), periods: WORK } };
    const teller = new Teller([check], { contacts });
    teller.step(NIGHT, [itemFor(check, NIGHT)]);
    assert.deepEqual(linesOf(teller.waitUntil(NIGHT + 12 * HOUR - 1)), ['sysadmins: problem website/front-page CRITICAL']);
    assert.deepEqual(
      linesOf(teller.waitUntil(NIGHT + 12 * HOUR)).filter((line) => line.includes('boss')),
      ['boss: escalation website/front-page CRITICAL'],
    );
  });

  it('[W4] an acknowledgement holds back both; what is escalated when it ends is told then', () => {
    const check = checkOf({ escalate, priority: 'critical' });
    const teller = new Teller([check], boss);
    teller.step(MONDAY, [itemFor(check, MONDAY)]);
    teller.heldBack.add(check.id);
    assert.deepEqual(linesOf(teller.waitUntil(MONDAY + 3 * HOUR)), []);
    teller.heldBack.delete(check.id);
    assert.deepEqual(linesOf(teller.waitUntil(MONDAY + 3 * HOUR + 10 * MINUTE)), ['boss: escalation website/front-page CRITICAL']);
  });

  it('[W4] priority critical is reminded of after 1 h and 4 h at once, then in each digest', () => {
    const check = checkOf({ priority: 'critical' });
    const teller = new Teller([check]);
    teller.step(MONDAY, [itemFor(check, MONDAY)]);
    const times = teller
      .waitUntil(MONDAY + 3 * DAY)
      .flatMap(({ at, items }) => items.filter(({ kind }) => kind === 'reminder').map(() => (at - MONDAY) / HOUR));
    assert.deepEqual(times, [1, 4, 21, 45, 69]);
  });

  it('[W4] a check that works meanwhile, or is gone, is reminded of no more', () => {
    const check = checkOf({ priority: 'critical' });
    const teller = new Teller([check]);
    teller.step(MONDAY, [itemFor(check, MONDAY)]);
    teller.set(check.id, 'OK', MONDAY + MINUTE);
    assert.deepEqual(linesOf(teller.waitUntil(MONDAY + DAY)), []);
    teller.configuration.checks.length = 0;
    teller.step(MONDAY + DAY);
    assert.deepEqual(teller.state?.told, {});
  });

  it('[W4] of a problem that was told only in a sum nobody is reminded by its name', () => {
    const checks = hostChecks('web1', 6, { priority: 'high' });
    const teller = new Teller(checks);
    teller.step(
      MONDAY,
      checks.map((check) => itemFor(check, MONDAY)),
    );
    const reminders = teller
      .waitUntil(MONDAY + DAY)
      .flatMap(({ items }) => items)
      .filter(({ kind }) => kind === 'reminder');
    assert.equal(reminders.length, 4);
  });

  it('[W4] problems of new checks, which are told together, have reminders from then on', () => {
    const check = checkOf({ priority: 'critical' });
    const teller = new Teller([check]);
    const problem = { onset: MONDAY, told: 'CRITICAL' as const, toldTo: ['sysadmins'], parts: [], okInARow: 0, run: 1 };
    teller.set(check.id, 'CRITICAL', MONDAY);
    const status = teller.statuses.get(check.id);
    assert.ok(status !== undefined);
    teller.statuses.set(check.id, { ...status, problem });
    teller.step(MONDAY, [{ ...itemFor(check, MONDAY), kind: 'new', check: null, facts: null }]);
    assert.deepEqual(linesOf(teller.waitUntil(MONDAY + HOUR)), ['sysadmins: reminder website/front-page CRITICAL']);
  });
});

describe('the daily digest and the weekly mail', () => {
  it('[W1] a day without anything has no digest, and every Monday at 09:00 has its mail', () => {
    const teller = new Teller([checkOf()]);
    teller.step(MONDAY);
    const messages = teller.waitUntil(MONDAY + 21 * DAY);
    assert.deepEqual(
      messages.map(({ at, items }) => [new Date(at).toISOString(), items.map(({ kind }) => kind).join()]),
      [
        ['2026-11-30T09:00:00.000Z', 'weekly'],
        ['2026-12-07T09:00:00.000Z', 'weekly'],
        ['2026-12-14T09:00:00.000Z', 'weekly'],
      ],
    );
  });

  it('[W1] it is 09:00 on the clock over a daylight-saving change', () => {
    const teller = new Teller([checkOf()], { timezone: 'Europe/Paris' });
    teller.step(Date.UTC(2026, 9, 20, 12));
    const times = teller.waitUntil(Date.UTC(2026, 10, 3)).map(({ at }) => new Date(at).toISOString());
    assert.deepEqual(times, ['2026-10-26T08:00:00.000Z', '2026-11-02T08:00:00.000Z']);
  });

  it('[W1] a monitor that was off on Monday morning sends the mail when it runs again, once', () => {
    const teller = new Teller([checkOf()]);
    teller.step(MONDAY);
    assert.deepEqual(linesOf(teller.step(MONDAY + 9 * DAY)), ['sysadmins: weekly']);
    assert.deepEqual(linesOf(teller.step(MONDAY + 9 * DAY + HOUR)), []);
  });

  it('[W1] low priority, files that are gone and lines for the digest are one message at 09:00', () => {
    const low = checkOf({ priority: 'low' });
    const teller = new Teller([low]);
    const whole = (kind: Item['kind'], more: Partial<Item>): Item => ({
      ...itemFor(low, MONDAY),
      kind,
      check: null,
      host: null,
      state: null,
      facts: null,
      ...more,
    });
    teller.step(MONDAY, [itemFor(low, MONDAY), whole('removed', {}), whole('isolated', { digest: 'next', about: 'direct' })]);
    assert.deepEqual(teller.messages, []);
    const [digest, ...more] = teller.waitUntil(MONDAY + DAY);
    assert.deepEqual(digest?.items.map(({ kind }) => kind).sort(), ['isolated', 'problem', 'removed']);
    assert.equal(new Date(digest?.at ?? 0).toISOString(), '2026-11-24T09:00:00.000Z');
    assert.deepEqual(more, []);
  });

  it('[W1] an acknowledgement that ended while its problem goes on is a line of the digest, with what was said', () => {
    const check = checkOf({ remind: { after: [], every: null } });
    const teller = new Teller([check]);
    teller.step(MONDAY, [itemFor(check, MONDAY)]);
    teller.expired.set(check.id, 'anna: waiting for a disk');
    const [digest] = teller.waitUntil(MONDAY + DAY);
    assert.deepEqual(
      digest?.items.map(({ kind, reason }) => `${kind}: ${reason}`),
      ['reminder: still a problem, and its acknowledgement has ended (anna: waiting for a disk)'],
    );
  });

  it('[W1] checks that nobody can watch for a day are one line of the digest', () => {
    const check = checkOf({ parents: ['router/alive'] });
    const teller = new Teller([check]);
    teller.step(MONDAY);
    const status = teller.statuses.get(check.id);
    assert.ok(status?.latest != null);
    const latest = { ...status.latest, withheld: 'unreachable' as const, state: 'CRITICAL' as const };
    teller.statuses.set(check.id, { ...status, latest, unreachableSince: MONDAY });
    assert.deepEqual(linesOf(teller.waitUntil(MONDAY + DAY)), []);
    const [digest] = teller.waitUntil(MONDAY + 2 * DAY);
    assert.deepEqual(
      digest?.items.map(({ kind, reason, lines }) => [kind, reason, lines]),
      [
        [
          'removed',
          '1 check not watched for a day: what they depend on has failed',
          ['website/front-page: depends on router/alive'],
        ],
      ],
    );
  });
});
