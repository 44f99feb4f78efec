import { readFileSync } from 'node:fs';
import type { ChildCommand, ChildResult } from '../check-type.ts';
import type { Configuration, Contact, Secret } from '../core/configuration.ts';
import type { Composed, FrozenMessage, Outbox, OwedItem } from '../core/outbox.ts';
import { maildirTransport } from './maildir.ts';
import { sendmailTransport } from './sendmail.ts';
import type { Delivery, Send } from './transport.ts';

/** What delivering touches besides the outbox. */
export interface MailOutside {
  secret(reference: Secret): string;
  spawn(command: ChildCommand): Promise<ChildResult>;
  /** Seconds for all attempts of one run together; what is left waits for the next run. Default 30. */
  budget?: number;
  /** Milliseconds for one attempt at a relay, from connecting to its last answer. Default 20 s. */
  attemptMs?: number;
}

export interface MailCounts {
  sent: number;
  /** Still owed. */
  queued: number;
  failed: number;
}

const FIRST_RETRY_MS = 10 * 60_000;
const LONGEST_RETRY_MS = 4 * 3_600_000;
const ATTEMPT_MS = 20_000;
const DEFAULT_BUDGET_S = 30;

/**
 * Empties the outbox as far as today's transports allow (alerting.md section 10). Never throws for what a mail server does; what is
 * not delivered stays owed.
 */
export async function deliverOutbox(
  outbox: Outbox,
  configuration: Configuration,
  outside: MailOutside & { now: number },
): Promise<MailCounts> {
  addFallbacks(outbox, configuration, outside.now);
  closeUnknownRecipients(outbox, configuration);
  const round = new DeliveryRound(outbox, configuration, outside);
  await round.freezePending();
  const counts = await round.attemptAll();
  // What failed for good goes to the fallback in the same run.
  if (counts.failed === 0 || addFallbacks(outbox, configuration, outside.now) === 0) return counts;
  await round.freezePending();
  const more = await round.attemptAll();
  return { sent: counts.sent + more.sent, queued: more.queued, failed: counts.failed + more.failed };
}

function addFallbacks(outbox: Outbox, configuration: Configuration, now: number): number {
  let added = 0;
  for (const { name, fallback } of Object.values(configuration.contacts)) {
    if (fallback !== null) added += outbox.addFallbackItems({ contact: name, after: fallback.after, mail: fallback.mail, now });
  }
  return added;
}

/** Whoever left the team since is told nothing more; the page shows what was owed. */
function closeUnknownRecipients(outbox: Outbox, configuration: Configuration): void {
  const known = new Set(
    Object.values(configuration.contacts).flatMap(({ mail, fallback }) => [...mail, ...(fallback?.mail ?? [])]),
  );
  for (const recipient of outbox.owedRecipients()) {
    if (!known.has(recipient)) outbox.closeRecipient(recipient, `${recipient} is in no contact any more`);
  }
}

class DeliveryRound {
  private readonly outbox: Outbox;
  private readonly configuration: Configuration;
  private readonly outside: MailOutside & { now: number };
  private counts: MailCounts = { sent: 0, queued: 0, failed: 0 };
  /** An unreachable transport is tried once in a run; the first success releases everything. */
  private readonly unreachable = new Set<string>();
  private readonly senders = new Map<string, Promise<Send>>();

  constructor(outbox: Outbox, configuration: Configuration, outside: MailOutside & { now: number }) {
    this.outbox = outbox;
    this.configuration = configuration;
    this.outside = outside;
  }

  /** Items join their recipient's message that never left, or make a new one. */
  async freezePending(): Promise<void> {
    const unsent = this.outbox.frozenMessages().filter((message) => !message.mayHaveArrived);
    const { now } = this.outside;
    for (const [recipient, items] of groupByRecipient(this.outbox.pendingItems(now))) {
      const known = unsent.find((message) => message.recipient === recipient);
      const transport = this.transportOf(recipient, [...new Set(items.map(({ contact }) => contact))]);
      const message = known?.message ?? this.outbox.openMessage(items, { recipient, transport, now });
      const all = known === undefined ? items : [...this.outbox.itemsOf(message), ...items];
      this.outbox.fill(message, known === undefined ? [] : items, await this.compose(message, recipient, all));
    }
    // A run that ended between opening and filling left an empty message behind.
    for (const { message, recipient, content } of this.outbox.frozenMessages()) {
      if (content.length === 0) this.outbox.fill(message, [], await this.compose(message, recipient, this.outbox.itemsOf(message)));
    }
  }

  async attemptAll(): Promise<MailCounts> {
    const until = performance.now() + (this.outside.budget ?? DEFAULT_BUDGET_S) * 1000;
    this.counts = { sent: 0, queued: 0, failed: 0 };
    for (const message of this.outbox.frozenMessages()) {
      // By today's way: the one that was configured when the message was frozen may be gone.
      const transport = this.transportOf(message.recipient, this.outbox.contactsOf(message.message));
      const isDue = this.isDue(message) && !this.unreachable.has(transport) && performance.now() < until;
      if (isDue) await this.attempt(message, transport);
      else this.counts.queued += 1;
    }
    return this.counts;
  }

  /** A clock that went back must not hold mail for longer than the longest pause. */
  private isDue({ nextAt }: FrozenMessage): boolean {
    return nextAt <= this.outside.now || nextAt > this.outside.now + LONGEST_RETRY_MS;
  }

  private async attempt(frozen: FrozenMessage, transport: string): Promise<void> {
    const { message, recipient, messageId, content, attempts } = frozen;
    const { now } = this.outside;
    const send = await this.senderOf(transport).catch((error: unknown) => error);
    this.outbox.beginAttempt(message, now);
    const delivery: Delivery =
      typeof send === 'function'
        ? await (send as Send)({ from: this.configuration.mail.from, to: recipient, messageId, content })
        : { outcome: 'unreachable', answer: send instanceof Error ? send.message : String(send) };
    const { answer } = delivery;
    switch (delivery.outcome) {
      case 'sent':
        this.outbox.markSent(message, now, answer);
        this.counts.sent += 1;
        return;
      case 'refused':
        this.outbox.markFailed(message, answer);
        this.counts.failed += 1;
        return;
      case 'unreachable':
        this.unreachable.add(transport);
        // This attempt never began; an earlier one may have arrived all the same.
        this.outbox.markDeferred(message, { nextAt: now, answer, mayHaveArrived: frozen.mayHaveArrived });
        this.counts.queued += 1;
        return;
      case 'deferred': {
        const pause = Math.min(FIRST_RETRY_MS * 2 ** Math.min(attempts, 10), LONGEST_RETRY_MS);
        const mayHaveArrived = frozen.mayHaveArrived || delivery.mayHaveArrived;
        this.outbox.markDeferred(message, { nextAt: now + pause, answer, mayHaveArrived });
        this.counts.queued += 1;
      }
    }
  }

  private async compose(message: number, recipient: string, items: OwedItem[]): Promise<Composed> {
    const { composeContent } = await import('./compose.ts');
    const { outbox, configuration, outside } = this;
    const contents = items.map(({ content }) => content);
    const earlier = contents.slice(0, 20).flatMap((item) => outbox.references(recipient, item, message));
    const references = [...new Set(earlier)].slice(-10);
    return composeContent({ message, recipient, items: contents, references }, configuration, {
      secret: outbox.secret(),
      now: outside.now,
    });
  }

  /** A contact's fallback may have a way of its own: our own mail server may be what is down. */
  private transportOf(recipient: string, names: string[]): string {
    const contacts = names
      .map((name) => this.configuration.contacts[name])
      .filter((contact): contact is Contact => contact !== undefined);
    const own = contacts.find(
      ({ mail, fallback }) => fallback?.transport != null && fallback.mail.includes(recipient) && !mail.includes(recipient),
    );
    return own?.fallback?.transport ?? this.configuration.mail.transport;
  }

  private senderOf(transport: string): Promise<Send> {
    const known = this.senders.get(transport) ?? openTransport(transport, this.configuration.mail, this.outside);
    this.senders.set(transport, known);
    return known;
  }
}

function groupByRecipient(items: OwedItem[]): Map<string, OwedItem[]> {
  const groups = new Map<string, OwedItem[]>();
  for (const item of items) {
    const group = groups.get(item.recipient);
    if (group === undefined) groups.set(item.recipient, [item]);
    else group.push(item);
  }
  return groups;
}

/** The way that a transport's address names. Throws when a secret or a CA file cannot be read. */
export async function openTransport(transport: string, settings: Configuration['mail'], outside: MailOutside): Promise<Send> {
  if (transport.startsWith('maildir:')) return maildirTransport(transport.slice('maildir:'.length));
  if (transport.startsWith('sendmail:')) return sendmailTransport(transport.slice('sendmail:'.length), outside.spawn);
  const { isLoopback, smtpTransport } = await import('./smtp.ts');
  const url = new URL(transport);
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const secure = url.protocol === 'smtps:';
  const { user, password, tls } = settings;
  return smtpTransport({
    host,
    port: url.port === '' ? (secure ? 465 : 25) : Number(url.port),
    secure,
    requireTls: tls.required ?? !isLoopback(host),
    verify: tls.verify,
    ca: tls.ca === null ? null : readFileSync(tls.ca, 'utf8'),
    login: user === null || password === null ? null : { user, password: outside.secret(password) },
    deadlineMs: outside.attemptMs ?? ATTEMPT_MS,
  });
}
