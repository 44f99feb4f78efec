import { toDay } from './core/availability.ts';
import type { Configuration } from './core/configuration.ts';
import type { RunRecord } from './core/run-record.ts';
import { nextDueAt } from './core/schedule.ts';
import type { Snapshot } from './core/snapshot.ts';
import type { Status } from './core/status.ts';
import { count } from './core/transition.ts';
import { readPasts } from './store/compaction.ts';
import type { Database } from './store/database.ts';
import { readFleetHistory, readFleetMark } from './store/fleet.ts';
import { calmResultsReader, readEvents, readRuns, resultsReader } from './store/history.ts';
import { readMessages } from './store/outbox.ts';
import { readPeople } from './store/people.ts';

const EVENTS_SHOWN = 500;
const RUNS_SHOWN = 200;
const MESSAGES_SHOWN = 100;
const RESULTS_SHOWN = 10;

/** One moment of the store, for the sites and for people's commands. */
export function takeSnapshot(
  database: Database,
  parts: { configuration: Configuration; statuses: Map<string, Status>; record: RunRecord; now: number; banners: string[] },
): Snapshot {
  const { configuration, statuses, record, now } = parts;
  const messages = readMessages(database, MESSAGES_SHOWN);
  const failed = messages.filter((message) => message.state === 'failed');
  const banners = [...parts.banners];
  if (failed.length > 0)
    banners.push(
      `${count(failed.length, 'mail')} could not be delivered, the last to ${failed[0]?.recipient}: ${failed[0]?.answer}`,
    );
  const checks = configuration.checks.filter((check) => check.enabled).map((check) => check.id);
  return {
    now,
    run: record,
    nextRunBy: nextDueAt(configuration, statuses, now) + 2 * configuration.interval * 1000,
    configuration,
    statuses,
    pasts: readPasts(database, checks, toDay(now)),
    runs: readRuns(database, RUNS_SHOWN),
    events: readEvents(database, EVENTS_SHOWN),
    messages,
    calmResults: calmResultsReader(database, RESULTS_SHOWN),
    recentResults: resultsReader(database, RESULTS_SHOWN),
    said: readPeople(database, now),
    fleet: takeFleet(database),
    banners,
  };
}

function takeFleet(database: Database): Snapshot['fleet'] {
  const mark = readFleetMark(database);
  if (mark === null) return null;
  const { day, months, key } = mark;
  let history: ReturnType<typeof readFleetHistory> | undefined;
  const read = () => {
    history ??= readFleetHistory(database);
    return history;
  };
  return { day, months, key, read };
}
