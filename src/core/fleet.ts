import type { Configuration, FleetFigure, Host } from './configuration.ts';
import type { Fact, FactName, HostReport } from './report.ts';
import { isSelected } from './selection.ts';
import type { Status } from './status.ts';
import { cleanText } from './text.ts';

/** One day of the whole fleet, as it is stored. What nobody said is null, never 0. */
export interface FleetDay {
  /** Local date. */
  day: string;
  /** Milliseconds since 1970 of the counting. */
  at: number;
  hosts: number;
  /** By the label `role`; hosts without one are `no role`. */
  roles: Record<string, number>;
  /** Hosts whose report was at most a day old: the numbers below are of these. */
  reporting: number;
  /** Servers that something is asked of by checks of a type: web, name and mail servers. */
  servers: Record<string, number>;
  /** Different addresses that metrics are scraped from. */
  exporters: number;
  /** Hosts by release, `debian 12 bookworm`; those that retire are left out. */
  releases: Record<string, number>;
  retiring: string[];
  upgrades: Counted | null;
  security: Counted | null;
  reboots: Counted | null;
  /** Mean of five minutes, of all that say it. */
  load: Counted | null;
  memoryAvailable: Counted | null;
  memoryTotal: Counted | null;
  processes: Counted | null;
  /** Bytes a second since the count before, of hosts that were counted then too. */
  received: Counted | null;
  sent: Counted | null;
  figures: { title: string; unit: string; value: number | null; of: number }[];
  inventory: Comparison[];
  /** Bytes of each host's interfaces and its boot: kept for the last day only. */
  counters?: Record<string, Counters>;
}

/** A number, and how many hosts it is made of. */
export interface Counted {
  value: number;
  of: number;
}

export interface Counters {
  at: number;
  boot: string;
  received: number;
  sent: number;
}

/** A list of names beside what is monitored. */
export interface Comparison {
  title: string;
  /** null: it cannot be read, and `why`. */
  count: number | null;
  why: string;
  /** In the list, and not monitored. */
  missing: string[];
  /** Monitored, and not in the list. */
  extra: string[];
}

/** A list of names as it was read, or why it was not. */
export type NameList = { title: string } & ({ names: string[] } | { why: string });

export interface FleetFacts {
  configuration: Configuration;
  statuses: ReadonlyMap<string, Status>;
  reports: ReadonlyMap<string, HostReport>;
  now: number;
  day: string;
  before: FleetDay | null;
  lists: readonly NameList[];
}

/**
 * What one machine cannot have says nothing: a single lie would be the figure of all. Debian has some 70,000 packages for a machine,
 * Linux at most 2^22 processes (PID_MAX_LIMIT); more memory than a PiB, or more than a Tbit/s, nobody has.
 */
const MOST = { packages: 100_000, processes: 2 ** 22, memory: 2 ** 50, rate: 125e9 };
/** Of each word of a release. */
const MOST_OF_WORD = 20;

const DAY_MS = 86_400_000;
const NO_ROLE = 'no role';
/** Which servers are counted, by the types of the checks that ask them. */
const SERVERS: Readonly<Record<string, readonly string[]>> = {
  web: ['http', 'listing'],
  name: ['dns'],
  mail: ['smtp', 'imap', 'mail-roundtrip', 'mail-queue'],
};
const EXPORTERS = ['prometheus', 'exporter'];

/** Counts the fleet for a day: what each host said last, if that is at most a day old. */
export function countFleet(facts: FleetFacts): FleetDay {
  const { configuration, now, day, before, lists } = facts;
  const hosts = Object.values(configuration.hosts);
  const fresh = hosts.flatMap(({ name }) => facts.reports.get(name) ?? []).filter(({ created }) => now - created <= DAY_MS);
  const retiring = hosts.filter(isRetiring).map(({ name }) => name);
  const counters = Object.fromEntries(fresh.flatMap((report) => toCounters(report)));
  const rates = toRates(counters, before?.counters ?? {});
  const sum = <N extends FactName>(name: N, most: number, pick: (fact: Fact<N>) => number) => toSum(fresh, name, { most, pick });
  const mean = sum('load', MOST.processes, ({ five }) => five);
  return {
    day,
    at: now,
    hosts: hosts.length,
    roles: tally(hosts.map(({ labels }) => labels['role'] ?? NO_ROLE)),
    reporting: fresh.length,
    servers: countServers(configuration),
    exporters: countExporters(configuration),
    releases: tally(fresh.filter(({ host }) => !retiring.includes(host)).flatMap((report) => toRelease(report))),
    retiring,
    upgrades: sum('apt', MOST.packages, ({ upgrades }) => upgrades),
    security: sum('apt', MOST.packages, ({ upgrades, security }) => (upgrades > MOST.packages ? Infinity : security)),
    reboots: sum('reboot_required', 1, ({ required }) => Number(required)),
    load: mean === null ? null : { value: Math.round((mean.value / mean.of) * 100) / 100, of: mean.of },
    memoryAvailable: sum('memory', MOST.memory, ({ total, available }) => (total > MOST.memory ? Infinity : available)),
    memoryTotal: sum('memory', MOST.memory, ({ total }) => total),
    processes: sum('processes', MOST.processes, ({ total }) => total),
    received: toRate(rates, 'received'),
    sent: toRate(rates, 'sent'),
    figures: configuration.fleet.figures.map((figure) => measureFigure(figure, facts)),
    inventory: lists.map((list) => compareNames(list, Object.keys(configuration.hosts))),
    counters,
  };
}

/** The label `retiring`, whatever it says but no. */
export function isRetiring({ labels }: Pick<Host, 'labels'>): boolean {
  const text = labels['retiring'];
  return text !== undefined && !/^(no|false|)$/i.test(text);
}

function tally(words: string[]): Record<string, number> {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function readFact<N extends FactName>(report: HostReport, name: N): Fact<N> | null {
  // One of twenty types by name: more than the compiler can follow.
  const facts: Partial<Record<FactName, object>> = report.facts;
  const fact = facts[name];
  return fact === undefined || 'unavailable' in fact ? null : (fact as Fact<N>);
}

function toSum<N extends FactName>(
  reports: HostReport[],
  name: N,
  { most, pick }: { most: number; pick: (fact: Fact<N>) => number },
): Counted | null {
  const values = reports
    .flatMap((report) => {
      const fact = readFact(report, name);
      return fact === null ? [] : [pick(fact)];
    })
    .filter((value) => value >= 0 && value <= most);
  return values.length === 0 ? null : { value: values.reduce((a, b) => a + b, 0), of: values.length };
}

/** `debian 12 bookworm`; testing has no number. */
function toRelease(report: HostReport): string[] {
  const os = readFact(report, 'os');
  if (os === null) return [];
  const words = [os.id, os.version, os.codename].map((word) => cleanText(word, MOST_OF_WORD));
  return [words.filter((word) => word !== '').join(' ')];
}

function toCounters(report: HostReport): [string, Counters][] {
  const network = readFact(report, 'network');
  if (network === null) return [];
  const add = (pick: 'received' | 'sent') => network.interfaces.reduce((total, one) => total + one[pick], 0);
  return [[report.host, { at: report.created, boot: report.boot, received: add('received'), sent: add('sent') }]];
}

interface Rates {
  received: number[];
  sent: number[];
}

/** A second, of hosts that were counted before and not booted since: counters begin anew with a boot. */
function toRates(now: Record<string, Counters>, before: Record<string, Counters>): Rates {
  const rates: Rates = { received: [], sent: [] };
  for (const [host, found] of Object.entries(now)) {
    const last = Object.hasOwn(before, host) ? before[host] : undefined;
    const seconds = last === undefined ? 0 : (found.at - last.at) / 1000;
    if (last === undefined || seconds < 60 || last.boot !== found.boot) continue;
    // An interface that is gone takes its bytes with it.
    if (found.received < last.received || found.sent < last.sent) continue;
    const [received, sent] = [(found.received - last.received) / seconds, (found.sent - last.sent) / seconds];
    if (received > MOST.rate || sent > MOST.rate) continue;
    rates.received.push(received);
    rates.sent.push(sent);
  }
  return rates;
}

function toRate(rates: Rates, which: keyof Rates): Counted | null {
  const values = rates[which];
  return values.length === 0 ? null : { value: Math.round(values.reduce((a, b) => a + b, 0)), of: values.length };
}

function countServers({ checks }: Configuration): Record<string, number> {
  return Object.fromEntries(
    Object.entries(SERVERS).map(([kind, types]) => {
      const asked = checks.filter(({ enabled, type }) => enabled && types.includes(type));
      return [kind, new Set(asked.map(({ host, service, id }) => host ?? service ?? id)).size];
    }),
  );
}

function countExporters({ checks }: Configuration): number {
  const scraped = checks.filter(({ enabled, type }) => enabled && EXPORTERS.includes(type));
  return new Set(scraped.map(({ options }) => String(options['url']))).size;
}

/** One number of the latest results of checks; a check without it, or one that could not look, is no part of it. */
function measureFigure(figure: FleetFigure, { configuration, statuses }: FleetFacts): FleetDay['figures'][number] {
  const { title, unit, check, metric, together } = figure;
  const values = configuration.checks
    .filter((one) => one.enabled && isSelected(check, one))
    .flatMap(({ id }) => statuses.get(id)?.latest?.metrics[metric] ?? []);
  const sum = values.reduce((a, b) => a + b, 0);
  const value = values.length === 0 ? null : together === 'sum' ? sum : sum / values.length;
  return { title, unit, value: value === null ? null : Number(value.toPrecision(6)), of: values.length };
}

/** Names are compared up to the first dot, without regard to case: one source has whole names, the other has not. */
export function compareNames(list: NameList, monitored: readonly string[]): Comparison {
  if ('why' in list) return { title: list.title, count: null, why: list.why, missing: [], extra: [] };
  const short = (name: string) => (name.split('.')[0] ?? '').toLowerCase();
  const without = (names: readonly string[], others: readonly string[]) => {
    const known = new Set(others.map(short));
    return [...new Set(names)].filter((name) => !known.has(short(name))).sort();
  };
  const { title, names } = list;
  const count = new Set(names.map(short)).size;
  return { title, count, why: '', missing: without(names, monitored), extra: without(monitored, names) };
}
