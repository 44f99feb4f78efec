import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Configuration } from '../../src/core/configuration.ts';
import { judgeNeed, neededWords, needPages } from '../../src/core/needed.ts';
import type { State } from '../../src/core/state.ts';
import { newStatus, type Status } from '../../src/core/status.ts';
import { demoSnapshot } from '../support/demo.ts';
import { checkOf } from '../support/model.ts';

const NOW = Date.UTC(2026, 10, 22);

/** `soft` has failed once; `null` never ran. */
type Given = State | 'soft' | null;

function statusOf(id: string, given: Exclude<Given, null>): Status {
  const status = newStatus(id, NOW - 1e9);
  const state = given === 'soft' ? 'CRITICAL' : given;
  const streak = state === 'OK' ? null : { startedAt: NOW, length: 1, worst: state, judged: true };
  const problem =
    given === 'soft' || state === 'OK' ? null : { onset: NOW, told: state, toldTo: [], parts: [], okInARow: 0, run: 1 };
  const latest = {
    at: NOW,
    run: 1,
    state,
    code: '',
    output: '',
    metrics: {},
    parts: [],
    withheld: null,
    duration: 1,
    scheduled: true,
  };
  return { ...status, latest, streak, problem };
}

function worldOf(given: Given[]): [Pick<Configuration, 'services' | 'checks'>, Map<string, Status>] {
  const [website] = Object.values(demoSnapshot().configuration.services);
  if (website === undefined) throw new Error('the demo has services');
  const names = given.map((_, i) => `s${i}`);
  const services = Object.fromEntries(
    names.map((name) => [name, { ...website, name, title: `Service ${name}`, neededBy: ['release'] }]),
  );
  const checks = names.map((name) => checkOf({ id: `${name}/c`, name: 'c', service: name }));
  const statuses = names.flatMap((name, i): [string, Status][] => {
    const one = given[i] ?? null;
    return one === null ? [] : [[`${name}/c`, statusOf(`${name}/c`, one)]];
  });
  return [{ services, checks }, new Map(statuses)];
}

describe('can we release now?', () => {
  const rows: { name: string; given: Given[]; state: State; answer: string; sentence: string }[] = [
    { name: 'yes, when all is OK', given: ['OK', 'OK'], state: 'OK', answer: 'yes', sentence: '2 services, none broken' },
    { name: 'no, when one is broken', given: ['OK', 'CRITICAL'], state: 'CRITICAL', answer: 'no', sentence: 'broken: Service s1' },
    {
      name: 'a soft failure is not yet one',
      given: ['OK', 'soft'],
      state: 'OK',
      answer: 'yes',
      sentence: '2 services, none broken',
    },
    {
      name: 'with care, when one warns',
      given: ['WARNING'],
      state: 'WARNING',
      answer: 'yes, with care',
      sentence: 'works, with a warning: Service s0',
    },
    {
      name: 'not known, when one could not be looked at',
      given: ['OK', 'UNKNOWN'],
      state: 'UNKNOWN',
      answer: 'not known',
      sentence: 'cannot be judged: Service s1',
    },
    {
      name: 'not known, when one never ran',
      given: ['OK', null],
      state: 'UNKNOWN',
      answer: 'not known',
      sentence: 'cannot be judged: Service s1',
    },
    {
      name: 'not known rather than with care',
      given: ['WARNING', 'UNKNOWN'],
      state: 'WARNING',
      answer: 'not known',
      sentence: 'cannot be judged: Service s1',
    },
    {
      name: 'broken is said whatever else is not known',
      given: ['UNKNOWN', 'CRITICAL'],
      state: 'CRITICAL',
      answer: 'no',
      sentence: 'broken: Service s1',
    },
  ];
  for (const { name, given, ...expected } of rows) {
    it(`[W6] ${name}`, () => {
      const { state, answer, sentence } = judgeNeed(...worldOf(given), 'release');
      assert.deepEqual({ state, answer, sentence }, expected);
    });
  }

  it('[W6] a word that no service bears is never a yes', () => {
    const { state, answer } = judgeNeed(...worldOf(['OK']), 'relaese');
    assert.deepEqual([state, answer], ['UNKNOWN', 'not known']);
  });

  it('[W6] every word of needed_by has a page, under a name that is safe and its own', () => {
    assert.deepEqual(neededWords(demoSnapshot().configuration), ['development', 'release', 'users']);
    const pages = needPages(['Release', 'release', '../etc', 'a b', '///']);
    assert.deepEqual([...pages.values()], ['needed/release', 'needed/release-2', 'needed/etc', 'needed/a-b', 'needed/word']);
  });
});
