import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Site } from '../core/configuration.ts';
import type { Snapshot } from '../core/snapshot.ts';
import { toPublicChanges } from '../core/views-changes.ts';
import type { Keyed, Spoiled } from '../core/views-faults.ts';
import type { PublicIncident } from '../core/views-incidents.ts';
import { type PrivateView, toPrivateView } from '../core/views-private.ts';
import { type PublicView, toPublicView } from '../core/views-public.ts';
import type { PublicService } from '../core/views-public-service.ts';
import type { MetricCatalogue } from '../core/views-words.ts';
import { BADGE_VERSION, toBadgeJson, toBadgePng, toBadgeSvg } from './badge.ts';
import { toPrivateFeed, toPublicFeed } from './feed.ts';
import { toPrivateJson, toPublicJson } from './json.ts';
import { toMetricsText } from './openmetrics.ts';
import { loadRenderer, type Renderer } from './renderer.ts';
import type { FileFault, KeyedFile, SiteFile, SiteFiles } from './site-file.ts';
import { STOP_MARK } from './stop-mark.ts';
import { createRemedy, describeFaults, type PageFault, toPageFault } from './unmade.ts';
import { type SiteCounts, writeSite } from './writer.ts';

export type { SiteCounts } from './writer.ts';

/** What the program that calls knows of an error: a history that cannot be read is no fault of a page. */
type IsFatal = (error: unknown) => boolean;

/** Publishes both sites as they are configured; neither one that cannot be written nor a page that cannot be made stops another. */
export async function publishSites(
  snapshot: Snapshot,
  catalogue: MetricCatalogue,
  isFatal: IsFatal = () => false,
): Promise<SiteCounts & { faults: PageFault[] }> {
  const render = await loadRenderer();
  const { private: privateSite, public: publicSite } = snapshot.configuration.sites;
  const spoiled: Record<PageFault['site'], Spoiled> = { private: new Map(), public: new Map() };
  const sites: [PageFault['site'], Site | null, () => SiteFiles][] = [
    [
      'private',
      privateSite,
      () =>
        renderPrivateSite(render, toPrivateView(snapshot, catalogue, spoiled.private), {
          json: () => toPrivateJson(snapshot),
          metrics: () => toMetricsText(snapshot),
          feed: () => toPrivateFeed(snapshot),
          refresh: privateSite?.refresh ?? 0,
          spoiled: spoiled.private,
        }),
    ],
    ['public', publicSite, () => renderPublicSite(render, snapshot, spoiled.public)],
  ];
  const counts: SiteCounts = { written: 0, unchanged: 0 };
  const faults: PageFault[] = [];
  const errors: Error[] = [];
  for (const [name, site, toFiles] of sites) {
    if (site === null) continue;
    try {
      const remedy = createRemedy(name, snapshot, { render, isFatal });
      const { written, unchanged, faults: found } = writeSite(site.output, toFiles(), String(snapshot.run.run), remedy);
      rmSync(join(site.output, STOP_MARK), { force: true });
      counts.written += written;
      counts.unchanged += unchanged;
      faults.push(...found.map((fault) => toPageFault(name, fault)));
    } catch (error) {
      errors.push(error instanceof Error ? error : new Error(String(error)));
    }
  }
  if (errors.length > 0) throw new Error(errors.map((error) => error.message).join('; '), { cause: errors[0] });
  return { ...counts, faults };
}

/** Stands in a page's foot for the run in which its content last changed, which only the writer knows. */
const RUN_STAMP = '{run}';

const QUIET: Pick<KeyedFile, 'isQuiet'> = { isQuiet: true };
const LASTING: Pick<KeyedFile, 'isQuiet' | 'isLasting'> = { isQuiet: true, isLasting: true };

/** What other programs read, each made when it is written. */
type PrivateTexts = Record<'json' | 'metrics' | 'feed', () => string>;

export function renderPrivateSite(
  render: Renderer,
  view: PrivateView,
  { refresh, spoiled, ...texts }: PrivateTexts & { refresh: number; spoiled: Spoiled },
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
  for (const { path, state, view: toNeed } of view.needs) {
    const shown = () => render.page('private/need.njk', `${path}.html`, { ...frame, need: toNeed() });
    files.set(`${path}.html`, { key: null, make: shown });
    files.set(`${path}.txt`, `${state}\n`);
  }
  files.set('metrics.txt', { key: null, make: texts.metrics });
  files.set('feed.atom', { key: null, make: texts.feed });
  page('checks', 'checks.html', view.checks);
  page('runs', 'runs.html', view.runs);
  const { current, months } = view.fleet;
  if (current !== null) page('fleet', 'fleet.html', current);
  for (const month of months) page('fleet', `reports/${month.month}.html`, month);
  files.set('status.json', { key: null, make: texts.json });
  setSpoiled(files, spoiled);
  if (!spoiled.has('index.html'))
    files.set('index.html', { key: null, make: toOverviewMaker(render, view, { ...frame, refresh }) });
  return files;
}

/** The overview is made anew in every run: it says when, and bears no stamp. It comes last and knows what could not be made. */
function toOverviewMaker(render: Renderer, view: PrivateView, frame: object): (faults: readonly FileFault[]) => string {
  return (faults) => {
    const shown = view.overview();
    const banners = [...shown.banners, ...describeFaults(faults, view.zone)];
    return render.page('private/index.njk', 'index.html', { ...frame, ...shown, banners });
  };
}

export function renderPublicSite(render: Renderer, snapshot: Snapshot, spoiled: Spoiled = new Map()): SiteFiles {
  const view = toPublicView(snapshot, spoiled);
  const files: SiteFiles = readAssets();
  const { title, madeAt, run, nextRunBy } = view;
  const frame = { title, madeAt, run, nextRunBy };
  for (const service of view.groups.flatMap((group) => group.services)) {
    const path = `services/${service.name}.html`;
    const shown = () => toStamped(render.page('public/service.njk', path, { ...frame, stamp: RUN_STAMP, service }));
    files.set(path, { key: null, make: shown });
    files.set(`state/${service.name}.txt`, `${service.state}\n`);
    addBadges(files, service);
  }
  addIncidents(files, render, view);
  const url = snapshot.configuration.sites.public?.url ?? null;
  files.set('status.json', { key: null, make: () => toPublicJson(view) });
  files.set('feed.atom', { key: null, make: () => toPublicFeed(view, toPublicChanges(snapshot), url) });
  const overview = (faults: readonly FileFault[]) =>
    render.page('public/index.njk', 'index.html', { ...view, ...toShownIncidents(view), stamp: '', unmade: faults.length });
  setSpoiled(files, spoiled);
  if (!spoiled.has('index.html')) files.set('index.html', { key: null, make: overview });
  return files;
}

function addBadges(files: SiteFiles, { name, title, state }: PublicService): void {
  const badge = { name, title, state };
  files.set(`badge/${name}.json`, { key: null, make: () => toBadgeJson(badge) });
  files.set(`badge/${name}.svg`, { key: null, make: () => toBadgeSvg(badge) });
  files.set(`badge/${name}.png`, { key: `${BADGE_VERSION} ${JSON.stringify(badge)}`, make: () => toBadgePng(badge) });
}

/** What was found to be spoiled while the views were made is so when the page is. */
function setSpoiled(files: SiteFiles, spoiled: Spoiled): void {
  for (const [path, error] of spoiled)
    files.set(path, {
      key: null,
      make: () => {
        throw error;
      },
    });
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
