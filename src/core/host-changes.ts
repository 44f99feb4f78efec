import type { Check } from './configuration.ts';
import type { Event } from './item.ts';
import type { Change } from './people.ts';
import type { HostReport } from './report.ts';
import { cleanText } from './text.ts';
import { count } from './transition.ts';

/** Something that nobody said, but a host's report or the configuration shows; it is watched as if by `vigie change`. */
export type HostChange = Omit<Change, 'number'>;

const WATCH_MS = 20 * 60_000;
/** What was longer ago is no news: the monitor was off, or the host is new to it. */
const RECENT_MS = 60 * 60_000;

/** What is new in a host's report against the one before (alerting.md section 9): a boot, Puppet's changes, packages. */
export function findHostChanges(before: HostReport | undefined, report: HostReport, now: number): HostChange[] {
  if (before === undefined) return [];
  return [findBoot(before, report), findPuppet(before, report), findPackages(before, report)]
    .filter((found) => found !== null)
    .filter(({ at }) => at <= now && now - at <= RECENT_MS)
    .map(({ at, note }) => ({ target: report.host, at, until: now + WATCH_MS, author: '', note }));
}

/**
 * Of a host. More is a machine that never rests, or one that means to have all that depends on it watched. Boots have a measure of their
 * own: a Puppet that changes something in each of its 48 runs a day must not use up what tells who came back.
 */
const MOST_A_DAY = { boots: 20, others: 50 };

/**
 * What a host says beyond its measure is no longer watched, nor an event: a problem soon after it says so all the same. `before`: the
 * notes of its changes that were watched in the last day. The last one that is watched says that it is.
 */
export function boundChanges(changes: readonly HostChange[], before: (host: string) => string[]): HostChange[] {
  const notes = new Map<string, string[]>();
  return changes.map((change) => {
    const { target, note } = change;
    const earlier = notes.get(target) ?? before(target);
    notes.set(target, [...earlier, note]);
    const isBoot = isBootNote(note);
    const most = isBoot ? MOST_A_DAY.boots : MOST_A_DAY.others;
    const number = earlier.filter((one) => isBootNote(one) === isBoot).length + 1;
    if (number < most) return change;
    if (number > most) return { ...change, until: change.at };
    return { ...change, note: `${note}; ${isBoot ? 'boot' : 'change'} ${number} in a day, more are not watched` };
  });
}

function isWatched({ at, until }: HostChange): boolean {
  return until > at;
}

/** With more it is a setting of all, and everything at once in every run would be no watch but a storm. */
const MOST_WATCHED = 50;

/** Checks whose settings are others than in the run before: those of one host are one change. */
export function findSettingsChanges(changed: readonly Check[], now: number): HostChange[] {
  const toChange = (target: string, until: number, note: string): HostChange => ({ target, at: now, until, author: '', note });
  if (changed.length > MOST_WATCHED) return [toChange('*', now, `the configuration of ${changed.length} checks was changed`)];
  const byTarget = new Map<string, string[]>();
  for (const { id, host } of changed) byTarget.set(host ?? id, [...(byTarget.get(host ?? id) ?? []), id]);
  return [...byTarget].map(([target, ids]) => {
    const more = ids.length > 3 ? ` and ${ids.length - 3} more` : '';
    return toChange(target, now + WATCH_MS, `the configuration of ${ids.slice(0, 3).join(', ')}${more} was changed`);
  });
}

/** For the events page: what changed by itself stands beside what it broke. A reboot has an event of its own, at its end. */
export function toChangeEvents(changes: readonly HostChange[], { now, run }: { now: number; run: number }): Event[] {
  return changes
    .filter((change) => !isBootNote(change.note) && (isWatched(change) || change.target === '*'))
    .map(({ target, at, note }) => {
      const host = target === '*' ? null : target;
      return { at: now, run, kind: 'change', check: null, host, state: null, onset: at, reason: note, output: '', told: false };
    });
}

interface Found {
  at: number;
  note: string;
}

const REBOOTED = 'it was booted';

function isBootNote(note: string): boolean {
  return note.startsWith(REBOOTED);
}

/** A boot after which everything is awaited. */
export function isReboot(change: HostChange): boolean {
  return isBootNote(change.note) && isWatched(change);
}

function findBoot(before: HostReport, { boot, created, facts }: HostReport): Found | null {
  if (boot === '' || before.boot === '' || boot === before.boot) return null;
  const { uptime } = facts;
  const seconds = uptime !== undefined && 'seconds' in uptime ? uptime.seconds : 0;
  return { at: Math.max(before.created, created - seconds * 1000), note: REBOOTED };
}

function findPuppet(before: HostReport, { facts: { puppet } }: HostReport): Found | null {
  if (puppet === undefined || 'unavailable' in puppet || puppet.last_run === null || puppet.changed === 0) return null;
  const earlier = before.facts.puppet;
  if (earlier === undefined || 'unavailable' in earlier || (earlier.last_run ?? 0) >= puppet.last_run) return null;
  return { at: puppet.last_run * 1000, note: `Puppet applied ${count(puppet.changed, 'change')}` };
}

/** The longest names in Debian have some seventy letters. */
const MOST_OF_NAME = 80;

function findPackages(before: HostReport, { facts: { changes } }: HostReport): Found | null {
  if (changes === undefined || 'unavailable' in changes || changes.last === null) return null;
  const earlier = before.facts.changes;
  if (earlier === undefined || 'unavailable' in earlier) return null;
  const since = earlier.last ?? earlier.at;
  const names = [...new Set(changes.packages.filter(({ time }) => time > since).map(({ name }) => name))];
  if (names.length === 0) return null;
  const more = names.length > 3 ? ` and ${names.length - 3} more` : '';
  const shown = names.slice(0, 3).map((name) => cleanText(name, MOST_OF_NAME));
  return { at: changes.last * 1000, note: `APT changed ${shown.join(', ')}${more}` };
}
