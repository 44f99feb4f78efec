import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Site } from '../core/configuration.ts';
import type { Snapshot } from '../core/snapshot.ts';
import { toPublicChanges } from '../core/views-changes.ts';
import type { PublicIncident } from '../core/views-incidents.ts';
import { type Keyed, type PrivateView, toPrivateView } from '../core/views-private.ts';
import { type PublicService, type PublicView, toPublicView } from '../core/views-public.ts';
import type { MetricCatalogue } from '../core/views-words.ts';
import { BADGE_VERSION, toBadgeJson, toBadgePng, toBadgeSvg } from './badge.ts';
import { toPrivateFeed, toPublicFeed } from './feed.ts';
import { toPrivateJson, toPublicJson } from './json.ts';
import { toMetricsText } from './openmetrics.ts';
import { loadRenderer, type Renderer } from './renderer.ts';
import { STOP_MARK } from './stop-mark.ts';
import { type KeyedFile, type SiteCounts, type SiteFile, type SiteFiles, writeSite } from './writer.ts';

export type { SiteCounts } from './writer.ts';

/** Publishes both sites as they are configured; one that cannot be written does not stop the other. */
export async function publishSites(snapshot: Snapshot, catalogue: MetricCatalogue): Promise<SiteCounts> {
  const render = await loadRenderer();
  const { private: privateSite, public: publicSite } = snapshot.configuration.sites;
  const sites: [Site | null, () => SiteFiles][] = [
    [
      privateSite,
      () =>
        renderPrivateSite(render, toPrivateView(snapshot, catalogue), {
          json: toPrivateJson(snapshot),
          metrics: toMetricsText(snapshot),
          feed: toPrivateFeed(snapshot),
          refresh: privateSite?.refresh ?? 0,
        }),
    ],
    [publicSite, () => renderPublicSite(render, snapshot)],
  ];
  const counts: SiteCounts = { written: 0, unchanged: 0 };
  const errors: Error[] = [];
  for (const [site, toFiles] of sites) {
    if (site === null) continue;
    try {
      const { written, unchanged } = writeSite(site.output, toFiles(), String(snapshot.run.run));
      rmSync(join(site.output, STOP_MARK), { force: true });
      counts.written += written;
      counts.unchanged += unchanged;
    } catch (error) {
      errors.push(error instanceof Error ? error : new Error(String(error)));
    }
  }
  if (errors.length > 0) throw new Error(errors.map((error) => error.message).join('; '), { cause: errors[0] });
  return counts;
}

/** Stands in a page's foot for the run in which its content last changed, which only the writer knows. */
const RUN_STAMP = '{run}';

const QUIET: Pick<KeyedFile, 'isQuiet'> = { isQuiet: true };
const LASTING: Pick<KeyedFile, 'isQuiet' | 'isLasting'> = { isQuiet: true, isLasting: true };

export function renderPrivateSite(
  render: Renderer,
  view: PrivateView,
  { json, metrics, feed, refresh }: { json: string; metrics: string; feed: string; refresh: number },
): SiteFiles {
  const files: SiteFiles = readAssets();
  const frame = {
    title: view.title,
    zone: view.zone,
    stamp: RUN_STAMP,
    madeAt: view.madeAt,
    run: view.run,
    nextRunBy: view.nextRunBy,
    hasFleet: view.fleet.current !== null,
  };
  const page = <View extends object>(template: string, path: string, { key, make }: Keyed<View>, how = {}) =>
    files.set(path, {
      ...how,
      key: `${render.version}\n${key}`,
      make: () => toStamped(render.page(`private/${template}.njk`, path, { ...frame, ...make() })),
    });
  for (const owner of view.owners) {
    page('owner', owner.row.page, owner);
    files.set(`state/${owner.row.name}.txt`, `${owner.row.hard}\n`);
  }
  for (const check of view.checkPages) page('check-page', check.path, check, QUIET);
  for (const events of view.events) page('events', events.path, events, events.isOver ? LASTING : {});
  page('notifications', 'notifications.html', view.notices);
  for (const { path, state, view: need } of view.needs) {
    files.set(`${path}.html`, render.page('private/need.njk', `${path}.html`, { ...frame, need }));
    files.set(`${path}.txt`, `${state}\n`);
  }
  files.set('metrics.txt', metrics);
  files.set('feed.atom', feed);
  page('checks', 'checks.html', view.checks);
  page('runs', 'runs.html', view.runs);
  const { current, months } = view.fleet;
  if (current !== null) page('fleet', 'fleet.html', current);
  for (const month of months) page('fleet', `reports/${month.month}.html`, month);
  files.set('status.json', json);
  // The overview is made anew in every run: it says when, and bears no stamp.
  files.set('index.html', render.page('private/index.njk', 'index.html', { ...frame, refresh, ...view.overview }));
  return files;
}

export function renderPublicSite(render: Renderer, snapshot: Snapshot): SiteFiles {
  const view = toPublicView(snapshot);
  const files: SiteFiles = readAssets();
  const { title, madeAt, run, nextRunBy } = view;
  const frame = { title, madeAt, run, nextRunBy };
  for (const service of view.groups.flatMap((group) => group.services)) {
    const path = `services/${service.name}.html`;
    files.set(path, toStamped(render.page('public/service.njk', path, { ...frame, stamp: RUN_STAMP, service })));
    files.set(`state/${service.name}.txt`, `${service.state}\n`);
    addBadges(files, service);
  }
  addIncidents(files, render, view);
  files.set('status.json', toPublicJson(view));
  files.set('feed.atom', toPublicFeed(view, toPublicChanges(snapshot), snapshot.configuration.sites.public?.url ?? null));
  files.set('index.html', render.page('public/index.njk', 'index.html', { ...view, ...toShownIncidents(view), stamp: '' }));
  return files;
}

function addBadges(files: SiteFiles, { name, title, state }: PublicService): void {
  const badge = { name, title, state };
  files.set(`badge/${name}.json`, toBadgeJson(badge));
  files.set(`badge/${name}.svg`, toBadgeSvg(badge));
  files.set(`badge/${name}.png`, { key: `${BADGE_VERSION} ${JSON.stringify(badge)}`, make: () => toBadgePng(badge) });
}

/** Made anew only when their words change: their times are those of the incident, not of the run. */
function addIncidents(files: SiteFiles, render: Renderer, { title, incidents, months }: PublicView): void {
  const page = (template: string, path: string, shown: object) =>
    files.set(path, {
      key: `${render.version}\n${title}\n${JSON.stringify(shown)}`,
      make: () => toStamped(render.page(`public/${template}.njk`, path, { title, stamp: RUN_STAMP, ...shown })),
    });
  for (const incident of incidents) page('incident', incident.page, { incident });
  page('history', 'history.html', { months });
}

const LATELY_MS = 7 * 86_400_000;

/** The overview tells what is open, and names what ended within a week. */
function toShownIncidents({ incidents, madeAt }: PublicView): { open: PublicIncident[]; recent: PublicIncident[] } {
  const since = Date.parse(madeAt.iso) - LATELY_MS;
  return {
    open: incidents.filter(({ isOpen }) => isOpen),
    recent: incidents.filter(({ isOpen, ended }) => !isOpen && Date.parse(ended.iso) >= since),
  };
}

/** The stamp stands last in a page, after everything that a peer may have said. */
function toStamped(page: string): SiteFile {
  const at = page.lastIndexOf(RUN_STAMP);
  return at < 0 ? page : { before: page.slice(0, at), after: page.slice(at + RUN_STAMP.length) };
}

/** The style sheet and whatever else lies in `public/`: the build puts it beside this module. */
function readAssets(): SiteFiles {
  const folder = new URL('./public/', import.meta.url);
  return new Map(readdirSync(folder).map((name) => [name, readFileSync(new URL(name, folder))]));
}
