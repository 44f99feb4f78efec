import { toLocal } from '../../src/core/calendar.ts';
import type { Event } from '../../src/core/item.ts';
import type { EventArchive } from '../../src/core/snapshot.ts';

/** The archive of events that are at hand, newest first, as a store would make it. */
export function archiveOf(events: Event[], now: number, zone: string): EventArchive {
  const dayOf = (event: Event) => toLocal(event.at, zone).date;
  const today = toLocal(now, zone).date;
  const over = events.filter((event) => dayOf(event) < today);
  const days = [...new Set(over.map(dayOf))].map((day) => ({ day, count: over.filter((event) => dayOf(event) === day).length }));
  return {
    days,
    subjects: new Set(over.flatMap(({ check, host }) => check ?? host ?? [])),
    readDay: (day, { limit, offset }) => over.filter((event) => dayOf(event) === day).slice(offset, offset + limit),
    readNewest: (checks, host, limit) =>
      events
        .filter((event) => (event.check === null ? host !== null && event.host === host : checks.includes(event.check)))
        .slice(0, limit),
  };
}
