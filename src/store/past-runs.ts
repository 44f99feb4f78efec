import { toDay } from '../core/availability.ts';
import type { Configuration } from '../core/configuration.ts';
import { groupOf } from '../core/isolation.ts';
import type { Withheld } from '../core/observation.ts';
import type { Act, ReplayRun } from '../core/replay.ts';
import { toState } from '../core/state.ts';
import type { Database } from './database.ts';
import { unpackResults } from './packing.ts';

type PastResultRow = ReplayRun['results'][number];

interface HotRow {
  id: string;
  at: number;
  state: number;
  scheduled: number;
  withheld: string | null;
  code: string | null;
  output: string | null;
  metrics: string | null;
  parts: string | null;
  duration: number;
}

const DAY_MS = 86_400_000;

/**
 * The stored runs from `since` to `until`, oldest first, a day in memory at a time: packed days without what packing left out (parts,
 * outputs of OK results). Only checks that are configured.
 */
export function* readPastRuns(
  database: Database,
  configuration: Configuration,
  { since, until }: { since: number; until: number },
): Generator<ReplayRun> {
  const groups = new Map(configuration.checks.map((check) => [check.id, groupOf(check)]));
  const acts = readActs(database, since, until);
  for (let start = Math.floor(since / DAY_MS) * DAY_MS; start < until; start += DAY_MS) {
    const rows = [...readPackedDay(database, toDay(start)), ...readHotDay(database, start)];
    const wanted = rows.filter(({ check, at }) => groups.has(check) && at >= since && at < until);
    yield* groupRuns(wanted, groups, takeUntil(acts, start + DAY_MS));
  }
}

function* readPackedDay(database: Database, day: string): Generator<PastResultRow> {
  const sql = 'SELECT c.id, p.content FROM packed p JOIN checks c ON c.number = p.check_number WHERE p.day = ?';
  for (const [check, content] of database.prepare(sql).raw().iterate(day) as IterableIterator<[string, Buffer]>) {
    for (const { at, state, scheduled, withheld, metrics, code, output } of unpackResults(content)) {
      const kept = { withheld: withheld as Withheld | null, metrics, code, output, parts: [], duration: 0 };
      yield { check, at, run: 0, state: toState(state), scheduled, ...kept };
    }
  }
}

function* readHotDay(database: Database, start: number): Generator<PastResultRow> {
  const rows = database
    .prepare(`
      SELECT c.id, r.at, r.state, r.scheduled, r.withheld, r.code, r.output, r.metrics, r.parts, r.duration
      FROM results r JOIN checks c ON c.number = r.check_number WHERE r.at >= ? AND r.at < ?`)
    .iterate(start, start + DAY_MS) as IterableIterator<HotRow>;
  for (const row of rows) {
    yield {
      check: row.id,
      at: row.at,
      run: 0,
      state: toState(row.state),
      code: row.code ?? '',
      output: row.output ?? '',
      metrics: row.metrics === null ? {} : (JSON.parse(row.metrics) as PastResultRow['metrics']),
      parts: row.parts === null ? [] : (JSON.parse(row.parts) as PastResultRow['parts']),
      scheduled: row.scheduled === 1,
      withheld: row.withheld as Withheld | null,
      duration: row.duration,
    };
  }
}

/** Decided anew by a replay; the others say what only that run could know. */
const DECIDED_ANEW = ['isolated', 'proxy', 'unreachable', 'grace'];

function groupRuns(rows: PastResultRow[], groups: ReadonlyMap<string, string>, acts: TimedAct[]): ReplayRun[] {
  const runs = new Map<number, ReplayRun>();
  const runAt = (at: number): ReplayRun => {
    const run = runs.get(at) ?? { at, results: [], sentinels: [], acts: [] };
    runs.set(at, run);
    return run;
  };
  for (const row of rows) {
    const run = runAt(row.at);
    const group = groups.get(row.check) ?? 'direct';
    // What the sentinels said is kept in what it withheld.
    if (row.withheld === 'isolated' && !run.sentinels.some((report) => report.group === group))
      run.sentinels.push({ group, failed: 1, of: 1 });
    const withheld = row.withheld !== null && DECIDED_ANEW.includes(row.withheld) ? null : row.withheld;
    run.results.push({ ...row, withheld });
  }
  for (const { at, act } of acts) runAt(at).acts.push(act);
  return [...runs.values()].sort((a, b) => a.at - b.at);
}

interface TimedAct {
  at: number;
  act: Act;
}

function takeUntil(acts: TimedAct[], end: number): TimedAct[] {
  const index = acts.findIndex(({ at }) => at >= end);
  return acts.splice(0, index === -1 ? acts.length : index);
}

/** What people said, when they said it; what was said before `since` counts from its start. */
function readActs(database: Database, since: number, until: number): TimedAct[] {
  const hasTable = database.prepare("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'downtimes'").get() !== undefined;
  if (!hasTable) return [];
  const downtimes = database
    .prepare(`
      SELECT target, from_at AS "from", duration_s AS duration, repeats, flexible_s AS flexible, removed_at AS removedAt, at, note
      FROM downtimes WHERE at < ?`)
    .all(until) as (Pick<Extract<Act, { kind: 'downtime' }>, 'target' | 'from' | 'duration' | 'flexible' | 'note'> & {
    repeats: string | null;
    removedAt: number | null;
    at: number;
  })[];
  const acknowledgements = database
    .prepare(
      'SELECT check_id AS pattern, at, until, ended_at AS endedAt, ended_because AS because, note FROM acknowledgements WHERE at < ?',
    )
    .all(until) as { pattern: string; at: number; until: number; endedAt: number | null; because: string | null; note: string }[];
  const acts: TimedAct[] = downtimes.map(({ repeats, removedAt, at, ...rest }) => {
    const duration = removedAt === null ? rest.duration : Math.min(rest.duration, Math.max(1, (removedAt - rest.from) / 1000));
    const weekly = repeats === 'weekly' && removedAt === null;
    return { at: Math.max(at, since), act: { kind: 'downtime', ...rest, duration, weekly } };
  });
  for (const { pattern, at, until: end, endedAt, because, note } of acknowledgements) {
    acts.push({ at: Math.max(at, since), act: { kind: 'ack', pattern, until: end, note } });
    if (endedAt !== null && because === 'unack') acts.push({ at: endedAt, act: { kind: 'unack', pattern } });
  }
  return acts.sort((a, b) => a.at - b.at);
}
