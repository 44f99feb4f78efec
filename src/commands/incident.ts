import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatTime, toTimestamp } from '../core/calendar.ts';
import type { Configuration } from '../core/configuration.ts';
import type { Status } from '../core/status.ts';
import { cleanText } from '../core/text.ts';
import { openHistoryForReading } from '../store/database.ts';
import { readStatuses } from '../store/history.ts';
import { type Command, EXIT, UsageError } from './command.ts';
import { findIncidents, loadFor } from './load.ts';
import { authorOf, takeText, takeTime, textOf } from './person.ts';

/** An incident is a file that people write and keep: Markdown with front matter, for the public page. */
export const incident: Command = {
  usage: 'incident new --title TEXT [--service NAME,NAME] [--since T] [--reported-by WHO]',
  takes: ['new'],
  summary: 'writes an incident file into incidents/',
  options: { title: { type: 'string' }, service: { type: 'string' }, since: { type: 'string' }, 'reported-by': { type: 'string' } },
  help: [
    '--title TEXT        for the public page',
    '--service NAMES     the services that it hurts, with commas between',
    '--since T           when it began; default: when the oldest problem of these services began, else now',
    '--reported-by WHO   vigie (default), or who saw it first: how often that were others is measured',
  ],
  async run(context, given) {
    const title = takeText('incident new', given, 'title', 120);
    const { configuration } = await loadFor(context, 'read');
    const { now } = context;
    const services = takeServices(textOf(given, 'service'), configuration);
    const since = textOf(given, 'since');
    const started =
      since === null
        ? (oldestProblem(configuration, services) ?? now)
        : takeTime('incident new', 'since', since, { zone: configuration.timezone, now });
    const reportedBy = cleanText(textOf(given, 'reported-by') ?? 'vigie', 60) || 'vigie';
    const { folder } = findIncidents(context, configuration);
    const text = incidentText({
      title,
      services,
      started,
      reportedBy,
      author: authorOf(context),
      now,
      zone: configuration.timezone,
    });
    context.out(`${writeNew(folder, `${toTimestamp(started).slice(0, 10)}-${toSlug(title)}`, text)}\n`);
    return EXIT.done;
  },
};

function takeServices(text: string | null, { services }: Configuration): string[] {
  const names = (text ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  for (const name of names) {
    if (!Object.hasOwn(services, name))
      throw new UsageError(
        `incident new: --service: no service ${JSON.stringify(name)}, expected one of ${Object.keys(services).join(', ')}`,
      );
  }
  return names;
}

function oldestProblem({ state, checks }: Configuration, services: string[]): number | null {
  const database = openHistoryForReading(state);
  if (database === null || services.length === 0) return null;
  const statuses: Map<string, Status> = readStatuses(database);
  database.close();
  const hurt = checks.filter(({ service }) => service !== null && services.includes(service));
  const onsets = hurt.flatMap(({ id }) => statuses.get(id)?.problem?.onset ?? []);
  return onsets.length === 0 ? null : Math.min(...onsets);
}

/** ASCII letters, digits and dashes: a name of a file and of a page. */
function toSlug(title: string): string {
  const plain = title
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '');
  return plain.slice(0, 40).replace(/-+$/, '') || 'incident';
}

interface Incident {
  title: string;
  services: string[];
  started: number;
  reportedBy: string;
  author: string;
  now: number;
  zone: string;
}

/** YAML's double-quoted style takes every string of JSON. */
function incidentText({ title, services, started, reportedBy, author, now, zone }: Incident): string {
  return `---
title: ${JSON.stringify(title)}
services: [${services.join(', ')}]
started: ${toTimestamp(started)}
ended:
reported_by: ${JSON.stringify(reportedBy)}
author: ${JSON.stringify(author)}
---

What people see, in their words: who is hurt, and what they can do meanwhile.

## ${formatTime(now, zone)}

We are aware of it and look into it.
`;
}

/** A file of that name may be there already: nobody's words are overwritten. */
function writeNew(folder: string, name: string, text: string): string {
  try {
    mkdirSync(folder, { recursive: true });
    for (let n = 1; ; n += 1) {
      const path = join(folder, `${name}${n === 1 ? '' : `-${n}`}.md`);
      if (existsSync(path)) continue;
      writeFileSync(path, text, { flag: 'wx' });
      return path;
    }
  } catch (error) {
    throw new UsageError(`incident new: cannot write in ${folder}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}
