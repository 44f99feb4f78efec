import type { Configuration } from '../core/configuration.ts';
import { type MailOutside, openTransport } from './delivery.ts';
import { composeMail } from './smtp.ts';
import type { Delivery } from './transport.ts';

/** A mail that no outbox holds: a test, or the word that the history cannot be used. */
export interface DirectMail {
  /** What it is, for the Message-ID: `test`, `database`. */
  purpose: string;
  subject: string;
  body: string;
  to: string[];
  /** Milliseconds since 1970. */
  now: number;
}

/** Sends at once, to each recipient by itself, and says how each attempt ended. Throws when the transport's secret or CA cannot be read. */
export async function sendDirectly(
  { purpose, subject, body, to: recipients, now }: DirectMail,
  settings: Configuration['mail'],
  outside: MailOutside,
): Promise<{ to: string; delivery: Delivery }[]> {
  const { from } = settings;
  const domain = from.slice(from.lastIndexOf('@') + 1);
  const send = await openTransport(settings.transport, settings, outside);
  const sent: { to: string; delivery: Delivery }[] = [];
  for (const [index, to] of recipients.entries()) {
    const messageId = `<vigie.${purpose}.${now}.${index}@${domain}>`;
    const date = new Date(now);
    const content = await composeMail({ from, to, subject, body, messageId, references: [], date, listId: `vigie.${domain}` });
    sent.push({ to, delivery: await send({ from, to, messageId, content }) });
  }
  return sent;
}
