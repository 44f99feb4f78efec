import { toDay } from './core/availability.ts';
import type { Configuration } from './core/configuration.ts';
import { type IncidentBook, NO_INCIDENTS } from './core/incident.ts';
import type { RunRecord } from './core/run-record.ts';
import { nextDueAt } from './core/schedule.ts';
import type { Snapshot } from './core/snapshot.ts';
import type { Status } from './core/status.ts';
import { count } from './core/transition.ts';
import type { Database } from './store/database.ts';
import { readEventArchive } from './store/event-archive.ts';
import { dayCountersReader, measuredResultsReader } from './store/figures.ts';
import { readFleetHistory, readFleetMark } from './store/fleet.ts';
import { calmResultsReader, readEvents, readRuns, resultsReader } from './store/history.ts';
import { noticesReader, readNoticesStamp } from './store/notices.ts';
import { readMessages } from './store/outbox.ts';
import { PastBook } from './store/pasts.ts';
import { downtimesReader, readPeople } from './store/people.ts';
import { reportReader } from './store/reports.ts';

const EVENTS_SHOWN = 500;
const RUNS_SHOWN = 200;
const MESSAGES_SHOWN = 100;
const RESULTS_SHOWN = 10;
const NOTICES_SHOWN = 200;
const DAY_MS = 86_400_000;

/** One moment of the store, for the sites and for people's commands. */
export function takeSnapshot(
  database: Database,
  parts: {
    configuration: Configuration;
    statuses: Map<string, Status>;
    record: RunRecord;
    now: number;
    banners: string[];
    pasts?: PastBook;
  },
  { incidents, problems }: IncidentBook = NO_INCIDENTS,
): Snapshot {
  const { configuration, statuses, record, now } = parts;
  const messages = readMessages(database, MESSAGES_SHOWN);
  const failed = messages.filter((message) => message.state === 'failed');
  const banners = [...parts.banners, ...problems.slice(0, 5)];
  if (failed.length > 0)
    banners.push(
      `${count(failed.length, 'mail')} could not be delivered, the last to ${failed[0]?.recipient}: ${failed[0]?.answer}`,
    );
  return {
    now,
    run: record,
    nextRunBy: nextDueAt(configuration, statuses, now) + 2 * configuration.interval * 1000,
    configuration,
    statuses,
    pasts: parts.pasts ?? new PastBook(database, toDay(now)),
    runs: readRuns(database, RUNS_SHOWN),
    events: readEvents(database, EVENTS_SHOWN),
    archive: readEventArchive(database, { zone: configuration.timezone, now, kept: configuration.retention.events }),
    messages,
    calmResults: calmResultsReader(database, RESULTS_SHOWN),
    recentResults: resultsReader(database, RESULTS_SHOWN),
    measuredResults: measuredResultsReader(database, now - DAY_MS),
    dayCounters: dayCountersReader(database, toDay(now)),
    notices: { stamp: readNoticesStamp(database), read: noticesReader(database, NOTICES_SHOWN) },
    said: readPeople(database, now, oldestOnset(statuses, now)),
    downtimesSince: downtimesReader(database),
    incidents,
    reportOf: reportReader(database),
    fleet: takeFleet(database),
    banners,
  };
}

const CHANGES_SHOWN_MS = 30 * DAY_MS;

/** What changed just before a problem is shown as long as the problem lasts, within reason. */
function oldestOnset(statuses: Map<string, Status>, now: number): number {
  let oldest = now;
  for (const { problem } of statuses.values()) if (problem !== null && problem.onset < oldest) oldest = problem.onset;
  return Math.max(oldest, now - CHANGES_SHOWN_MS);
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
