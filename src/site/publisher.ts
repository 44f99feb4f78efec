import { readdirSync, readFileSync } from 'node:fs';
import type { Site } from '../core/configuration.ts';
import type { Snapshot } from '../core/snapshot.ts';
import { type Keyed, type PrivateView, toPrivateView } from '../core/views-private.ts';
import { type PublicView, toPublicView } from '../core/views-public.ts';
import type { MetricCatalogue } from '../core/views-words.ts';
import { toPrivateJson, toPublicJson } from './json.ts';
import { toMetricsText } from './openmetrics.ts';
import { loadRenderer, type Renderer } from './renderer.ts';
import { type SiteCounts, type SiteFile, type SiteFiles, writeSite } from './writer.ts';

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
        }),
    ],
    [publicSite, () => renderPublicSite(render, toPublicView(snapshot))],
  ];
  const counts: SiteCounts = { written: 0, unchanged: 0 };
  const errors: Error[] = [];
  for (const [site, toFiles] of sites) {
    if (site === null) continue;
    try {
      const { written, unchanged } = writeSite(site.output, toFiles(), String(snapshot.run.run));
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

export function renderPrivateSite(
  render: Renderer,
  view: PrivateView,
  { json, metrics }: { json: string; metrics: string },
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
  const page = <View extends object>(template: string, path: string, { key, make }: Keyed<View>, isQuiet = false) =>
    files.set(path, {
      isQuiet,
      key: `${render.version}\n${key}`,
      make: () => toStamped(render.page(`private/${template}.njk`, path, { ...frame, ...make() })),
    });
  for (const owner of view.owners) {
    page('owner', owner.row.page, owner);
    files.set(`state/${owner.row.name}.txt`, `${owner.row.hard}\n`);
  }
  for (const check of view.checkPages) page('check-page', check.path, check, true);
  for (const events of view.events) page('events', events.path, events);
  page('notifications', 'notifications.html', view.notices);
  for (const { path, state, view: need } of view.needs) {
    files.set(`${path}.html`, render.page('private/need.njk', `${path}.html`, { ...frame, need }));
    files.set(`${path}.txt`, `${state}\n`);
  }
  files.set('metrics.txt', metrics);
  page('checks', 'checks.html', { key: view.checks.key, make: () => ({ ...view.checks.make(), windows: view.windows }) });
  page('runs', 'runs.html', view.runs);
  const { current, months } = view.fleet;
  if (current !== null) page('fleet', 'fleet.html', current);
  for (const month of months) page('fleet', `reports/${month.month}.html`, month);
  files.set('status.json', json);
  // The overview is made anew in every run: it says when, and bears no stamp.
  files.set('index.html', render.page('private/index.njk', 'index.html', { ...frame, ...view.overview }));
  return files;
}

export function renderPublicSite(render: Renderer, view: PublicView): SiteFiles {
  const files: SiteFiles = readAssets();
  const { groups, ...frame } = view;
  for (const service of groups.flatMap((group) => group.services)) {
    const path = `services/${service.name}.html`;
    files.set(path, toStamped(render.page('public/service.njk', path, { ...frame, stamp: RUN_STAMP, service })));
    files.set(`state/${service.name}.txt`, `${service.state}\n`);
  }
  files.set('status.json', toPublicJson(view));
  files.set('index.html', render.page('public/index.njk', 'index.html', { ...frame, groups, stamp: '' }));
  return files;
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
