import { pageOf } from './notify.ts';
import { WINDOWS } from './run-record.ts';
import type { Snapshot } from './snapshot.ts';
import {
  type CheckView,
  type EventView,
  type Means,
  type Seen,
  seeCheck,
  toCheckView,
  toEventView,
  toMeans,
} from './views-check.ts';
import { type ChecksView, toChecksView } from './views-configuration.ts';
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
  owners: OwnerView[];
  events: { days: { day: string; events: (EventView & { id: string; page: string })[] }[]; count: number };
  checks: ChecksView;
  runs: RunsView;
  windows: readonly string[];
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
    owners: [...rows].map(([owner, row]) => toOwnerView(owner, row, means)),
    events: toEvents(means),
    checks: toChecksView([...seen.values()], means),
    runs: toRunsView(snapshot, calendar),
    windows: WINDOWS,
  };
}

function toOwnerView(owner: Owner, row: OwnerRow, means: Means): OwnerView {
  return {
    row,
    facts: owner.facts,
    notes: owner.notes ?? '',
    windows: WINDOWS,
    checks: byTrouble(owner.own).map((seen) => toCheckView(seen, means)),
    elsewhere: byTrouble(owner.related).map((seen) => toSmallRow(seen, means)),
  };
}

const ORDER = ['problem', 'soft', 'withheld', 'new', 'ok', 'off'] as const;

/** Trouble first, otherwise in the order of the names. */
function byTrouble(checks: Seen[]): Seen[] {
  return [...checks].sort((a, b) => ORDER.indexOf(a.standing) - ORDER.indexOf(b.standing));
}

function toEvents({ snapshot, calendar }: Means): PrivateView['events'] {
  const pages = new Map(snapshot.configuration.checks.map((check) => [check.id, pageOf(check)]));
  const days = new Map<string, PrivateView['events']['days'][number]>();
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
