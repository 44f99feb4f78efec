import type { DayCounters, Tally } from '../core/availability.ts';
import type { Histogram } from '../core/histogram.ts';
import { dayBefore, type Past, summarisePast } from '../core/past.ts';
import type { Database } from './database.ts';

interface DayRow {
  day: string;
  ok_s: number;
  warning_s: number;
  critical_s: number;
  unknown_s: number;
  unmeasured_s: number;
  planned_s: number;
  latency: string;
}

/**
 * The sums over the days before today, by check id; made once a day for each check and kept, so that availability costs the same with
 * a year of history as with none. They are made when a page asks for them, so the first run of a day need not make them all.
 */
export class PastBook {
  readonly #database: Database;
  /** UTC. */
  readonly #today: string;
  /** Summaries as they are kept: most of them no page asks for. */
  #kept: Map<string, string> | null = null;
  readonly #toKeep: string[] = [];
  /** One statement serves all checks. */
  #days: ((check: string) => DayRow[]) | null = null;
  /** A page asks for those of one check several times, and then for another's. */
  #last: { check: string; past: Past } | null = null;

  constructor(database: Database, today: string) {
    this.#database = database;
    this.#today = today;
  }

  get(check: string): Past {
    if (this.#last?.check === check) return this.#last.past;
    this.#kept ??= readKept(this.#database, this.#today);
    const summary = this.#kept.get(check);
    const past = summary === undefined ? this.#make(check, this.#kept) : (JSON.parse(summary) as Past);
    this.#last = { check, past };
    return past;
  }

  /** Writes what was made anew; within a transaction of the caller's. */
  keep(): void {
    if (this.#toKeep.length === 0) return;
    const keep = this.#database.prepare(`
      INSERT INTO past SELECT number, ?, ? FROM checks WHERE id = ?
      ON CONFLICT (check_number) DO UPDATE SET day = excluded.day, summary = excluded.summary`);
    for (const check of this.#toKeep.splice(0)) keep.run(this.#today, this.#kept?.get(check), check);
  }

  #make(check: string, kept: Map<string, string>): Past {
    this.#days ??= daysReader(this.#database, this.#today);
    const past = summarisePast(this.#today, this.#days(check).map(toCounters));
    kept.set(check, JSON.stringify(past));
    this.#toKeep.push(check);
    return past;
  }
}

function readKept(database: Database, today: string): Map<string, string> {
  const sql = 'SELECT c.id, p.summary FROM past p JOIN checks c ON c.number = p.check_number WHERE p.day = ?';
  return new Map(database.prepare(sql).raw().all(today) as [string, string][]);
}

function daysReader(database: Database, today: string): (check: string) => DayRow[] {
  const statement = database.prepare(`
    SELECT day, ok_s, warning_s, critical_s, unknown_s, unmeasured_s, planned_s, latency FROM days
    WHERE check_number = (SELECT number FROM checks WHERE id = ?) AND day >= ? AND day < ?`);
  const since = dayBefore(today, 365);
  return (check) => statement.all(check, since, today) as DayRow[];
}

function toCounters(row: DayRow): Pick<DayCounters, 'day' | 'tally' | 'latency'> {
  const tally: Tally = [row.ok_s, row.warning_s, row.critical_s, row.unknown_s, row.unmeasured_s, row.planned_s];
  return { day: row.day, tally, latency: JSON.parse(row.latency) as Histogram };
}
