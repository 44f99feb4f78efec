import { createHash, createHmac } from 'node:crypto';
import type { Configuration } from './core/configuration.ts';
import { isInTrouble } from './core/people.ts';
import { judgeReply, type Reply, type ReplyVerdict } from './core/reply.ts';
import { replyToken } from './core/reply-token.ts';
import { cleanText } from './core/text.ts';
import type { MailOutside } from './mail/delivery.ts';
import { openInbox } from './mail/inbox.ts';
import { parseReply } from './mail/reply.ts';
import type { Database } from './store/database.ts';
import { databaseSecret, readStatuses } from './store/history.ts';
import { addAcknowledgements } from './store/people.ts';
import { findMessage, rememberReply } from './store/replies.ts';

/** As `vigie ack` without `--until`. */
const ACKNOWLEDGED_MS = 30 * 3_600_000;

export interface ReplyCounts {
  acknowledged: number;
  ignored: number;
  /** Unread mails that a later run looks at. */
  left: number;
}

/**
 * Reads the inbox and takes replies to our mails as acknowledgements. A mail is marked as read only after what it says is stored;
 * whatever it holds, it can do no more than hold back the reminders of what it was told of. Throws when the inbox cannot be read.
 */
export async function hearReplies(
  database: Database,
  { mail, contacts }: Pick<Configuration, 'mail' | 'contacts'>,
  { secret, now }: Pick<MailOutside, 'secret'> & { now: number },
): Promise<ReplyCounts> {
  const counts: ReplyCounts = { acknowledged: 0, ignored: 0, left: 0 };
  const { inbox: settings, tls } = mail;
  if (settings === null) return counts;
  const password = settings.password === null ? null : secret(settings.password);
  const inbox = await openInbox(settings, { password, ca: tls.ca, verify: tls.verify });
  try {
    counts.left = inbox.left;
    const addresses = new Set(Object.values(contacts).flatMap((contact) => contact.mail.map((address) => address.toLowerCase())));
    for (const { bytes } of inbox.mails) {
      const reply = await parseReply(bytes);
      const verdict = reply === null ? { ignored: 'not a mail that can be read' } : judge(database, reply, addresses);
      counts['ignored' in verdict ? 'ignored' : 'acknowledged'] += 1;
      store(database, bytes, { reply, verdict, now });
    }
    if (inbox.mails.length > 0) await inbox.markRead(inbox.mails.map(({ id }) => id));
    return counts;
  } finally {
    await inbox.close();
  }
}

function judge(database: Database, reply: Reply, contacts: ReadonlySet<string>): ReplyVerdict {
  const key = databaseSecret(database);
  const mac = (text: string) => createHmac('sha256', key).update(text).digest();
  const find = (messageId: string) => {
    const found = findMessage(database, messageId);
    return found === null ? null : { checks: found.checks, token: replyToken(mac, found.message, found.recipient) };
  };
  return judgeReply(reply, { contacts, find });
}

function store(
  database: Database,
  bytes: Buffer,
  { reply, verdict, now }: { reply: Reply | null; verdict: ReplyVerdict; now: number },
): void {
  const sender = cleanText(reply?.from ?? 'unknown', 100);
  const digest = createHash('sha256').update(bytes).digest('hex');
  const outcome = 'ignored' in verdict ? verdict.ignored : `acknowledges ${verdict.checks.join(', ')}`;
  if (!rememberReply(database, { digest, at: now, sender, outcome: cleanText(outcome, 300) }) || 'ignored' in verdict) return;
  const statuses = readStatuses(database);
  const broken = verdict.checks.filter((check) => {
    const status = statuses.get(check);
    return status !== undefined && isInTrouble(status);
  });
  // What is OK again needs no acknowledgement: the answer came late.
  const said = { at: now, until: now + ACKNOWLEDGED_MS, author: sender, note: verdict.note, publicNote: null };
  if (broken.length > 0) addAcknowledgements(database, broken, said);
}
