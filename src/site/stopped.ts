import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { toCalendar } from '../core/views-words.ts';
import { type Badge, toBadgeJson, toBadgePng, toBadgeSvg } from './badge.ts';
import { loadRenderer } from './renderer.ts';
import { STOP_MARK } from './stop-mark.ts';

/**
 * Puts a page that says so in the place of an overview that is no longer true: a page cannot know that it is old. Words for scripts and
 * badges become `unknown`, so that nobody releases by an answer of last week. The mark makes the next run publish, which finds that
 * these files are not as it wrote them, and writes its own again.
 */
export async function replaceStalePage(
  folder: string,
  known: {
    title: string;
    zone: string;
    now: number /** Start of the last run, milliseconds since 1970; null when unknown. */;
    since: number | null;
  },
): Promise<void> {
  const { title, zone, now, since } = known;
  const calendar = toCalendar(zone, now);
  const headline = since === null ? 'Monitoring has stopped.' : `Monitoring has stopped since ${calendar.full(since).words}.`;
  const render = await loadRenderer();
  const page = render.page('stopped.njk', 'index.html', { title, headline, seenAt: calendar.full(now) });
  put(join(folder, STOP_MARK), '');
  put(join(folder, 'index.html'), page);
  for (const inner of ['state', 'needed'])
    for (const name of namesIn(folder, inner, '.txt')) forgetState(join(folder, inner, name));
  for (const name of namesIn(folder, 'badge', '.json')) forgetBadge(join(folder, 'badge'), name.slice(0, -'.json'.length));
}

function namesIn(folder: string, inner: string, ending: string): string[] {
  const path = join(folder, inner);
  return existsSync(path) ? readdirSync(path).filter((name) => name.endsWith(ending) && !name.startsWith('.')) : [];
}

/** The private site says `OK` and `UNKNOWN`, the public one `operational` and `unknown`. */
function forgetState(path: string): void {
  put(path, /^[A-Z]/.test(readFileSync(path, 'utf8')) ? 'UNKNOWN\n' : 'unknown\n');
}

function forgetBadge(folder: string, name: string): void {
  const path = join(folder, name);
  const { label } = JSON.parse(readFileSync(`${path}.json`, 'utf8')) as { label: string };
  const badge: Badge = { name, title: label, state: 'unknown' };
  put(`${path}.json`, toBadgeJson(badge));
  put(`${path}.svg`, toBadgeSvg(badge));
  put(`${path}.png`, toBadgePng(badge));
}

/** Never half of it: a reader sees the old file or the new one. */
function put(path: string, content: string | Buffer): void {
  const temporary = `${path}.vigie-new`;
  writeFileSync(temporary, content);
  renameSync(temporary, path);
}
