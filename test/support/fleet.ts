import type { FleetDay } from '../../src/core/fleet.ts';
import type { FleetHistory, MonthFacts } from '../../src/core/fleet-report.ts';

const GB = 1e9;

export function fleetDay(day: string, more: Partial<FleetDay> = {}): FleetDay {
  const of = 76;
  return {
    day,
    at: Date.parse(`${day}T00:05:00Z`),
    hosts: 78,
    roles: { build: 12, mail: 3, 'no role': 2, web: 61 },
    reporting: of,
    servers: { web: 9, name: 2, mail: 3 },
    exporters: 5,
    releases: { 'debian 12 bookworm': 20, 'debian 13 trixie': 54 },
    retiring: ['old1', 'old2'],
    upgrades: { value: 41, of },
    security: { value: 3, of },
    reboots: { value: 2, of },
    load: { value: 0.61, of },
    memoryAvailable: { value: 410 * GB, of },
    memoryTotal: { value: 820 * GB, of },
    processes: { value: 14_021, of },
    received: { value: 12_500_000, of: 75 },
    sent: { value: 48_000_000, of: 75 },
    figures: [
      { title: 'Hits', unit: 'per second', value: 512.5, of: 4 },
      { title: 'Open issues', unit: '', value: null, of: 0 },
    ],
    inventory: [{ title: 'Puppet', count: 78, why: '', missing: ['web9.example.org'], extra: ['spare'] }],
    ...more,
  };
}

export function monthFacts(more: Partial<MonthFacts> = {}): MonthFacts {
  return {
    sent: 31,
    failed: 0,
    problems: 12,
    noisiest: [{ check: 'website/front-page', items: 9 }],
    toMail: 190,
    mailed: 12,
    toAck: 1500,
    acked: 7,
    incidents: { all: 3, others: 1 },
    ...more,
  };
}

/** Days up to this one, oldest first; `old` hosts by days before the last. */
export function fleetDays(last: string, count: number, old: (daysBefore: number) => number, all = 74): FleetDay[] {
  return Array.from({ length: count }, (_, i) => {
    const before = count - 1 - i;
    const day = new Date(Date.parse(last) - before * 86_400_000).toISOString().slice(0, 10);
    const left = old(before);
    const releases = { ...(left > 0 ? { 'debian 12 bookworm': left } : {}), 'debian 13 trixie': all - left };
    return fleetDay(day, { releases });
  });
}

export function fleetHistory(last: string): FleetHistory {
  const days = fleetDays(last, 120, (before) => 20 + Math.floor(before / 3));
  return { days, months: { [last.slice(0, 7)]: monthFacts() } };
}
