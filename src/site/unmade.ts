import type { Snapshot } from '../core/snapshot.ts';
import { cleanText } from '../core/text.ts';
import { type Calendar, toCalendar } from '../core/views-words.ts';
import { toBadgeJson, toBadgePng, toBadgeSvg } from './badge.ts';
import type { Renderer } from './renderer.ts';
import type { FileFault, Remedy, Since, SiteFile } from './site-file.ts';

/** A page of a site that could not be made, and why: for us, never for the public. */
export interface PageFault {
  site: 'private' | 'public';
  path: string;
  reason: string;
}

export function toPageFault(site: PageFault['site'], { path, error }: FileFault): PageFault {
  return { site, path, reason: toReason(error) };
}

function toReason(error: unknown): string {
  return cleanText(String(error), 160);
}

const TOLD_AT_MOST = 5;

/** Sentences for the overview of the private site. */
export function describeFaults(faults: readonly FileFault[], zone: string): string[] {
  if (faults.length === 0) return [];
  const lines = faults.slice(0, TOLD_AT_MOST).map(({ path, since, error }) => {
    const { words } = toCalendar(zone, since.at).full(since.at);
    return `${path} could not be made since ${words}, run ${since.run}: ${toReason(error)}`;
  });
  const rest = faults.length - lines.length;
  return rest === 0 ? lines : [...lines, `${rest} more could not be made`];
}

/** Pages that answer a question are worth nothing when they are old; those of the public site might tell what is no longer public. */
const ANSWERS = /^(?:index\.html$|needed\/)/;
const MAIN = '<main id="Content">\n';
const OLDER = 'by a fault of vigie itself: what follows is older than that.</p>\n';

/**
 * In the place of a page comes one that says so in words; a page of the private site that only tells keeps its last version below such
 * a line. A badge says `unknown`. What bears its own time, as `status.json`, stays as it is.
 */
export function createRemedy(
  site: PageFault['site'],
  { configuration, run, now }: Snapshot,
  { render, isFatal }: { render: Renderer; isFatal: Remedy['isFatal'] },
): Remedy {
  const shown = configuration.sites[site];
  const isPrivate = site === 'private';
  const calendar = toCalendar(configuration.timezone, now);
  const toPage = (path: string, since: Since) => {
    const isIndex = path === 'index.html';
    return render.page('unmade.njk', path, {
      ...toMoment(since, calendar),
      title: shown?.title ?? configuration.title,
      isPrivate,
      refresh: isIndex ? (shown?.refresh ?? 0) : 0,
      links: isIndex ? toLinks(configuration, isPrivate) : [{ page: 'index.html', words: isPrivate ? 'Overview' : 'Services' }],
    });
  };
  return {
    now: { run: run.run, at: now },
    isFatal,
    keepsRest: isPrivate,
    replace: (path, since, last) => {
      if (path.startsWith('badge/')) return toUnknownBadge(path);
      if (!path.endsWith('.html')) return null;
      if (!isPrivate || ANSWERS.test(path) || last === null) return toPage(path, since);
      if (last.includes(OLDER)) return last;
      const [head, ...rest] = last.split(MAIN);
      const line = render.page('older.njk', path, toMoment(since, calendar));
      return rest.length === 0 ? toPage(path, since) : `${head}${MAIN}${line}${rest.join(MAIN)}`;
    },
  };
}

function toMoment({ run, at }: Since, calendar: Calendar) {
  return { since: calendar.full(at), run };
}

/** Where to look instead of the overview. */
function toLinks({ services, hosts }: Snapshot['configuration'], isPrivate: boolean): { page: string; words: string }[] {
  if (!isPrivate) {
    const open = Object.values(services).flatMap(({ name, public: told }) => (told === null ? [] : [{ name, title: told.title }]));
    return open.map(({ name, title }) => ({ page: `services/${name}.html`, words: title }));
  }
  return [
    { page: 'events.html', words: 'Events' },
    { page: 'checks.html', words: 'Checks' },
    ...Object.values(services).map(({ name, title }) => ({ page: `services/${name}.html`, words: title })),
    ...Object.values(hosts).map(({ name }) => ({ page: `hosts/${name}.html`, words: name })),
  ];
}

function toUnknownBadge(path: string): SiteFile {
  const [, name = '', ending] = /^badge\/(.*)\.(json|svg|png)$/.exec(path) ?? [];
  const badge = { name, title: name, state: 'unknown' as const };
  return ending === 'json' ? toBadgeJson(badge) : ending === 'svg' ? toBadgeSvg(badge) : toBadgePng(badge);
}
