import type { FleetDay } from '../core/fleet.ts';
import type { FleetHistory, MonthFacts } from '../core/fleet-report.ts';
import type { Database } from './database.ts';
import { readMeta, writeMeta } from './history.ts';

/** What a run must know of the fleet's history without reading it. */
export interface FleetMark {
  /** Local date of the last count. */
  day: string;
  /** When the next day is counted, milliseconds since 1970. */
  nextAt: number;
  /** Months that have a report, oldest first. */
  months: string[];
  /** The fingerprint of the configuration by which it was counted. */
  key: string;
}

const MARK = 'fleet';

/** Those of the day before are needed as long as a day may be counted again. */
const FORGET_COUNTERS = `
  UPDATE fleet SET content = json_remove(content, '$.counters')
  WHERE length(day) = 10 AND json_extract(content, '$.counters') IS NOT NULL
    AND day < (SELECT max(day) FROM fleet WHERE length(day) = 10 AND day < ?)`;

export function readFleetMark(database: Database): FleetMark | null {
  const text = readMeta(database, MARK);
  return text === undefined ? null : (JSON.parse(text) as FleetMark);
}

/** Stores a day and the facts of its month; counters of the day before have done their work. */
export function storeFleetDay(
  database: Database,
  day: FleetDay,
  months: Record<string, MonthFacts>,
  mark: Pick<FleetMark, 'key' | 'nextAt'>,
): void {
  const store = database.prepare('INSERT OR REPLACE INTO fleet VALUES (?, ?)');
  database.transaction(() => {
    database.prepare(FORGET_COUNTERS).run(day.day);
    store.run(day.day, JSON.stringify(day));
    for (const [month, facts] of Object.entries(months)) store.run(month, JSON.stringify(facts));
    const known = database.prepare('SELECT DISTINCT substr(day, 1, 7) FROM fleet ORDER BY 1').pluck().all() as string[];
    writeMeta(database, MARK, JSON.stringify({ day: day.day, months: known, ...mark } satisfies FleetMark));
  })();
}

/** The last day that was counted before this one. */
export function readFleetDayBefore(database: Database, day: string): FleetDay | null {
  const text = database
    .prepare('SELECT content FROM fleet WHERE length(day) = 10 AND day < ? ORDER BY day DESC LIMIT 1')
    .pluck()
    .get(day);
  return text === undefined ? null : (JSON.parse(text as string) as FleetDay);
}

/** All days and months, oldest first. */
export function readFleetHistory(database: Database): FleetHistory {
  // A history that is only read may be of a version before.
  if (database.prepare("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'fleet'").get() === undefined)
    return { days: [], months: {} };
  const rows = database.prepare('SELECT day, content FROM fleet ORDER BY day').raw().all() as [string, string][];
  const days = rows.filter(([day]) => day.length === 10).map(([, content]) => JSON.parse(content) as FleetDay);
  const months = rows
    .filter(([day]) => day.length === 7)
    .map(([day, content]) => [day, JSON.parse(content) as MonthFacts] as const);
  return { days, months: Object.fromEntries(months) };
}

/** What vigie itself did in these milliseconds; incidents are known elsewhere. */
export function readMonthFacts(database: Database, from: number, to: number): Omit<MonthFacts, 'incidents'> {
  const numbers = (sql: string) => database.prepare(sql).pluck().all(from, to) as number[];
  const [sent = 0] = numbers('SELECT count(*) FROM messages WHERE sent_at >= ? AND sent_at < ?');
  const [failed = 0] = numbers(`SELECT count(*) FROM messages WHERE state = 'failed' AND created_at >= ? AND created_at < ?`);
  const [problems = 0] = numbers(
    `SELECT count(*) FROM events WHERE at >= ? AND at < ? AND kind IN ('problem', 'frequent', 'unstable')`,
  );
  // From the first failure to the first mail that was taken by a server.
  const toMail = numbers(`
    SELECT min(m.sent_at) - i.onset FROM items i JOIN messages m ON m.message = i.message
    WHERE i.at >= ? AND i.at < ? AND i.kind IN ('problem', 'frequent') AND m.sent_at IS NOT NULL AND i.check_id IS NOT NULL
    GROUP BY i.check_id, i.onset`);
  const toAck = numbers(`
    SELECT min(a.at - i.at) FROM items i JOIN acknowledgements a ON a.check_id = i.check_id AND a.at >= i.at
    WHERE i.at >= ? AND i.at < ? AND i.kind IN ('problem', 'frequent') AND a.at - i.at < 604800000
      AND NOT EXISTS (SELECT 1 FROM items r WHERE r.check_id = i.check_id AND r.kind = 'recovery' AND r.at > i.at AND r.at <= a.at)
    GROUP BY i.check_id, i.onset`);
  const noisiest = database
    .prepare(`
      SELECT check_id AS "check", count(DISTINCT item) AS items FROM items
      WHERE at >= ? AND at < ? AND check_id IS NOT NULL AND fallback_of IS NULL GROUP BY check_id ORDER BY items DESC, check_id LIMIT 5`)
    .all(from, to) as MonthFacts['noisiest'];
  return {
    sent,
    failed,
    problems,
    noisiest,
    toMail: median(toMail),
    toAck: median(toAck),
    mailed: toMail.length,
    acked: toAck.length,
  };
}

/** Seconds, of milliseconds; null of nothing. */
function median(values: number[]): number | null {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted[Math.floor((sorted.length - 1) / 2)];
  return middle === undefined ? null : Math.round(middle / 1000);
}
