import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { toCalendar } from '../core/views-words.ts';
import { loadRenderer } from './renderer.ts';

/**
 * Puts a page that says so in the place of an overview that is no longer true: a page cannot know that it is old. The next run that
 * publishes finds that the file is not as it wrote it, and writes its own again.
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
  writeFileSync(join(folder, 'index.html'), page);
}
