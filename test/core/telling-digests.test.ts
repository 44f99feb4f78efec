import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Item } from '../../src/core/item.ts';
import { checkOf } from '../support/model.ts';
import { DAY, HOUR, itemFor, linesOf, MONDAY, Teller } from '../support/telling.ts';

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
