import type { Configuration } from './configuration.ts';
import { nextStart, stretchAt, stretchOf, windowAt } from './downtime.ts';
import type { Block, Incident } from './incident.ts';
import { coveredBy, type Downtime } from './people.ts';
import type { Snapshot } from './snapshot.ts';
import { formatAge } from './unit.ts';
import { attempt, type Spoiled } from './views-faults.ts';
import { type Calendar, type Moment, NO_MOMENT, type StateClass } from './views-words.ts';

/** An incident as the public may see it: who reported and who wrote it stays inside. */
export interface PublicIncident {
  name: string;
  title: string;
  /** Relative to the site's folder. */
  page: string;
  word: string;
  class: StateClass;
  isOpen: boolean;
  started: Moment;
  /** The empty moment while it lasts. */
  ended: Moment;
  /** `lasted 40 min`, or nothing while it lasts. */
  lasted: string;
  /** Public services that it names. */
  services: { name: string; title: string }[];
  intro: Block[];
  /** In the order in which they were written. */
  updates: PublicUpdate[];
  /** What was said last; none is an empty list. */
  latest: PublicUpdate[];
}

export interface PublicUpdate {
  /** The empty moment where its heading names none. */
  at: Moment;
  title: string;
  blocks: Block[];
}

/** Where one of them cannot be told, what tells of all of them would keep silent about it: those pages cannot be made either. */
export function toPublicIncidents(
  { incidents, configuration, now }: Snapshot,
  calendar: Calendar,
  spoiled: Spoiled,
): PublicIncident[] {
  return incidents
    .filter(({ started }) => started <= now)
    .flatMap((incident) =>
      attempt(
        spoiled,
        () => [pageOf(incident), 'history.html', 'index.html', 'status.json', 'feed.atom'],
        () => [toIncident(incident, configuration, { calendar, now })],
        () => [],
      ),
    );
}

function pageOf({ name }: Incident): string {
  return `incidents/${name}.html`;
}

function toIncident(
  incident: Incident,
  { services }: Configuration,
  { calendar, now }: { calendar: Calendar; now: number },
): PublicIncident {
  const { name, title, started, ended, intro } = incident;
  const isOpen = ended === null || ended > now;
  const updates = incident.updates.map((one) => ({
    at: one.at === null ? NO_MOMENT : calendar.full(one.at),
    title: one.title,
    blocks: one.blocks,
  }));
  return {
    name,
    title,
    page: pageOf(incident),
    word: isOpen ? 'Ongoing' : 'Over',
    class: isOpen ? 'warning' : 'ok',
    isOpen,
    started: calendar.full(started),
    ended: isOpen ? NO_MOMENT : toEnd(started, ended ?? now, calendar),
    lasted: isOpen ? '' : `lasted ${formatAge(((ended ?? now) - started) / 1000)}`,
    services: incident.services.flatMap((service) => {
      const shown = Object.hasOwn(services, service) ? services[service]?.public : null;
      return shown == null ? [] : [{ name: service, title: shown.title }];
    }),
    intro,
    updates,
    latest: updates.slice(-1),
  };
}

/** The day of an end is said where it is not that of its beginning. */
function toEnd(from: number, to: number, calendar: Calendar): Moment {
  const dayOf = (at: number) => calendar.full(at).words.slice(0, 'Sun 2026-11-22'.length);
  return dayOf(from) === dayOf(to) ? calendar.time(to) : calendar.full(to);
}

/** The incidents that began in one month. */
export interface IncidentMonth {
  /** `2026-11`. */
  month: string;
  name: string;
  incidents: PublicIncident[];
}

const MONTHS = 'January February March April May June July August September October November December'.split(' ');

/** From this month back to that of the oldest, calm ones too; the newest first. Months are those of UTC. */
export function toMonths(incidents: PublicIncident[], now: number): IncidentMonth[] {
  const months: IncidentMonth[] = [];
  const oldest = incidents.reduce((least, { started }) => (started.iso < least ? started.iso : least), '9999');
  const current = new Date(now);
  for (let i = 0; i < MONTHS_AT_MOST; i += 1) {
    const first = new Date(Date.UTC(current.getUTCFullYear(), current.getUTCMonth() - i, 1));
    const month = first.toISOString().slice(0, 7);
    if (i > 0 && month < oldest.slice(0, 7)) break;
    if (oldest === '9999' && i > 0) break;
    const name = `${MONTHS[first.getUTCMonth()] ?? ''} ${month.slice(0, 4)}`;
    months.push({ month, name, incidents: incidents.filter(({ started }) => started.iso.startsWith(month)) });
  }
  return months;
}

const MONTHS_AT_MOST = 120;

/** Planned work on public services, in words for the public or by its times alone. */
export interface PublicMaintenance {
  /** `Planned maintenance`, or the public words of who planned it. */
  words: string;
  services: { name: string; title: string }[];
  isNow: boolean;
  stands: string;
  from: Moment;
  to: Moment;
}

const AHEAD_MS = 30 * 86_400_000;

/** What holds, then what begins within 30 days. */
export function toMaintenance({ said, configuration, now }: Snapshot, calendar: Calendar): PublicMaintenance[] {
  const found = (said?.downtimes ?? []).flatMap((downtime) => {
    const stretch = findStretch(downtime, now);
    const services = stretch === null ? [] : findServices(downtime, configuration);
    return stretch === null || services.length === 0 ? [] : [{ downtime, services, ...stretch }];
  });
  return found
    .sort((a, b) => a.start - b.start || a.downtime.number - b.downtime.number)
    .map(({ downtime, services, start, end, isFlexible }) => ({
      words: downtime.publicNote ?? 'Planned maintenance',
      services,
      isNow: start <= now && !isFlexible,
      stands: isFlexible ? 'some time from' : start <= now ? 'now, from' : 'from',
      from: calendar.full(start),
      to: toEnd(start, end, calendar),
    }));
}

/** The stretch that holds or comes next; of a flexible one that has not begun, the time in which it may come. */
function findStretch(downtime: Downtime, now: number): { start: number; end: number; isFlexible: boolean } | null {
  if (downtime.removedAt !== null) return null;
  const held = stretchAt(downtime, now);
  if (held !== null) return { ...held, isFlexible: false };
  const { flexible, duration, begun } = downtime;
  const window = windowAt(downtime, now);
  const isWaiting = flexible !== null && window !== null && begun?.window !== window && now < window + flexible * 1000;
  const start = isWaiting ? window : nextStart(downtime, now);
  if (start === null || start - now > AHEAD_MS) return null;
  if (flexible !== null) return { start, end: start + (flexible + duration) * 1000, isFlexible: true };
  return { ...(stretchOf(downtime, start) ?? { start, end: start + duration * 1000 }), isFlexible: false };
}

function findServices({ target }: Downtime, { checks, services }: Configuration): PublicMaintenance['services'] {
  const covered = coveredBy(target, checks);
  const names = new Set(
    checks
      .filter((check) => check.enabled && check.public !== null && covered.has(check.id))
      .flatMap(({ service }) => service ?? []),
  );
  return [...names].flatMap((name) => {
    const shown = services[name]?.public;
    return shown == null ? [] : [{ name, title: shown.title }];
  });
}
