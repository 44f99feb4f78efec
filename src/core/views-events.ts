import { addDays, formatDay, fromLocal, toLocal } from './calendar.ts';
import type { Event } from './item.ts';
import { count } from './transition.ts';
import { type OwnerOfEvents, ownersWithEvents, toOwnerEventsPage } from './views-events-owners.ts';
import { type EventsLink, type EventsPage, toEventsView, toLink } from './views-events-view.ts';
import type { Means } from './views-means.ts';

const ALL_SHOWN = 150;
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
    ...owners.map((owner) => toOwnerEventsPage(means, owner)),
  ];
}

function dayPage(day: string, part = 1): string {
  return `events/days/${day}${part === 1 ? '' : `-${part}`}.html`;
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
      ...toEventsView('Events', shown, means),
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
        ...toEventsView('Days with events', [], means),
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
      ...toEventsView(`Events of ${formatDay(today)}`, todays, means),
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
        ...toEventsView(heading, events, means, false),
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

function toSignature(events: Event[]): string {
  const [newest] = events;
  return `${events.length} ${newest?.at} ${newest?.check} ${newest?.kind}`;
}
