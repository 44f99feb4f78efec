import { toState } from '../core/state.ts';
import { WEEK_MS, type WeekFacts } from '../core/weekly.ts';
import type { Database } from './database.ts';

/** What the weekly mail says of the week before `now`; statuses and what ends are known elsewhere. */
export function readWeek(database: Database, now: number): Omit<WeekFacts, 'statuses' | 'ending'> {
  const since = now - WEEK_MS;
  const problems = database
    .prepare(`
      SELECT check_id AS "check", onset, max(state) FILTER (WHERE kind <> 'recovery' AND state < 3) AS worst, max(state) AS any_state,
        max(CASE WHEN kind = 'recovery' OR (kind = 'stable' AND state = 0) THEN at END) AS endedAt
      FROM events
      WHERE check_id IS NOT NULL AND kind IN ('problem', 'worse', 'frequent', 'unstable', 'stable', 'recovery')
      GROUP BY check_id, onset HAVING max(at) > ? ORDER BY onset`)
    .all(since) as { check: string; onset: number; worst: number | null; any_state: number; endedAt: number | null }[];
  const soft = database
    .prepare(`SELECT check_id AS "check", at FROM events WHERE at > ? AND kind = 'soft-recovery'`)
    .all(since) as WeekFacts['soft'];
  const count = (sql: string) => database.prepare(sql).pluck().get(since) as number;
  const noisiest = database
    .prepare(`
      SELECT check_id AS "check", count(DISTINCT item) AS items FROM items
      WHERE at > ? AND check_id IS NOT NULL AND fallback_of IS NULL GROUP BY check_id ORDER BY items DESC, check_id LIMIT 5`)
    .all(since) as WeekFacts['noisiest'];
  return {
    problems: problems.map(({ check, onset, worst, any_state: state, endedAt }) => ({
      check,
      onset,
      endedAt,
      state: toState(worst ?? state),
    })),
    soft,
    messages: {
      sent: count(`SELECT count(*) FROM messages WHERE sent_at > ?`),
      failed: count(`SELECT count(*) FROM messages WHERE state = 'failed' AND created_at > ?`),
    },
    noisiest,
    runs: count('SELECT count(*) FROM runs WHERE started_at > ?'),
  };
}
