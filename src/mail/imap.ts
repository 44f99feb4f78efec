import { readFileSync } from 'node:fs';
import { ImapFlow } from 'imapflow';
import type { InboxSettings } from '../core/configuration.ts';
import { cleanText } from '../core/text.ts';
import { INBOX_LIMITS, type Inbox } from './mailbox.ts';

/** A mailbox over IMAP: `imaps://` from the first byte, `imap://` with STARTTLS, which is refused to go on without. */
export async function openImap(
  { mailbox, user, folder }: InboxSettings,
  { password, ca, verify }: { password: string | null; ca: string | null; verify: boolean },
): Promise<Inbox> {
  const url = new URL(mailbox);
  const secure = url.protocol === 'imaps:';
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const client = new ImapFlow({
    host,
    port: url.port === '' ? (secure ? 993 : 143) : Number(url.port),
    secure,
    doSTARTTLS: !secure,
    auth: { user: user ?? '', pass: password ?? '' },
    tls: { rejectUnauthorized: verify, ...(ca === null ? {} : { ca: readFileSync(ca, 'utf8') }) },
    logger: false,
    disableAutoIdle: true,
    disableCompression: true,
    connectionTimeout: INBOX_LIMITS.ms,
    greetingTimeout: INBOX_LIMITS.ms,
    socketTimeout: INBOX_LIMITS.ms,
  });
  // Whatever happens after the end is of no interest; without a listener it would end the process.
  client.on('error', () => {});
  const timer = setTimeout(() => client.close(), INBOX_LIMITS.ms);
  const close = async () => {
    clearTimeout(timer);
    await client.logout().catch(() => {});
    client.close();
  };
  try {
    await client.connect();
    await client.mailboxOpen(folder);
    const unread = (await client.search({ seen: false }, { uid: true })) || [];
    const taken = unread.sort((a, b) => b - a).slice(0, INBOX_LIMITS.mails);
    const mails = taken.length === 0 ? [] : await fetchAll(client, taken);
    const markRead = async (ids: string[]) => {
      await client.messageFlagsAdd(ids.join(','), ['\\Seen'], { uid: true });
    };
    return { mails, left: unread.length - taken.length, markRead, close };
  } catch (error) {
    await close();
    const said = error as Error & { responseText?: string };
    throw new Error(`${host}: ${cleanText(said.responseText ?? said.message, 150)}`, { cause: error });
  }
}

async function fetchAll(client: ImapFlow, uids: number[]): Promise<Inbox['mails']> {
  const mails: Inbox['mails'] = [];
  // Peeks: a mail is read only when it has been dealt with.
  const query = { source: { start: 0, maxLength: INBOX_LIMITS.bytes }, uid: true };
  for await (const { uid, source } of client.fetch(uids.join(','), query, { uid: true })) {
    mails.push({ id: String(uid), bytes: source ?? Buffer.alloc(0) });
  }
  return mails.sort((a, b) => Number(b.id) - Number(a.id));
}
