import { toDay } from './availability.ts';
import type { Snapshot } from './snapshot.ts';
import { count } from './transition.ts';
import { dayLabels } from './views-bar.ts';
import { attempt, type Spoiled } from './views-faults.ts';
import {
  type IncidentMonth,
  type PublicIncident,
  type PublicMaintenance,
  toMaintenance,
  toMonths,
  toPublicIncidents,
} from './views-incidents.ts';
import { toSaid } from './views-people.ts';
import { type PublicService, toPublicService, toUnknownService } from './views-public-service.ts';
import type { PublicState } from './views-public-state.ts';
import { type Moment, type StateClass, toCalendar } from './views-words.ts';

/** What the public may know (interface.md section 3). Nothing here can hold a host, an address, an output, a contact or a file. */
export interface PublicView {
  title: string;
  madeAt: Moment;
  run: number;
  nextRunBy: Moment;
  /** The page's first words: `All services work.` */
  headline: string;
  worst: StateClass;
  groups: { name: string; services: PublicService[] }[];
  /** The newest first. */
  incidents: PublicIncident[];
  months: IncidentMonth[];
  maintenance: PublicMaintenance[];
  /** Seconds after which an open first page asks for itself again; 0: never. */
  refresh: number;
}

/** What cannot be made goes to `spoiled`, by its page: why is nothing that the public may know. */
export function toPublicView(snapshot: Snapshot, spoiled: Spoiled = new Map()): PublicView {
  const { configuration, now, run } = snapshot;
  const calendar = toCalendar(configuration.timezone, now);
  const labels = dayLabels(toDay(now));
  const incidents = toPublicIncidents(snapshot, calendar, spoiled);
  const means = { calendar, labels, said: toSaid(snapshot), incidents };
  const services = Object.values(configuration.services)
    .filter((service) => service.public !== null)
    .map((service) =>
      attempt(
        spoiled,
        () => [`services/${service.name}.html`],
        () => toPublicService(snapshot, service, means),
        () => toUnknownService(service, labels),
      ),
    );
  return {
    title: configuration.sites.public?.title ?? '',
    madeAt: calendar.full(now),
    run: run.run,
    nextRunBy: calendar.short(snapshot.nextRunBy),
    ...toHeadline(services, incidents),
    groups: toGroups(services),
    incidents,
    months: toMonths(incidents, now),
    maintenance: attempt(
      spoiled,
      () => ['index.html', 'status.json'],
      () => toMaintenance(snapshot, calendar),
      () => [],
    ),
    refresh: configuration.sites.public?.refresh ?? 0,
  };
}

/** Groups in the order of the configuration. */
function toGroups(services: PublicService[]): PublicView['groups'] {
  const names = [...new Set(services.map((service) => service.group))];
  return names.map((name) => ({ name, services: services.filter((service) => service.group === name) }));
}

function toHeadline(services: PublicService[], incidents: PublicIncident[]): Pick<PublicView, 'headline' | 'worst'> {
  const inState = (state: PublicState) => services.filter((service) => service.state === state);
  const [down, degraded, unknown] = [inState('down'), inState('degraded'), inState('unknown')];
  const planned = inState('maintenance');
  if (services.length === 0) return { headline: 'No service is shown to the public.', worst: 'none' };
  const told: string[] = [];
  if (down.length > 0) told.push(sayState(down, 'is down', 'are down', services.length));
  if (degraded.length > 0) told.push(sayState(degraded, 'is degraded', 'are degraded', services.length));
  if (told.length > 0) return { headline: `${told.join('; ')}.`, worst: down.length > 0 ? 'critical' : 'warning' };
  // People may know of what no check sees.
  const open = incidents.filter(({ isOpen }) => isOpen);
  if (open.length > 0) {
    return { headline: open.length === 1 ? `Incident: ${open[0]?.title}` : `${open.length} incidents are open.`, worst: 'warning' };
  }
  if (planned.length > 0) {
    return { headline: `${sayState(planned, 'is in maintenance', 'are in maintenance', services.length)}.`, worst: 'skipped' };
  }
  if (unknown.length === services.length) return { headline: 'Nothing could be measured lately.', worst: 'unknown' };
  if (unknown.length > 0) {
    return {
      headline: `${count(services.length - unknown.length, 'service')} working, ${unknown.length} unknown.`,
      worst: 'unknown',
    };
  }
  return { headline: services.length === 1 ? `${services[0]?.title} works.` : 'All services work.', worst: 'ok' };
}

function sayState(services: PublicService[], one: string, more: string, all: number): string {
  if (services.length === 1) return `${services[0]?.title} ${one}`;
  if (services.length === 2) return `${services[0]?.title} and ${services[1]?.title} ${more}`;
  return `${services.length} of ${all} services ${more}`;
}
