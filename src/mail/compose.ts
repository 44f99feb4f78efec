import { createHmac } from 'node:crypto';
import type { Configuration, Contact } from '../core/configuration.ts';
import type { Item } from '../core/item.ts';
import { composeText, type MessageText } from '../core/message.ts';
import type { Composed } from '../core/outbox.ts';
import { replyToken } from '../core/reply-token.ts';
import { count } from '../core/transition.ts';
import { composeEncryptedMail, composeMail, composeProtectedPart, type MailContent } from './smtp.ts';

/** One message that is to be frozen. */
export interface Draft {
  message: number;
  recipient: string;
  items: Item[];
  /** Message-IDs of the thread, oldest first. */
  references: string[];
}

/** Subject, Message-ID and bytes of a message; encrypted where one of the recipient's contacts has a key. */
export async function composeContent(
  { message, recipient, items, references }: Draft,
  configuration: Configuration,
  { secret, now }: { secret: string; now: number },
): Promise<Composed> {
  const { from } = configuration.mail;
  const domain = from.slice(from.lastIndexOf('@') + 1);
  const mac = (text: string) => createHmac('sha256', secret).update(text).digest();
  // The number alone comes again where the history went back, to a backup or by a power cut: its reader would take the new mail for a
  // copy of the old one and drop it. Later attempts send the frozen bytes.
  const messageId = `<vigie.${message}.${mac(`${message} ${now}`).toString('hex').slice(0, 24)}@${domain}>`;
  const text = composeText(items, {
    timezone: configuration.timezone,
    now,
    url: configuration.sites.private?.url ?? null,
    ...(hasInbox(configuration) ? { token: replyToken(mac, message, recipient) } : {}),
  });
  const mail = { from, to: recipient, messageId, references, date: new Date(now), listId: `vigie.${domain}` };
  const contact = findKeyOwner(recipient, configuration);
  const { subject, content } = await seal(mail, text, { contact, items: items.length, now });
  return { messageId, subject, content };
}

/** A token is of use only where replies are read. */
function hasInbox({ mail }: Configuration): boolean {
  return 'inbox' in mail && mail.inbox !== null && mail.inbox !== undefined;
}

/** The key is the contact's, at all of its addresses, the fallback's too. */
function findKeyOwner(recipient: string, { contacts }: Configuration): Contact | null {
  const isOf = ({ mail, fallback, openpgp }: Contact) =>
    openpgp !== null && [...mail, ...(fallback?.mail ?? [])].some((address) => address.toLowerCase() === recipient.toLowerCase());
  return Object.values(contacts).find(isOf) ?? null;
}

/** As plain text, encrypted, or as its contact wants it when the key is of no use: the mail says so itself. */
async function seal(
  mail: Omit<MailContent, 'subject' | 'body'>,
  { subject, discreetSubject, body }: MessageText,
  { contact, items, now }: { contact: Contact | null; items: number; now: number },
): Promise<{ subject: string; content: Buffer }> {
  if (contact?.openpgp == null) return { subject, content: await composeMail({ ...mail, subject, body }) };
  const { encryptFor } = await import('./openpgp.ts');
  const part = await composeProtectedPart({ ...mail, subject, body });
  const { armored, problem } = await encryptFor(contact.openpgp.key, part, now);
  if (armored !== null) return { subject, content: await composeEncryptedMail({ ...mail, subject: discreetSubject }, armored) };
  const why = `the key of contact ${contact.name} is of no use:\n  ${problem}`;
  if (contact.openpgp.onError === 'plain') {
    const words = `This mail is not encrypted, though it is meant to be, since\n${why}\n\n`;
    return { subject, content: await composeMail({ ...mail, subject, body: words + body }) };
  }
  const signature = body.slice(body.lastIndexOf('\n-- \n') + 1);
  const words = `${count(items, 'change')}: see the private page, or vigie status.\n\nThe text is withheld, since it cannot be encrypted:\n${why}\n\n`;
  return { subject, content: await composeMail({ ...mail, subject: discreetSubject, body: words + signature }) };
}
