import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Configuration, Host } from '../../src/core/configuration.ts';
import { compareNames, countFleet, type FleetDay, type FleetFacts, isRetiring } from '../../src/core/fleet.ts';
import type { HostReport } from '../../src/core/report.ts';
import { newStatus, type Status } from '../../src/core/status.ts';
import { FULL_FACTS, NOW, reportOf } from '../support/host-report.ts';
import { checkOf, configurationOf } from '../support/model.ts';

const HOUR = 3_600_000;
const hostOf = (name: string, labels: Record<string, string> = {}): Host => ({
  name,
  address: null,
  labels,
  profiles: [],
  parents: [],
  notes: null,
  source: { file: 'conf.d/hosts.yaml', line: 1 },
});
const HOSTS = [
  hostOf('web1', { role: 'web' }),
  hostOf('web2', { role: 'web' }),
  hostOf('old', { retiring: 'yes' }),
  hostOf('mute'),
];
const os = (version: string, codename: string) => ({ os: { ...FULL_FACTS.os, version, codename } });
const say = (host: string, facts: object, more: Partial<HostReport> = {}): [string, HostReport] => [
  host,
  { ...reportOf({ ...FULL_FACTS, ...facts }), host, ...more },
];

function count(more: Partial<FleetFacts> & { settings?: Partial<Configuration> } = {}): FleetDay {
  const { settings, ...facts } = more;
  const configuration = configurationOf([], { hosts: Object.fromEntries(HOSTS.map((host) => [host.name, host])), ...settings });
  const reports = new Map([
    say('web1', os('13', 'trixie')),
    say('web2', os('12', 'bookworm'), { created: NOW - 25 * HOUR }),
    say('old', { ...os('11', 'bullseye'), load: { ...FULL_FACTS.load, five: 3.78 }, apt: { unavailable: 'no apt' } }),
  ]);
  return countFleet({
    configuration,
    statuses: new Map(),
    reports,
    now: NOW,
    day: '2026-11-21',
    before: null,
    lists: [],
    ...facts,
  });
}

/** Half a day ago: no bytes yet. */
function bytesBefore(...names: string[]): FleetDay {
  const { boot } = reportOf(FULL_FACTS);
  const counters = Object.fromEntries(names.map((name) => [name, { at: NOW - 12 * HOUR, boot, received: 0, sent: 0 }]));
  return { ...count(), counters };
}

describe('the fleet of a day', () => {
  it('[F1] hosts by their role', () => {
    const day = count();
    assert.deepEqual([day.hosts, day.roles], [4, { 'no role': 2, web: 2 }]);
  });

  it('[F1] servers that checks ask, and exporters, each once', () => {
    const checks = [
      checkOf({ id: 'web1/page', host: 'web1', type: 'http' }),
      checkOf({ id: 'web1/page2', host: 'web1', type: 'http' }),
      checkOf({ id: 'site/page', host: null, service: 'site', type: 'http' }),
      checkOf({ id: 'ns/soa', host: null, service: 'ns', type: 'dns' }),
      checkOf({ id: 'mx/smtp', host: null, service: 'mx', type: 'smtp', enabled: false }),
      checkOf({ id: 'web1/hits', host: 'web1', type: 'prometheus', options: { url: 'http://a/metrics' } }),
      checkOf({ id: 'web1/ratio', host: 'web1', type: 'prometheus', options: { url: 'http://a/metrics' } }),
      checkOf({ id: 'web2/report', host: 'web2', type: 'exporter', options: { url: 'http://b/metrics' } }),
    ];
    const day = count({ settings: { checks } });
    assert.deepEqual([day.servers, day.exporters], [{ web: 2, name: 1, mail: 0 }, 2]);
  });

  it('[F2] sums and means say of how many hosts they are; an old report and an unavailable fact are none', () => {
    const day = count();
    assert.equal(day.reporting, 2);
    assert.deepEqual(day.upgrades, { value: 3, of: 1 });
    assert.deepEqual(day.reboots, { value: 2, of: 2 });
    assert.deepEqual(day.load, { value: 2, of: 2 });
    assert.deepEqual(
      [day.memoryAvailable, day.memoryTotal],
      [
        { value: 12e9, of: 2 },
        { value: 16e9, of: 2 },
      ],
    );
    assert.deepEqual(day.processes, { value: 286, of: 2 });
    assert.deepEqual(count({ reports: new Map() }).upgrades, null);
  });

  it('[F2] [T4] what no machine can have is not counted: one lie would be the figure of all', () => {
    const lots = Number.MAX_SAFE_INTEGER;
    const lie = {
      apt: { ...FULL_FACTS.apt, upgrades: lots, security: 7 },
      memory: { ...FULL_FACTS.memory, total: lots, available: 5 },
      processes: { ...FULL_FACTS.processes, total: lots },
      load: { ...FULL_FACTS.load, five: -lots },
      network: { ...FULL_FACTS.network, interfaces: [{ name: 'eth0', received: lots, sent: 0 }] },
    };
    const day = count({ reports: new Map([say('web1', {}), say('web2', lie)]), before: bytesBefore('web1', 'web2') });
    const counted = [
      day.upgrades,
      day.security,
      day.memoryAvailable,
      day.memoryTotal,
      day.processes,
      day.load,
      day.received,
      day.sent,
    ];
    assert.deepEqual(
      counted.map((one) => one?.of),
      counted.map(() => 1),
    );
    assert.deepEqual([day.reporting, day.security?.value, day.memoryAvailable?.value], [2, 1, 6e9]);
  });

  it('[F3] [T2] the words of a release have an end: one host must not fill the page of all', () => {
    const long = { os: { ...FULL_FACTS.os, id: 'debian', version: 'x'.repeat(900), codename: 'y'.repeat(900) } };
    const [name = ''] = Object.keys(count({ reports: new Map([say('web1', long)]) }).releases);
    assert.match(name, /^debian x{10,20}\S* y{10,20}\S*$/);
    assert.ok(name.length <= 62, name);
  });

  it('[F2] bytes per second between two counts, but not over a boot or where an interface is gone', () => {
    const before = count();
    assert.equal(before.received, null);
    const network = (received: number) => ({
      network: { at: NOW / 1000, interfaces: [{ name: 'eth0', received, sent: 98_765_432 + 500 }] },
    });
    const after = (received: number, more: Partial<HostReport> = {}) =>
      count({ before, reports: new Map([say('web1', network(received), { created: NOW + 1_000_000, ...more })]) });
    const later = after(123_456_789 + 5000);
    assert.deepEqual(
      [later.received, later.sent],
      [
        { value: 5, of: 1 },
        { value: 1, of: 1 },
      ],
    );
    assert.equal(after(5000, { boot: 'another' }).received, null);
    assert.equal(after(5000).received, null);
  });

  it('[F3] hosts by release; those that retire are left out and listed', () => {
    const day = count();
    assert.deepEqual([day.releases, day.retiring], [{ 'debian 13 trixie': 1 }, ['old']]);
    assert.deepEqual([isRetiring(hostOf('a', { retiring: 'no' })), isRetiring(hostOf('a', { retiring: '2027' }))], [false, true]);
  });

  it('[F5] names that a source has and nobody monitors, and the other way round', () => {
    const seen = compareNames({ title: 'Puppet', names: ['web1.example.org', 'WEB2', 'new.example.org'] }, [
      'web1',
      'web2',
      'mute',
    ]);
    assert.deepEqual(seen, { title: 'Puppet', count: 3, why: '', missing: ['new.example.org'], extra: ['mute'] });
    const none = compareNames({ title: 'LDAP', why: 'ENOENT' }, ['web1']);
    assert.deepEqual([none.count, none.why, none.extra], [null, 'ENOENT', []]);
  });

  it('[F6] a figure is the sum or the mean of the latest results of checks, and null where none measured it', () => {
    const ids = ['web1/hits', 'web2/hits'];
    const checks = ids.map((id) => checkOf({ id }));
    const statuses = new Map<string, Status>(
      ids.map((id, i) => {
        const latest = {
          at: NOW,
          run: 1,
          state: 'OK' as const,
          code: '',
          output: '',
          metrics: { value: 10 + i },
          parts: [],
          withheld: null,
        };
        return [id, { ...newStatus(id, NOW), latest: { ...latest, duration: 0, scheduled: true } }];
      }),
    );
    const figure = { title: 'Hits', check: '*/hits', metric: 'value', together: 'sum' as const, unit: 'per second' };
    const figures = [figure, { ...figure, together: 'mean' as const }, { ...figure, metric: 'other' }];
    const day = count({ statuses, settings: { checks, fleet: { figures, inventory: [], incidents: '' } } });
    assert.deepEqual(
      day.figures.map(({ value, of }) => [value, of]),
      [
        [21, 2],
        [10.5, 2],
        [null, 0],
      ],
    );
  });
});
