import { randomBytes } from 'node:crypto';
import type { BatchRecord } from '../core/batch.ts';
import { type Event, type PastProblem, priorityOf, subjectOf } from '../core/item.ts';
import type { Result } from '../core/observation.ts';
import type { Move, Owed } from '../core/outbox.ts';
import type { RunRecord } from '../core/run-record.ts';
import type { CalmResults, PastResult } from '../core/snapshot.ts';
import { toExitCode, toState } from '../core/state.ts';
import type { Status } from '../core/status.ts';
import type { Database } from './database.ts';
import { storeChange, storePeopleUpdate } from './people.ts';
import { storeReports } from './reports.ts';

/** The number of the last run and when it began, or null on an empty history. */
export function lastRun(database: Database): { run: number; startedAt: number } | null {
  const row = database.prepare('SELECT run, started_at AS startedAt FROM runs ORDER BY run DESC LIMIT 1').get();
  return (row as { run: number; startedAt: number } | undefined) ?? null;
}

export function readStatuses(database: Database): Map<string, Status> {
  const rows = database.prepare('SELECT id, status FROM checks').raw().all() as [string, string][];
  return new Map(rows.map(([id, status]) => [id, JSON.parse(status) as Status]));
}

/**
 * Stores run, results, statuses, events and items in one `BEGIN IMMEDIATE` transaction: a crash before its end leaves nothing, a
 * crash after it loses nothing.
 */
export function appendBatch(database: Database, batch: BatchRecord): void {
  database
    .transaction(() => {
      insertRun(database, batch.run);
      const numbers = storeStatuses(database, batch.statuses);
      storeResults(database, batch.results, numbers);
      storeDays(database, batch.finished, numbers);
      storeEvents(database, batch.events);
      moveOwed(database, batch.moves, batch.run.startedAt);
      storeOwed(database, batch.owed);
      if (batch.people !== null) storePeopleUpdate(database, batch.people);
      storeReports(database, batch.reports, batch.run.run);
      for (const change of batch.changes) storeChange(database, change);
      for (const [key, value] of Object.entries(batch.remember)) writeMeta(database, key, value);
    })
    .immediate();
}

function insertRun(database: Database, run: RunRecord): void {
  database
    .prepare(
      'INSERT INTO runs VALUES (:run, :startedAt, :durationMs, :due, :ok, :warning, :critical, :unknown, :skipped, :items, :lateMs)',
    )
    .run(run);
}

/** Pages and mail come after the transaction: their time is added when they are done. */
export function finishRun(database: Database, run: number, durationMs: number): void {
  database.prepare('UPDATE runs SET duration_ms = ? WHERE run = ?').run(durationMs, run);
}

function storeStatuses(database: Database, statuses: Status[]): Map<string, number> {
  const store = database
    .prepare(
      'INSERT INTO checks (id, status) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET status = excluded.status RETURNING number',
    )
    .pluck();
  return new Map(statuses.map((status) => [status.check, store.get(status.check, JSON.stringify(status)) as number]));
}

function storeResults(database: Database, results: Result[], numbers: Map<string, number>): void {
  const insert = database.prepare('INSERT INTO results VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)');
  for (const result of results) {
    insert.run(
      numbers.get(result.check),
      result.run,
      result.at,
      toExitCode(result.state),
      result.scheduled ? 1 : 0,
      result.withheld,
      result.code === '' ? null : result.code,
      result.output,
      Object.keys(result.metrics).length === 0 ? null : JSON.stringify(result.metrics),
      result.parts.length === 0 ? null : JSON.stringify(result.parts),
      result.duration,
    );
  }
}

/** A day can be stored twice when the clock went back: the counters add up. */
function storeDays(database: Database, finished: BatchRecord['finished'], numbers: Map<string, number>): void {
  const insert = database.prepare(`
    INSERT INTO days (check_number, day, ok_s, warning_s, critical_s, unknown_s, unmeasured_s, planned_s, results, failures, latency, metrics)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (check_number, day) DO UPDATE SET ok_s = ok_s + excluded.ok_s, warning_s = warning_s + excluded.warning_s,
      critical_s = critical_s + excluded.critical_s, unknown_s = unknown_s + excluded.unknown_s,
      unmeasured_s = unmeasured_s + excluded.unmeasured_s, planned_s = planned_s + excluded.planned_s, results = results + excluded.results, failures = failures + excluded.failures`);
  for (const { check, days } of finished) {
    for (const { day, tally, results, failures, latency, metrics } of days) {
      insert.run(numbers.get(check), day, ...tally, results, failures, JSON.stringify(latency), JSON.stringify(metrics));
    }
  }
}

function storeEvents(database: Database, events: Event[]): void {
  const insert = database.prepare('INSERT INTO events VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)');
  for (const { at, run, kind, check, host, state, onset, reason, output, told } of events) {
    insert.run(at, run, kind, check, host, state === null ? null : toExitCode(state), onset, reason, output, told ? 1 : 0);
  }
}

/** One row for each item and recipient; a mail address in several contacts is told once. */
function storeOwed(database: Database, owed: Owed[]): void {
  if (owed.length === 0) return;
  const insert = database.prepare(`
    INSERT INTO items (run, at, kind, subject, check_id, host, state, onset, reason, contact, recipient, priority, content, wait, release_at)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`);
  for (const { item, contact, recipient, wait, releaseAt } of owed) {
    const { run, at, kind, check, host, onset, reason } = item;
    const state = item.state === null ? null : toExitCode(item.state);
    const keys = [run, at, kind, subjectOf(item), check, host, state, onset, reason];
    insert.run(...keys, contact, recipient, priorityOf(item), JSON.stringify(item), wait, releaseAt);
  }
}

/** Items of earlier runs that waited: those that are due but over the recipient's budget wait on, or all that wait for it are told now. */
function moveOwed(database: Database, moves: Move[], now: number): void {
  for (const { recipient, to } of moves) {
    const due = to === 'release' ? "wait = 'budget' AND release_at > ?" : '(wait IS NULL OR release_at <= ?)';
    const change = to === 'release' ? 'wait = NULL, release_at = ?' : "wait = 'budget', release_at = ?";
    database
      .prepare(`UPDATE items SET ${change} WHERE recipient = ? AND message IS NULL AND closed IS NULL AND ${due}`)
      .run(to === 'release' ? now : to, recipient, now);
  }
}

/** Problems of a check that ended or began within 90 days before `now`, newest first, at most 10, with what was said of them. */
export function readPastProblems(database: Database, check: string, now: number): PastProblem[] {
  const rows = database
    .prepare(`
      SELECT p.onset, p.ended, (
        SELECT a.author || ': ' || a.note FROM acknowledgements a
        WHERE a.check_id = :check AND a.at >= p.onset AND (p.ended IS NULL OR a.at <= p.ended) ORDER BY a.acknowledgement DESC LIMIT 1
      ) AS note
      FROM (
        SELECT onset, max(CASE kind WHEN 'recovery' THEN at END) AS ended FROM events
        WHERE check_id = :check AND at > :since AND kind IN ('problem', 'recovery') GROUP BY onset ORDER BY onset DESC LIMIT 10
      ) p ORDER BY p.onset DESC`)
    .all({ check, since: now - 90 * 86_400_000 }) as { onset: number; ended: number | null; note: string | null }[];
  return rows.map(({ onset, ended, note }) => ({
    onset,
    duration: ended === null ? null : (ended - onset) / 1000,
    ...(note === null ? {} : { note }),
  }));
}

/** The newest runs first. */
export function readRuns(database: Database, limit: number): RunRecord[] {
  return database
    .prepare(`
      SELECT run, started_at AS startedAt, duration_ms AS durationMs, due, ok, warning, critical, unknown, skipped, items, late_ms AS lateMs
      FROM runs ORDER BY run DESC LIMIT ?`)
    .all(limit) as RunRecord[];
}

export type EventRow = Omit<Event, 'state' | 'told'> & { event: number; state: number | null; told: number };

export const SELECT_EVENTS =
  'SELECT event, at, run, kind, check_id AS "check", host, state, onset, reason, output, told FROM events';

export function toEvent({ event: _number, ...row }: EventRow): Event {
  return { ...row, state: row.state === null ? null : toState(row.state), told: row.told === 1 };
}

/** The newest events first; of one check, or of all. */
export function readEvents(database: Database, limit: number, check: string | null = null): Event[] {
  const rows = database
    .prepare(`${SELECT_EVENTS} WHERE :check IS NULL OR check_id = :check ORDER BY event DESC LIMIT :limit`)
    .all({ check, limit }) as EventRow[];
  return rows.map(toEvent);
}

/** Reads the newest results of a check as one row: how many, from when to when; null where one of them was not OK or not judged. */
export function calmResultsReader(database: Database, limit: number): (check: string) => CalmResults | null {
  const statement = database
    .prepare(`
      SELECT count(*), min(at), max(at), max(state <> 0 OR withheld IS NOT NULL) FROM
        (SELECT at, state, withheld FROM results
        WHERE check_number = (SELECT number FROM checks WHERE id = ?) ORDER BY run DESC LIMIT ?)`)
    .raw();
  return (check) => {
    const [count, from, to, isTold] = statement.get(check, limit) as [number, number, number, number | null];
    return isTold === 0 ? { count, from, to } : null;
  };
}

type ResultRow = [run: number, at: number, state: number, output: string, withheld: string | null, duration: number];

/** Reads the newest results of a check first, from the hot rows. Pages ask for hundreds of checks: one statement serves them all. */
export function resultsReader(database: Database, limit: number): (check: string) => PastResult[] {
  const statement = database
    .prepare(`
      SELECT run, at, state, output, withheld, duration FROM results
      WHERE check_number = (SELECT number FROM checks WHERE id = ?) ORDER BY run DESC LIMIT ?`)
    .raw();
  return (check) =>
    (statement.all(check, limit) as ResultRow[]).map(([run, at, state, output, withheld, duration]) => ({
      run,
      at,
      state: toState(state),
      output,
      withheld,
      duration,
    }));
}

/** A value that lives as long as the database: what an earlier run remembered, or undefined. */
export function readMeta(database: Database, key: string): string | undefined {
  return database.prepare('SELECT value FROM meta WHERE key = ?').pluck().get(key) as string | undefined;
}

export function writeMeta(database: Database, key: string, value: string): void {
  database.prepare('INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value').run(key, value);
}

/** What a check left for its next run is forgotten; false when it left nothing. Only with the lock: a run writes back what it read. */
export function forgetMemory(database: Database, check: string): boolean {
  const forget =
    "UPDATE checks SET status = json_remove(status, '$.memory') WHERE id = ? AND json_type(status, '$.memory') IS NOT NULL";
  return database.prepare(forget).run(check).changes > 0;
}

/** The secret that Message-IDs are derived from: made once for each database. */
export function databaseSecret(database: Database): string {
  const known = readMeta(database, 'secret');
  if (known !== undefined) return known;
  database.prepare('INSERT INTO meta VALUES (?, ?) ON CONFLICT DO NOTHING').run('secret', randomBytes(32).toString('hex'));
  return readMeta(database, 'secret') ?? '';
}

/** What `integrity_check` finds wrong, or null. Reads the whole file. */
export function checkIntegrity(database: Database): string | null {
  const answer = database.pragma('integrity_check(1)', { simple: true }) as string;
  return answer === 'ok' ? null : answer;
}
