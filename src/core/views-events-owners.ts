import { dayOf, type EventsPage, toEventsView } from './views-events-view.ts';
import type { Means } from './views-means.ts';

const OWN_SHOWN = 300;

/** A service or a host that has events. */
export interface OwnerOfEvents {
  kind: 'service' | 'host';
  title: string;
  path: string;
  checks: string[];
  /** The host whose own events, such as reboots, are among them. */
  host: string | null;
}

export function ownersWithEvents(means: Means): OwnerOfEvents[] {
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
export function toOwnerEventsPage(means: Means, { title, path, checks, host }: OwnerOfEvents): EventsPage {
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
      return { ...toEventsView(`Events of ${title}`, events, means), note };
    },
  };
}
