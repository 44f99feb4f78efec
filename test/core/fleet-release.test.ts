import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { forecastRelease } from '../../src/core/fleet-release.ts';
import { toGraph } from '../../src/core/views-fleet.ts';
import { fleetDay, fleetDays } from '../support/fleet.ts';

const TODAY = '2026-11-22';
const foretell = (count: number, old: (daysBefore: number) => number) => forecastRelease(fleetDays(TODAY, count, old), TODAY);

describe('the upgrade to the next release of Debian', () => {
  it('[F3] is complete when the line through its history says so, with how sure that is', () => {
    const found = foretell(61, (before) => 10 + before / 2);
    assert.deepEqual([found?.newest, found?.old, found?.all, found?.date], ['debian 13 trixie', 10, 74, '2026-12-12']);
    assert.equal(found?.words, '10 to go; about 2026-12-12 at the pace so far (30 in 60 days), the pace is even');
  });

  it('[F3] an uneven pace has a range', () => {
    const found = foretell(60, (before) => (before > 30 ? 40 : 10 + before));
    assert.match(found?.words ?? '', /^10 to go; about 20\d\d-.*(likely between|not before)/);
  });

  for (const { name, count, old, words } of [
    {
      name: 'too little history',
      count: 10,
      old: (before: number) => 10 + before,
      words: '10 to go; no date yet: 9 days are known, 14 are needed',
    },
    { name: 'a standstill', count: 60, old: () => 10, words: '10 to go; no date: in 59 days none was upgraded' },
    {
      name: 'more and more old ones',
      count: 60,
      old: (before: number) => 70 - before,
      words: '70 to go; no date: in 59 days none was upgraded',
    },
    {
      name: 'one in a year',
      count: 366,
      old: (before: number) => (before > 180 ? 61 : 60),
      words: /^60 to go; (at the pace of 365 days not within ten years|no date)/,
    },
  ]) {
    it(`[F3] ${name} has no date, and says why`, () => {
      const found = foretell(count, old);
      assert.equal(found?.date, null);
      if (typeof words === 'string') assert.equal(found?.words, words);
      else assert.match(found?.words ?? '', words);
    });
  }

  it('[F3] a date is never in the past, however fast it went', () => {
    for (const pace of [0.1, 0.5, 3, 50]) {
      const { date } = foretell(40, (before) => Math.round(1 + before * pace)) ?? { date: null };
      assert.ok(date !== null && date > TODAY, `${pace}: ${date}`);
    }
  });

  it('[F3] is over when no old one is left, and says since when', () => {
    assert.equal(foretell(20, (before) => (before > 5 ? 1 : 0))?.words, 'all 74 run debian 13 trixie or newer, since 2026-11-17');
  });

  it('[F3] testing is no release that others are upgraded to, and other systems have no part in it', () => {
    const releases = { 'debian 13 trixie': 5, 'debian forky': 2, 'alpine 3.20': 4 };
    const found = forecastRelease([fleetDay(TODAY, { releases })], TODAY);
    assert.deepEqual([found?.newest, found?.old, found?.all], ['debian 13 trixie', 0, 7]);
    assert.equal(forecastRelease([fleetDay(TODAY, { releases: { 'alpine 3.20': 4 } })], TODAY), null);
    assert.equal(forecastRelease([], TODAY), null);
  });

  it('[F3] [H2] the graph is bars of cells with the numbers in words, at most 26 rows, the last day always there', () => {
    const graph = toGraph(fleetDays(TODAY, 400, (before) => Math.min(74, Math.round(before / 4))));
    assert.ok(graph.rows.length <= 26 && graph.rows.length > 20);
    assert.equal(graph.rows.at(-1)?.day, TODAY);
    assert.deepEqual(graph.releases, [
      { name: 'debian 13 trixie', class: 'ok' },
      { name: 'debian 12 bookworm', class: 'warning' },
    ]);
    for (const { runs } of graph.rows) assert.ok(runs.every(({ length }) => length >= 1 && length <= 90));
    assert.match(graph.rows[5]?.words ?? '', /^\d+ debian 13 trixie, \d+ debian 12 bookworm$/);
    assert.deepEqual(toGraph([]), { releases: [], rows: [] });
  });
});
