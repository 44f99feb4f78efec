import { readSynchronisation } from './net/clock-status.ts';
import type { Database } from './store/database.ts';
import { readMeta, writeMeta } from './store/history.ts';

const ASKED_EVERY_MS = 3_600_000;
/** After a boot a clock takes a while: `no` counts when it is said again after so long. */
const PATIENCE_MS = 600_000;

interface Known {
  at: number;
  isSynchronised: boolean | null;
  /** Since when it says `no`. */
  since: number | null;
}

/**
 * Whether the system's clock is synchronised (alerting.md section 5, where no https sentinels have a vote): asked once an hour, and
 * every ten minutes while it is not. Null: nobody knows, or not for long enough.
 */
export async function askClock(database: Database, now: number, ask = readSynchronisation): Promise<boolean | null> {
  const known = JSON.parse(readMeta(database, 'clock') ?? 'null') as Known | null;
  const pause = known?.isSynchronised === false ? PATIENCE_MS : ASKED_EVERY_MS;
  if (known !== null && now >= known.at && now - known.at < pause) return toVerdict(known);
  const isSynchronised = await ask();
  const since = isSynchronised === false ? Math.min(known?.since ?? now, now) : null;
  const seen: Known = { at: now, isSynchronised, since };
  writeMeta(database, 'clock', JSON.stringify(seen));
  return toVerdict(seen);
}

function toVerdict({ at, isSynchronised, since }: Known): boolean | null {
  return isSynchronised === false && (since === null || at - since < PATIENCE_MS) ? null : isSynchronised;
}
