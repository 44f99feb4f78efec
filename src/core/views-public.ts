import { availability, EMPTY_TALLY, toDay } from './availability.ts';
import type { Check, Configuration, Service } from './configuration.ts';
import { dayTallies, windowTally } from './past.ts';
import type { Window } from './run-record.ts';
import type { PastResult, Snapshot } from './snapshot.ts';
import type { State } from './state.ts';
import type { Status } from './status.ts';
import { count } from './transition.ts';
import { type BarRun, dayLabels, toDayBar, worstBar } from './views-bar.ts';
import { attempt, type Spoiled } from './views-faults.ts';
import {
  type IncidentMonth,
  type PublicIncident,
  type PublicMaintenance,
  toMaintenance,
  toMonths,
  toPublicIncidents,
} from './views-incidents.ts';
import { type Said, toSaid } from './views-people.ts';
import { type Calendar, formatAvailability, type Moment, type StateClass, toCalendar } from './views-words.ts';

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

export const PUBLIC_STATES = ['operational', 'degraded', 'down', 'maintenance', 'unknown'] as const;
export type PublicState = (typeof PUBLIC_STATES)[number];

export interface PublicService {
  name: string;
  title: string;
  description: string;
  group: string;
  state: PublicState;
  word: string;
  class: StateClass;
  /** When what is wrong began; the empty moment while nothing is. */
  since: Moment;
  /** What people wrote for the public about what is broken: each once. */
  aware: string[];
  /** Titles of checks that have public words of their own. */
  parts: { title: string; description: string; word: string; class: StateClass }[];
  windows: { window: string; name: string; words: string; share: number | null }[];
  /** 90 days, oldest first, today last. */
  days: PublicDay[];
  /** The same as cells. */
  bar: BarRun[];
  /** Days that were not calm, the newest first. */
  trouble: PublicDay[];
  /** Availability over all of them: `99.95 %`, or a dash. */
  share: string;
  summary: string;
  /** Incidents that name it, of the last 90 days. */
  incidents: PublicIncident[];
}

export interface PublicDay {
  day: string;
  class: StateClass;
  words: string;
}

export const PUBLIC_WINDOWS = ['24h', '7d', '30d', '90d'] as const satisfies Window[];
const WINDOW_WORDS: Readonly<Record<(typeof PUBLIC_WINDOWS)[number], string>> = {
  '24h': 'last 24 hours',
  '7d': '7 days',
  '30d': '30 days',
  '90d': '90 days',
};

const NO_MOMENT: Moment = { iso: '', words: '' };
const STATE_WORDS: Readonly<Record<PublicState, { word: string; class: StateClass }>> = {
  operational: { word: 'Operational', class: 'ok' },
  degraded: { word: 'Degraded', class: 'warning' },
  down: { word: 'Down', class: 'critical' },
  maintenance: { word: 'Maintenance', class: 'skipped' },
  unknown: { word: 'Unknown', class: 'unknown' },
};

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

interface Means {
  calendar: Calendar;
  labels: string[];
  said: Said;
  incidents: PublicIncident[];
}

function toPublicService(snapshot: Snapshot, service: Service, means: Means): PublicService {
  const checks = publicChecks(snapshot.configuration, service);
  const verdicts = checks.map((check) => ({ check, ...verdictOf(snapshot, check, means.said) }));
  const { state, since } = combine(service, verdicts);
  const today = toDay(snapshot.now);
  const pastsOf = checks.map(({ id }): PastOf => [today, snapshot.statuses.get(id), snapshot.pasts.get(id)]);
  const windows = PUBLIC_WINDOWS.map((window) => toWindow(snapshot, checks, window));
  const { title = '', description = '' } = service.public ?? {};
  const days = toDays(pastsOf, means.labels);
  return {
    name: service.name,
    title,
    description,
    group: service.group,
    state,
    ...STATE_WORDS[state],
    since: since === null ? NO_MOMENT : means.calendar.full(since),
    aware: [...new Set(checks.flatMap(({ id }) => means.said.acknowledged.get(id)?.publicNote ?? []))],
    parts: verdicts.flatMap(({ check, state: own }) => toPart(check, own, title)),
    windows,
    days,
    bar: days.map((one) => ({ class: one.class, length: 1, label: `${one.day}: ${one.words}` })),
    trouble: days.filter((one) => ['critical', 'warning', 'unknown'].includes(one.class)).reverse(),
    share: windows[3]?.share == null ? '–' : windows[3].words,
    summary: describeDays(days, windows[3]?.share ?? null),
    incidents: means.incidents.filter(
      (one) =>
        (one.isOpen || one.started.iso.slice(0, 10) >= (means.labels[0] ?? '')) &&
        one.services.some(({ name }) => name === service.name),
    ),
  };
}

/** In the place of one that a fault of ours does not let us judge: what stands in the configuration, and that no more is known. */
function toUnknownService(service: Service, labels: string[]): PublicService {
  const { title = '', description = '' } = service.public ?? {};
  return {
    name: service.name,
    title,
    description,
    group: service.group,
    state: 'unknown',
    ...STATE_WORDS.unknown,
    since: NO_MOMENT,
    aware: [],
    parts: [],
    windows: PUBLIC_WINDOWS.map((window) => ({ window, name: WINDOW_WORDS[window], words: '–', share: null })),
    days: [],
    bar: [{ class: 'none', length: labels.length, label: '' }],
    trouble: [],
    share: '–',
    summary: 'last 90 days: not known',
    incidents: [],
  };
}

/** Checks that are not public never count. */
export function publicChecks(configuration: Configuration, service: Service): Check[] {
  return configuration.checks.filter((check) => check.service === service.name && check.enabled && check.public !== null);
}

function toPart(check: Check, state: PublicState, serviceTitle: string): PublicService['parts'] {
  if (check.public === null || check.public.title === serviceTitle) return [];
  return [{ title: check.public.title, description: check.public.description, ...STATE_WORDS[state] }];
}

export interface Verdict {
  state: PublicState;
  since: number | null;
}

/**
 * *down*: HARD CRITICAL; *degraded*: HARD WARNING; *unknown*: nothing counted in the last 3 intervals; a soft failure is none.
 * *maintenance*: it fails while a downtime holds.
 */
function verdictOf(snapshot: Snapshot, check: Check, { held }: Said): Verdict {
  const status = snapshot.statuses.get(check.id);
  // What is withheld as unreachable fails too: a host that is rebooted as planned takes its services along.
  const isFailing = status?.latest != null && (status.problem !== null || status.latest.state !== 'OK');
  if (status !== undefined && isFailing && held.has(check.id)) {
    return { state: 'maintenance', since: status.problem?.onset ?? status.since };
  }
  const counted = status === undefined ? null : lastCounted(status, () => snapshot.recentResults(check.id));
  if (status === undefined || counted === null || snapshot.now - counted.at > 3 * check.every * 1000) {
    return { state: 'unknown', since: counted?.at ?? null };
  }
  const { problem } = status;
  if (problem === null) return { state: 'operational', since: null };
  // One OK result of the several that end a problem: it lasts, as it was told.
  const state = counted.state === 'OK' ? (problem.told ?? 'WARNING') : counted.state;
  const isDown = state === 'CRITICAL' && check.impact === 'down';
  return { state: isDown ? 'down' : 'degraded', since: problem.onset };
}

/** The newest result that was judged and measured: UNKNOWN means that we could not look. */
function lastCounted(status: Status, readRecent: () => PastResult[]): { at: number; state: State } | null {
  const counts = (result: { withheld: string | null; state: State }) => result.withheld === null && result.state !== 'UNKNOWN';
  if (status.latest === null) return null;
  if (counts(status.latest)) return status.latest;
  return readRecent().find(counts) ?? null;
}

/** With `any`, a service is down once so many of its redundant checks are; fewer leave it degraded. */
export function combine(service: Pick<Service, 'any'>, verdicts: (Verdict & { check: Check })[]): Verdict {
  const { any } = service;
  const redundant = verdicts.filter(({ check }) => any?.of.includes(check.id) === true);
  const others = verdicts.filter((verdict) => !redundant.includes(verdict));
  const down = redundant.filter(({ state }) => state === 'down');
  const eased =
    any !== null && down.length < any.atLeast
      ? redundant.map((verdict) => (verdict.state === 'down' ? { ...verdict, state: 'degraded' as const } : verdict))
      : redundant;
  const all = [...others, ...eased];
  for (const state of ['down', 'degraded', 'maintenance'] as const) {
    const found = all.filter((verdict) => verdict.state === state);
    if (found.length > 0) return { state, since: Math.min(...found.flatMap(({ since }) => since ?? [])) };
  }
  // A service works as far as it was measured; without any measurement nothing is known.
  if (all.some((verdict) => verdict.state === 'operational')) return { state: 'operational', since: null };
  return { state: 'unknown', since: null };
}

/** A service's availability is its lowest public check's. */
function toWindow(snapshot: Snapshot, checks: Check[], window: (typeof PUBLIC_WINDOWS)[number]): PublicService['windows'][number] {
  const shares = checks.flatMap((check) => {
    const status = snapshot.statuses.get(check.id);
    return status === undefined ? [] : (availability(windowTally(window, status, snapshot.pasts.get(check.id))) ?? []);
  });
  const share = shares.length === 0 ? null : Math.min(...shares);
  return { window, name: WINDOW_WORDS[window], words: formatAvailability(share), share };
}

const DAY_WORDS: Readonly<Record<StateClass, string>> = {
  ok: 'worked all day',
  warning: 'degraded for some time',
  critical: 'down for some time',
  unknown: 'not known for some time',
  planned: 'planned maintenance for some time',
  skipped: 'not measured',
  none: 'not measured',
};

/** What a check's days are read from. */
type PastOf = Parameters<typeof dayTallies>;

function toDays(pasts: PastOf[], labels: string[]): PublicDay[] {
  const tallies = pasts.map((past) => dayTallies(...past));
  const bar = worstBar(
    pasts.map((past) => toDayBar(...past)),
    90,
  );
  return labels.map((day, i) => {
    const found = bar[i] ?? 'none';
    const shares = tallies.flatMap((one) => availability(one[i] ?? EMPTY_TALLY) ?? []);
    const lowest = shares.length === 0 ? null : Math.min(...shares);
    const share = lowest === null || lowest === 1 ? '' : `, ${formatAvailability(lowest)}`;
    return { day, class: found, words: `${DAY_WORDS[found]}${share}` };
  });
}

function describeDays(days: PublicDay[], share: number | null): string {
  const down = days.filter((day) => day.class === 'critical').length;
  const measured = days.filter((day) => day.class !== 'none' && day.class !== 'skipped').length;
  if (measured === 0) return 'last 90 days: nothing measured yet';
  if (share === null) return 'last 90 days: measured for the first time just now';
  const since = measured < 90 ? `, measured on ${count(measured, 'day')}` : '';
  const trouble = down === 0 ? 'never down' : `down for some time on ${count(down, 'day')}`;
  return `last 90 days: ${formatAvailability(share)} available, ${trouble}${since}`;
}
