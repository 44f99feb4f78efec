import { toDay } from '../core/availability.ts';
import type { Configuration } from '../core/configuration.ts';
import type { Database } from './database.ts';
import { readMeta, writeMeta } from './history.ts';
import type { PackedResult, packResults } from './packing.ts';
import type { PastBook } from './pasts.ts';
import { forgetPeople } from './people.ts';

/** Packed in one run at most: spread over the runs of a day, packing is never felt. */
const PACKS_PER_RUN = 25;

/**
 * What can wait until the pages are out, in one transaction: packs whole days of results that are older than the hot rows are kept,
 * forgets what retention says, and keeps the sums that the pages asked for.
 */
export async function compact(
  database: Database,
  retention: Configuration['retention'],
  now: number,
  pasts?: PastBook,
): Promise<{ packed: number }> {
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
    if (believed !== null) forgetDaily(database, retention, believed);
    pasts?.keep();
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

/** Looking for what is too old reads all that is kept: once a day, and when another retention is configured. */
function forgetDaily(database: Database, retention: Configuration['retention'], now: number): void {
  const mark = JSON.stringify([toDay(now), retention]);
  if (readMeta(database, 'forgotten') === mark) return;
  forget(database, retention, now);
  writeMeta(database, 'forgotten', mark);
}

function forget(database: Database, retention: Configuration['retention'], now: number): void {
  database.prepare('DELETE FROM packed WHERE day < ?').run(toDay(now - retention.packed * 1000));
  database.prepare('DELETE FROM days WHERE day < ?').run(toDay(now - retention.packed * 1000));
  database.prepare('DELETE FROM events WHERE at < ?').run(now - retention.events * 1000);
  database.prepare('DELETE FROM runs WHERE started_at < ?').run(now - retention.events * 1000);
  forgetPeople(database, now - retention.events * 1000);
}
