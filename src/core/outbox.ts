import type { Item } from './item.ts';

/** Why a recipient is told later: the contact's hours, the daily digest, or too many messages already. */
export type Wait = 'period' | 'digest' | 'budget';

/** One item that a recipient is to be told, and when. */
export interface Owed {
  item: Item;
  contact: string;
  recipient: string;
  /** Why not now; null: now. */
  wait: Wait | null;
  releaseAt: number;
}

/** What becomes of a recipient's items that waited: they are told now, or when the recipient may have a message again. */
export interface Move {
  recipient: string;
  /** `release`: what waits for the budget is told now. A time: what is due now waits for the budget until then. */
  to: 'release' | number;
}

/** One item owed to one recipient. */
export interface OwedItem {
  item: number;
  recipient: string;
  contact: string;
  content: Item;
}

/** A message whose bytes are frozen until it is delivered, or until it is known that they never left. */
export interface FrozenMessage {
  message: number;
  recipient: string;
  transport: string;
  messageId: string;
  content: Buffer;
  attempts: number;
  nextAt: number;
  attemptedAt: number | null;
  /** The final dot may have been sent: bytes and Message-ID stay as they are. */
  mayHaveArrived: boolean;
}

/** What freezing fills in once the message has its number. */
export interface Composed {
  messageId: string;
  subject: string;
  content: Buffer;
}

/** What is owed to whom (alerting.md section 10): the store keeps it, the mail empties it. Every method is one transaction. */
export interface Outbox {
  /** Whether anything is owed by now: a run without mail loads no mail library. */
  isAnythingOwed(now: number): boolean;
  /** Items that are in no message yet and need not wait any more, oldest first. */
  pendingItems(now: number): OwedItem[];
  /** Whether the recipient has a message that never left: what is owed joins it. */
  hasUnsent(recipient: string): boolean;
  itemsOf(message: number): OwedItem[];
  /** Names of the contacts for whom a message's items are. */
  contactsOf(message: number): string[];
  /** Addresses to which anything is owed. */
  owedRecipients(): string[];
  frozenMessages(): FrozenMessage[];
  /** A number for a new message of these items; it holds nothing yet. */
  openMessage(items: OwedItem[], message: { recipient: string; transport: string; now: number }): number;
  /** Gives a message that never left its content; items that came since join it. */
  fill(message: number, added: OwedItem[], composed: Composed): void;
  /**
   * Commits the attempt before it is made. From here on the message counts as possibly delivered, until the attempt is known to
   * have ended before the final dot: a process killed in between leaves the careful answer behind.
   */
  beginAttempt(message: number, now: number): void;
  markSent(message: number, now: number, answer: string): void;
  markDeferred(message: number, later: { nextAt: number; answer: string; mayHaveArrived: boolean }): void;
  markFailed(message: number, answer: string): void;
  /** Items whose recipient is in no contact any more are closed with a reason, and shown. */
  closeRecipient(recipient: string, reason: string): void;
  /** Message-IDs of earlier messages to the recipient about the same problem, oldest first: they hold a thread together. */
  references(recipient: string, item: Item, message: number): string[];
  /**
   * Copies of a contact's items of priority critical and high, addressed to its fallback: those owed for `after` seconds, and those
   * that failed for good. Returns how many were added.
   */
  addFallbackItems(fallback: { contact: string; after: number; mail: string[]; now: number }): number;
  /** A secret of the database, which Message-IDs are derived from. */
  secret(): string;
}
