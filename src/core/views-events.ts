import type { Event } from './item.ts';
import { checkPageOf } from './item-facts.ts';
import { type EventView, type Means, toEventView } from './views-check.ts';

/** The history of changes: all of it, or of one day, host or service: filters are pages of their own, since there are no scripts. */
export interface EventsView {
  heading: string;
  isAll: boolean;
  days: { day: string; events: (EventView & { id: string; page: string })[] }[];
  count: number;
  /** Links to the other pages, with how many changes each holds. */
  filters: { title: string; links: { words: string; page: string; count: number; isHere: boolean }[] }[];
}

/** One page of events: what it shows, and where. */
interface EventsPage {
  path: string;
  title: string;
  words: string;
  group: 'Days' | 'Services' | 'Hosts' | null;
  events: Event[];
}

const ALL_SHOWN = 150;

/** Events of whole days only stand on a day's page: days as the calendar of the configuration's zone has them. */
export function toEventsPages(means: Means): { path: string; key: string; make(): EventsView }[] {
  const { events, configuration } = means.snapshot;
  const checks = new Map(configuration.checks.map((check) => [check.id, check]));
  const days = new Map<string, EventsPage>();
  const owners = new Map<string, EventsPage>();
  for (const event of events) {
    const day = dayOf(event, means);
    push(days, { path: `events/days/${day.slice(4)}.html`, title: `Events of ${day}`, words: day, group: 'Days' }, event);
    const check = event.check === null ? undefined : checks.get(event.check);
    const host = check?.host ?? event.host;
    if (check?.service != null) {
      const title = configuration.services[check.service]?.title ?? check.service;
      push(
        owners,
        { path: `events/services/${check.service}.html`, title: `Events of ${title}`, words: title, group: 'Services' },
        event,
      );
    }
    if (host != null && Object.hasOwn(configuration.hosts, host))
      push(owners, { path: `events/hosts/${host}.html`, title: `Events of ${host}`, words: host, group: 'Hosts' }, event);
  }
  const all: EventsPage = { path: 'events.html', title: 'Events', words: 'all', group: null, events: events.slice(0, ALL_SHOWN) };
  const filtered = [...days.values(), ...[...owners.values()].sort((a, b) => (a.words < b.words ? -1 : 1))];
  return [all, ...filtered].map((page) => ({
    path: page.path,
    key: [configuration.fingerprint, events.length, filtered.length, signature(events), signature(page.events)].join('\n'),
    make: () => toEventsView(page, filtered, means),
  }));
}

function push(pages: Map<string, EventsPage>, page: Omit<EventsPage, 'events'>, event: Event): void {
  const found = pages.get(page.path);
  if (found === undefined) pages.set(page.path, { ...page, events: [event] });
  else found.events.push(event);
}

function signature(events: Event[]): string {
  const [newest] = events;
  return `${events.length} ${newest?.run} ${newest?.check} ${newest?.kind}`;
}

/** `Sun 2026-11-22`. */
function dayOf(event: Event, { calendar }: Means): string {
  return calendar.full(event.at).words.slice(0, 'Sun 2026-11-22'.length);
}

function toEventsView(page: EventsPage, filtered: EventsPage[], means: Means): EventsView {
  const known = new Set(means.snapshot.configuration.checks.map(({ id }) => id));
  const days = new Map<string, EventsView['days'][number]>();
  for (const event of page.events) {
    const name = dayOf(event, means);
    const day = days.get(name) ?? { day: name, events: [] };
    days.set(name, day);
    const id = event.check ?? event.host ?? '';
    const target = event.check !== null && known.has(event.check) ? checkPageOf({ id: event.check }) : '';
    day.events.push({ ...toEventView(event, means.calendar), id, page: target });
  }
  const filters = (['Days', 'Services', 'Hosts'] as const).map((group) => ({
    title: group,
    links: filtered
      .filter((one) => one.group === group)
      .map((one) => ({ words: one.words, page: one.path, count: one.events.length, isHere: one === page })),
  }));
  return {
    heading: page.title,
    isAll: page.group === null,
    days: [...days.values()],
    count: page.events.length,
    filters: filters.filter(({ links }) => links.length > 0),
  };
}
