import { pageOf } from './item-facts.ts';
import { WINDOWS } from './run-record.ts';
import type { Snapshot } from './snapshot.ts';
import {
  type CheckView,
  type EventView,
  type Means,
  type Seen,
  seeCheck,
  signatureOf,
  toCheckView,
  toEventView,
  toMeans,
} from './views-check.ts';
import { type ChecksView, toChecksView } from './views-configuration.ts';
import { type FleetView, toFleetView } from './views-fleet.ts';
import { type OverviewView, type OwnerRow, toOverview, toOwnerRow, toSmallRow } from './views-overview.ts';
import { type Owner, ownersOf } from './views-owner.ts';
import { type RunsView, toRunsView } from './views-runs.ts';
import { type MetricCatalogue, type Moment, toCalendar } from './views-words.ts';

/** Everything that the private site says, as plain text and numbers. */
export interface PrivateView {
  title: string;
  madeAt: Moment;
  run: number;
  nextRunBy: Moment;
  zone: string;
  overview: OverviewView;
  /** Pages of services and hosts, each made only when its key has changed. */
  owners: (Keyed<OwnerView> & { row: OwnerRow })[];
  events: Keyed<EventsView>;
  checks: Keyed<ChecksView>;
  runs: Keyed<RunsView>;
  fleet: FleetView;
  windows: readonly string[];
}

/** A page that needs to be made again only when its key is another. */
export interface Keyed<View> {
  key: string;
  make(): View;
}

export interface EventsView {
  days: { day: string; events: (EventView & { id: string; page: string })[] }[];
  count: number;
}

/** The page of a host or a service. */
export interface OwnerView {
  row: OwnerRow;
  facts: { term: string; words: string }[];
  notes: string;
  windows: readonly string[];
  checks: CheckView[];
  /** A host's checks that stand on the pages of its services. */
  elsewhere: ReturnType<typeof toSmallRow>[];
}

export function toPrivateView(snapshot: Snapshot, catalogue: MetricCatalogue): PrivateView {
  const { configuration, now } = snapshot;
  const calendar = toCalendar(configuration.timezone, now);
  const means = toMeans(snapshot, catalogue, calendar);
  const seen = new Map(configuration.checks.map((check) => [check.id, seeCheck(check, means)]));
  const owners = ownersOf(configuration, seen);
  const rows = new Map(owners.map((owner) => [owner, toOwnerRow(owner, means)]));
  return {
    title: configuration.sites.private?.title ?? configuration.title,
    madeAt: calendar.full(now),
    run: snapshot.run.run,
    nextRunBy: calendar.full(snapshot.nextRunBy),
    zone: configuration.timezone,
    overview: toOverview([...seen.values()], rows, means),
    owners: [...rows].map(([owner, row], place) => {
      const turn = turnOf(now, place / rows.size);
      return { row, key: keyOf(owner, row, turn, means), make: () => toOwnerView(owner, row, means) };
    }),
    events: { key: eventsKey(means), make: () => toEvents(means) },
    checks: { key: checksKey([...seen.values()], means), make: () => toChecksView([...seen.values()], means) },
    runs: { key: runsKey(snapshot), make: () => toRunsView(snapshot, calendar) },
    fleet: toFleetView(snapshot),
    windows: WINDOWS,
  };
}

function toOwnerView(owner: Owner, row: OwnerRow, means: Means): OwnerView {
  return {
    row,
    facts: [...owner.facts, ...describeChanges(owner, means)],
    notes: owner.notes ?? '',
    windows: WINDOWS,
    checks: byTrouble(owner.own).map((seen) => toCheckView(seen, means)),
    elsewhere: byTrouble(owner.related).map((seen) => toSmallRow(seen, means)),
  };
}

/** What changed on a host in the last two hours, by somebody's word or its own, newest first. */
function describeChanges(owner: Owner, { snapshot, calendar }: Means): OwnerView['facts'] {
  const changes = (snapshot.said?.changes ?? []).filter(({ target }) => owner.kind === 'host' && target === owner.name);
  const words = changes
    .sort((a, b) => b.at - a.at)
    .slice(0, 5)
    .map(({ at, author, note }) => `${calendar.full(at).words}: ${author === '' ? '' : `${author}: `}${note}`);
  return words.length === 0 ? [] : [{ term: 'Changed lately', words: words.join('; ') }];
}

/** A calm page is made again after so long at the latest: its figures and bars move slowly. */
const REFRESH_MS = 20 * 60_000;

/** Pages take turns, by their share of the list, so that no run makes them all again. */
function turnOf(now: number, share: number): number {
  return Math.floor(now / REFRESH_MS + share);
}

function keyOf(owner: Owner, row: OwnerRow, turn: number, means: Means): string {
  const { configuration } = means.snapshot;
  const signatures = [...owner.own, ...owner.related].map((seen) => signatureOf(seen, means));
  const changes = (means.snapshot.said?.changes ?? []).filter(({ target }) => target === owner.name).map(({ number }) => number);
  return [configuration.fingerprint, turn, row.words, changes.join(' '), ...signatures].join('\n');
}

function eventsKey({ snapshot }: Means): string {
  const [newest] = snapshot.events;
  return [snapshot.configuration.fingerprint, snapshot.events.length, newest?.run, newest?.check, newest?.kind].join('\n');
}

/** Mail and what went wrong with a run show at once; that runs come as they should, a little later. */
function runsKey({ runs, messages, configuration, now }: Snapshot): string {
  const states = messages.map(({ message, state, attempts }) => `${message} ${state} ${attempts}`);
  const unfinished = runs.find((run, i) => i > 0 && run.durationMs === null)?.run;
  return [configuration.fingerprint, Math.floor(now / REFRESH_MS), unfinished, runs[0]?.items, ...states].join('\n');
}

function checksKey(checks: Seen[], means: Means): string {
  const proxies = checks.filter(({ check }) => check.service === null && check.host === null);
  const turn = proxies.length === 0 ? 0 : Math.floor(means.snapshot.now / REFRESH_MS);
  return [means.snapshot.configuration.fingerprint, turn, ...proxies.map((seen) => signatureOf(seen, means))].join('\n');
}

const ORDER = ['problem', 'soft', 'withheld', 'new', 'ok', 'off'] as const;

/** Trouble first, otherwise in the order of the names. */
function byTrouble(checks: Seen[]): Seen[] {
  return [...checks].sort((a, b) => ORDER.indexOf(a.standing) - ORDER.indexOf(b.standing));
}

function toEvents({ snapshot, calendar }: Means): EventsView {
  const pages = new Map(snapshot.configuration.checks.map((check) => [check.id, pageOf(check)]));
  const days = new Map<string, EventsView['days'][number]>();
  for (const event of snapshot.events) {
    const at = calendar.full(event.at);
    const name = at.words.slice(0, 'Sun 2026-11-22'.length);
    const day = days.get(name) ?? { day: name, events: [] };
    days.set(name, day);
    const id = event.check ?? event.host ?? '';
    day.events.push({ ...toEventView(event, calendar), id, page: pages.get(event.check ?? '') ?? '' });
  }
  return { days: [...days.values()], count: snapshot.events.length };
}
