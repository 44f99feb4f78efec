import type { Item } from './item.ts';
import type { Owed } from './outbox.ts';
import type { Told } from './telling.ts';

/** What one recipient gets in one run: a digest. */
export interface PlannedMessage {
  at: number;
  recipient: string;
  items: Item[];
}

/** The outbox without a database or a mail server: what waits, and the messages of each run. For `replay --budget`. */
export class Mailbag {
  private waiting: Owed[];

  constructor(waiting: readonly Owed[] = []) {
    this.waiting = [...waiting];
  }

  /** Takes what a run told, and gives the messages that go out in it. */
  collect({ owed, moves }: Pick<Told, 'owed' | 'moves'>, now: number): PlannedMessage[] {
    for (const { recipient, to } of moves) {
      this.waiting = this.waiting.map((one) => {
        if (one.recipient !== recipient) return one;
        if (to === 'release') return one.wait === 'budget' ? { ...one, releaseAt: now } : one;
        return one.releaseAt <= now ? { ...one, wait: 'budget', releaseAt: to } : one;
      });
    }
    this.waiting.push(...owed);
    const ready = this.waiting.filter(({ releaseAt }) => releaseAt <= now);
    this.waiting = this.waiting.filter(({ releaseAt }) => releaseAt > now);
    const messages = new Map<string, PlannedMessage>();
    for (const { recipient, item } of ready) {
      const message = messages.get(recipient) ?? { at: now, recipient, items: [] };
      message.items.push(item);
      messages.set(recipient, message);
    }
    return [...messages.values()];
  }

  /** What is owed and still waits. */
  get held(): readonly Owed[] {
    return this.waiting;
  }
}
