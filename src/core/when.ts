import { addDays, fromLocal, toLocal } from './calendar.ts';
import type { Configuration, Contact } from './configuration.ts';
import { type Item, isRecovery, priorityOf } from './item.ts';
import type { Owed } from './outbox.ts';
import { nextOpen } from './period.ts';
import { resolveContact } from './rota.ts';

/** Minutes after midnight at which the daily digest is made, and on Mondays the weekly mail. */
const DIGEST_AT = 9 * 60;
/** What makes vigie blind, or says that it sees again, is told at any hour. */
const AT_ANY_HOUR = new Set<Item['kind']>([
  'isolated',
  'isolation-over',
  'mass-failure',
  'clock',
  'run-gap',
  'database',
  'credentials',
]);

/** The next time at which the daily digest is made. */
export function nextDigest(now: number, zone: string): number {
  const { date, minutes } = toLocal(now, zone);
  return fromLocal(minutes < DIGEST_AT ? date : addDays(date, 1), DIGEST_AT, zone);
}

/** The day (local) of the last digest that was due by `now`, and of the last weekly mail: a Monday. */
export function lastDigestDays(now: number, zone: string): { day: string; monday: string } {
  const { date, minutes, weekday } = toLocal(now, zone);
  const [day, dayOfWeek] = minutes < DIGEST_AT ? [addDays(date, -1), weekday === 1 ? 7 : weekday - 1] : [date, weekday];
  return { day, monday: addDays(day, 1 - dayOfWeek) };
}

interface TellingTime {
  configuration: Configuration;
  now: number;
  /** The daily digest goes out in this run. */
  isDigestRun: boolean;
}

/**
 * Who is told of an item, and when (alerting.md section 7): one entry for each address, by the contact that may be told first.
 * `exactly` names those who were told of the problem: its recovery goes to them and to nobody else.
 */
export function fanOut(
  item: Item,
  { configuration, now, exactly, isDigestRun }: TellingTime & { exactly: [string, string][] | null },
): Owed[] {
  const owed = new Map<string, Owed>();
  const told: Item = isForDigest(item) ? { ...item, digest: item.digest ?? 'next' } : item;
  const add = (contact: Contact | null, name: string, recipient: string) => {
    const when = whenOf(item, contact, { configuration, now, isDigestRun });
    const known = owed.get(recipient.toLowerCase());
    if (known === undefined || when.releaseAt < known.releaseAt)
      owed.set(recipient.toLowerCase(), { item: told, contact: name, recipient, ...when });
  };
  if (exactly !== null) {
    for (const [name, recipient] of exactly) add(configuration.contacts[name] ?? null, name, recipient);
  } else {
    for (const name of item.to) {
      const contact = resolveContact(name, configuration, now);
      for (const recipient of contact?.mail ?? []) add(contact, contact?.name ?? name, recipient);
    }
  }
  return [...owed.values()];
}

function whenOf(
  item: Item,
  contact: Contact | null,
  { configuration, now, isDigestRun }: TellingTime,
): Pick<Owed, 'wait' | 'releaseAt'> {
  const { timezone } = configuration;
  const periods = contact?.periods ?? null;
  if (isForDigest(item)) {
    const digest = isDigestRun ? now : nextDigest(now, timezone);
    const releaseAt = nextOpen(periods, digest, timezone);
    return releaseAt <= now ? { wait: null, releaseAt: now } : { wait: 'digest', releaseAt };
  }
  const releaseAt = passesPeriods(item) ? now : nextOpen(periods, now, timezone);
  return releaseAt <= now ? { wait: null, releaseAt: now } : { wait: 'period', releaseAt };
}

/** Low priority, and what is only worth a line of the day: files that are gone, checks that nobody watches. */
export function isForDigest(item: Item): boolean {
  if (item.digest !== undefined || item.kind === 'removed') return true;
  return priorityOf(item) === 'low' && item.kind !== 'weekly' && item.kind !== 'escalation';
}

/** Priority critical passes; high passes if CRITICAL; a recovery passes for critical only. */
export function passesPeriods(item: Item): boolean {
  if (item.check === null && item.host === null) return AT_ANY_HOUR.has(item.kind);
  const priority = priorityOf(item);
  if (priority === 'critical') return true;
  return priority === 'high' && item.state === 'CRITICAL' && !isRecovery(item);
}
