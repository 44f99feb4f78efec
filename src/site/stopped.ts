import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { toCalendar } from '../core/views-words.ts';
import { type Badge, toBadgeJson, toBadgePng, toBadgeSvg } from './badge.ts';
import { siteOfStatus, toForgottenJson } from './json.ts';
import { toForgottenMetrics } from './openmetrics.ts';
import { loadRenderer } from './renderer.ts';
import { STOP_MARK } from './stop-mark.ts';

/** Pages that answer a question; those of the public site's services do, those of the private one say as of when they are. */
const ANSWERS = { private: ['needed'], public: ['services'] };
/** Of which site a folder is that has lost its `status.json` cannot be told: no page of it is believed. */
const ALL_ANSWERS = Object.values(ANSWERS).flat();

/**
 * Puts a page that says so in the place of an overview that is no longer true, and of each page that answers a question: a page cannot
 * know that it is old. Words for scripts, `status.json` and badges become `unknown`, and `metrics.txt` says nothing of checks any more,
 * so that nobody releases by an answer of last week. What happened, as feeds tell it, stays true. The mark makes the next run publish,
 * which finds that these files are not as it wrote them, and writes its own again.
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
  const putPage = (path: string) => {
    const refresh = refreshOf(join(folder, path));
    put(join(folder, path), render.page('stopped.njk', path, { title, headline, refresh, seenAt: calendar.full(now) }));
  };
  put(join(folder, STOP_MARK), '');
  putPage('index.html');
  for (const inner of ['state', 'needed'])
    for (const name of namesIn(folder, inner, '.txt')) forgetState(join(folder, inner, name));
  for (const inner of answersIn(folder)) for (const name of namesIn(folder, inner, '.html')) putPage(`${inner}/${name}`);
  const stopped = { since: since === null ? null : calendar.full(since).iso, seen_at: calendar.full(now).iso };
  alter(join(folder, 'status.json'), (text) => toForgottenJson(text, stopped));
  alter(join(folder, 'metrics.txt'), toForgottenMetrics);
  for (const name of namesIn(folder, 'badge', '.json')) forgetBadge(join(folder, 'badge'), name.slice(0, -'.json'.length));
}

function answersIn(folder: string): string[] {
  const path = join(folder, 'status.json');
  const site = existsSync(path) ? siteOfStatus(readFileSync(path, 'utf8')) : null;
  return site === null ? ALL_ANSWERS : ANSWERS[site];
}

/** A page that asks for itself again goes on to do so: an open tab then shows by itself that monitoring is back. Seconds, 0 for never. */
function refreshOf(path: string): number {
  const head = existsSync(path) ? readFileSync(path, 'utf8').slice(0, 1000) : '';
  return Number(/<meta http-equiv="refresh" content="(\d{1,9})">/.exec(head)?.[1] ?? 0);
}

function namesIn(folder: string, inner: string, ending: string): string[] {
  const path = join(folder, inner);
  return existsSync(path) ? readdirSync(path).filter((name) => name.endsWith(ending) && !name.startsWith('.')) : [];
}

/** What another program may be reading; a file that is not there stays so. */
function alter(path: string, change: (text: string) => string): void {
  if (existsSync(path)) put(path, change(readFileSync(path, 'utf8')));
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
