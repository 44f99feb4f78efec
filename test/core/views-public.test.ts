import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Check, Service } from '../../src/core/configuration.ts';
import type { Snapshot } from '../../src/core/snapshot.ts';
import type { State } from '../../src/core/state.ts';
import { newStatus, type Status } from '../../src/core/status.ts';
import { toPublicView } from '../../src/core/views-public.ts';
import { demoSnapshot } from '../support/demo.ts';
import { checkOf, configurationOf, downtimeOf } from '../support/model.ts';

const NOW = demoSnapshot().now;
const ONSET = NOW - 1_000_000;
const words = { title: 'Website', description: '' };

interface Given {
  state?: State;
  isHard?: boolean;
  told?: State | null;
  withheld?: 'proxy' | null;
  ageMs?: number;
  check?: Partial<Check>;
  /** Results before the latest, newest first. */
  before?: State;
}

function statusOf(id: string, given: Given): Status {
  const { state = 'OK', isHard = false, told = state, withheld = null, ageMs = 0 } = given;
  return {
    ...newStatus(id, ONSET),
    latest: {
      at: NOW - ageMs,
      run: 9,
      state,
      code: '',
      output: '',
      metrics: {},
      parts: [],
      withheld,
      duration: 1,
      scheduled: true,
    },
    problem: isHard ? { onset: ONSET, told, toldTo: [], parts: [], okInARow: 0, run: 1 } : null,
  };
}

function serviceOf(given: Given[], any: Service['any'] = null, said: Snapshot['said'] = null) {
  const checks = given.map(({ check }, i) => checkOf({ id: `website/c${i}`, name: `c${i}`, public: words, ...check }));
  const configuration = configurationOf(checks);
  const [service] = Object.values(configuration.services);
  if (service === undefined) throw new Error('no service');
  configuration.services = { website: { ...service, public: words, any } };
  const snapshot: Snapshot = {
    ...demoSnapshot(),
    configuration,
    statuses: new Map(given.map((one, i) => [`website/c${i}`, statusOf(`website/c${i}`, one)])),
    pasts: new Map(),
    said,
    recentResults: (id) => {
      const state = given[Number(id.slice(-1))]?.before;
      return state === undefined ? [] : [{ run: 8, at: NOW - 300_000, state, output: '', withheld: null, duration: 1 }];
    },
  };
  return toPublicView(snapshot).groups[0]?.services[0];
}

const DOWN: Given = { state: 'CRITICAL', isHard: true };
const ROWS: { name: string; given: Given[]; any?: Service['any']; state: string; since?: number | null }[] = [
  { name: 'HARD CRITICAL is down since its onset', given: [DOWN], state: 'down', since: ONSET },
  { name: 'a soft failure is operational', given: [{ state: 'CRITICAL' }], state: 'operational', since: null },
  { name: 'HARD WARNING is degraded', given: [{ state: 'WARNING', isHard: true }], state: 'degraded', since: ONSET },
  { name: 'impact: degraded makes HARD CRITICAL degraded', given: [{ ...DOWN, check: { impact: 'degraded' } }], state: 'degraded' },
  { name: 'the worst check decides', given: [{}, { state: 'WARNING', isHard: true }, DOWN], state: 'down' },
  { name: 'a check that is not public never counts', given: [{}, { ...DOWN, check: { public: null } }], state: 'operational' },
  { name: 'a check that is switched off never counts', given: [{}, { ...DOWN, check: { enabled: false } }], state: 'operational' },
  { name: 'nothing counted in three intervals is unknown', given: [{ ageMs: 901_000 }], state: 'unknown' },
  { name: 'within three intervals it still holds', given: [{ ageMs: 899_000 }], state: 'operational' },
  {
    name: 'a withheld result does not count, the one before it does',
    given: [{ ...DOWN, withheld: 'proxy', before: 'CRITICAL' }],
    state: 'down',
  },
  { name: 'withheld with nothing before it is unknown', given: [{ withheld: 'proxy' }], state: 'unknown' },
  { name: 'UNKNOWN alone is unknown', given: [{ state: 'UNKNOWN', isHard: true }], state: 'unknown' },
  {
    name: 'a problem that is about to end is still what was told',
    given: [{ state: 'OK', isHard: true, told: 'CRITICAL' }],
    state: 'down',
  },
  {
    name: 'one of two redundant checks down is degraded',
    given: [DOWN, {}],
    any: { of: ['website/c0', 'website/c1'], atLeast: 2 },
    state: 'degraded',
  },
  {
    name: 'both redundant checks down is down',
    given: [DOWN, DOWN],
    any: { of: ['website/c0', 'website/c1'], atLeast: 2 },
    state: 'down',
  },
  {
    name: 'a check outside of any decides by itself',
    given: [{}, {}, DOWN],
    any: { of: ['website/c0', 'website/c1'], atLeast: 2 },
    state: 'down',
  },
];

describe('the public state of a service', () => {
  for (const { name, given, any, state, since } of ROWS) {
    it(`[H3] ${name}`, () => {
      const service = serviceOf(given, any);
      assert.equal(service?.state, state);
      if (since !== undefined)
        assert.equal(service?.since.iso, since === null ? '' : new Date(since).toISOString().replace('.000', ''));
    });
  }
});

/** A downtime that holds for a check, or for all of the service. */
function inDowntime(target: string): Snapshot['said'] {
  const downtimes = [downtimeOf({ target, from: NOW - 60_000, at: NOW - 60_000 })];
  return { acknowledgements: [], changes: [], downtimes };
}

describe('a downtime on the public page', () => {
  const rows: { name: string; given: Given[]; target: string; state: string }[] = [
    { name: 'what fails while it holds is in maintenance', given: [DOWN, {}], target: 'website', state: 'maintenance' },
    { name: 'a soft failure is too', given: [{ state: 'CRITICAL' }], target: 'website', state: 'maintenance' },
    {
      name: 'and what cannot be reached',
      given: [{ state: 'CRITICAL', withheld: 'proxy', ageMs: 0 }],
      target: 'website',
      state: 'maintenance',
    },
    { name: 'what works is operational', given: [{}], target: 'website', state: 'operational' },
    { name: 'what fails beside it is down all the same', given: [DOWN, DOWN], target: 'website/c0', state: 'down' },
  ];
  for (const { name, given, target, state } of rows) {
    it(`[H3] ${name}`, () => assert.equal(serviceOf(given, null, inDowntime(target))?.state, state));
  }

  it('[W4] words for the public are shown once, however many checks they are said of', () => {
    const said = { check: 'website/c0', at: NOW - 1, until: NOW + 1, author: 'anna', note: 'private', publicNote: 'We mend it.' };
    const acknowledgements = ['website/c0', 'website/c1'].map((check, i) => ({ ...said, number: i, check }));
    assert.deepEqual(serviceOf([DOWN, DOWN], null, { acknowledgements, downtimes: [], changes: [] })?.aware, ['We mend it.']);
  });
});
