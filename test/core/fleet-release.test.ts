import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { forecastRelease } from '../../src/core/fleet-release.ts';
import { toGraph } from '../../src/core/views-fleet.ts';
import { fleetDay, fleetDays } from '../support/fleet.ts';
import { randomFrom } from '../support/random.ts';

const TODAY = '2026-11-22';
const foretell = (count: number, old: (daysBefore: number) => number) => forecastRelease(fleetDays(TODAY, count, old), TODAY);

/** One simulated upgrade, asked on a day of it: each entry is the day on which a host is upgraded, counted from the first. */
function ask(upgrades: readonly number[], today: number, isSilent: () => boolean = () => false) {
  const old = (before: number) => upgrades.filter((day) => day > today - before).length;
  const found = foretell(today + 1, (before) => Math.max(old(before) > 0 ? 1 : 0, old(before) - (isSilent() ? 1 : 0)));
  const end = (upgrades.at(-1) ?? 0) - today;
  const date = found?.date ?? null;
  return { words: found?.words ?? '', end, date, days: date === null ? null : (Date.parse(date) - Date.parse(TODAY)) / 86_400_000 };
}

/** Each with the longest step that it takes. */
const SERIES: { name: string; within: number; make: (random: () => number) => { upgrades: number[]; step: number } }[] = [
  {
    name: 'regular steps',
    within: 0,
    make: (random) => {
      const step = 1 + Math.floor(random() * 14);
      return { step, upgrades: Array.from({ length: 6 + Math.floor(random() * 60) }, (_, i) => (i + 1) * step) };
    },
  },
  {
    name: 'one a week on any day of it',
    within: 1,
    make: (random) => ({ step: 14, upgrades: Array.from({ length: 30 }, (_, i) => i * 7 + Math.floor(random() * 7)) }),
  },
  {
    name: 'several on one day of the month',
    within: 1,
    make: (random) => {
      const size = 2 + Math.floor(random() * 8);
      return { step: 30, upgrades: Array.from({ length: size * 8 }, (_, i) => 30 * (1 + Math.floor(i / size))) };
    },
  },
];

describe('the upgrade to the next release of Debian', () => {
  it('[F3] is complete when the line through its history says so, with how sure that is', () => {
    const found = foretell(61, (before) => 10 + before / 2);
    assert.deepEqual([found?.newest, found?.old, found?.all, found?.date], ['debian 13 trixie', 10, 74, '2026-12-12']);
    assert.equal(found?.words, '10 to go; about 2026-12-12 at the pace of late (one every 2 days), the pace is even');
  });

  it('[F3] an uneven pace has a range', () => {
    const found = foretell(60, (before) => 10 + Math.floor(before ** 2 / 60));
    assert.match(found?.words ?? '', /^10 to go; about 20\d\d-.*(likely between|not before)/);
  });

  for (const { name, count, old, words } of [
    {
      name: 'too little history',
      count: 10,
      old: (before: number) => 10 + before,
      words: '10 to go; no date yet: 9 days known, 14 needed',
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
      words: '60 to go; no date yet: 1 fewer in 365 days, at too few moments to see a pace',
    },
    {
      name: 'one in a hundred days',
      count: 366,
      old: (before: number) => 60 + Math.floor(before / 100),
      words: '60 to go; at the pace of late (one every 100 days) not within ten years',
    },
    {
      name: 'upgrades of which some were taken back',
      count: 60,
      old: (before: number) => (before > 40 ? 70 : 30 + Math.floor((40 - before) / 5)),
      words: '38 to go; no date: 32 fewer in 59 days, but none of late',
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

  it('[F3] with one host at a time the date is that of the last one, on whatever day of the wait it is asked', () => {
    // Every ten days one of twelve, the last of them 3 days ago: five are left, in 7, 17, 27, 37 and 47 days.
    const found = foretell(60, (before) => 5 + Math.floor((before + 6) / 10));
    assert.deepEqual([found?.old, found?.date], [5, '2027-01-08']);
    assert.equal(found?.words, '5 to go; about 2027-01-08 at the pace of late (one every 10 days), the pace is even');
  });

  it('[F3] after a pause that is longer than any before, the words say so', () => {
    const found = foretell(90, (before) => 5 + Math.max(0, Math.floor((before - 20) / 10)));
    assert.equal(
      found?.words,
      '5 to go; about 2027-01-01 at the pace of late (one every 10 days), not before 2027-01-01 and perhaps much later: none since 2026-10-24',
    );
  });

  it('[F3] a machine that is silent for a day is not taken for one that was upgraded', () => {
    const old = (before: number) => 5 + Math.floor((before + 6) / 10);
    const found = foretell(60, (before) => old(before) - (before % 7 === 3 ? 1 : 0));
    assert.equal(found?.date, foretell(60, old)?.date);
  });

  for (const { name, within, make } of SERIES) {
    it(`[F3] ${name}: wherever it is asked, the date lies within ${within === 0 ? 'a day' : 'a step'} of the true one`, () => {
      const random = randomFrom(11);
      let dates = 0;
      for (let round = 0; round < 60; round++) {
        const { upgrades, step } = make(random);
        const today = Math.floor((upgrades.at(-1) ?? 0) * (0.4 + 0.55 * random()));
        const { end, days, words } = ask(upgrades, today);
        if (days === null) continue;
        dates++;
        assert.ok(
          days > 0 && Math.abs(days - end) <= Math.max(1, within * step),
          `${JSON.stringify(upgrades)} on ${today}: ${words}`,
        );
      }
      assert.ok(dates > 40, `${dates} dates`);
    });
  }

  it('[F3] with pauses, bursts and silent machines the true date is as likely within the range as the words say', () => {
    const random = randomFrom(12);
    let [inside, asked] = [0, 0];
    for (let round = 0; round < 200; round++) {
      const mean = 1 + random() * 9;
      const upgrades = [0];
      for (let left = 15 + Math.floor(random() * 40); left > 0; left--)
        upgrades.push((upgrades.at(-1) ?? 0) - Math.log(1 - random()) * mean);
      const today = Math.floor((upgrades.at(-1) ?? 0) * (0.5 + 0.45 * random()));
      const { words, end, days } = ask(upgrades.map(Math.round), today, () => random() < 0.03);
      if (days === null) continue;
      asked++;
      assert.ok(days > 0, words);
      const [from = '', until = '9999-12-31'] = words.replace(/^.*?(between|before)/, '').match(/\d{4}-\d\d-\d\d/g) ?? [];
      const truth = new Date(Date.parse(TODAY) + end * 86_400_000).toISOString().slice(0, 10);
      if (from <= truth && (truth <= until || words.includes('perhaps much later'))) inside++;
    }
    assert.ok(asked > 150 && inside / asked > 0.7 && inside / asked < 0.97, `${inside} of ${asked}`);
  });

  it('[F3] is over when no old one is left, and says since when', () => {
    assert.equal(
      foretell(20, (before) => (before > 5 ? 1 : 0))?.words,
      'all 74 that report run debian 13 trixie or newer, since 2026-11-17',
    );
  });

  it('[F3] testing is no release that others are upgraded to, and other systems have no part in it', () => {
    const releases = { 'debian 13 trixie': 5, 'debian forky': 2, 'alpine 3.20': 4 };
    const found = forecastRelease([fleetDay(TODAY, { releases })], TODAY);
    assert.deepEqual([found?.newest, found?.old, found?.all], ['debian 13 trixie', 0, 7]);
    assert.equal(forecastRelease([fleetDay(TODAY, { releases: { 'alpine 3.20': 4 } })], TODAY), null);
    assert.equal(forecastRelease([], TODAY), null);
  });

  const alone: { name: string; releases: Record<string, number>; newest: string; words: RegExp }[] = [
    {
      name: 'a release that one host alone claims',
      releases: { 'debian 12 bookworm': 3, 'debian 13 trixie': 5, 'debian 99': 1 },
      newest: 'debian 13 trixie',
      words: /^3 to go; .*; debian 99: on one host only, not taken for the newest$/,
    },
    {
      name: 'many releases that one host each claims',
      releases: { 'debian 13 trixie': 5, 'debian 97': 1, 'debian 98': 1, 'debian 99': 1 },
      newest: 'debian 13 trixie',
      words: /^all 8 that report run debian 13 trixie or newer; debian 97, debian 98 and 1 more: on one host only/,
    },
    {
      name: 'a release that two hosts run',
      releases: { 'debian 12 bookworm': 3, 'debian 13 trixie': 2 },
      newest: 'debian 13 trixie',
      words: /^3 to go; no date yet: 0 days known, 14 needed$/,
    },
    {
      name: 'one machine',
      releases: { 'debian 13 trixie': 1 },
      newest: 'debian 13 trixie',
      words: /^the one host that reports runs debian 13 trixie or newer$/,
    },
    {
      name: 'two machines that differ',
      releases: { 'debian 12 bookworm': 1, 'debian 99': 1 },
      newest: 'debian 12 bookworm',
      words: /^all 2 that report run debian 12 bookworm or newer; debian 99: on one host only, not taken for the newest$/,
    },
  ];
  it('[F3] with every host known, all is said of all; with one of them missing, of those that report', () => {
    const words = (hosts: number, trixie: number) =>
      forecastRelease([fleetDay(TODAY, { hosts, retiring: ['old1'], releases: { 'debian 13 trixie': trixie } })], TODAY)?.words;
    assert.equal(words(9, 8), 'all 8 run debian 13 trixie or newer');
    assert.equal(words(10, 8), 'all 8 that report run debian 13 trixie or newer');
    assert.equal(words(2, 1), 'the one host runs debian 13 trixie or newer');
  });

  it('[F3] on the second day one day is known', () => {
    const releases = { 'debian 12 bookworm': 3, 'debian 13 trixie': 2 };
    const words = forecastRelease(
      [fleetDay('2026-11-21', { releases }), fleetDay('2026-11-22', { releases })],
      '2026-11-22',
    )?.words;
    assert.equal(words, '3 to go; no date yet: 1 day known, 14 needed');
  });

  for (const { name, releases, newest, words } of alone) {
    it(`[F3] [T4] the newest release is what two hosts run: ${name}`, () => {
      const found = forecastRelease([fleetDay(TODAY, { releases })], TODAY);
      assert.equal(found?.newest, newest);
      assert.match(found?.words ?? '', words);
    });
  }

  it('[F3] [H2] the graph is bars of cells with the numbers in words, at most 14 rows, the last day always there', () => {
    const graph = toGraph(fleetDays(TODAY, 400, (before) => Math.min(74, Math.round(before / 4))));
    assert.ok(graph.rows.length <= 14 && graph.rows.length > 10);
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
