/** How one attempt to hand one message to one recipient ended. `answer` is the other side's last words, cleaned. */
export type Delivery =
  | { outcome: 'sent'; answer: string }
  /** 4xx to this recipient or message: later. */
  | { outcome: 'deferred'; answer: string; mayHaveArrived: boolean }
  /** 5xx to this recipient or message: never. */
  | { outcome: 'refused'; answer: string }
  /** Nobody could be told anything by this way: connection, TLS or login failed. */
  | { outcome: 'unreachable'; answer: string };

export interface Letter {
  from: string;
  to: string;
  messageId: string;
  content: Buffer;
}

/** One way to deliver; made for one run. */
export type Send = (letter: Letter) => Promise<Delivery>;
