import { addDays, fromLocal, toLocal } from '../core/calendar.ts';
import type { EventArchive } from '../core/snapshot.ts';
import type { Database } from './database.ts';
import { type EventRow, readMeta, SELECT_EVENTS, toEvent, writeMeta } from './history.ts';

/** What is kept of the days that are over, so that no run counts a year of events again. */
interface Mark {
  zone: string;
  /** The day on which it was counted: all days before it are over. */
  today: string;
  /** Oldest first. */
  days: [day: string, count: number][];
  subjects: string[];
}

const MARK = 'event_days';

/**
 * Days that are over have as many events as they will ever have. They are counted on the day after and kept, oldest first; a zone that
 * changed, or a clock that went back, has all of them counted anew. `kept` is how long events are, in seconds.
 */
export function readEventArchive(
  database: Database,
  { zone, now, kept }: { zone: string; now: number; kept: number },
): EventArchive {
  const { days, subjects } = readMark(database, { zone, now, kept });
  return {
    days: days.map(([day, count]) => ({ day, count })).reverse(),
    subjects: new Set(subjects),
    readDay: (day, { limit, offset }) => {
      const rows = database
        .prepare(`${SELECT_EVENTS} WHERE at >= ? AND at < ? ORDER BY at DESC, event DESC LIMIT ? OFFSET ?`)
        .all(...boundsOf(day, zone), limit, offset) as EventRow[];
      return rows.map(toEvent);
    },
    readNewest: newestReader(database, subjects, fromLocal(toLocal(now, zone).date, 0, zone)),
  };
}

function readMark(database: Database, { zone, now, kept }: { zone: string; now: number; kept: number }): Mark {
  const { date: today } = toLocal(now, zone);
  const text = readMeta(database, MARK);
  const known = text === undefined ? null : (JSON.parse(text) as Mark);
  if (known?.zone === zone && known.today === today) return known;
  const isLater = known?.zone === zone && known.today < today;
  const oldest = toLocal(now - kept * 1000, zone).date;
  const days = isLater ? known.days.filter(([day]) => day >= oldest) : [];
  const from = fromLocal(isLater ? known.today : oldest, 0, zone);
  const mark: Mark = {
    zone,
    today,
    days: [...days, ...countDays(database, from, { zone, today })],
    subjects: readSubjects(database),
  };
  writeMeta(database, MARK, JSON.stringify(mark));
  return mark;
}

/** From day to day that has events, by the index on their time. */
function countDays(database: Database, from: number, { zone, today }: { zone: string; today: string }): Mark['days'] {
  const next = database.prepare('SELECT min(at) FROM events WHERE at >= ?').pluck();
  const count = database.prepare('SELECT count(*) FROM events WHERE at >= ? AND at < ?').pluck();
  const days: Mark['days'] = [];
  for (let at = next.get(from) as number | null; at !== null; ) {
    const { date } = toLocal(at, zone);
    if (date >= today) break;
    const bounds = boundsOf(date, zone);
    days.push([date, count.get(...bounds) as number]);
    at = next.get(bounds[1]) as number | null;
  }
  return days;
}

function boundsOf(day: string, zone: string): [number, number] {
  return [fromLocal(day, 0, zone), fromLocal(addDays(day, 1), 0, zone)];
}

/** Ids of checks, and names of hosts with events of their own, since `from`. */
function readSubjects(database: Database, from = 0): string[] {
  const sql = `
    SELECT DISTINCT check_id FROM events WHERE check_id IS NOT NULL AND at >= :from
    UNION SELECT DISTINCT host FROM events WHERE check_id IS NULL AND host IS NOT NULL AND at >= :from`;
  return database.prepare(sql).pluck().all({ from }) as string[];
}

/**
 * Each check's newest by the index, then the newest of all of them; those of the host as a whole, such as reboots, among them. Most
 * checks never had an event, and are not looked for.
 */
function newestReader(database: Database, before: readonly string[], today: number): EventArchive['readNewest'] {
  const ordered = 'ORDER BY at DESC, event DESC LIMIT ?';
  const ofCheck = database.prepare(`${SELECT_EVENTS} WHERE check_id = ? ${ordered}`);
  const ofHost = database.prepare(`${SELECT_EVENTS} WHERE check_id IS NULL AND host = ? ${ordered}`);
  let subjects: Set<string> | undefined;
  return (checks, host, limit) => {
    subjects ??= new Set([...before, ...readSubjects(database, today)]);
    const known = subjects;
    const rows = checks.flatMap((check) => (known.has(check) ? (ofCheck.all(check, limit) as EventRow[]) : []));
    if (host !== null && known.has(host)) rows.push(...(ofHost.all(host, limit) as EventRow[]));
    return rows
      .sort((a, b) => b.at - a.at || b.event - a.event)
      .slice(0, limit)
      .map(toEvent);
  };
}
