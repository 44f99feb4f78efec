import type { Check, Configuration } from './configuration.ts';
import { isAwaited } from './dependency.ts';
import { isSoft, type Status } from './status.ts';

export type Due = 'scheduled' | 'recheck' | null;

/** Half an interval of tolerance, so that cron's own lateness never costs a whole interval. */
function hasPassed(since: number, seconds: number, interval: number, now: number): boolean {
  return now - since >= (seconds - interval / 2) * 1000;
}

/**
 * Whether a check is due: `every` after its last scheduled start, `recheck` after its last result while soft. A clock that went
 * back makes everything due, or a check would sleep until the old time comes again.
 */
export function dueAs(check: Check, status: Status | undefined, interval: number, now: number): Due {
  if (!check.enabled) return null;
  if (status === undefined || status.latest === null || status.lastScheduledAt === null) return 'scheduled';
  if (status.lastScheduledAt > now || hasPassed(status.lastScheduledAt, check.every, interval, now)) return 'scheduled';
  return isSoft(status) && isRecheckDue(check, status, interval, now) ? 'recheck' : null;
}

export function isRecheckDue(check: Check, status: Status, interval: number, now: number): boolean {
  return status.latest !== null && hasPassed(status.latest.at, check.recheck, interval, now);
}

/** More scheduled checks than this at once are a crowd, if they are also more than twice their fair share of a run. */
const CROWD = 50;

/**
 * Spreads a crowd: checks that became due together (all were new in the same run, or the monitor was off) are held back, once, by
 * a hash of their id, for less than their own interval; from then on each keeps its own phase. Few checks are never held back.
 */
export function spreadCrowd(due: Check[], statuses: Map<string, Status>, interval: number, now: number): Check[] {
  const share = due.reduce((sum, check) => sum + Math.min(1, interval / check.every), 0);
  if (due.length <= CROWD || due.length <= 2 * share) return due;
  return due.filter((check) => {
    const status = statuses.get(check.id);
    if (status?.lastScheduledAt == null) return true;
    const slots = Math.max(1, Math.floor(check.every / interval));
    const overdue = (now - status.lastScheduledAt) / 1000 - check.every + interval / 2;
    // Overdue by a whole interval already: held back long enough.
    return overdue >= check.every - interval / 2 || Math.floor(now / 1000 / interval) % slots === hash(check.id) % slots;
  });
}

/** FNV-1a, 32 bits: even over short ids, and the same in every version of Node. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return value >>> 0;
}

/** When the next check is due: pages made in this run are old soon after. Milliseconds since 1970. */
export function nextDueAt(configuration: Configuration, statuses: Map<string, Status>, now: number): number {
  const times = configuration.checks.flatMap((check) => {
    const status = statuses.get(check.id);
    // What reads a host's report is due when that is.
    if (!check.enabled || check.report !== undefined) return [];
    if (status?.lastScheduledAt == null || status.latest === null) return [now];
    const scheduled = status.lastScheduledAt + check.every * 1000;
    return [
      isSoft(status) || isAwaited(status, check.parents, statuses)
        ? Math.min(scheduled, status.latest.at + check.recheck * 1000)
        : scheduled,
    ];
  });
  return Math.max(now, Math.min(...times, now + 86_400_000));
}
