import type { Acknowledgement, Change, Downtime, People, PeopleUpdate } from '../core/people.ts';
import type { Database } from './database.ts';

/** What people said stays readable for so long after a watch window: an item tells what changed within the hour before it. */
const CHANGES_KEPT_MS = 2 * 3_600_000;

type DowntimeRow = Omit<Downtime, 'begun'> & { begunWindow: number | null; begunAt: number | null };

const SELECT_DOWNTIMES = `
  SELECT downtime AS number, target, from_at AS "from", duration_s AS duration, repeats AS repeat, zone, flexible_s AS flexible,
    begun_window AS begunWindow, begun_at AS begunAt, told_until AS toldUntil, removed_at AS removedAt, at, author, note, public_note AS publicNote
  FROM downtimes`;

/** Reads downtimes that were not over at a time; what was read once is not read again for a later time. */
export function downtimesReader(database: Database): (at: number) => Downtime[] {
  let read: { from: number; downtimes: Downtime[] } | null = null;
  return (at) => {
    if (read === null || at < read.from) {
      const rows = database.prepare(`${SELECT_DOWNTIMES} WHERE over_at IS NULL OR over_at > ?`).all(at) as DowntimeRow[];
      read = { from: at, downtimes: rows.map(toDowntime) };
    }
    return read.downtimes;
  };
}

/** Everything that people said and that is not over, changes from shortly before `onset` on; null when that is nothing, as in most runs. */
export function readPeople(database: Database, now: number, onset = now): People | null {
  if (!hasTables(database)) return null;
  const acknowledgements = database
    .prepare(`
      SELECT acknowledgement AS number, check_id AS "check", at, until, author, note, public_note AS publicNote
      FROM acknowledgements WHERE ended_at IS NULL ORDER BY acknowledgement`)
    .all() as Acknowledgement[];
  const downtimes = database.prepare(`${SELECT_DOWNTIMES} WHERE over_at IS NULL ORDER BY downtime`).all() as DowntimeRow[];
  const changes = database
    .prepare('SELECT change AS number, target, at, until, author, note FROM changes WHERE until > ? ORDER BY change')
    .all(Math.min(now, onset) - CHANGES_KEPT_MS) as Change[];
  if (acknowledgements.length + downtimes.length + changes.length === 0) return null;
  return { acknowledgements, downtimes: downtimes.map(toDowntime), changes };
}

function toDowntime({ begunWindow, begunAt, ...row }: DowntimeRow): Downtime {
  return { ...row, begun: begunWindow === null || begunAt === null ? null : { window: begunWindow, at: begunAt } };
}

/** A history that is only read may be of the version before: then nobody has said anything. */
function hasTables(database: Database): boolean {
  return database.prepare("SELECT 1 FROM pragma_table_info('downtimes') WHERE name = 'public_note'").get() !== undefined;
}

/** What a run changed of what people said: part of the run's one transaction. */
export function storePeopleUpdate(database: Database, { begun, told, ended }: PeopleUpdate): void {
  for (const { downtime, window, at } of begun) {
    database.prepare('UPDATE downtimes SET begun_window = ?, begun_at = ? WHERE downtime = ?').run(window, at, downtime);
  }
  for (const { downtime, until, isOver } of told) {
    const sql = 'UPDATE downtimes SET told_until = :until, over_at = CASE WHEN :isOver THEN :until END WHERE downtime = :downtime';
    database.prepare(sql).run({ downtime, until, isOver: isOver ? 1 : 0 });
  }
  for (const { acknowledgement, at, because } of ended) {
    const sql = 'UPDATE acknowledgements SET ended_at = ?, ended_because = ? WHERE acknowledgement = ? AND ended_at IS NULL';
    database.prepare(sql).run(at, because, acknowledgement);
  }
}

/** Set by whoever says something, taken by the next run: it must not sleep over it, nor leave its pages as they are. */
const NEWS = 'people_news';

/** One act of a person: a short transaction beside a run that may be at work. */
function act<T>(database: Database, change: () => T): T {
  return database
    .transaction(() => {
      const outcome = change();
      database.prepare("INSERT INTO meta VALUES (?, 'yes') ON CONFLICT DO NOTHING").run(NEWS);
      return outcome;
    })
    .immediate();
}

/** Whether anybody said anything since the last run; forgotten by asking, before what was said is read. */
export function takeNews(database: Database): boolean {
  if (database.prepare('SELECT 1 FROM meta WHERE key = ?').get(NEWS) === undefined) return false;
  return database.prepare('DELETE FROM meta WHERE key = ?').run(NEWS).changes > 0;
}

/** Acknowledges each of these checks; what was said of it before is replaced. */
export function addAcknowledgements(
  database: Database,
  checks: string[],
  said: Pick<Acknowledgement, 'at' | 'until' | 'author' | 'note' | 'publicNote'>,
): void {
  act(database, () => {
    for (const check of checks) {
      endAcknowledgements(database, check, { at: said.at, because: `said anew by ${said.author}` });
      const sql = `INSERT INTO acknowledgements (check_id, at, until, author, note, public_note)
        VALUES (:check, :at, :until, :author, :note, :publicNote)`;
      database.prepare(sql).run({ check, ...said });
    }
  });
}

/** Takes back what was said of these checks; returns how many acknowledgements ended. */
export function removeAcknowledgements(database: Database, checks: string[], said: { at: number; author: string }): number {
  return act(database, () => {
    const because = `taken back by ${said.author}`;
    return checks.reduce((sum, check) => sum + endAcknowledgements(database, check, { at: said.at, because }), 0);
  });
}

function endAcknowledgements(database: Database, check: string, { at, because }: { at: number; because: string }): number {
  const sql = 'UPDATE acknowledgements SET ended_at = ?, ended_because = ? WHERE check_id = ? AND ended_at IS NULL';
  return database.prepare(sql).run(at, because, check).changes;
}

/** Returns the downtime's number. */
export function addDowntime(database: Database, downtime: Omit<Downtime, 'number' | 'begun' | 'toldUntil' | 'removedAt'>): number {
  return act(database, () => {
    const sql = `INSERT INTO downtimes (target, from_at, duration_s, repeats, zone, flexible_s, told_until, at, author, note, public_note)
      VALUES (:target, :from, :duration, :repeat, :zone, :flexible, :at, :at, :author, :note, :publicNote)`;
    return Number(database.prepare(sql).run(downtime).lastInsertRowid);
  });
}

/** Whether there was such a downtime to remove. */
export function removeDowntime(database: Database, number: number, said: { at: number; author: string }): boolean {
  return act(database, () => {
    const sql =
      'UPDATE downtimes SET removed_at = :at, removed_by = :author WHERE downtime = :number AND removed_at IS NULL AND over_at IS NULL';
    return database.prepare(sql).run({ number, ...said }).changes > 0;
  });
}

export function addChange(database: Database, change: Omit<Change, 'number'>): number {
  return act(database, () => storeChange(database, change));
}

/** What changed there by itself and was watched since then: nobody said it. */
export function readOwnChanges(database: Database, target: string, since: number): string[] {
  const sql = "SELECT note FROM changes WHERE until > ? AND target = ? AND author = '' AND until > at";
  return (database.prepare(sql).all(since, target) as { note: string }[]).map(({ note }) => note);
}

/** Also of what a host says to have changed by itself: part of the run's one transaction. */
export function storeChange(database: Database, change: Omit<Change, 'number'>): number {
  const sql = 'INSERT INTO changes (target, at, until, author, note) VALUES (:target, :at, :until, :author, :note)';
  return Number(database.prepare(sql).run(change).lastInsertRowid);
}

/** Acknowledgements that ended at their time since then, oldest first: a line of the daily digest each. */
export function readExpired(database: Database, since: number): { check: string; author: string; note: string; endedAt: number }[] {
  const sql = `SELECT check_id AS "check", author, note, ended_at AS endedAt FROM acknowledgements
    WHERE ended_because = 'expired' AND ended_at > ? ORDER BY acknowledgement`;
  return database.prepare(sql).all(since) as { check: string; author: string; note: string; endedAt: number }[];
}

/** What people said is kept as long as events; what holds is never forgotten. */
export function forgetPeople(database: Database, before: number): void {
  database.prepare('DELETE FROM acknowledgements WHERE ended_at < ?').run(before);
  database.prepare('DELETE FROM downtimes WHERE over_at < ?').run(before);
  database.prepare('DELETE FROM changes WHERE until < ?').run(before);
}
