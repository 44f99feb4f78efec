import { addDays, daysBetween, type LocalTime, toLocal } from './calendar.ts';
import type { Absence, Configuration, Contact, Rota } from './configuration.ts';
import { formatClock, formatWeekday } from './period.ts';

/** Who is in charge by a rota at a time. */
export interface InCharge {
  member: string;
  /** Whose turn it is, if somebody else stands in for them. */
  insteadOf: string | null;
}

/** Members who are absent are passed over; when nobody is there, whose turn it is must be told all the same. */
export function inCharge(rota: Rota, contacts: Configuration['contacts'], at: number, zone: string): InCharge {
  const local = toLocal(at, zone);
  const turn = turnOf(rota, local);
  const { members } = rota;
  const regular = members[turn % members.length] ?? '';
  for (let i = 0; i < members.length; i += 1) {
    const member = members[(turn + i) % members.length] ?? '';
    if (!isAbsent(contacts[member]?.absent ?? [], local.date)) return { member, insteadOf: i === 0 ? null : regular };
  }
  return { member: regular, insteadOf: null };
}

function isAbsent(absent: Absence[], date: string): boolean {
  return absent.some(({ from, to }) => from <= date && date <= to);
}

/** How many times duty changed hands since it began: counted in days of the calendar, so that it is 09:00 in summer and in winter. */
function turnOf({ every, since, handover }: Rota, { date, minutes }: LocalTime): number {
  // Before the hour of handover the day still belongs to the one before.
  const day = minutes < handover.minutes ? addDays(date, -1) : date;
  if (every.unit === 'month') return Math.max(0, Math.floor(monthsBetween(since, day) / every.count));
  const start = handover.weekday === null ? since : firstWeekday(since, handover.weekday);
  const length = every.count * (every.unit === 'week' ? 7 : 1);
  return Math.max(0, Math.floor(daysBetween(start, day) / length));
}

function firstWeekday(date: string, weekday: number): string {
  const found = new Date(`${date}T00:00:00Z`).getUTCDay() || 7;
  return addDays(date, (weekday - found + 7) % 7);
}

/** Whole months; the 31st hands over on the last day of a shorter month. */
function monthsBetween(since: string, day: string): number {
  const [years = 0, months = 0, dayOfMonth = 0] = day.split('-').map(Number);
  const [sinceYear = 0, sinceMonth = 0, sinceDay = 0] = since.split('-').map(Number);
  const last = new Date(Date.UTC(years, months, 0)).getUTCDate();
  const isBefore = dayOfMonth < Math.min(sinceDay, last);
  return (years - sinceYear) * 12 + months - sinceMonth - (isBefore ? 1 : 0);
}

/** Contacts with addresses: a rota stands for whoever is in charge at the time. Unknown names are nobody. */
export function resolveContact(name: string, { contacts, timezone }: Configuration, at: number): Contact | null {
  const contact = contacts[name];
  if (contact === undefined || contact.rota === null) return contact ?? null;
  return contacts[inCharge(contact.rota, contacts, at, timezone).member] ?? null;
}

/** `anna (for bert) until ..` belongs to the page; this is the rule in words: `anna, bert: 2 weeks each, Mon 09:00, since 2026-01-05`. */
export function formatRota({ members, every, since, handover }: Rota): string {
  const length = `${every.count} ${every.unit}${every.count === 1 ? '' : 's'}`;
  const at = `${handover.weekday === null ? '' : `${formatWeekday(handover.weekday)} `}${formatClock(handover.minutes)}`;
  return `${members.join(', ')}: ${length} each, handover ${at}, since ${since}`;
}
