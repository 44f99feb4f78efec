import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Metrics } from '../core/observation.ts';
import { formatAge } from '../core/unit.ts';

/** What a run leaves for the next ones. Times are milliseconds since 1970; a message is known by when its run began. */
export interface RoundTrip {
  /** Messages that were sent and not seen yet. */
  pending: number[];
  /** The newest message of which it is known what became of it; without a delay it did not arrive in time. */
  last: { at: number; delay: number | null } | null;
  /** When the mailbox was last looked into. */
  lookedAt: number;
}

/** A message in the mailbox that bears our tag; `at` is proven by its token. */
export interface Arrival {
  at: number;
  arrivedAt: number;
}

/** Messages that are waited for at the same time, and those that are remembered: one that comes after days is no arrival. */
const MOST_WAITED_FOR = 5;
const MOST_REMEMBERED = 20;
const LONGEST_WAIT_MS = 86_400_000;

/** `TAG.TIME.PROOF`: the tag is the same for all messages of one check, the proof is an HMAC of both. */
export interface Tokens {
  tag: string;
  make(at: number): string;
  /** When the message was sent; null when this key did not make the token. */
  read(token: string): number | null;
}

export function createTokens(key: string, scope: readonly string[]): Tokens {
  const prove = (text: string, length: number) =>
    createHmac('sha256', key).update(`vigie-roundtrip-v1\n${text}`).digest('hex').slice(0, length);
  const tag = prove(JSON.stringify(scope), 16);
  const make = (at: number) => `${tag}.${at.toString(36)}.${prove(`${tag}.${at.toString(36)}`, 32)}`;
  const read = (token: string) => {
    const match = /^[0-9a-f]{16}\.([0-9a-z]{1,10})\.[0-9a-f]{32}$/.exec(token);
    const at = Number.parseInt(match?.[1] ?? '', 36);
    if (!Number.isSafeInteger(at)) return null;
    const wanted = make(at);
    return wanted.length === token.length && timingSafeEqual(Buffer.from(wanted), Buffer.from(token)) ? at : null;
  };
  return { tag, make, read };
}

export const TOKEN_HEADER = 'X-Vigie-Token';
const MAX_HEAD = 16_384;

/** The token in a message's header, or null; the rest of the message is never looked at. */
export function findToken(head: Buffer): string | null {
  const text = head.toString('latin1', 0, MAX_HEAD).replace(/\r\n/g, '\n');
  const end = text.indexOf('\n\n');
  const header = end < 0 ? text : text.slice(0, end + 1);
  const line = header.split('\n').find((one) => one.toLowerCase().startsWith(`${TOKEN_HEADER.toLowerCase()}:`));
  return (
    line
      ?.slice(TOKEN_HEADER.length + 1)
      .trim()
      .slice(0, 100) ?? null
  );
}

/** A short message; RFC 3834 says how a machine's mail is marked so that no machine answers it. */
export function toMessage(addresses: { from: string; to: string }, token: string, at: number): string {
  const domain = addresses.from.slice(addresses.from.lastIndexOf('@') + 1);
  const date = new Date(at).toUTCString().replace('GMT', '+0000');
  return [
    `From: <${addresses.from}>`,
    `To: <${addresses.to}>`,
    'Subject: vigie round trip',
    `Date: ${date}`,
    `Message-ID: <${token}@${domain}>`,
    `${TOKEN_HEADER}: ${token}`,
    'Auto-Submitted: auto-generated',
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=us-ascii',
    '',
    'vigie sends this message to see whether mail arrives, and deletes it when it is seen.',
  ].join('\r\n');
}

/** What the last run left, as far as it can be believed. */
export function readRoundTrip(memory: unknown): RoundTrip {
  const empty: RoundTrip = { pending: [], last: null, lookedAt: 0 };
  if (typeof memory !== 'object' || memory === null || !('pending' in memory) || !Array.isArray(memory.pending)) return empty;
  const { pending, last, lookedAt } = memory as unknown as RoundTrip;
  return {
    pending: pending.filter((at) => Number.isSafeInteger(at)),
    last: Number.isSafeInteger(last?.at) ? last : null,
    lookedAt: Number.isSafeInteger(lookedAt) ? lookedAt : 0,
  };
}

/**
 * What this look into the mailbox says about the messages that were waited for. A mailbox's clock may be wrong: no message came
 * after this look, before it was sent, or before the last look that did not find it.
 */
export function judgeArrivals(before: RoundTrip, found: Arrival[], { now, within }: { now: number; within: number }): RoundTrip {
  let { last } = before;
  const decide = (at: number, delay: number | null) => {
    if (last === null || at >= last.at) last = { at, delay };
  };
  const pending: number[] = [];
  for (const at of [...before.pending].sort((a, b) => a - b)) {
    const arrivals = found.filter((one) => one.at === at).map(({ arrivedAt }) => arrivedAt);
    if (arrivals.length > 0 && now - at <= LONGEST_WAIT_MS) {
      const earliest = Math.min(now, before.lookedAt);
      decide(at, Math.max(0, Math.max(earliest, Math.min(now, ...arrivals)) - at) / 1000);
      continue;
    }
    if (now - at > within * 1000) decide(at, null);
    if (now - at <= LONGEST_WAIT_MS) pending.push(at);
  }
  return { pending: pending.slice(-MOST_REMEMBERED), last, lookedAt: now };
}

/** Nobody is flooded: while five messages are on their way, no further one is sent. */
export function isTimeToSend({ pending }: RoundTrip, { now, within }: { now: number; within: number }): boolean {
  return pending.filter((at) => now - at <= within * 1000).length < MOST_WAITED_FOR;
}

export interface RoundTripVerdict {
  code: string | null;
  output: string;
  metrics: Metrics;
}

export function toVerdict({ last, pending }: RoundTrip, { now, within }: { now: number; within: number }): RoundTripVerdict {
  const waiting = { waiting: pending.length };
  if (last === null) return { code: null, output: 'message sent, the next runs look for it', metrics: waiting };
  const which = `message of ${new Date(last.at).toISOString().slice(11, 16)}Z`;
  const wanted = `expected within ${formatAge(within)}`;
  if (last.delay === null) {
    const delay = Math.max(0, (now - last.at) / 1000);
    return {
      code: 'mail.missing',
      output: `${which} has not arrived in ${formatAge(delay)}, ${wanted}`,
      metrics: { delay, ...waiting },
    };
  }
  const metrics = { delay: last.delay, ...waiting };
  const seen = `${which} arrived after ${formatAge(last.delay)}`;
  if (last.delay > within) return { code: 'mail.late', output: `${seen}, ${wanted}`, metrics };
  return { code: null, output: seen, metrics };
}
