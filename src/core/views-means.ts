import { toDay } from './availability.ts';
import type { Check } from './configuration.ts';
import type { Event } from './item.ts';
import type { Snapshot } from './snapshot.ts';
import type { Status } from './status.ts';
import { type Bar, dayLabels, hourLabels, toHourBar } from './views-bar.ts';
import { describeSaid, type Said, toSaid } from './views-people.ts';
import { type Standing, type StateWord, standingOf, stateWord } from './views-state.ts';
import type { Calendar, MetricCatalogue } from './views-words.ts';

/** What all private pages are made with. */
export interface Means {
  snapshot: Snapshot;
  catalogue: MetricCatalogue;
  calendar: Calendar;
  dayLabels: string[];
  hourLabels: string[];
  eventsByCheck: Map<string, Event[]>;
  /** Of hosts as a whole, such as reboots. */
  hostEvents: Map<string, Event[]>;
  said: Said;
  /** What signatureOf made already: a check stands on its owner's page and on its own. */
  signatures: Map<string, string>;
}

/** One check with what several pages need of it. */
export interface Seen {
  check: Check;
  status: Status | undefined;
  standing: Standing;
  state: StateWord;
  hours: Bar;
}

export function toMeans(snapshot: Snapshot, catalogue: MetricCatalogue, calendar: Calendar): Means {
  const eventsByCheck = new Map<string, Event[]>();
  const hostEvents = new Map<string, Event[]>();
  for (const event of snapshot.events) {
    const [map, key] = event.check === null ? [hostEvents, event.host] : [eventsByCheck, event.check];
    if (key === null) continue;
    const found = map.get(key);
    if (found === undefined) map.set(key, [event]);
    else found.push(event);
  }
  const { now } = snapshot;
  const said = toSaid(snapshot);
  return {
    snapshot,
    catalogue,
    calendar,
    dayLabels: dayLabels(toDay(now)),
    hourLabels: hourLabels(now),
    eventsByCheck,
    hostEvents,
    said,
    signatures: new Map(),
  };
}

export function seeCheck(check: Check, { snapshot }: Means): Seen {
  const status = snapshot.statuses.get(check.id);
  return {
    check,
    status,
    standing: standingOf(check, status),
    state: stateWord(check, status),
    hours: toHourBar(snapshot.now, status),
  };
}

/** In the place of one that a fault of ours does not let us see. */
export function toUnseen(check: Check): Seen {
  return { check, status: undefined, standing: 'withheld', state: { word: 'NOT KNOWN', class: 'unknown' }, hours: [] };
}

/**
 * What a check's section is made of, as far as people wait for it: while this stays, the section may be some minutes old. A calm
 * check's answer times alone are no reason to write its page again in every run.
 */
export function signatureOf(seen: Seen, means: Means): string {
  const known = means.signatures.get(seen.check.id);
  if (known !== undefined) return known;
  const made = makeSignature(seen, means);
  means.signatures.set(seen.check.id, made);
  return made;
}

function makeSignature({ check, status, standing, state }: Seen, means: Means): string {
  const latest = status?.latest;
  const known = [check.id, standing, state.word, status?.problem?.onset, status?.problem?.told, status?.problem?.toldTo.length];
  const trouble = standing === 'ok' ? [] : [latest?.run, latest?.withheld];
  const parts = latest?.parts.map((part) => `${part.name} ${part.state}`) ?? [];
  const said = describeSaid(check, means.said, means.calendar);
  return [...known, ...trouble, ...parts, ...said, means.eventsByCheck.get(check.id)?.[0]?.run].join('\t');
}
