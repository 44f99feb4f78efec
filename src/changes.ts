import type { Configuration } from './core/configuration.ts';
import type { Evaluated } from './core/evaluate.ts';
import type { HostChange } from './core/host-changes.ts';
import type { Plan } from './core/notify.ts';
import type { People } from './core/people.ts';
import type { HostNews } from './host-news.ts';
import type { Database } from './store/database.ts';
import { readMeta } from './store/history.ts';

/** What changed by itself (alerting.md section 9), as one run works with it: hosts' reports and the configuration say so. */
export interface ChangeNews {
  changes: HostChange[];
  /** Adds to the plan what is an event, and what became of hosts that were booted; gives what the next run must remember. */
  conclude(plan: Plan): Record<string, string>;
}

interface Run {
  configuration: Configuration;
  database: Database;
  now: number;
  run: number;
}

/** Most runs have no new report, await nobody after a boot, and have the configuration of the run before: they load nothing for it. */
export async function hearChanges(run: Run, evaluated: Evaluated[]): Promise<ChangeNews | null> {
  const hosts = await hearHosts(run, evaluated);
  const settings = await hearSettings(run);
  if (hosts === null && settings === null) return null;
  const changes = [...(hosts?.changes ?? []), ...(settings?.changes ?? [])];
  const { toChangeEvents } = await import('./core/host-changes.ts');
  return {
    changes,
    conclude(plan) {
      plan.events.push(...toChangeEvents(changes, run));
      return { ...hosts?.conclude(plan), ...settings?.remember };
    },
  };
}

async function hearHosts({ database, configuration, now, run }: Run, evaluated: Evaluated[]): Promise<HostNews | null> {
  const isNews = evaluated.some(({ result }) => result.report?.isNews === true);
  if (!isNews && (readMeta(database, 'reboots') ?? '{}') === '{}') return null;
  return (await import('./host-news.ts')).hearHosts(database, evaluated, { configuration, now, run });
}

async function hearSettings({
  database,
  configuration,
  now,
}: Run): Promise<{ changes: HostChange[]; remember: Record<string, string> } | null> {
  if (readMeta(database, 'settings_of') === configuration.fingerprint) return null;
  return (await import('./settings-news.ts')).hearSettings(database, configuration, now);
}

/** What people said, and what changed by itself in this run. */
export function withChanges(said: People | null, changes: HostChange[]): People | null {
  if (changes.length === 0) return said;
  const numbered = changes.map((change) => ({ ...change, number: 0 }));
  return { acknowledgements: [], downtimes: [], ...said, changes: [...(said?.changes ?? []), ...numbered] };
}
