import { addDays, formatDay, fromLocal, toLocal } from './calendar.ts';
import type { Event } from './item.ts';
import { checkPageOf } from './item-facts.ts';
import { count } from './transition.ts';
import { type EventView, type Means, toEventView } from './views-check.ts';

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
  /** Where what is not here is to be found; empty when all is here. */
  note: string;
}

interface EventsLink {
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

const ALL_SHOWN = 150;
const OWN_SHOWN = 300;
const DAYS_LINKED = 14;
const PART = 500;
const PARTS_AT_MOST = 20;
const INDEX = 'events/days.html';

/** A day that has events, in the calendar of the configuration's zone: `2026-11-22`. */
interface Day {
  day: string;
  count: number;
}

export function toEventsPages(means: Means): EventsPage[] {
  const { archive, events, now, configuration } = means.snapshot;
  const { timezone } = configuration;
  const today = toLocal(now, timezone).date;
  const [from, until] = [fromLocal(today, 0, timezone), fromLocal(addDays(today, 1), 0, timezone)];
  const todays = events.filter(({ at }) => at >= from && at < until);
  const days = todays.length === 0 ? archive.days : [{ day: today, count: todays.length }, ...archive.days];
  const owners = ownersWithEvents(means);
  return [
    toAllPage(means, days, owners),
    toIndexPage(means, days),
    ...(todays.length === 0 ? [] : [toTodayPage(means, today, todays)]),
    ...archive.days.flatMap((day, place) => toOverPages(means, day, place)),
    ...owners.map((owner) => toOwnerPage(means, owner)),
  ];
}

/** `2026-11-22`. */
function dayOf(at: number, { calendar }: Means): string {
  return calendar.full(at).words.slice('Sun '.length, 'Sun 2026-11-22'.length);
}

function dayPage(day: string, part = 1): string {
  return `events/days/${day}${part === 1 ? '' : `-${part}`}.html`;
}

function toLink(words: string, page: string): EventsLink {
  return { words, page, count: '', isHere: false };
}

/** The newest of everything, with links to all other pages. */
function toAllPage(means: Means, days: Day[], owners: OwnerOfEvents[]): EventsPage {
  const { events, configuration } = means.snapshot;
  const shown = events.slice(0, ALL_SHOWN);
  const isPart = days.reduce((sum, day) => sum + day.count, 0) > shown.length;
  const links = (kind: OwnerOfEvents['kind']) =>
    owners.filter((owner) => owner.kind === kind).map(({ path, title }) => toLink(title, path));
  const filters = [
    { title: 'Days', links: days.slice(0, DAYS_LINKED).map(toDayLink), more: [toLink('all days', INDEX)] },
    { title: 'Services', links: links('service'), more: [] },
    { title: 'Hosts', links: links('host'), more: [] },
  ];
  return {
    path: 'events.html',
    key: [configuration.fingerprint, toSignature(events), owners.length, keyOfDays(days)].join('\n'),
    isOver: false,
    make: () => ({
      ...toView('Events', shown, means),
      isAll: true,
      filters: filters.filter((filter) => filter.links.length > 0),
      note: isPart ? `The newest ${ALL_SHOWN}; each day and each host and service has a page of its own.` : '',
    }),
  };
}

function toDayLink({ day, count: found }: Day): EventsLink {
  return { ...toLink(formatDay(day), dayPage(day)), count: String(found) };
}

/** Every day of the history that has events, by months. */
function toIndexPage(means: Means, days: Day[]): EventsPage {
  const { configuration } = means.snapshot;
  return {
    path: INDEX,
    key: [configuration.fingerprint, keyOfDays(days)].join('\n'),
    isOver: false,
    make: () => {
      const months = new Map<string, EventsLink[]>();
      for (const day of days) {
        const month = day.day.slice(0, 'YYYY-MM'.length);
        months.set(month, [...(months.get(month) ?? []), toDayLink(day)]);
      }
      return {
        ...toView('Days with events', [], means),
        words: days.length === 0 ? 'none yet' : `${count(days.length, 'day')}, the newest first`,
        filters: [...months].map(([title, links]) => ({ title, links, more: [] })),
      };
    },
  };
}

/** Counts of days that are over stay as they are. */
function keyOfDays(days: Day[]): string {
  const [newest, second] = days;
  return [days.length, newest?.day, newest?.count, second?.day, second?.count, days.at(-1)?.day].join(' ');
}

function toTodayPage(means: Means, today: string, todays: Event[]): EventsPage {
  const { configuration, events, archive } = means.snapshot;
  const before = archive.days[0]?.day;
  return {
    path: dayPage(today),
    key: [configuration.fingerprint, toSignature(todays), before].join('\n'),
    isOver: false,
    make: () => ({
      ...toView(`Events of ${formatDay(today)}`, todays, means),
      beside: before === undefined ? [] : [toLink(`the day before, ${formatDay(before)}`, dayPage(before))],
      note: todays.length < events.length || todays.length < PART ? '' : `The newest ${PART}; all of them are here tomorrow.`,
    }),
  };
}

/**
 * The pages of a day that is over: no run makes them again but for the day before or after, an upgrade of vigie, or another title. Its
 * checks are named without links, since they may be gone by now.
 */
function toOverPages(means: Means, { day, count: found }: Day, place: number): EventsPage[] {
  const { archive, configuration, fleet } = means.snapshot;
  const { title, timezone, sites } = configuration;
  const [after, before] = [archive.days[place - 1]?.day ?? '', archive.days[place + 1]?.day ?? ''];
  const parts = Math.min(PARTS_AT_MOST, Math.ceil(found / PART));
  const frame = `${sites.private?.title ?? title} ${timezone} ${fleet !== null}`;
  return Array.from({ length: parts }, (_, i) => ({
    path: dayPage(day, i + 1),
    key: `${frame}\n${found} ${after} ${before}`,
    isOver: true,
    make: () => {
      const events = archive.readDay(day, { limit: PART, offset: i * PART });
      const heading = `Events of ${formatDay(day)}${i === 0 ? '' : `, part ${i + 1}`}`;
      const numbers = Array.from({ length: parts === 1 ? 0 : parts }, (__, one) => one + 1);
      return {
        ...toView(heading, events, means, false),
        words: `${count(found, 'change')}, the newest first`,
        beside: [
          ...(before === '' ? [] : [toLink(`the day before, ${formatDay(before)}`, dayPage(before))]),
          ...(after === '' ? [] : [toLink(`the day after, ${formatDay(after)}`, dayPage(after))]),
          ...numbers.map((one) => ({ ...toLink(`part ${one}`, dayPage(day, one)), isHere: one === i + 1 })),
        ],
        note: found > parts * PART ? `The newest ${parts * PART} of that day.` : '',
      };
    },
  }));
}

/** A service or a host that has events. */
interface OwnerOfEvents {
  kind: 'service' | 'host';
  title: string;
  path: string;
  checks: string[];
  /** The host whose own events, such as reboots, are among them. */
  host: string | null;
}

function ownersWithEvents(means: Means): OwnerOfEvents[] {
  const { services, hosts, checks } = means.snapshot.configuration;
  const idsOf = new Map<string, string[]>();
  for (const { id, service, host } of checks) {
    for (const name of [service, host]) {
      const found = name === null ? undefined : idsOf.get(name);
      if (found !== undefined) found.push(id);
      else if (name !== null) idsOf.set(name, [id]);
    }
  }
  const owners = [
    ...Object.values(services).map(({ name, title }) => ({ kind: 'service' as const, name, title, host: null })),
    ...Object.values(hosts).map(({ name }) => ({ kind: 'host' as const, name, title: name, host: name })),
  ];
  return owners
    .map(({ name, ...owner }) => ({ ...owner, path: `events/${owner.kind}s/${name}.html`, checks: idsOf.get(name) ?? [] }))
    .filter((owner) => hasEvents(owner.checks, owner.host, means))
    .sort((a, b) => (a.title < b.title ? -1 : 1));
}

/** Whether these checks, or the host as a whole, have any event that is still known. */
export function hasEvents(checks: readonly string[], host: string | null, means: Means): boolean {
  const { subjects } = means.snapshot.archive;
  if (host !== null && (subjects.has(host) || means.hostEvents.has(host))) return true;
  return checks.some((check) => subjects.has(check) || means.eventsByCheck.has(check));
}

/** Made anew when something happens there, and once a month, so that nothing outlives its retention by much. */
function toOwnerPage(means: Means, { title, path, checks, host }: OwnerOfEvents): EventsPage {
  const { snapshot, eventsByCheck, hostEvents } = means;
  const newest = [...checks.map((check) => eventsByCheck.get(check)?.[0]), host === null ? undefined : hostEvents.get(host)?.[0]];
  const last = newest.flatMap((event) => event ?? []).sort((a, b) => b.at - a.at)[0];
  return {
    path,
    key: [snapshot.configuration.fingerprint, dayOf(snapshot.now, means).slice(0, 'YYYY-MM'.length), last?.run, last?.at].join(
      '\n',
    ),
    isOver: false,
    make: () => {
      const events = snapshot.archive.readNewest(checks, host, OWN_SHOWN);
      const note = events.length < OWN_SHOWN ? '' : `The newest ${OWN_SHOWN}; older ones stand among the events of their days.`;
      return { ...toView(`Events of ${title}`, events, means), note };
    },
  };
}

function toSignature(events: Event[]): string {
  const [newest] = events;
  return `${events.length} ${newest?.at} ${newest?.check} ${newest?.kind}`;
}

function toView(heading: string, events: Event[], means: Means, isLinked = true): EventsView {
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
  return { heading, words, isAll: false, days: [...days.values()], beside: [], filters: [], note: '' };
}
