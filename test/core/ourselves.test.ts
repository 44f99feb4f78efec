import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Check } from '../../src/core/configuration.ts';
import type { SentinelReport } from '../../src/core/isolation.ts';
import type { Result } from '../../src/core/observation.ts';
import { judgeOurselves, type OwnRun, USUAL_SITUATION } from '../../src/core/ourselves.ts';
import { newStatus, type Status } from '../../src/core/status.ts';
import { resultOf } from '../support/history.ts';
import { checkOf, configurationOf } from '../support/model.ts';

const NOW = Date.UTC(2026, 10, 22, 12);
const MINUTE = 60_000;
const source = { file: 'vigie.yaml', line: 1 };
const proxies = { tor: { name: 'tor', host: '127.0.0.1', port: 9050, source } };
const direct = checkOf({ id: 'web/page' });
const onion = (name: string, letter: string): Check =>
  checkOf({ id: `${name}/page`, service: name, host: null, via: 'tor', options: { url: `http://${letter.repeat(56)}.onion/` } });
const [first, second, third] = [onion('one', 'a'), onion('two', 'b'), onion('three', 'c')];
const configuration = configurationOf([direct, first, second, third, checkOf({ id: 'proxy/tor', type: 'proxy' })], { proxies });

const report = (failed: number, of: number, more: Partial<SentinelReport> = {}): SentinelReport => {
  return { group: 'direct', failed, of, clockOffsetsMs: [], ...more };
};

function judge(results: Result[], own: Partial<OwnRun> = {}, statuses = new Map<string, Status>()) {
  const usual = { run: 9, now: NOW, situation: USUAL_SITUATION, sentinels: [], previousAt: NOW - MINUTE, isSynchronised: null };
  return judgeOurselves(configuration, statuses, results, { ...usual, ...own });
}

const failing = (check: Check, code: string) => resultOf(check.id, 'CRITICAL', { code, at: NOW });
const withheldOf = (results: Result[]) => results.map(({ withheld }) => withheld);

describe('our own network', () => {
  const shares: [failed: number, of: number, isolated: boolean][] = [
    [3, 3, true],
    [2, 3, true],
    [1, 3, false],
    [1, 2, false],
    [4, 6, true],
    [3, 5, false],
    [1, 1, true],
    [0, 0, false],
  ];
  for (const [failed, of, isolated] of shares) {
    it(`[W1] is ${isolated ? '' : 'not '}cut when ${failed} of ${of} sentinels fail`, () => {
      const { results } = judge([failing(direct, 'timeout.connect')], { sentinels: [report(failed, of)] });
      assert.deepEqual(withheldOf(results), [isolated ? 'isolated' : null]);
    });
  }

  it('[W1] withholds the failures of its own group only, and no OK result', () => {
    const seen = [failing(direct, 'timeout.connect'), failing(first, 'http.status'), resultOf('proxy/tor', 'OK')];
    assert.deepEqual(withheldOf(judge(seen, { sentinels: [report(3, 3)] }).results), ['isolated', null, null]);
    assert.deepEqual(withheldOf(judge(seen, { sentinels: [report(3, 3, { group: 'tor' })] }).results), [null, 'isolated', null]);
  });

  it('[W1] what was not run is isolated first: the first reason of the order counts', () => {
    const seen = [{ ...failing(direct, 'run.deadline'), withheld: 'not-run' as const }];
    assert.deepEqual(withheldOf(judge(seen, { sentinels: [report(3, 3)] }).results), ['isolated']);
  });

  it('[W1] is told in the second run, not again in the third, and at its end with its times', () => {
    let situation = USUAL_SITUATION;
    const kinds: string[][] = [];
    for (const [i, failed] of [3, 3, 3, 0, 0].entries()) {
      const verdict = judge([], {
        sentinels: [report(failed, 3)],
        situation,
        now: NOW + i * MINUTE,
        previousAt: NOW + (i - 1) * MINUTE,
      });
      situation = verdict.situation;
      kinds.push(verdict.news.map(({ kind, isSilent }) => `${kind}${isSilent === true ? ' silent' : ''}`));
      if (i === 3) assert.match(verdict.news[0]?.reason ?? '', /was cut from 2026-11-22 12:00 UTC to 2026-11-22 12:03 UTC, 3 min$/);
    }
    assert.deepEqual(kinds, [[], ['isolated'], [], ['isolation-over'], []]);
  });

  it('[W1] a group that was not asked stays as it is', () => {
    const cut = judge([], { sentinels: [report(3, 3)] }).situation;
    assert.deepEqual(judge([], { situation: cut }).situation, cut);
  });
});

describe('our own clock', () => {
  const offsets = (...clockOffsetsMs: number[]) => ({ sentinels: [report(0, clockOffsetsMs.length, { clockOffsetsMs })] });
  const expired = () => [failing(direct, 'tls.expired'), failing(direct, 'threshold.days_left'), failing(direct, 'http.status')];

  it('[W1] is wrong by the median of at least three https sentinels, 120 s off', () => {
    const verdict = judge(expired(), offsets(121_000, 400_000, -10));
    assert.deepEqual(withheldOf(verdict.results), ['clock', 'clock', null]);
    assert.deepEqual(verdict.news, [{ kind: 'clock', reason: 'our clock is 121 s behind that of 3 sentinels', lines: [] }]);
  });

  it('[W1] two clocks have no say, and one liar of three neither', () => {
    assert.deepEqual(judge(expired(), offsets(400_000, 400_000)).news, []);
    assert.deepEqual(judge(expired(), offsets(0, 900, 4_000_000)).news, []);
    assert.deepEqual(judge(expired(), offsets(120_000, 120_000, 120_000)).news, [], '120 s is not more than 120 s');
  });

  it('[W1] is told once while it lasts', () => {
    const { situation } = judge([], offsets(300_000, 300_000, 300_000));
    const again = judge(expired(), { ...offsets(300_000, 300_000, 300_000), situation });
    assert.deepEqual(again.news, []);
    assert.deepEqual(withheldOf(again.results), ['clock', 'clock', null]);
    assert.equal(judge([], { ...offsets(0, 0, 0), situation }).situation.isClockWrong, false);
  });

  it('[case C01] that went back is told, and verdicts about dates do not count in that run', () => {
    const verdict = judge(expired(), { previousAt: NOW + 60 * MINUTE });
    assert.deepEqual(
      verdict.news.map(({ kind, reason }) => [kind, reason]),
      [['clock', 'the clock went back by 60 min since the last run']],
    );
    assert.deepEqual(withheldOf(verdict.results), ['clock', 'clock', null]);
    assert.equal(verdict.situation.isClockWrong, false);
  });
});

describe('a leap second', () => {
  const expired = () => [failing(direct, 'tls.expired'), failing(direct, 'threshold.days_left')];
  // A smear is at most half a second from noon to noon, a whole one where only some of the clocks smear; Date has whole seconds.
  for (const { name, own } of [
    {
      name: 'that our clock smears and the sentinels do not',
      own: { sentinels: [report(0, 3, { clockOffsetsMs: [-1500, -1000, -500] })] },
    },
    {
      name: 'that the sentinels smear and our clock does not',
      own: { sentinels: [report(0, 3, { clockOffsetsMs: [500, 1000, 1500] })] },
    },
    { name: 'that our clock says twice', own: { previousAt: NOW + 1000 } },
    { name: 'that our clock says twice, in two runs at once', own: { previousAt: NOW } },
  ]) {
    it(`[case C06] ${name} makes no clock wrong, and verdicts about dates count`, () => {
      const verdict = judge(expired(), own);
      assert.deepEqual(withheldOf(verdict.results), [null, null]);
      assert.deepEqual([verdict.news, verdict.situation.isClockWrong], [[], false]);
    });
  }
});

describe('a gap between runs', () => {
  it('[R1] of more than three intervals is told', () => {
    const [gap] = judge([], { previousAt: NOW - 4 * MINUTE }).news;
    assert.equal(gap?.kind, 'run-gap');
    assert.match(gap?.reason ?? '', /^no run for 240 s/);
    assert.deepEqual(judge([], { previousAt: NOW - 3 * MINUTE }).news, []);
    assert.deepEqual(judge([], { previousAt: null }).news, []);
  });
});

describe('a proxy’s own faults', () => {
  const okAt = (check: Check, at: number): [string, Status] => {
    const { withheld, ...rest } = resultOf(check.id, 'OK', { at });
    return [check.id, { ...newStatus(check.id, 0), since: 0, latest: { ...rest, withheld } }];
  };

  it('[N1] the same code on two unrelated onions with none OK is said of the proxy', () => {
    const { results } = judge([failing(first, 'socks.f0'), failing(second, 'socks.f0'), resultOf('proxy/tor', 'OK')]);
    assert.deepEqual(
      results.map(({ check, state, code, withheld }) => [check, state, code, withheld]),
      [
        ['one/page', 'CRITICAL', 'socks.f0', 'proxy'],
        ['two/page', 'CRITICAL', 'socks.f0', 'proxy'],
        ['proxy/tor', 'CRITICAL', 'proxy.onions', null],
      ],
    );
  });

  it('[N1] also when the proxy itself was not due', () => {
    const { results } = judge([failing(first, 'timeout.total'), failing(second, 'timeout.total')]);
    assert.deepEqual(results.map(({ check, scheduled }) => [check, scheduled]).at(-1), ['proxy/tor', false]);
  });

  const innocent: { name: string; results: Result[]; statuses?: Map<string, Status> }[] = [
    { name: 'one onion', results: [failing(first, 'socks.f0')] },
    { name: 'two codes', results: [failing(first, 'socks.f0'), failing(second, 'socks.f2')] },
    { name: 'a third onion works', results: [failing(first, 'socks.f0'), failing(second, 'socks.f0'), resultOf(third.id, 'OK')] },
    {
      name: 'a third onion has worked since they began to fail',
      results: [failing(first, 'socks.f0'), failing(second, 'socks.f0')],
      statuses: new Map([okAt(third, NOW)]),
    },
    { name: 'the target’s own answer', results: [failing(first, 'http.status'), failing(second, 'http.status')] },
  ];
  for (const { name, results, statuses } of innocent) {
    it(`[N1] ${name}: the failure counts`, () =>
      assert.ok(withheldOf(judge(results, {}, statuses).results).every((one) => one === null)));
  }

  it('[N1] two onions of one host are related', () => {
    const [a, b] = [
      { ...first, host: 'web1' },
      { ...second, host: 'web1' },
    ];
    const own = configurationOf([a, b], { proxies });
    const run = { run: 1, now: NOW, situation: USUAL_SITUATION, sentinels: [], previousAt: null, isSynchronised: null };
    const { results } = judgeOurselves(own, new Map(), [failing(a, 'socks.f0'), failing(b, 'socks.f0')], run);
    assert.deepEqual(withheldOf(results), [null, null]);
  });
});
