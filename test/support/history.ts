import type { BatchRecord } from '../../src/core/batch.ts';
import { toBatchRecord, toRunRecord } from '../../src/core/batch.ts';
import type { Configuration } from '../../src/core/configuration.ts';
import { evaluate } from '../../src/core/evaluate.ts';
import { planNotifications } from '../../src/core/notify.ts';
import type { Result } from '../../src/core/observation.ts';
import { type Database, openHistory } from '../../src/store/database.ts';
import { appendBatch, lastRun, readPastProblems, readStatuses } from '../../src/store/history.ts';
import { tellPlan } from '../../src/tell.ts';
import { temporaryFolder } from './server.ts';

/** A fresh history in a folder of its own. */
export function freshHistory(now: number): { state: string; database: Database; remove: () => void } {
  const folder = temporaryFolder();
  const { database } = openHistory(folder.path, now);
  return {
    state: folder.path,
    database,
    remove: () => {
      database.close();
      folder.remove();
    },
  };
}

/** Judges and stores one run's results as `run` does, without checks, pages or mail. */
export function storeRun(database: Database, configuration: Configuration, results: Result[], now: number): BatchRecord {
  const previous = lastRun(database);
  const run = (previous?.run ?? 0) + 1;
  const statuses = readStatuses(database);
  const numbered = results.map((result) => ({ ...result, run, at: now }));
  const evaluated = evaluate(configuration, statuses, numbered, now);
  const pastProblems = (check: string) => readPastProblems(database, check, now);
  const plan = planNotifications(configuration, statuses, evaluated, {
    run,
    now,
    isFirstRun: previous === null,
    pastProblems,
    whole: [],
  });
  const record = toRunRecord(run, now, previous, { evaluated, items: plan.items.length, interval: configuration.interval });
  const told = tellPlan(database, plan, {
    configuration,
    run,
    now,
    statuses: () => plan.statuses,
    pastProblems,
    isHeldBack: () => false,
    said: null,
    ending: () => [],
  });
  const batch = toBatchRecord(record, evaluated, told.plan, told.told);
  appendBatch(database, batch);
  return batch;
}

export function resultOf(check: string, state: Result['state'], more: Partial<Result> = {}): Result {
  return {
    check,
    at: 0,
    run: 0,
    state,
    code: '',
    output: `seen ${state}`,
    metrics: { time: 0.042 },
    parts: [],
    scheduled: true,
    withheld: null,
    duration: 0.05,
    ...more,
  };
}
