import type { DayCounters } from './availability.ts';
import type { Configuration } from './configuration.ts';
import type { MeasuredResult } from './figures.ts';
import type { FleetHistory } from './fleet-report.ts';
import type { Incident } from './incident.ts';
import type { Event } from './item.ts';
import type { Past } from './past.ts';
import type { Downtime, People } from './people.ts';
import type { HostReport } from './report.ts';
import type { RunRecord } from './run-record.ts';
import type { State } from './state.ts';
import type { Status } from './status.ts';

/** One stored result, as pages and `explain` show it. */
export interface PastResult {
  run: number;
  at: number;
  state: State;
  output: string;
  withheld: string | null;
  duration: number;
}

/** Results that all were OK and counted; times are milliseconds since 1970. */
export interface CalmResults {
  count: number;
  from: number;
  to: number;
}

/** One mail, as the private site shows it. */
export interface MessageRecord {
  message: number;
  recipient: string;
  subject: string;
  state: 'frozen' | 'sent' | 'failed';
  attempts: number;
  createdAt: number;
  sentAt: number | null;
  /** The server's last words, cleaned. */
  answer: string;
}

/** One item that was owed to a recipient, and what became of it. */
export interface Notice {
  at: number;
  kind: string;
  /** A check's id, a host's name, or what it is about. */
  subject: string;
  state: State | null;
  reason: string;
  contact: string;
  recipient: string;
  /** What it waits for, up to `releaseAt`. */
  wait: string | null;
  releaseAt: number;
  /** Why it will not be sent. */
  closed: string | null;
  message: number | null;
  messageState: MessageRecord['state'] | null;
}

/** Events of the days that are over, in the configuration's zone; the events themselves are read when a page is made. */
export interface EventArchive {
  /** Newest first; days without events are left out. `2026-11-21`. */
  days: { day: string; count: number }[];
  /** Ids of checks, and names of hosts that had events of their own. */
  subjects: ReadonlySet<string>;
  /** A day's events, newest first. */
  readDay(day: string, part: { limit: number; offset: number }): Event[];
  /** The newest of these checks and of the host as a whole, of today too. */
  readNewest(checks: readonly string[], host: string | null, limit: number): Event[];
}

/** Everything that the private site is made of: one moment of the store. */
export interface Snapshot {
  /** When the pages are made: the start of the run that they show. */
  now: number;
  run: RunRecord;
  /** By when the next run is due; later than that, the page is old. */
  nextRunBy: number;
  configuration: Configuration;
  /** By check id; a check that never ran has none. */
  statuses: Map<string, Status>;
  /** By check id, read when asked for. */
  pasts: { get(check: string): Past | undefined };
  /** Newest first. */
  runs: RunRecord[];
  /** The newest few hundred, newest first. */
  events: Event[];
  archive: EventArchive;
  /** Newest first. */
  messages: MessageRecord[];
  /** The newest results of a check if none of them needs to be told line by line: so most checks cost one row, not ten. */
  calmResults(check: string): CalmResults | null;
  /** The newest results of a check first, read when its page is made. */
  recentResults(check: string): PastResult[];
  /** What a check measured in the last 24 hours, and its days' counters: read when its own page is made. */
  measuredResults(check: string): MeasuredResult[];
  dayCounters(check: string): DayCounters[];
  /** What was owed to whom; `stamp` changes with it. */
  notices: { stamp: string; read(): Notice[] };
  /** What a host last said of itself: read when its page is made. */
  reportOf(host: string): HostReport | undefined;
  /** What people said and that is not over; null when that is nothing. */
  said: People | null;
  /** Downtimes that were not over at that time, also those that are now: read when something was not told. */
  downtimesSince(at: number): Downtime[];
  /** What is known of the whole fleet, read when its pages are made; null before it was first counted. */
  fleet: { day: string; months: string[]; key: string; read(): FleetHistory } | null;
  /** What people wrote for the public, the newest first. */
  incidents: Incident[];
  /** Sentences for the red banner: configuration in its last good version, mail that failed. */
  banners: string[];
}
