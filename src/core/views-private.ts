import type { Check } from './configuration.ts';
import { checkPageOf, pageOf } from './item-facts.ts';
import type { Snapshot } from './snapshot.ts';
import type { State } from './state.ts';
import { type CheckPageView, toCheckPage } from './views-check-page.ts';
import { type ChecksView, toChecksView } from './views-configuration.ts';
import { toEventsPages } from './views-events.ts';
import { hasEvents } from './views-events-owners.ts';
import type { EventsView } from './views-events-view.ts';
import { attempt, type Keyed, type Spoiled, toKeyed } from './views-faults.ts';
import { type FleetView, toFleetView } from './views-fleet.ts';
import { type Means, type Seen, seeCheck, signatureOf, toMeans, toUnseen } from './views-means.ts';
import { type NeedView, toNeeds, toNeedView } from './views-needed.ts';
import { type NoticesView, toNoticesView } from './views-notices.ts';
import { type OverviewView, type OwnerRow, toOverview, toOwnerRow, toUnknownRow } from './views-overview.ts';
import { type Owner, ownersOf } from './views-owner.ts';
import { type OwnerView, sourcesOf, toOwnerView } from './views-owner-page.ts';
import { type RunsView, toRunsView } from './views-runs.ts';
import { type MetricCatalogue, type Moment, toCalendar } from './views-words.ts';

/** Everything that the private site says, as plain text and numbers. */
export interface PrivateView {
  title: string;
  madeAt: Moment;
  run: number;
  nextRunBy: Moment;
  zone: string;
  overview: () => OverviewView;
  /** Pages of services and hosts, each made only when its key has changed. */
  owners: (Keyed<OwnerView> & { row: OwnerRow })[];
  events: (Keyed<EventsView> & { path: string; isOver: boolean })[];
  notices: Keyed<NoticesView>;
  checks: Keyed<ChecksView>;
  runs: Keyed<RunsView>;
  fleet: FleetView;
  /** One page for each check, by its path. */
  checkPages: (Keyed<CheckPageView> & { path: string })[];
  /** Who is hurt: one page for each word of `needed_by`, by its path without ending, and its word for scripts. */
  needs: { path: string; state: State; view: () => NeedView }[];
}

/** What cannot be made goes to `spoiled`, by its page. */
export function toPrivateView(snapshot: Snapshot, catalogue: MetricCatalogue, spoiled: Spoiled = new Map()): PrivateView {
  const { configuration, now } = snapshot;
  const calendar = toCalendar(configuration.timezone, now);
  const means = toMeans(snapshot, catalogue, calendar);
  const seen = seeChecks(means, spoiled);
  const checks = [...seen.values()];
  const needs = toNeeds(means, spoiled);
  const rows = toRows(ownersOf(configuration, seen), means, spoiled);
  const hurt = needs.map(({ row }) => row);
  return {
    title: configuration.sites.private?.title ?? configuration.title,
    madeAt: calendar.full(now),
    run: snapshot.run.run,
    nextRunBy: calendar.short(snapshot.nextRunBy),
    zone: configuration.timezone,
    overview: () => toOverview(checks, rows, { means, hurt }),
    owners: [...rows].map(([owner, row], place) => {
      const key = () => keyOf(owner, row, turnOf(now, place / rows.size), means);
      return { row, ...toKeyed(key, () => toOwnerView(owner, row, means)) };
    }),
    events: attempt(
      spoiled,
      () => ['events.html'],
      () => toEventsPages(means),
      () => [],
    ),
    notices: toKeyed(
      () => noticesKey(means),
      () => toNoticesView(means),
    ),
    checks: toKeyed(
      () => checksKey(checks, means),
      () => toChecksView(checks, means),
    ),
    runs: toKeyed(
      () => runsKey(snapshot),
      () => toRunsView(snapshot, calendar),
    ),
    fleet: toFleetView(snapshot),
    checkPages: toCheckPages(checks, means),
    needs: needs.map(({ need, path, row }) => ({ path, state: row.word, view: () => toNeedView(need(), seen, means) })),
  };
}

/** One that cannot be seen has no page of its own, nor has its owner; on the others it is not judged. */
function seeChecks(means: Means, spoiled: Spoiled): Map<string, Seen> {
  const pagesOf = (check: Check) => [checkPageOf(check), pageOf(check).replace(/#.*/, '')];
  return new Map(
    means.snapshot.configuration.checks.map((check) => [
      check.id,
      attempt(
        spoiled,
        () => pagesOf(check),
        () => seeCheck(check, means),
        () => toUnseen(check),
      ),
    ]),
  );
}

function toRows(owners: Owner[], means: Means, spoiled: Spoiled): Map<Owner, OwnerRow> {
  return new Map(
    owners.map((owner) => {
      const unknown = toUnknownRow(owner);
      const row = attempt(
        spoiled,
        () => [unknown.page],
        () => toOwnerRow(owner, means),
        () => unknown,
      );
      return [owner, row];
    }),
  );
}

/**
 * Calm checks' own pages are made so many in a run, in turn: their charts move slowly, and a run has its budget. None gets older than
 * half a day.
 */
const CALM_PAGES_A_RUN = 4;
const OLDEST_CALM_PAGE_MS = 12 * 3_600_000;

function toCheckPages(checks: Seen[], means: Means): PrivateView['checkPages'] {
  const { snapshot } = means;
  const { interval, fingerprint } = snapshot.configuration;
  const round = (checks.length / CALM_PAGES_A_RUN) * interval * 1000;
  const period = Math.min(Math.max(REFRESH_MS, round), OLDEST_CALM_PAGE_MS);
  return checks.map((one, place) => ({
    path: checkPageOf(one.check),
    ...toKeyed(
      () => `${fingerprint}\n${turnOf(snapshot.now, place / checks.length, period)}\n${signatureOf(one, means)}`,
      () => toCheckPage(one, means),
    ),
  }));
}

/** A calm page is made again after so long at the latest: its figures and bars move slowly. */
const REFRESH_MS = 20 * 60_000;

/** Pages take turns, by their share of the list, so that no run makes them all again. */
function turnOf(now: number, share: number, period = REFRESH_MS): number {
  return Math.floor(now / period + share);
}

function keyOf(owner: Owner, row: OwnerRow, turn: number, means: Means): string {
  const { configuration } = means.snapshot;
  const signatures = [...owner.own, ...owner.related].map((seen) => signatureOf(seen, means));
  // Reboots and such are not of a check.
  const whole = means.hostEvents.get(owner.name)?.[0]?.run ?? '';
  // The link to its events goes when the last of them is forgotten.
  const { ids, host } = sourcesOf(owner);
  const isTold = hasEvents(ids, host, means);
  const changes = (means.snapshot.said?.changes ?? []).filter(({ target }) => target === owner.name).map(({ number }) => number);
  return [configuration.fingerprint, turn, row.words, whole, isTold, changes.join(' '), ...signatures].join('\n');
}

/** Mail, what waits and what was held back. */
function noticesKey({ snapshot }: Means): string {
  const { events, messages, notices, configuration } = snapshot;
  const states = messages.map(({ message, state, attempts }) => `${message} ${state} ${attempts}`);
  return [configuration.fingerprint, notices.stamp, events.length, events[0]?.run, events[0]?.check, ...states].join('\n');
}

/** What went wrong with a run shows at once; that runs come as they should, a little later. */
function runsKey({ runs, configuration, now }: Snapshot): string {
  const unfinished = runs.find((run, i) => i > 0 && run.durationMs === null)?.run;
  return [configuration.fingerprint, Math.floor(now / REFRESH_MS), unfinished, runs[0]?.items].join('\n');
}

function checksKey(checks: Seen[], means: Means): string {
  const proxies = checks.filter(({ check }) => check.service === null && check.host === null);
  const turn = proxies.length === 0 ? 0 : Math.floor(means.snapshot.now / REFRESH_MS);
  return [means.snapshot.configuration.fingerprint, turn, ...proxies.map((seen) => signatureOf(seen, means))].join('\n');
}
