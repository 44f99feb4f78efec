/** A mail of the inbox, cut where it is too long. */
export interface InboxMail {
  /** What the mailbox calls it. */
  id: string;
  bytes: Buffer;
}

/** The newest unread mails; each is marked as read once it is dealt with. */
export interface Inbox {
  mails: InboxMail[];
  /** How many unread ones are left for later runs. */
  left: number;
  markRead(ids: string[]): Promise<void>;
  close(): Promise<void>;
}

/** What one run reads at most: a mailbox that somebody floods must not cost a run, and the newest reply is what counts. */
export const INBOX_LIMITS = { mails: 20, bytes: 64 * 1024, ms: 15_000 } as const;
