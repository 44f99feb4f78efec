import { type Item, subjectOf } from '../core/item.ts';
import type { Composed, FrozenMessage, Outbox, OwedItem } from '../core/outbox.ts';
import type { MessageRecord } from '../core/snapshot.ts';
import type { Database } from './database.ts';
import { databaseSecret } from './history.ts';

/** The newest messages first, for the private site. */
export function readMessages(database: Database, limit: number): MessageRecord[] {
  return database
    .prepare(`
      SELECT message, recipient, subject, state, attempts, created_at AS createdAt, sent_at AS sentAt, coalesce(answer, '') AS answer
      FROM messages ORDER BY message DESC LIMIT ?`)
    .all(limit) as MessageRecord[];
}

type OwedRow = { item: number; recipient: string; contact: string; content: string };

function toOwed(row: unknown): OwedItem {
  const { item, recipient, contact, content } = row as OwedRow;
  return { item, recipient, contact, content: JSON.parse(content) as Item };
}

export function openOutbox(database: Database): Outbox {
  const attach = (items: OwedItem[], message: number) => {
    const statement = database.prepare('UPDATE items SET message = ? WHERE item = ?');
    for (const { item } of items) statement.run(message, item);
  };
  return {
    isAnythingOwed(now) {
      const sql = `SELECT EXISTS (SELECT 1 FROM items WHERE message IS NULL AND closed IS NULL AND (wait IS NULL OR release_at <= ?))
        OR EXISTS (SELECT 1 FROM messages WHERE state = 'frozen')`;
      return database.prepare(sql).pluck().get(now) === 1;
    },
    pendingItems(now) {
      const sql = `SELECT item, recipient, contact, content FROM items
        WHERE message IS NULL AND closed IS NULL AND (wait IS NULL OR release_at <= ?) ORDER BY item`;
      return database.prepare(sql).all(now).map(toOwed);
    },
    hasUnsent(recipient) {
      const sql = "SELECT EXISTS (SELECT 1 FROM messages WHERE state = 'frozen' AND may_have_arrived = 0 AND recipient = ?)";
      return database.prepare(sql).pluck().get(recipient) === 1;
    },
    itemsOf(message) {
      return database
        .prepare('SELECT item, recipient, contact, content FROM items WHERE message = ? ORDER BY item')
        .all(message)
        .map(toOwed);
    },
    contactsOf(message) {
      return database
        .prepare('SELECT DISTINCT contact FROM items WHERE message = ? ORDER BY contact')
        .pluck()
        .all(message) as string[];
    },
    owedRecipients() {
      const sql = `SELECT recipient FROM items WHERE message IS NULL AND closed IS NULL
        UNION SELECT recipient FROM messages WHERE state = 'frozen'`;
      return database.prepare(sql).pluck().all() as string[];
    },
    frozenMessages() {
      const rows = database.prepare(`
        SELECT message, recipient, transport, message_id AS messageId, content, attempts, next_at AS nextAt, attempted_at AS attemptedAt,
          may_have_arrived AS mayHaveArrived
        FROM messages WHERE state = 'frozen' ORDER BY message`);
      return (rows.all() as (Omit<FrozenMessage, 'mayHaveArrived'> & { mayHaveArrived: number })[]).map((row) => ({
        ...row,
        mayHaveArrived: row.mayHaveArrived === 1,
      }));
    },
    openMessage(items, { recipient, transport, now }) {
      const open = database.transaction(() => {
        const sql = `
          INSERT INTO messages (recipient, transport, message_id, subject, content, created_at, state, next_at)
          VALUES (:recipient, :transport, 'open ' || :recipient || ' ' || hex(randomblob(8)), '', '', :now, 'frozen', :now) RETURNING message`;
        const message = database.prepare(sql).pluck().get({ recipient, transport, now }) as number;
        attach(items, message);
        return message;
      });
      return open.immediate();
    },
    fill(message, added, { messageId, subject, content }: Composed) {
      const fill = database.transaction(() => {
        attach(added, message);
        const sql = 'UPDATE messages SET message_id = ?, subject = ?, content = ? WHERE message = ?';
        database.prepare(sql).run(messageId, subject, content, message);
      });
      fill.immediate();
    },
    beginAttempt(message, now) {
      const sql = 'UPDATE messages SET attempts = attempts + 1, attempted_at = ?, may_have_arrived = 1 WHERE message = ?';
      database.prepare(sql).run(now, message);
    },
    markSent(message, now, answer) {
      database.prepare("UPDATE messages SET state = 'sent', sent_at = ?, answer = ? WHERE message = ?").run(now, answer, message);
    },
    markDeferred(message, { nextAt, answer, mayHaveArrived }) {
      const sql = 'UPDATE messages SET next_at = ?, answer = ?, may_have_arrived = ? WHERE message = ?';
      database.prepare(sql).run(nextAt, answer, mayHaveArrived ? 1 : 0, message);
    },
    markFailed(message, answer) {
      database
        .prepare("UPDATE messages SET state = 'failed', answer = ?, may_have_arrived = 0 WHERE message = ?")
        .run(answer, message);
    },
    closeRecipient(recipient, reason) {
      const close = database.transaction(() => {
        const items = 'UPDATE items SET closed = ? WHERE recipient = ? AND message IS NULL AND closed IS NULL';
        database.prepare(items).run(reason, recipient);
        database
          .prepare("UPDATE messages SET state = 'failed', answer = ? WHERE recipient = ? AND state = 'frozen'")
          .run(reason, recipient);
      });
      close.immediate();
    },
    references(recipient, item, message) {
      const sql = `
        SELECT DISTINCT m.message_id FROM items i JOIN messages m ON m.message = i.message
        WHERE i.subject = ? AND i.recipient = ? AND i.onset = ? AND m.message < ? ORDER BY m.message LIMIT 5`;
      return database.prepare(sql).pluck().all(subjectOf(item), recipient, item.onset, message) as string[];
    },
    addFallbackItems({ contact, after, mail, now }) {
      const insert = database.prepare(FALLBACK_ITEMS);
      const add = database.transaction(() =>
        mail.map((recipient) => insert.run({ contact, recipient, before: now - after * 1000 }).changes),
      );
      return add.immediate().reduce((sum, changes) => sum + changes, 0);
    },
    secret: () => databaseSecret(database),
  };
}

const FALLBACK_ITEMS = `
  INSERT INTO items (run, at, kind, subject, check_id, host, state, onset, reason, contact, recipient, priority, content, fallback_of)
  SELECT i.run, i.at, i.kind, i.subject, i.check_id, i.host, i.state, i.onset, i.reason, i.contact, :recipient, i.priority, i.content, i.item
  FROM items i LEFT JOIN messages m ON m.message = i.message
  WHERE i.contact = :contact AND i.fallback_of IS NULL AND i.closed IS NULL AND i.priority IN ('critical', 'high')
    AND ((max(i.at, i.release_at) <= :before AND (m.state IS NULL OR m.state = 'frozen')) OR m.state = 'failed')
    AND i.recipient <> :recipient
  ON CONFLICT DO NOTHING`;
