import { type DayCounters, type Histogram, type Tally, toDay } from '../core/availability.ts';
import type { Configuration } from '../core/configuration.ts';
import { dayBefore, type Past, summarisePast } from '../core/past.ts';
import type { Database } from './database.ts';
import type { PackedResult, packResults } from './packing.ts';
import { forgetPeople } from './people.ts';

/** Packed in one run at most: spread over the runs of a day, packing is never felt. */
const PACKS_PER_RUN = 25;

/** Packs whole days of results that are older than the hot rows are kept, and forgets what retention says. */
export async function compact(database: Database, retention: Configuration['retention'], now: number): Promise<{ packed: number }> {
  const firstHotDay = Date.parse(`${toDay(now - retention.rows * 1000)}T00:00:00Z`);
  const oldest = database
    .prepare(`
      SELECT number, at FROM
        (SELECT number, (SELECT at FROM results WHERE check_number = number ORDER BY run LIMIT 1) AS at FROM checks)
      WHERE at < ? LIMIT ?`)
    .all(firstHotDay, PACKS_PER_RUN) as { number: number; at: number }[];
  // Loaded only on the few runs of a day that pack.
  const packing = oldest.length === 0 ? null : await import('./packing.ts');
  const pack = database.transaction(() => {
    for (const { number, at } of oldest) if (packing !== null) packDay(database, number, toDay(at), packing.packResults);
    const believed = believedTime(database, now);
    if (believed !== null) forget(database, retention, believed);
  });
  pack.immediate();
  return { packed: oldest.length };
}

type ResultRow = Omit<PackedResult, 'scheduled' | 'metrics'> & { scheduled: number; metrics: string | null };

function packDay(database: Database, number: number, day: string, pack: typeof packResults): void {
  const from = Date.parse(`${day}T00:00:00Z`);
  const span = [number, from, from + 86_400_000] as const;
  const rows = database
    .prepare(`
      SELECT at, state, scheduled, withheld, metrics, coalesce(code, '') AS code, output FROM results
      WHERE check_number = ? AND at >= ? AND at < ? ORDER BY run`)
    .all(...span) as ResultRow[];
  const results = rows.map((row) => ({ ...row, scheduled: row.scheduled === 1, metrics: JSON.parse(row.metrics ?? '{}') }));
  // A clock that went back can bring results of a day that is packed already: the later pack stands beside it under a name of its own.
  const taken = database.prepare("SELECT count(*) FROM packed WHERE check_number = ? AND (day = ? OR day LIKE ? || '#%')").pluck();
  const others = taken.get(number, day, day) as number;
  const name = others === 0 ? day : `${day}#${others + 1}`;
  database.prepare('INSERT INTO packed VALUES (?, ?, ?, ?)').run(number, name, results.length, pack(results));
  database.prepare('DELETE FROM results WHERE check_number = ? AND at >= ? AND at < ?').run(...span);
}

/** So many runs must agree about the time before anything is forgotten by it. */
const AGREEING_RUNS = 60;

/** A clock that jumps far ahead, for one run or an hour of them, must not cost the history. Null while there are too few runs. */
function believedTime(database: Database, now: number): number | null {
  const sql = 'SELECT count(*), min(started_at) FROM (SELECT started_at FROM runs ORDER BY run DESC LIMIT ?)';
  const [runs, earliest] = database.prepare(sql).raw().get(AGREEING_RUNS) as [number, number | null];
  return runs < AGREEING_RUNS || earliest === null ? null : Math.min(now, earliest);
}

function forget(database: Database, retention: Configuration['retention'], now: number): void {
  database.prepare('DELETE FROM packed WHERE day < ?').run(toDay(now - retention.packed * 1000));
  database.prepare('DELETE FROM days WHERE day < ?').run(toDay(now - retention.packed * 1000));
  database.prepare('DELETE FROM events WHERE at < ?').run(now - retention.events * 1000);
  database.prepare('DELETE FROM runs WHERE started_at < ?').run(now - retention.events * 1000);
  forgetPeople(database, now - retention.events * 1000);
}

type DayRow = {
  day: string;
  ok_s: number;
  warning_s: number;
  critical_s: number;
  unknown_s: number;
  unmeasured_s: number;
  planned_s: number;
  latency: string;
};

/**
 * The sums over the days before today of the given checks; made once a day for each check and kept, so that availability costs
 * the same with a year of history as with none.
 */
export function readPasts(database: Database, checks: string[], today: string): Map<string, Past> {
  const kept = database
    .prepare('SELECT c.id, p.summary FROM past p JOIN checks c ON c.number = p.check_number WHERE p.day = ?')
    .raw();
  const pasts = new Map((kept.all(today) as [string, string][]).map(([id, summary]) => [id, JSON.parse(summary) as Past]));
  const missing = checks.filter((id) => !pasts.has(id));
  if (missing.length === 0) return pasts;
  const keep = database.prepare(`
    INSERT INTO past SELECT number, ?, ? FROM checks WHERE id = ?
    ON CONFLICT (check_number) DO UPDATE SET day = excluded.day, summary = excluded.summary`);
  const summarise = database.transaction(() => {
    for (const id of missing) {
      const past = readPast(database, id, today);
      pasts.set(id, past);
      keep.run(today, JSON.stringify(past), id);
    }
  });
  summarise.immediate();
  return pasts;
}

/** The same without keeping anything: for commands that open the history for reading only. */
export function readPastsForReading(database: Database, checks: string[], now: number): Map<string, Past> {
  return new Map(checks.map((id) => [id, readPast(database, id, toDay(now))]));
}

function readPast(database: Database, check: string, today: string): Past {
  const rows = database
    .prepare(`
      SELECT day, ok_s, warning_s, critical_s, unknown_s, unmeasured_s, planned_s, latency FROM days
      WHERE check_number = (SELECT number FROM checks WHERE id = ?) AND day >= ? AND day < ?`)
    .all(check, dayBefore(today, 365), today) as DayRow[];
  return summarisePast(today, rows.map(toCounters));
}

function toCounters(row: DayRow): Pick<DayCounters, 'day' | 'tally' | 'latency'> {
  const tally: Tally = [row.ok_s, row.warning_s, row.critical_s, row.unknown_s, row.unmeasured_s, row.planned_s];
  return { day: row.day, tally, latency: JSON.parse(row.latency) as Histogram };
}
