import type { Database } from './database.ts';

const KEPT_MS = 90 * 86_400_000;

/** A message of ours by its Message-ID: number, recipient, and the checks that it told. */
export function findMessage(
  database: Database,
  messageId: string,
): { message: number; recipient: string; checks: string[] } | null {
  const row = database.prepare('SELECT message, recipient FROM messages WHERE message_id = ?').get(messageId);
  if (row === undefined) return null;
  const { message, recipient } = row as { message: number; recipient: string };
  const sql = 'SELECT DISTINCT check_id FROM items WHERE message = ? AND check_id IS NOT NULL ORDER BY item';
  return { message, recipient, checks: database.prepare(sql).pluck().all(message) as string[] };
}

/** Whether any check has a problem of which anybody was told: without one no reply can mean anything. */
export function isAnythingTold(database: Database): boolean {
  const sql = "SELECT EXISTS (SELECT 1 FROM checks WHERE json_extract(status, '$.problem.told') IS NOT NULL)";
  return database.prepare(sql).pluck().get() === 1;
}

/** Remembers what came of a mail; false when it was looked at before, as after a run that was killed before it marked it as read. */
export function rememberReply(database: Database, reply: { digest: string; at: number; sender: string; outcome: string }): boolean {
  database.prepare('DELETE FROM replies WHERE at < ?').run(reply.at - KEPT_MS);
  const sql = 'INSERT INTO replies VALUES (:digest, :at, :sender, :outcome) ON CONFLICT DO NOTHING';
  return database.prepare(sql).run(reply).changes > 0;
}
