import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { boundChanges, findHostChanges, findSettingsChanges, isReboot, toChangeEvents } from '../../src/core/host-changes.ts';
import { changeBefore } from '../../src/core/people.ts';
import { judgeReboots } from '../../src/core/reboot.ts';
import { parseReport } from '../../src/core/report.ts';
import { newStatus, type Status } from '../../src/core/status.ts';
import { FULL_FACTS, NOW, reportText } from '../support/host-report.ts';
import { checkOf, configurationOf } from '../support/model.ts';

const S = NOW / 1000;
const reportWith = (facts: Record<string, unknown> = {}, more: Record<string, unknown> = {}) =>
  parseReport(Buffer.from(reportText('web1', { facts: { ...FULL_FACTS, ...facts }, ...more })));
const notes = (before: object, after: object, more: Record<string, unknown> = {}) =>
  findHostChanges(reportWith({ ...before }), reportWith({ ...after }, more), NOW + 5000).map(({ at, note }) => [
    at / 1000 - S,
    note,
  ]);
const puppet = (last_run: number | null, changed: number) => ({ puppet: { ...FULL_FACTS.puppet, last_run, changed } });
const changes = (...packages: [number, string][]) => ({
  changes: {
    at: S,
    total: packages.length,
    last: packages.at(-1)?.[0] ?? null,
    packages: packages.map(([time, name]) => ({ time, action: 'upgrade', name, version: '1' })),
  },
});

describe('what a host’s reports say to have changed', () => {
  const rows: { name: string; seen: unknown[]; wanted: unknown[] }[] = [
    { name: 'nothing', seen: notes({}, {}), wanted: [] },
    {
      name: 'Puppet applied three changes',
      seen: notes(puppet(S - 1800, 1), puppet(S - 240, 3)),
      wanted: [[-240, 'Puppet applied 3 changes']],
    },
    { name: 'Puppet ran and changed nothing', seen: notes(puppet(S - 1800, 1), puppet(S - 240, 0)), wanted: [] },
    { name: 'Puppet’s same run again', seen: notes(puppet(S - 240, 3), puppet(S - 240, 3)), wanted: [] },
    { name: 'Puppet’s run of the day before', seen: notes(puppet(S - 200_000, 3), puppet(S - 86_400, 3)), wanted: [] },
    { name: 'Puppet’s run in the future', seen: notes(puppet(S - 240, 3), puppet(S + 86_400, 3)), wanted: [] },
    { name: 'a boot', seen: notes({}, { uptime: { at: S, seconds: 0 } }, { boot: 'other' }), wanted: [[0, 'it was booted']] },
    { name: 'a kernel that does not say its boot', seen: notes({}, {}, { boot: '' }), wanted: [] },
    {
      name: 'one upgrade',
      seen: notes(changes([S - 900, 'a']), changes([S - 900, 'a'], [S - 60, 'nginx'])),
      wanted: [[-60, 'APT changed nginx']],
    },
    {
      name: 'five upgrades',
      seen: notes(changes(), changes(...['a', 'b', 'c', 'd', 'e'].map((name, i): [number, string] => [S + i - 5 + 5, name]))),
      wanted: [[4, 'APT changed b, c, d and 1 more']],
    },
    { name: 'the log was rotated', seen: notes(changes([S - 900, 'a']), changes()), wanted: [] },
  ];
  for (const { name, seen, wanted } of rows) it(`[W2] ${name}: is said once, with its time`, () => assert.deepEqual(seen, wanted));

  it('[T2] [T4] of one host at most 50 are watched in a day, the last one says so, and more are said in mail and no events', () => {
    const change = (target: string) => ({ target, at: NOW, until: NOW + 1, author: '', note: 'Puppet applied 1 change' });
    const said = (host: string) => [
      ...Array.from({ length: host === 'web1' ? 48 : 3 }, () => 'APT changed nginx'),
      ...Array.from({ length: 9 }, () => 'it was booted'),
    ];
    const heard = boundChanges([change('web1'), change('web1'), change('web1'), change('web2')], said);
    assert.deepEqual(
      heard.map(({ target, note, until }) => [target, note, until - NOW]),
      [
        ['web1', 'Puppet applied 1 change', 1],
        ['web1', 'Puppet applied 1 change; change 50 in a day, more are not watched', 1],
        ['web1', 'Puppet applied 1 change', 0],
        ['web2', 'Puppet applied 1 change', 1],
      ],
    );
    assert.equal(toChangeEvents(heard, { now: NOW, run: 1 }).length, 3);
    const [check] = [checkOf({ id: 'web1/disk', host: 'web1' })];
    const people = { acknowledgements: [], downtimes: [], changes: [{ ...(heard[2] ?? change('web1')), number: 1 }] };
    assert.equal(changeBefore(people, 'web1/disk', NOW + 1, [check])?.note, 'Puppet applied 1 change');
  });

  it('[W3] a host whose Puppet never rests is awaited after a boot all the same, at most 20 times a day', () => {
    const boot = { target: 'web1', at: NOW, until: NOW + 1, author: '', note: 'it was booted' };
    const said = (boots: number) => () => [
      ...Array.from({ length: 50 }, () => 'Puppet applied 1 change'),
      ...Array.from({ length: boots }, () => 'it was booted'),
    ];
    const seen = [18, 19, 20].flatMap((boots) => boundChanges([boot], said(boots)));
    assert.deepEqual(
      seen.map((change) => [isReboot(change), change.note]),
      [
        [true, 'it was booted'],
        [true, 'it was booted; boot 20 in a day, more are not watched'],
        [false, 'it was booted'],
      ],
    );
    assert.deepEqual(toChangeEvents(seen, { now: NOW, run: 1 }), []);
  });

  it('[T2] a package’s name is told in short', () => {
    const [[, note] = []] = notes(changes(), changes([S + 1, 'x'.repeat(1000)]));
    assert.ok(String(note).length < 100, String(note));
  });

  it('[W2] a first report says nothing, and what changed is watched for twenty minutes', () => {
    assert.deepEqual(findHostChanges(undefined, reportWith(), NOW), []);
    const [change] = findHostChanges(reportWith(puppet(S - 1800, 1)), reportWith(puppet(S - 240, 3)), NOW);
    assert.deepEqual([change?.target, change?.author, change?.until], ['web1', '', NOW + 1_200_000]);
  });
});

describe('settings that changed', () => {
  const check = (id: string, host: string | null) => checkOf({ id, host });

  it('[W2] of one host are one change, watched for twenty minutes, and those without a host stand for themselves', () => {
    const found = findSettingsChanges([check('web1/disk', 'web1'), check('shop/page', null), check('web1/load', 'web1')], NOW);
    assert.deepEqual(
      found.map(({ target, note, until }) => [target, note, until - NOW]),
      [
        ['web1', 'the configuration of web1/disk, web1/load was changed', 1_200_000],
        ['shop/page', 'the configuration of shop/page was changed', 1_200_000],
      ],
    );
  });

  it('[R1] of more than fifty checks are one change, and no watch of everything', () => {
    const found = findSettingsChanges(
      Array.from({ length: 51 }, (_, i) => check(`web${i}/disk`, `web${i}`)),
      NOW,
    );
    assert.deepEqual(
      found.map(({ target, note, until }) => [target, note, until - NOW]),
      [['*', 'the configuration of 51 checks was changed', 0]],
    );
  });

  it('[W2] changes are events, but for a boot, whose event comes when all is back', () => {
    const boot = { target: 'web1', at: NOW, until: NOW, author: '', note: 'it was booted' };
    const [settings] = findSettingsChanges([check('web1/disk', 'web1')], NOW);
    assert.ok(settings !== undefined);
    const events = toChangeEvents([boot, settings], { now: NOW, run: 7 });
    assert.deepEqual(
      events.map(({ kind, host, reason, told }) => [kind, host, reason, told]),
      [['change', 'web1', 'the configuration of web1/disk was changed', false]],
    );
  });
});

describe('a host that was booted', () => {
  const AT = Date.parse('2026-11-21T04:02:00Z');
  const check = (name: string) =>
    checkOf({ id: `web1/${name}`, name, service: null, contacts: [name === 'page' ? 'web' : 'sysadmins'] });
  const configuration = configurationOf(['ssh', 'page', 'mail'].map(check));
  const statusOf = (id: string, state: 'OK' | 'CRITICAL', at: number, since: number): Status => {
    const latest = {
      at,
      run: 1,
      state,
      code: '',
      output: 'seen',
      metrics: {},
      parts: [],
      withheld: null,
      duration: 0,
      scheduled: true,
    };
    const streak = state === 'OK' ? null : { startedAt: since, length: 1, worst: state, judged: true };
    return { ...newStatus(id, 0), latest, since, streak };
  };
  const judge = (minutes: number, states: Record<string, ['OK' | 'CRITICAL', at: number, since: number]>) => {
    const statuses = new Map(
      Object.entries(states).map(([name, [state, at, since]]) => [
        `web1/${name}`,
        statusOf(`web1/${name}`, state, AT + at * 60_000, AT + since * 60_000),
      ]),
    );
    return judgeReboots({ web1: AT }, configuration, statuses, { now: AT + minutes * 60_000, run: 7 });
  };

  it('[W3] is awaited while something has not been looked at or is not back', () => {
    assert.deepEqual(judge(3, { ssh: ['OK', 2, 2], page: ['OK', 2, 2], mail: ['OK', -5, -60] }), {
      reboots: { web1: AT },
      items: [],
      events: [],
    });
    assert.deepEqual(judge(14, { ssh: ['OK', 2, 2], page: ['CRITICAL', 2, 2], mail: ['OK', 2, 2] }).items, []);
  });

  it('[W3] a good reboot is an event as soon as all is back, a line of the daily digest, and no mail of its own', () => {
    const { reboots, items, events } = judge(3, { ssh: ['OK', 2, 2], page: ['OK', 2, 2], mail: ['OK', 2, 2] });
    assert.deepEqual(reboots, {});
    assert.deepEqual(
      items.map(({ kind, host, state, to, digest, lines }) => [kind, host, state, to, digest, lines]),
      [['reboot', 'web1', 'OK', ['sysadmins', 'web'], 'next', []]],
    );
    assert.deepEqual(
      events.map(({ kind, reason, told }) => [kind, reason, told]),
      [['reboot', 'web1 was booted at 04:02: all 3 checks are back', false]],
    );
  });

  it('[W3] what is not back after a quarter of an hour is told to those in charge of it', () => {
    const { reboots, items } = judge(15, { ssh: ['OK', 2, 2], page: ['CRITICAL', 14, -1], mail: ['OK', 2, 2] });
    assert.deepEqual(reboots, {});
    const [item] = items;
    assert.equal(item?.reason, 'web1 was booted at 04:02: 2 checks are back, web1/page is not');
    assert.deepEqual(
      [item?.kind, item?.host, item?.state, item?.to, item?.lines, item?.digest],
      ['reboot', 'web1', 'CRITICAL', ['web'], ['web1/page CRITICAL: seen'], undefined],
    );
  });

  it('[W3] what was broken an hour before is not the reboot’s doing', () => {
    const { items, events } = judge(15, { ssh: ['OK', 2, 2], page: ['CRITICAL', 14, -60], mail: ['OK', 2, 2] });
    assert.deepEqual(
      items.map(({ digest }) => digest),
      ['next'],
    );
    assert.equal(events[0]?.reason, 'web1 was booted at 04:02: all 2 checks are back');
  });
});
