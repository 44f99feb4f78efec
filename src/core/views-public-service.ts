import { toDay } from './availability.ts';
import type { Check, Service } from './configuration.ts';
import type { Snapshot } from './snapshot.ts';
import type { BarRun } from './views-bar.ts';
import type { PublicIncident } from './views-incidents.ts';
import type { Said } from './views-people.ts';
import {
  describeDays,
  type PastOf,
  PUBLIC_WINDOWS,
  type PublicDay,
  type PublicWindow,
  toDays,
  toWindow,
  WINDOW_WORDS,
} from './views-public-availability.ts';
import { combine, type PublicState, publicChecks, STATE_WORDS, verdictOf } from './views-public-state.ts';
import { type Calendar, type Moment, NO_MOMENT, type StateClass } from './views-words.ts';

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
  windows: PublicWindow[];
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

export interface PublicMeans {
  calendar: Calendar;
  labels: string[];
  said: Said;
  incidents: PublicIncident[];
}

export function toPublicService(snapshot: Snapshot, service: Service, means: PublicMeans): PublicService {
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
export function toUnknownService(service: Service, labels: string[]): PublicService {
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

function toPart(check: Check, state: PublicState, serviceTitle: string): PublicService['parts'] {
  if (check.public === null || check.public.title === serviceTitle) return [];
  return [{ title: check.public.title, description: check.public.description, ...STATE_WORDS[state] }];
}
