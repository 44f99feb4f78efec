import type { MessageRecord } from '../core/snapshot.ts';
import type { Database } from './database.ts';

/** The newest messages first, for the private site. */
export function readMessages(database: Database, limit: number): MessageRecord[] {
  return database
    .prepare(`
      SELECT message, recipient, subject, state, attempts, created_at AS createdAt, sent_at AS sentAt, coalesce(answer, '') AS answer
      FROM messages ORDER BY message DESC LIMIT ?`)
    .all(limit) as MessageRecord[];
}
