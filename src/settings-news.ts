import { createHash } from 'node:crypto';
import type { Check, Configuration } from './core/configuration.ts';
import { findSettingsChanges, type HostChange } from './core/host-changes.ts';
import type { Database } from './store/database.ts';
import { readMeta } from './store/history.ts';

/** Which checks are looked at or judged otherwise than before, and what the next run must remember of it. */
export function hearSettings(
  database: Database,
  configuration: Configuration,
  now: number,
): { changes: HostChange[]; remember: Record<string, string> } {
  const stored = readMeta(database, 'settings');
  const before = new Map(Object.entries(stored === undefined ? {} : (JSON.parse(stored) as Record<string, string>)));
  const sums = new Map(configuration.checks.map((check) => [check.id, toSum(check)]));
  const changed = configuration.checks.filter(({ id }) => before.has(id) && before.get(id) !== sums.get(id));
  const remember = { settings_of: configuration.fingerprint, settings: JSON.stringify(Object.fromEntries(sums)) };
  return { changes: findSettingsChanges(changed, now), remember };
}

/** What a check sees and how it is judged, not who is told of it nor where it is written. */
function toSum(check: Check): string {
  const { type, options, via, enabled, every, timeout, retries, attempts, recoveries, thresholds } = check;
  const text = JSON.stringify([type, options, via, enabled, every, timeout, retries, attempts, recoveries, thresholds]);
  return createHash('sha256').update(text).digest('base64').slice(0, 12);
}
