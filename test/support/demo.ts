import type { DayCounters, Tally, TallyClass, TallyIndex } from '../../src/core/availability.ts';
import type { Check, Configuration, Service } from '../../src/core/configuration.ts';
import type { MeasuredResult } from '../../src/core/figures.ts';
import { addToHistogram, type Histogram } from '../../src/core/histogram.ts';
import type { Block, Incident } from '../../src/core/incident.ts';
import type { Event } from '../../src/core/item.ts';
import type { Withheld } from '../../src/core/observation.ts';
import { dayBefore, type Past, summarisePast } from '../../src/core/past.ts';
import type { People } from '../../src/core/people.ts';
import type { HostReport } from '../../src/core/report.ts';
import type { RunRecord } from '../../src/core/run-record.ts';
import type { CalmResults, MessageRecord, Notice, PastResult, Snapshot } from '../../src/core/snapshot.ts';
import type { State } from '../../src/core/state.ts';
import { newStatus, type Status } from '../../src/core/status.ts';
import type { MetricCatalogue } from '../../src/core/views-words.ts';
import { archiveOf } from './archive.ts';
import { fleetHistory } from './fleet.ts';
import { FULL_FACTS, reportOf } from './host-report.ts';
import { checkOf, configurationOf, contactOf } from './model.ts';

/** A made-up infrastructure with 90 days behind it: problems, warnings, unknown, soft, withheld. For screenshots and looks. */
export const DEMO_NOW = Date.parse('2026-11-22T14:05:00Z');
const RUN = 8123;
const MINUTE = 60_000;
const DAY = 86_400_000;

export const DEMO_CATALOGUE: MetricCatalogue = {
  http: { time: { unit: 's', label: 'Time' }, size: { unit: 'B', label: 'Size' }, days_left: { unit: 'd', label: 'Certificate' } },
  tls: { time: { unit: 's', label: 'Handshake' }, days_left: { unit: 'd', label: 'Days left' } },
  tcp: { time: { unit: 's', label: 'Time' } },
  dns: { time: { unit: 's', label: 'Time' } },
  ping: { rtt: { unit: 's', label: 'Round trip' }, loss: { unit: '%', label: 'Loss' } },
  proxy: { time: { unit: 's', label: 'Time' } },
};

/** What is wrong with a check: minutes since the onset, failures so far, words. */
interface Trouble {
  state: State;
  minutes: number;
  length: number;
  output: string;
  isSoft?: boolean;
  withheld?: Withheld;
}

const SERVICES: [name: string, title: string, host: string, extra: Partial<Service>, checks: [string, string, string][]][] = [
  [
    'website',
    'Website',
    'web1',
    { group: 'For everyone', neededBy: ['users'], priority: 'critical' },
    [
      ['front-page', 'http', 'https://www.example.org/'],
      ['certificate', 'tls', 'www.example.org:443'],
    ],
  ],
  [
    'downloads',
    'Downloads',
    'web2',
    { group: 'For everyone', neededBy: ['users', 'release'], priority: 'critical' },
    [
      ['stable', 'http', 'https://dl.example.org/stable/'],
      ['rsync', 'tcp', 'dl.example.org:873'],
    ],
  ],
  [
    'apt-repository',
    'Additional software (APT)',
    'apt',
    { group: 'For everyone', neededBy: ['users', 'release'], priority: 'critical' },
    [['stable-suite', 'http', 'https://deb.example.org/dists/stable/InRelease']],
  ],
  [
    'chat',
    'Chat',
    'xmpp',
    { group: 'For everyone', neededBy: ['users'], priority: 'medium' },
    [
      ['client-port', 'tcp', 'chat.example.org:5222'],
      ['certificate', 'tls', 'chat.example.org:5222'],
    ],
  ],
  [
    'git',
    'Git repositories',
    'git1',
    { group: 'For contributors', neededBy: ['development', 'release'], priority: 'high' },
    [
      ['web', 'http', 'https://git.example.org/'],
      ['ssh', 'tcp', 'git.example.org:22'],
    ],
  ],
  [
    'builds',
    'Nightly builds',
    'build1',
    { group: 'For contributors', neededBy: ['development', 'release'], priority: 'high' },
    [['images', 'http', 'https://nightly.example.org/images/']],
  ],
  [
    'jenkins',
    'Continuous integration',
    'build2',
    { group: 'For contributors', neededBy: ['development'], priority: 'high' },
    [['login', 'http', 'https://ci.example.org/login']],
  ],
  [
    'mail-relay',
    'Mail relay (onion)',
    'mail',
    { group: 'For sysadmins', neededBy: [], priority: 'high' },
    [['smtp', 'tcp', 'mailrelayexample.onion:25']],
  ],
  [
    'names',
    'Name servers',
    'dns1',
    { group: 'For sysadmins', neededBy: ['users', 'development'], priority: 'high' },
    [
      ['zone', 'dns', 'example.org SOA'],
      ['secondary', 'dns', 'example.org SOA at dns2'],
    ],
  ],
];
const PRIVATE_ONLY = ['mail-relay', 'names'];
const HOSTS = [
  'web1',
  'web2',
  'apt',
  'xmpp',
  'git1',
  'build1',
  'build2',
  'build3',
  'mail',
  'dns1',
  'dns2',
  'backup',
  'puppet',
  'monitor',
  'mirror-long-name.internal',
  'bridge',
];

const TROUBLES: Record<string, Trouble> = {
  'website/front-page': { state: 'CRITICAL', minutes: 16, length: 4, output: 'HTTP 503 in 0.42 s, expected 200-299' },
  'apt-repository/stable-suite': {
    state: 'CRITICAL',
    minutes: 295,
    length: 59,
    output: 'body has no line “Valid-Until: Mon, 23 Nov”, expected one; 48 KiB read in 0.31 s',
  },
  'chat/certificate': {
    state: 'WARNING',
    minutes: 1210,
    length: 240,
    output: 'certificate expires in 11 days (2026-12-03), warning below 14',
  },
  'mail-relay/smtp': {
    state: 'UNKNOWN',
    minutes: 45,
    length: 9,
    output: 'tor: SOCKS reply F0, onion service descriptor not found',
  },
  'build3/alive': { state: 'CRITICAL', minutes: 2, length: 2, output: 'no answer to 3 packets within 2 s', isSoft: true },
  'jenkins/login': { state: 'CRITICAL', minutes: 1, length: 1, output: 'HTTP 502 in 0.08 s, expected 200-299', isSoft: true },
  'backup/alive': {
    state: 'CRITICAL',
    minutes: 3,
    length: 0,
    output: 'no answer to 3 packets within 2 s',
    withheld: 'unreachable',
  },
  'backup/ssh': { state: 'CRITICAL', minutes: 3, length: 0, output: 'no answer within 10 s', withheld: 'unreachable' },
};

/** Numbers that are the same every time (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let value = Math.imul(state ^ (state >>> 15), 1 | state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export function demoConfiguration(): Configuration {
  const services = Object.fromEntries(
    SERVICES.map(([name, title, host, extra], i) => [
      name,
      {
        name,
        title,
        host,
        group: 'Services',
        neededBy: [],
        priority: 'medium',
        public: PRIVATE_ONLY.includes(name) ? null : { title, description: '' },
        any: null,
        notes: null,
        source: { file: `conf.d/${name}.yaml`, line: i + 2 },
        ...extra,
      } satisfies Service,
    ]),
  );
  const hosts = Object.fromEntries(
    HOSTS.map((name, i) => [
      name,
      {
        name,
        address: `192.0.2.${10 + i}`,
        labels: { role: name.replace(/\d.*|-.*/, ''), site: i % 3 === 0 ? 'lyon' : 'paris' },
        profiles: ['debian'],
        parents: [],
        notes: null,
        source: { file: 'conf.d/hosts.yaml', line: 4 + 5 * i },
      },
    ]),
  );
  const ofServices = SERVICES.flatMap(([service, title, host, extra, checks]) =>
    checks.map(([name, type, target], i) =>
      demoCheck(
        { id: `${service}/${name}`, name, service, host, type, target },
        {
          priority: extra.priority ?? 'medium',
          via: service === 'mail-relay' ? 'tor' : null,
          public: PRIVATE_ONLY.includes(service) ? null : { title, description: '' },
          source: { file: `conf.d/${service}.yaml`, line: 12 + 6 * i },
          ...(name === 'front-page' ? { notes: 'Runbook: https://wiki.example.org/runbook/website' } : {}),
        },
      ),
    ),
  );
  const ofHosts = HOSTS.flatMap((host, i) =>
    (['alive:ping', 'ssh:tcp'] as const).map((spec) => {
      const [name = '', type = ''] = spec.split(':');
      const target = `192.0.2.${10 + i}${type === 'tcp' ? ':22' : ''}`;
      return demoCheck(
        { id: `${host}/${name}`, name, service: null, host, type, target },
        {
          parents: name === 'ssh' ? [`${host}/alive`] : [],
          source: { file: 'conf.d/debian.yaml', line: name === 'alive' ? 4 : 5 },
          origins: { every: 'profile debian' },
        },
      );
    }),
  );
  const proxy = demoCheck({ id: 'proxy/tor', name: 'tor', service: null, host: null, type: 'proxy', target: '127.0.0.1:9050' }, {});
  const checks = [...ofServices, ...ofHosts, proxy].sort((a, b) => (a.id < b.id ? -1 : 1));
  return configurationOf(checks, {
    title: 'Example infrastructure',
    sites: {
      private: { output: '/nonexistent/private', url: null, title: 'Example infrastructure' },
      public: { output: '/nonexistent/public', url: null, title: 'Service status' },
    },
    proxies: { tor: { name: 'tor', host: '127.0.0.1', port: 9050, source: { file: 'vigie.yaml', line: 9 } } },
    contacts: { sysadmins: contactOf('sysadmins') },
    hosts,
    services,
  });
}

function demoCheck(facts: Pick<Check, 'id' | 'name' | 'service' | 'host' | 'type' | 'target'>, more: Partial<Check>): Check {
  const options: Record<string, Check['options']> = {
    http: { url: facts.target, status: '200-299', method: 'GET', password: { file: '/etc/vigie/secret/x' } },
    tls: { address: facts.target, server_name: facts.target.split(':')[0] },
    tcp: { address: facts.target },
    dns: { name: 'example.org', record: 'SOA' },
    ping: { address: facts.target, count: 3 },
  };
  const thresholds: Record<string, Check['thresholds']> = {
    http: { time: { warning: { min: 0, max: 2, inverted: false }, critical: { min: 0, max: 5, inverted: false } } },
    tls: { days_left: { warning: { min: 14, max: null, inverted: false }, critical: { min: 7, max: null, inverted: false } } },
  };
  return checkOf({
    options: options[facts.type] ?? {},
    thresholds: thresholds[facts.type] ?? {},
    origins: { url: 'check', 'time.warning': 'check', priority: 'service', status: 'type http', method: 'type http' },
    ...facts,
    ...more,
  });
}

const CLASS_INDEX: Record<TallyClass, TallyIndex> = {
  ok: 0,
  warning: 1,
  critical: 2,
  unknown: 3,
  skipped: 4,
  planned: 5,
};

function demoStatus(check: Check, random: () => number): { status: Status; recent: PastResult[]; latencyBase: number } {
  const trouble = TROUBLES[check.id];
  const latencyBase = check.type === 'ping' ? 0.004 + random() * 0.03 : check.via === null ? 0.04 + random() * 0.6 : 2.2;
  const state = trouble?.state ?? 'OK';
  const onset = DEMO_NOW - (trouble?.minutes ?? 41 * 1440) * MINUTE;
  const metrics = demoMetrics(check, latencyBase);
  const output = trouble?.output ?? demoOutput(check, latencyBase);
  const status: Status = {
    ...newStatus(check.id, DEMO_NOW - 200 * DAY),
    everOk: true,
    latest: {
      at: DEMO_NOW,
      run: RUN,
      state,
      code: state === 'OK' ? '' : check.type === 'http' ? 'status' : 'timeout.total',
      output,
      metrics,
      parts: demoParts(check),
      withheld: trouble?.withheld ?? null,
      duration: latencyBase,
      scheduled: true,
    },
    since: onset,
    lastScheduledAt: DEMO_NOW,
    heldClass: trouble?.withheld ? 4 : ({ OK: 0, WARNING: 1, CRITICAL: 2, UNKNOWN: 3 } as const)[state],
    streak:
      trouble && !trouble.withheld ? { startedAt: onset, length: trouble.length, worst: state, judged: state !== 'UNKNOWN' } : null,
    problem:
      trouble && !trouble.isSoft && !trouble.withheld
        ? { onset, told: state, toldTo: ['sysadmins'], parts: [], okInARow: 0, run: RUN - trouble.length }
        : null,
    hours: demoHours(trouble, random),
  };
  status.today = {
    day: '2026-11-22',
    tally: status.hours
      .slice(-15)
      .reduce<Tally>((sum, [, ...row]) => sum.map((value, i) => value + Number(row[i] ?? 0)) as Tally, [0, 0, 0, 0, 0, 0]),
    results: 170,
    failures: 0,
    latency: demoLatency(latencyBase, random),
    metrics: {},
  };
  return { status, recent: demoRecent(status, trouble, random), latencyBase };
}

function demoOutput(check: Check, latency: number): string {
  const time = `${latency.toFixed(3)} s`;
  const words: Record<string, string> = {
    http: `HTTP 200 in ${time}, 14.2 KiB`,
    tls: `TLS 1.3, certificate expires in 61 days (2027-01-22), in ${time}`,
    tcp: `connected in ${time}`,
    dns: `SOA 2026112201 in ${time}`,
    ping: `3 of 3 packets answered in ${(latency * 1000).toFixed(1)} ms on average`,
    proxy: `SOCKS5 answered in ${time}`,
  };
  return words[check.type] ?? 'seen';
}

function demoMetrics(check: Check, latency: number): Record<string, number> {
  if (check.type === 'ping') return { rtt: latency, loss: 0 };
  if (check.type === 'http') return { time: latency, size: 14_540, days_left: 61.2 };
  if (check.type === 'tls') return { time: latency, days_left: check.id === 'chat/certificate' ? 11.4 : 61.2 };
  return { time: latency };
}

function demoParts(check: Check): { name: string; state: State; output: string }[] {
  if (check.id !== 'website/front-page') return [];
  return [
    { name: 'IPv4 192.0.2.10', state: 'CRITICAL', output: 'HTTP 503 in 0.42 s, expected 200-299' },
    { name: 'IPv6 2001:db8::10', state: 'OK', output: 'HTTP 200 in 0.39 s' },
  ];
}

function demoHours(trouble: Trouble | undefined, random: () => number): Status['hours'] {
  const current = Math.floor(DEMO_NOW / 3_600_000);
  return Array.from({ length: 25 }, (_, i) => {
    const hour = current - 24 + i;
    const tally: Tally = [0, 0, 0, 0, 0, 0];
    const length = hour === current ? 300 : 3600;
    const bad =
      trouble === undefined
        ? 0
        : Math.max(0, Math.min(length, ((hour + 1) * 3_600_000 - DEMO_NOW) / 1000 + trouble.minutes * 60 - 3600 + length));
    const index = trouble?.withheld ? 4 : ({ OK: 0, WARNING: 1, CRITICAL: 2, UNKNOWN: 3 } as const)[trouble?.state ?? 'OK'];
    const blip = random() > 0.996 ? 60 : 0;
    tally[index] += bad;
    tally[0] += length - bad - blip;
    tally[1] += blip;
    return [hour, ...tally, demoLatency(0.2, random, 12)];
  });
}

function demoLatency(base: number, random: () => number, results = 60): Histogram {
  const histogram: Histogram = [];
  for (let i = 0; i < results; i += 1)
    addToHistogram(histogram, base * (0.8 + random() * 0.5 + (random() > 0.96 ? random() * 3 : 0)));
  return histogram;
}

/** As the store tells it. */
function toCalm(results: PastResult[]): CalmResults | null {
  const [newest, oldest] = [results[0], results.at(-1)];
  const isCalm = results.every(({ state, withheld }) => state === 'OK' && withheld === null);
  return newest === undefined || oldest === undefined || !isCalm ? null : { count: results.length, from: oldest.at, to: newest.at };
}

function demoRecent(status: Status, trouble: Trouble | undefined, random: () => number): PastResult[] {
  const { latest } = status;
  if (latest === null) return [];
  return Array.from({ length: 10 }, (_, i) => {
    const isBad = trouble !== undefined && i < Math.max(1, trouble.length);
    return {
      run: RUN - i * 5,
      at: DEMO_NOW - i * 5 * MINUTE,
      state: isBad ? latest.state : 'OK',
      output: isBad ? latest.output : `seen as expected in ${(latest.duration * 1.04).toFixed(3)} s`,
      withheld: isBad ? (trouble?.withheld ?? null) : null,
      duration: latest.duration * (0.9 + random() / 4),
    };
  });
}

/** Days with trouble by check: days ago and the seconds that were CRITICAL. */
const BAD_DAYS: Record<string, [daysAgo: number, kind: TallyClass, seconds: number][]> = {
  'website/front-page': [
    [31, 'critical', 2_400],
    [32, 'critical', 900],
    [66, 'warning', 7_200],
  ],
  'downloads/stable': [
    [12, 'critical', 360],
    [13, 'warning', 1_200],
  ],
  'chat/client-port': [
    [3, 'critical', 300],
    [4, 'critical', 320],
    [10, 'critical', 300],
    [47, 'unknown', 4_000],
  ],
  'builds/images': [
    [20, 'warning', 40_000],
    [21, 'warning', 80_000],
    [22, 'critical', 9_000],
  ],
  'apt-repository/stable-suite': [[55, 'critical', 60_000]],
};

function demoPast(check: Check, latencyBase: number, random: () => number): Past {
  const today = '2026-11-22';
  // What was added a month ago shows an empty bar before.
  const age = check.service === 'builds' ? 34 : 200;
  const rows = Array.from({ length: Math.min(age, 200) }, (_, i) => {
    const tally: Tally = [86_400, 0, 0, 0, 0, 0];
    for (const [ago, kind, seconds] of BAD_DAYS[check.id] ?? []) {
      if (ago !== i + 1) continue;
      tally[CLASS_INDEX[kind]] += seconds;
      tally[0] -= seconds;
    }
    return { day: dayBefore(today, i + 1), tally, latency: i < 30 ? demoLatency(latencyBase, random) : [] };
  });
  return summarisePast(today, rows);
}

export function demoSnapshot(): Snapshot {
  const configuration = demoConfiguration();
  const random = randomOf(7);
  const statuses = new Map<string, Status>();
  const pasts = new Map<string, Past>();
  const recents = new Map<string, PastResult[]>();
  for (const check of configuration.checks) {
    const { status, recent, latencyBase } = demoStatus(check, random);
    statuses.set(check.id, status);
    recents.set(check.id, recent);
    pasts.set(check.id, demoPast(check, latencyBase, random));
  }
  return {
    now: DEMO_NOW,
    run: demoRun(0, random),
    nextRunBy: DEMO_NOW + 3 * MINUTE,
    configuration,
    statuses,
    pasts,
    runs: Array.from({ length: 40 }, (_, i) => demoRun(i, random)),
    events: demoEvents(),
    archive: archiveOf(demoEvents(), DEMO_NOW, configuration.timezone),
    messages: demoMessages(),
    calmResults: (check) => toCalm(recents.get(check) ?? []),
    recentResults: (check) => recents.get(check) ?? [],
    measuredResults: (check) => demoMeasured(statuses.get(check)),
    dayCounters: (check) => demoDays(check, statuses.get(check)),
    notices: { stamp: '', read: demoNotices },
    reportOf: demoReport,
    said: demoPeople(),
    downtimesSince: () => demoPeople().downtimes,
    fleet: { day: '2026-11-22', months: ['2026-10', '2026-11'], key: 'demo', read: () => fleetHistory('2026-11-22') },
    incidents: demoIncidents(),
    banners: [],
  };
}

/** Every five minutes of the last day: answer times as they are, other metrics wandering around their last value. */
function demoMeasured(status: Status | undefined): MeasuredResult[] {
  const random = randomOf(23);
  const metrics = Object.entries(status?.latest?.metrics ?? {});
  return Array.from({ length: 288 }, (_, i) => ({
    at: DEMO_NOW - i * 5 * MINUTE,
    metrics: Object.fromEntries(metrics.map(([name, value]) => [name, wander(name, value, i / 288, random)])),
  }));
}

function demoReport(host: string): HostReport | undefined {
  return host === 'backup' ? { ...reportOf(FULL_FACTS), host, created: DEMO_NOW - 2 * MINUTE } : undefined;
}

function demoDays(check: string, status: Status | undefined): DayCounters[] {
  const random = randomOf(check.length);
  const metrics = Object.entries(status?.latest?.metrics ?? {});
  const days = check.startsWith('builds/') ? 34 : 89;
  return Array.from({ length: days }, (_, i) => {
    const counters = metrics.map(([name, value]) => {
      const mean = wander(name, value, i + 1, random);
      return [name, { min: mean * 0.97, max: mean * 1.04, sum: mean * 288, count: 288 }];
    });
    const base = (status?.latest?.metrics['time'] ?? 0.02) * (0.9 + 0.2 * Math.sin(i / 9) + (i > 60 ? 0.25 : 0));
    return {
      day: dayBefore('2026-11-22', i + 1),
      tally: [86_400, 0, 0, 0, 0, 0],
      results: 288,
      failures: 0,
      latency: demoLatency(base, random, 40),
      metrics: Object.fromEntries(counters),
    };
  });
}

/** A certificate is renewed every 60 days; everything else goes up and down a little. `ago` in days. */
function wander(name: string, value: number, ago: number, random: () => number): number {
  if (name === 'days_left') return ((value + ago - 30 + 600) % 60) + 30;
  return value * (0.95 + random() * 0.1);
}

function demoNotices(): Notice[] {
  const notice = (minutes: number, subject: string, state: State, more: Partial<Notice>): Notice => ({
    at: DEMO_NOW - minutes * MINUTE,
    kind: 'problem',
    subject,
    state,
    reason: '3 failures in a row',
    contact: 'sysadmins',
    recipient: 'sysadmins@example.org',
    wait: null,
    releaseAt: 0,
    closed: null,
    message: null,
    messageState: null,
    ...more,
  });
  return [
    notice(6, 'website/front-page', 'CRITICAL', { message: 214, messageState: 'sent' }),
    notice(35, 'mail-relay/smtp', 'UNKNOWN', { message: 213, messageState: 'frozen' }),
    notice(293, 'apt-repository/stable-suite', 'CRITICAL', { message: 212, messageState: 'sent' }),
    notice(1208, 'chat/certificate', 'WARNING', { wait: 'digest', releaseAt: DEMO_NOW + 990 * MINUTE }),
  ];
}

/** What people said: one acknowledgement with public words, a downtime that holds, one that comes, a change. */
function demoPeople(): People {
  const planned = {
    flexible: null,
    begun: null,
    toldUntil: 0,
    removedAt: null,
    publicNote: null,
    zone: 'Europe/Paris',
    at: DEMO_NOW - 90 * MINUTE,
  };
  return {
    acknowledgements: [
      {
        number: 3,
        check: 'website/front-page',
        at: DEMO_NOW - 4 * MINUTE,
        until: DEMO_NOW + 1800 * MINUTE,
        author: 'anna',
        note: 'uwsgi hangs, restarting it',
        publicNote: 'The website does not answer at times; we are on it.',
      },
    ],
    downtimes: [
      {
        ...planned,
        number: 7,
        target: 'build3',
        from: DEMO_NOW - 60 * MINUTE,
        duration: 7200,
        repeat: null,
        author: 'bert',
        note: 'new disk',
      },
      {
        ...planned,
        number: 5,
        target: 'backup',
        from: DEMO_NOW + 600 * MINUTE,
        duration: 1800,
        repeat: 'weekly',
        author: 'anna',
        note: 'dump',
      },
    ],
    changes: [
      {
        number: 2,
        target: 'jenkins',
        at: DEMO_NOW - 5 * MINUTE,
        until: DEMO_NOW + 15 * MINUTE,
        author: 'bert',
        note: 'Jenkins 2.479',
      },
      {
        number: 1,
        target: 'website',
        at: DEMO_NOW - 20 * MINUTE,
        until: DEMO_NOW - MINUTE,
        author: 'anna',
        note: 'new theme',
      },
    ],
  };
}

function demoRun(ago: number, random: () => number): RunRecord {
  return {
    run: RUN - ago,
    startedAt: DEMO_NOW - ago * MINUTE,
    durationMs: ago === 0 ? null : Math.round(700 + random() * 600),
    due: 47,
    ok: 39,
    warning: 1,
    critical: 4,
    unknown: 1,
    skipped: 2,
    items: ago === 12 ? 1 : 0,
    lateMs: ago === 9 ? 48_000 : Math.round(random() * 300),
  };
}

function demoEvents(): Event[] {
  const event = (minutes: number, kind: Event['kind'], check: string, state: State, reason: string, output: string): Event => ({
    at: DEMO_NOW - minutes * MINUTE,
    run: RUN - minutes,
    kind,
    check,
    host: null,
    state,
    onset: DEMO_NOW - minutes * MINUTE,
    reason,
    output,
    told: kind === 'problem' || kind === 'recovery',
  });
  return [
    event(1, 'soft', 'jenkins/login', 'CRITICAL', 'failure 1 of 3 before an alert', 'HTTP 502 in 0.08 s, expected 200-299'),
    event(6, 'problem', 'website/front-page', 'CRITICAL', '3 failures in a row', 'HTTP 503 in 0.42 s, expected 200-299'),
    event(16, 'soft', 'website/front-page', 'CRITICAL', 'failure 1 of 3 before an alert', 'HTTP 503 in 0.40 s, expected 200-299'),
    event(
      35,
      'problem',
      'mail-relay/smtp',
      'UNKNOWN',
      '6 results in a row could not look',
      'tor: SOCKS reply F0, onion service descriptor not found',
    ),
    event(
      293,
      'problem',
      'apt-repository/stable-suite',
      'CRITICAL',
      '3 failures in a row',
      'body has no line “Valid-Until”, expected one',
    ),
    event(
      1208,
      'problem',
      'chat/certificate',
      'WARNING',
      '3 failures in a row',
      'certificate expires in 11 days (2026-12-03), warning below 14',
    ),
    event(4325, 'recovery', 'chat/client-port', 'OK', 'OK again', 'connected in 0.020 s'),
    event(4331, 'problem', 'chat/client-port', 'CRITICAL', '3 failures in a row', 'connection refused'),
  ];
}

function demoMessages(): MessageRecord[] {
  const message = (number: number, minutes: number, subject: string, state: MessageRecord['state']): MessageRecord => ({
    message: number,
    recipient: 'sysadmins@example.org',
    subject,
    state,
    attempts: state === 'failed' ? 7 : state === 'sent' ? 1 : 2,
    createdAt: DEMO_NOW - minutes * MINUTE,
    sentAt: state === 'sent' ? DEMO_NOW - minutes * MINUTE + 900 : null,
    answer: state === 'sent' ? '250 2.0.0 Ok: queued as 4Xk2mN1' : '451 4.7.1 try again later',
  });
  return [
    message(214, 6, '[vigie] PROBLEM website/front-page CRITICAL: HTTP 503 in 0.42 s, expected 200-299', 'sent'),
    message(213, 35, '[vigie] PROBLEM mail-relay/smtp UNKNOWN: tor: SOCKS reply F0', 'frozen'),
    message(212, 293, '[vigie] PROBLEM apt-repository/stable-suite CRITICAL: body has no line', 'sent'),
  ];
}

/** 50 hosts with 15 HTTP checks each, 90 days behind them: what the budget of 150 ms is measured with (design.md section 8). */
export function bigSnapshot(): Snapshot {
  const random = randomOf(11);
  const small = demoSnapshot();
  const hosts = Object.fromEntries(
    Array.from({ length: 50 }, (_, i) => {
      const name = `host${i + 1}`;
      const source = { file: 'conf.d/big.yaml', line: i };
      return [name, { name, address: `192.0.2.${i}`, labels: {}, profiles: [], parents: [], notes: null, source }];
    }),
  );
  const checks = Object.keys(hosts).flatMap((host) =>
    Array.from({ length: 15 }, (_, i) => {
      const facts = {
        id: `${host}/web${i}`,
        name: `web${i}`,
        service: null,
        host,
        type: 'http',
        target: `https://${host}.example.org/${i}`,
      };
      return demoCheck(facts, {});
    }),
  );
  const statuses = new Map(checks.map((check) => [check.id, demoStatus(check, random).status]));
  const recent = demoRecent(statuses.get('host1/web0') ?? newStatus('', 0), undefined, random);
  const measured = demoMeasured(statuses.get('host1/web0'));
  const days = demoDays('host1/web0', statuses.get('host1/web0'));
  const service = small.configuration.services['website'];
  return {
    ...small,
    configuration: {
      ...small.configuration,
      checks,
      hosts,
      services: service === undefined ? {} : { website: { ...service, host: null } },
      sites: {
        private: { output: '/tmp/big/private', url: null, title: 'Example infrastructure' },
        public: { output: '/tmp/big/public', url: null, title: 'Service status' },
      },
    },
    statuses,
    pasts: new Map(checks.map((check) => [check.id, demoPast(check, 0.2, random)])),
    calmResults: () => null,
    recentResults: () => recent,
    measuredResults: () => measured,
    dayCounters: () => days,
  };
}

function demoIncidents(): Incident[] {
  const run = { href: '', isStrong: false, isEmphasis: false, isCode: false, isBreak: false };
  const say = (text: string): Block => ({ kind: 'paragraph', runs: [{ ...run, text }] });
  return [
    {
      name: '2026-11-22-website-answers-slowly',
      title: 'Website answers slowly or not at all',
      services: ['website'],
      started: DEMO_NOW - 16 * MINUTE,
      ended: null,
      reportedBy: 'a visitor',
      author: 'anna',
      intro: [say('Pages of the website take long or fail. Downloads and the package repository do not go through it.')],
      updates: [
        { at: DEMO_NOW - 14 * MINUTE, title: '', blocks: [say('We are aware of it and look into it.')] },
        {
          at: DEMO_NOW - 4 * MINUTE,
          title: 'Cause found',
          blocks: [say('The new theme asks the database too often. We are taking it back.')],
        },
      ],
    },
    {
      name: '2026-10-22-repository-unreachable',
      title: 'Package repository unreachable',
      services: ['apt-repository', 'downloads'],
      started: DEMO_NOW - 31 * DAY,
      ended: DEMO_NOW - 31 * DAY + 40 * MINUTE,
      reportedBy: 'vigie',
      author: 'bert',
      intro: [say('The machine that serves packages and downloads had lost its network.')],
      updates: [{ at: DEMO_NOW - 31 * DAY + 40 * MINUTE, title: 'Over', blocks: [say('A cable was replaced. No data was lost.')] }],
    },
  ];
}
