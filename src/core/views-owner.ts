import type { Configuration, Host, Service } from './configuration.ts';
import type { Seen } from './views-means.ts';

/** A host or a service with its checks: what has a page of its own. */
export interface Owner {
  kind: 'service' | 'host';
  name: string;
  title: string;
  /** Its checks, which are sections of its page. */
  own: Seen[];
  /** A host's checks on the pages of services. */
  related: Seen[];
  facts: { term: string; words: string }[];
  notes: string | null;
  neededBy: string[];
}

/** Services in the order of the configuration, then hosts. */
export function ownersOf(configuration: Configuration, seen: ReadonlyMap<string, Seen>): Owner[] {
  const byService = new Map<string, Seen[]>();
  const byHost = new Map<string, Seen[]>();
  const related = new Map<string, Seen[]>();
  for (const one of seen.values()) {
    const { service, host } = one.check;
    if (service !== null) push(byService, service, one);
    if (host !== null) push(service === null ? byHost : related, host, one);
  }
  return [
    ...Object.values(configuration.services).map((service) => toService(service, byService.get(service.name) ?? [])),
    ...Object.values(configuration.hosts).map((host) => toHost(host, byHost.get(host.name) ?? [], related.get(host.name) ?? [])),
  ];
}

function push(map: Map<string, Seen[]>, key: string, one: Seen): void {
  const found = map.get(key);
  if (found === undefined) map.set(key, [one]);
  else found.push(one);
}

function toService(service: Service, own: Seen[]): Owner {
  const facts = [
    ...(service.host === null ? [] : [{ term: 'Host', words: service.host }]),
    { term: 'Priority', words: service.priority },
    ...(service.neededBy.length === 0 ? [] : [{ term: 'Needed by', words: service.neededBy.join(', ') }]),
    ...(service.any === null ? [] : [{ term: 'Down when', words: `${service.any.atLeast} of ${service.any.of.join(', ')} are` }]),
    { term: 'Public page', words: service.public === null ? 'no' : `as “${service.public.title}”, under “${service.group}”` },
    { term: 'Defined in', words: `${service.source.file}:${service.source.line}` },
  ];
  const { name, title, notes, neededBy } = service;
  return { kind: 'service', name, title, own, related: [], facts, notes, neededBy };
}

function toHost(host: Host, own: Seen[], related: Seen[]): Owner {
  const labels = Object.entries(host.labels).map(([label, value]) => `${label}: ${value}`);
  const facts = [
    ...(host.address === null ? [] : [{ term: 'Address', words: host.address }]),
    ...(labels.length === 0 ? [] : [{ term: 'Labels', words: labels.join(', ') }]),
    ...(host.profiles.length === 0 ? [] : [{ term: 'Profiles', words: host.profiles.join(', ') }]),
    { term: 'Defined in', words: `${host.source.file}:${host.source.line}` },
  ];
  const { name, notes } = host;
  return { kind: 'host', name, title: name, own, related, facts, notes, neededBy: [] };
}
