import type { Configuration } from './core/configuration.ts';
import type { Evaluated } from './core/evaluate.ts';
import { boundChanges, findHostChanges, type HostChange, isReboot } from './core/host-changes.ts';
import type { Plan } from './core/notify.ts';
import { judgeReboots, type Reboots } from './core/reboot.ts';
import type { Database } from './store/database.ts';
import { readMeta } from './store/history.ts';
import { readOwnChanges } from './store/people.ts';
import { readReports } from './store/reports.ts';

/** What hosts say to have changed by themselves, as one run works with it. */
export interface HostNews {
  changes: HostChange[];
  /** Adds to the plan what became of hosts that were booted, and gives what the next run must remember. */
  conclude(plan: Plan): Record<string, string>;
}

const REBOOTS = 'reboots';
const DAY_MS = 86_400_000;

/** Only in runs with a new report, or with a reboot that is awaited. */
export function hearHosts(
  database: Database,
  evaluated: readonly Evaluated[],
  { configuration, now, run }: { configuration: Configuration; now: number; run: number },
): HostNews {
  const news = evaluated.flatMap(({ result }) => (result.report?.isNews === true ? result.report.report : []));
  const before = news.length === 0 ? new Map() : readReports(database);
  const found = news.flatMap((report) => findHostChanges(before.get(report.host), report, now));
  const changes = boundChanges(found, (host) => readOwnChanges(database, host, now - DAY_MS));
  const stored = readMeta(database, REBOOTS) ?? '{}';
  return {
    changes,
    conclude(plan) {
      const pending: Reboots = { ...(JSON.parse(stored) as Reboots) };
      for (const change of changes) if (isReboot(change)) pending[change.target] = change.at;
      if (Object.keys(pending).length === 0) return {};
      const { reboots, items, events } = judgeReboots(pending, configuration, plan.statuses, { now, run });
      plan.items.push(...items);
      plan.events.push(...events);
      const text = JSON.stringify(reboots);
      return text === stored ? {} : { [REBOOTS]: text };
    },
  };
}
