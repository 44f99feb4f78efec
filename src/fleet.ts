import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { addDays, fromLocal, toLocal } from './core/calendar.ts';
import type { Configuration, FleetInventory } from './core/configuration.ts';
import { countFleet, type NameList } from './core/fleet.ts';
import type { MonthFacts } from './core/fleet-report.ts';
import type { Status } from './core/status.ts';
import { cleanText } from './core/text.ts';
import type { Database } from './store/database.ts';
import { readFleetDayBefore, readMonthFacts, storeFleetDay } from './store/fleet.ts';
import { readReports } from './store/reports.ts';

const MAX_LIST = 1024 * 1024;
const MAX_NAMES = 10_000;
const MAX_FRONT = 4096;

/** Counts the fleet once a day, and when the configuration is another one. */
export function keepFleet(
  database: Database,
  configuration: Configuration,
  { statuses, now }: { statuses: ReadonlyMap<string, Status>; now: number },
): void {
  const { timezone, fleet, fingerprint } = configuration;
  const day = toLocal(now, timezone).date;
  const lists = fleet.inventory.map((one) => readList(one, statuses));
  const before = readFleetDayBefore(database, day);
  const counted = countFleet({ configuration, statuses, reports: readReports(database), now, day, before, lists });
  const month = day.slice(0, 7);
  const months = { [month]: readMonth(database, month, configuration) };
  // What happened after the last count of a month belongs to it too.
  if (before !== null && !before.day.startsWith(month)) {
    const last = before.day.slice(0, 7);
    months[last] = readMonth(database, last, configuration);
  }
  storeFleetDay(database, counted, months, { key: fingerprint, nextAt: fromLocal(addDays(day, 1), 0, timezone) });
}

function readList({ title, file, check }: FleetInventory, statuses: ReadonlyMap<string, Status>): NameList {
  return check === null ? readNames(title, file ?? '') : takeNames(title, check, statuses.get(check));
}

/** One name a line; what follows it, and `#`, is comment. */
function readNames(title: string, path: string): NameList {
  try {
    const found = statSync(path);
    if (!found.isFile() || found.size > MAX_LIST) return { title, why: 'no regular file of at most 1 MiB' };
    const lines = readFileSync(path, 'utf8').split('\n');
    const names = lines.map((line) => cleanText(line.replace(/#.*/, '').trim().split(/\s/)[0] ?? '', 100));
    return { title, names: names.filter((name) => name !== '').slice(0, MAX_NAMES) };
  } catch (error) {
    return { title, why: cleanText((error as NodeJS.ErrnoException).code ?? 'unreadable', 40) };
  }
}

/** What a check of type ldap found and keeps for us. */
function takeNames(title: string, check: string, status: Status | undefined): NameList {
  if (status === undefined) return { title, why: `no result of check ${check} yet` };
  if (status.latest?.state !== 'OK') return { title, why: `${check} is ${status.latest?.state ?? 'not looked at'}` };
  const { names } = (status.memory ?? {}) as { names?: unknown };
  return Array.isArray(names)
    ? { title, names: names.map(String) }
    : { title, why: `${check} keeps no names, or they are too many` };
}

function readMonth(database: Database, month: string, { timezone, fleet }: Configuration): MonthFacts {
  const from = fromLocal(`${month}-01`, 0, timezone);
  const to = fromLocal(`${addDays(`${month}-28`, 4).slice(0, 7)}-01`, 0, timezone);
  return { ...readMonthFacts(database, from, to), incidents: countIncidents(fleet.incidents, from, to) };
}

/** Incident files that began in these milliseconds, and how many somebody else reported before vigie did. */
function countIncidents(folder: string, from: number, to: number): MonthFacts['incidents'] {
  const found = { all: 0, others: 0 };
  for (const name of listFiles(folder)) {
    const front = /^---\n([\s\S]*?)\n---/.exec(readStart(join(folder, name)))?.[1] ?? '';
    const began = Date.parse(/^started: *"?([^"\n]+)"?$/m.exec(front)?.[1] ?? '');
    if (Number.isNaN(began) || began < from || began >= to) continue;
    found.all += 1;
    const by = /^reported_by: *"?([^"\n]*)"?$/m.exec(front)?.[1]?.trim() ?? '';
    if (by !== '' && by !== 'vigie') found.others += 1;
  }
  return found;
}

function listFiles(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => name.endsWith('.md'));
  } catch {
    // Nobody has written an incident yet.
    return [];
  }
}

/** A file that a person is just moving away is none. */
function readStart(path: string): string {
  try {
    return statSync(path).isFile() ? readFileSync(path, 'utf8').slice(0, MAX_FRONT) : '';
  } catch {
    return '';
  }
}
