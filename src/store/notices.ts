import type { Notice } from '../core/snapshot.ts';
import { toState } from '../core/state.ts';
import type { Database } from './database.ts';

type NoticeRow = Omit<Notice, 'state'> & { state: number | null };

/** What was owed to whom, the newest first: told in which mail, waiting for what, or closed why. */
export function noticesReader(database: Database, limit: number): () => Notice[] {
  return () => {
    const rows = database
      .prepare(`
        SELECT i.at, i.kind, i.subject, i.state, i.reason, i.contact, i.recipient, i.wait, i.release_at AS releaseAt, i.closed,
          i.message, m.state AS messageState
        FROM items i LEFT JOIN messages m ON m.message = i.message ORDER BY i.item DESC LIMIT ?`)
      .all(limit) as NoticeRow[];
    return rows.map((row) => ({ ...row, state: row.state === null ? null : toState(row.state) }));
  };
}

/** Changes with whatever noticesReader tells. */
export function readNoticesStamp(database: Database): string {
  const sql = `SELECT coalesce((SELECT max(item) FROM items), 0) || ' ' || count(*) || ' ' || coalesce(sum(release_at), 0)
    FROM items WHERE message IS NULL AND closed IS NULL`;
  return database.prepare(sql).pluck().get() as string;
}
