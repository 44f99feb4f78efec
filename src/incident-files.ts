import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readTree } from './config/read.ts';
import { toPlain } from './config/tree.ts';
import { parseTime } from './core/calendar.ts';
import { type Block, type Incident, toPlainText, type Update } from './core/incident.ts';
import { cleanText } from './core/text.ts';
import type { IncidentPlaces, IncidentStamps, ReadIncidents } from './incidents.ts';
import { parseMarkdown } from './site/markdown.ts';

const MAX_BYTES = 64 * 1024;

/** Reads the files that changed. A file that has become bad is shown as it last was good, and said to be bad. */
export function readChangedIncidents(
  { folder, timezone }: Pick<IncidentPlaces, 'folder' | 'timezone'>,
  stamps: IncidentStamps,
  kept: ReadIncidents,
  isSameReading: boolean,
): ReadIncidents {
  const files: ReadIncidents['files'] = {};
  for (const [name, stamp] of Object.entries(stamps)) {
    const known = kept.files[name];
    if (isSameReading && known?.stamp === stamp) {
      files[name] = known;
      continue;
    }
    try {
      if (stamp === 'no file') throw new Error('not a regular file, expected one');
      files[name] = { stamp, incident: parseIncident(name, readFileSync(join(folder, name)), timezone), problem: null };
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      const incident = known?.incident ?? null;
      const shown = incident === null ? 'it is not shown' : 'it is shown as it last was good';
      files[name] = { stamp, incident, problem: cleanText(`incidents/${name}: ${message}; ${shown}`, 300) };
    }
  }
  return { by: kept.by, files };
}

/** Throws with what is wrong, what was expected and what was found. */
export function parseIncident(file: string, bytes: Buffer, zone: string): Incident {
  if (bytes.length > MAX_BYTES) throw new Error(`too long, expected at most 64 KiB, found ${bytes.length} bytes`);
  const text = decode(bytes);
  const [, head, body] = /^---[ \t]*\n([\s\S]*?)\n---[ \t]*(?:\n([\s\S]*))?$/.exec(text) ?? [];
  if (head === undefined) throw new Error('no front matter, expected lines between two lines of ---');
  const front = readFront(file, head, zone);
  return { name: file.replace(/\.md$/, ''), ...front, ...toUpdates(parseMarkdown(body ?? ''), zone) };
}

function decode(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes).replace(/\r\n?/g, '\n');
  } catch (error) {
    throw new Error('not text, expected UTF-8', { cause: error });
  }
}

const KEYS = ['title', 'services', 'started', 'ended', 'reported_by', 'author'];

function readFront(file: string, head: string, zone: string): Omit<Incident, 'name' | 'intro' | 'updates'> {
  const { root, problems } = readTree(file, head);
  const [problem] = problems;
  // The front matter begins on the second line of the file.
  if (problem !== undefined) throw new Error(`line ${problem.line + 1}: ${problem.message}`);
  const values = (root === undefined ? {} : toPlain(root)) as Record<string, unknown>;
  const unknown = Object.keys(values).find((key) => !KEYS.includes(key));
  if (unknown !== undefined) throw new Error(`unknown key, expected ${KEYS.join(', ')}, found ${JSON.stringify(unknown)}`);
  const title = takeLine(values, 'title', 120);
  if (title === '') throw new Error('title: missing, expected what people see');
  const started = takeMoment(values, 'started', zone);
  if (started === null) throw new Error('started: missing, expected a time such as 2026-12-01T08:00Z');
  const ended = takeMoment(values, 'ended', zone);
  if (ended !== null && ended < started) throw new Error('ended: before it started, expected a later time');
  const services = values['services'] ?? [];
  if (!Array.isArray(services) || !services.every((name) => typeof name === 'string'))
    throw new Error(`services: expected a list of names, found ${JSON.stringify(services)}`);
  const reportedBy = takeLine(values, 'reported_by', 60) || 'vigie';
  return { title, services, started, ended, reportedBy, author: takeLine(values, 'author', 60) };
}

function takeLine(values: Record<string, unknown>, key: string, maxLength: number): string {
  const value = values[key] ?? '';
  if (typeof value !== 'string' && typeof value !== 'number')
    throw new Error(`${key}: expected text, found ${JSON.stringify(value)}`);
  return cleanText(String(value), maxLength);
}

function takeMoment(values: Record<string, unknown>, key: string, zone: string): number | null {
  const value = values[key];
  if (value === undefined) return null;
  const at = typeof value === 'string' ? parseTime(value.trim(), zone) : null;
  if (at === null) throw new Error(`${key}: not a time, expected one such as 2026-12-01T08:00Z, found ${JSON.stringify(value)}`);
  return at;
}

/** What stands before the first heading tells it as a whole; each heading below begins what was told at one time. */
function toUpdates(blocks: Block[], zone: string): Pick<Incident, 'intro' | 'updates'> {
  const intro: Block[] = [];
  const updates: Update[] = [];
  for (const block of blocks) {
    if (block.kind === 'heading') updates.push({ ...readHeading(cleanText(toPlainText([block])), zone), blocks: [] });
    else (updates.at(-1)?.blocks ?? intro).push(block);
  }
  return { intro, updates };
}

/** `Sun 2026-11-22 14:05 CET (13:05 UTC)` as `vigie incident new` writes it, or a time in any form with words behind it. */
const HEADING =
  /^(?:[A-Z][a-z]{2} )?(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d)(?::\d\d)?(Z|[+-]\d\d:?\d\d| UTC\b)?(?: [A-Z]{2,5}\b)?(?: \([^)]*UTC\))?[ ,:–—-]*(.*)$/;

function readHeading(words: string, zone: string): Pick<Update, 'at' | 'title'> {
  const [, date = '', time = '', offset = '', title = ''] = HEADING.exec(words) ?? [];
  const at = parseTime(`${date}T${time}${offset === ' UTC' ? 'Z' : offset}`, zone);
  return at === null ? { at, title: words } : { at, title };
}
