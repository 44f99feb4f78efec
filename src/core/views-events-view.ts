import { formatDay } from './calendar.ts';
import type { Event } from './item.ts';
import { checkPageOf } from './item-facts.ts';
import { count } from './transition.ts';
import type { Means } from './views-means.ts';
import { type Calendar, type Moment, STATE_CLASS, type StateClass } from './views-words.ts';

export interface EventView {
  at: Moment;
  kind: string;
  word: string;
  class: StateClass;
  reason: string;
  output: string;
  told: boolean;
}

/** The history of changes: the newest, or of one day, host or service: filters are pages of their own, since there are no scripts. */
export interface EventsView {
  heading: string;
  /** What the page holds: `3 changes, the newest first`. */
  words: string;
  isAll: boolean;
  days: { day: string; events: (EventView & { id: string; page: string })[] }[];
  /** Links to the day before and after, and to the other parts of a long day. */
  beside: EventsLink[];
  /** Links to the other pages by group; `more` leads to those that are left out. */
  filters: { title: string; links: EventsLink[]; more: EventsLink[] }[];
  /** The field's words that stand there, in plain ones. */
  kinds: string;
  /** Where what is not here is to be found; empty when all is here. */
  note: string;
}

export interface EventsLink {
  words: string;
  page: string;
  /** How many changes; empty when it is not said. */
  count: string;
  isHere: boolean;
}

/** A page of events; one that is over is made once, and again only when a day beside it comes or goes. */
export interface EventsPage {
  path: string;
  key: string;
  isOver: boolean;
  make(): EventsView;
}

/** `2026-11-22`. */
export function dayOf(at: number, { calendar }: Means): string {
  return calendar.full(at).words.slice('Sun '.length, 'Sun 2026-11-22'.length);
}

export function toLink(words: string, page: string): EventsLink {
  return { words, page, count: '', isHere: false };
}

export function toEventsView(heading: string, events: Event[], means: Means, isLinked = true): EventsView {
  const known = new Set(isLinked ? means.snapshot.configuration.checks.map(({ id }) => id) : []);
  const days = new Map<string, EventsView['days'][number]>();
  for (const event of events) {
    const name = dayOf(event.at, means);
    const day = days.get(name) ?? { day: formatDay(name), events: [] };
    days.set(name, day);
    const id = event.check ?? event.host ?? '';
    const target = event.check !== null && known.has(event.check) ? checkPageOf({ id: event.check }) : '';
    day.events.push({ ...toEventView(event, means.calendar), at: means.calendar.time(event.at), id, page: target });
  }
  const words = events.length === 0 ? 'nothing has changed yet' : `${count(events.length, 'change')}, the newest first`;
  return { heading, words, isAll: false, days: [...days.values()], beside: [], filters: [], kinds: explainKinds(events), note: '' };
}

export function toEventView(event: Event, calendar: Calendar): EventView {
  return {
    at: calendar.full(event.at),
    kind: event.kind,
    word: event.state ?? '',
    class: event.state === null ? 'none' : STATE_CLASS[event.state],
    reason: event.reason,
    output: event.output,
    told: event.told,
  };
}

/** The words of the field that a newcomer meets in a list of events, each once; empty when there are none. */
export function explainKinds(events: readonly Pick<Event, 'kind'>[]): string {
  const isThere = (kind: Event['kind']) => events.some((event) => event.kind === kind);
  return [
    ...(isThere('soft') || isThere('soft-recovery')
      ? ['soft: it fails, but not yet often enough in a row to be sure, so nobody is told']
      : []),
    ...(isThere('unstable') ? ['unstable: a problem three times within a day, told only when it lasts'] : []),
  ].join('; ');
}
