import type { Check, Configuration, Period } from '../../src/core/configuration.ts';
import type { Item } from '../../src/core/item.ts';
import { Mailbag, type PlannedMessage } from '../../src/core/mailbag.ts';
import { newStatus, type Status } from '../../src/core/status.ts';
import { type Telling, type Told, tell } from '../../src/core/telling.ts';
import { makeScheduled } from '../../src/tell.ts';
import { checkOf, configurationOf } from './model.ts';

/** A Monday at noon, in the calendar's winter. */
export const MONDAY = Date.UTC(2026, 10, 23, 12, 0);
export const MINUTE = 60_000;
export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;
export const WORK: Period[] = [{ days: [1, 2, 3, 4, 5], from: 480, to: 1200 }];
/** Monday 22:00: outside of these hours; they begin at 08:00, before the digest. */
export const NIGHT = MONDAY + 10 * HOUR;

/** Checks of one host, `HOST/c000` and so on. */
export function hostChecks(host: string, number: number, more: Partial<Check> = {}): Check[] {
  return Array.from({ length: number }, (_, i) =>
    checkOf({ id: `${host}/c${String(i).padStart(3, '0')}`, host, service: null, ...more }),
  );
}

/** How many problems the messages tell. */
export function countProblems(messages: PlannedMessage[]): number {
  return messages.flatMap(({ items }) => items).filter(({ kind }) => kind === 'problem').length;
}

/** Plays planned items through the telling and an outbox in memory, run by run. */
export class Teller {
  readonly configuration: Configuration;
  readonly statuses = new Map<string, Status>();
  readonly bag = new Mailbag();
  readonly messages: PlannedMessage[] = [];
  readonly heldBack = new Set<string>();
  readonly unsent = new Set<string>();
  ending: string[] = [];
  expired = new Map<string, string>();
  state: Telling | null = null;
  last: Told | undefined;
  private run = 0;

  constructor(checks: Check[], overrides: Partial<Configuration> = {}) {
    this.configuration = configurationOf(checks, overrides);
    for (const check of checks) this.set(check.id, 'OK', 0);
  }

  /** What a check shows now. */
  set(check: string, state: 'OK' | 'WARNING' | 'CRITICAL', at: number): void {
    const before = this.statuses.get(check) ?? newStatus(check, at);
    const latest = { at, run: this.run, state, code: '', output: `seen ${state}`, metrics: {}, parts: [], withheld: null };
    this.statuses.set(check, { ...before, everOk: true, since: at, latest: { ...latest, duration: 0.1, scheduled: true } });
  }

  /** One run; gives the messages that went out in it. */
  step(now: number, items: Item[] = []): PlannedMessage[] {
    this.run += 1;
    const context = {
      configuration: this.configuration,
      run: this.run,
      now,
      statuses: () => this.statuses,
      pastProblems: () => [],
    };
    for (const item of items) {
      if (item.check !== null && item.state !== null) this.set(item.check, item.state as 'OK', now);
    }
    const told = tell(items, this.state === null ? null : (JSON.parse(JSON.stringify(this.state)) as Telling), {
      ...context,
      isHeldBack: (check) => this.heldBack.has(check),
      joins: (recipient) => this.unsent.has(recipient),
      expired: () => this.expired,
      week: () => ({
        problems: [],
        soft: [],
        messages: { sent: this.messages.length, failed: 0 },
        noisiest: [],
        runs: this.run,
        statuses: this.statuses,
        ending: this.ending,
      }),
      itemOf: makeScheduled(context),
    });
    this.state = told.state;
    this.last = told;
    const messages = this.bag.collect(told, now);
    this.messages.push(...messages);
    return messages;
  }

  /** Runs whenever the telling asks for it, up to a time, as idle runs do. */
  waitUntil(until: number): PlannedMessage[] {
    const messages: PlannedMessage[] = [];
    for (let next = this.last?.nextAt ?? until; next <= until; next = this.last?.nextAt ?? Infinity)
      messages.push(...this.step(next));
    return messages;
  }
}

export function itemFor(check: Check, now: number, more: Partial<Item> = {}): Item {
  const item: Item = {
    kind: 'problem',
    at: now,
    run: 1,
    check: check.id,
    host: check.host,
    state: 'CRITICAL',
    onset: now - 2 * MINUTE,
    reason: '3 failures in a row',
    to: check.contacts,
    facts: {
      title: check.id,
      type: check.type,
      target: check.target,
      output: 'seen CRITICAL',
      code: '',
      priority: check.priority,
      notes: null,
      source: 'conf.d/a.yaml:1',
      page: 'index.html',
      failingParts: [],
      also: [],
      was: null,
      affected: null,
      past: [],
    },
    lines: [],
  };
  return { ...item, ...more };
}

export const recoveryOf = (item: Item, now: number): Item => ({
  ...item,
  kind: 'recovery',
  state: 'OK',
  at: now,
  reason: 'OK again',
});

/** `problem a/x CRITICAL` for each item of the messages, in their order. */
export function linesOf(messages: PlannedMessage[]): string[] {
  return messages.flatMap(({ recipient, items }) =>
    items.map(({ kind, check, host, state }) => `${recipient.split('@')[0]}: ${kind} ${check ?? host ?? ''} ${state ?? ''}`.trim()),
  );
}
