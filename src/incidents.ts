import { lstatSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Incident, type IncidentBook, NO_INCIDENTS } from './core/incident.ts';

/** Size and time of each file, by name: what an ordinary run looks at. */
export type IncidentStamps = Record<string, string>;

export const INCIDENT_FILE = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}\.md$/;

export function stampIncidents(folder: string): IncidentStamps {
  const stamps: IncidentStamps = {};
  for (const name of listNames(folder)) {
    const found = lstatSync(join(folder, name), { throwIfNoEntry: false });
    // What a symbolic link points to may be anybody's secret.
    if (found !== undefined) stamps[name] = found.isFile() ? `${found.size} ${found.mtimeMs}` : 'no file';
  }
  return stamps;
}

/** The names of the folder; one that is not there has none. */
function listNames(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => INCIDENT_FILE.test(name))
      .sort();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    throw error;
  }
}

/** What was read last: the parser is loaded only for a file that has changed since. */
export interface ReadIncidents {
  /** By which reading, so that a newer vigie reads anew. */
  by: string;
  files: Record<string, { stamp: string; incident: Incident | null; problem: string | null }>;
}

export interface IncidentPlaces {
  /** Where people write them. */
  folder: string;
  /** Where it is kept what was read. */
  state: string;
  timezone: string;
  version: string;
}

/** A folder that cannot be read is a problem like a bad file: pages are made without it. `keeps` is false for who only looks. */
export async function readIncidents(places: IncidentPlaces, keeps = true): Promise<IncidentBook> {
  try {
    const stamps = stampIncidents(places.folder);
    const names = Object.keys(stamps);
    if (names.length === 0) return NO_INCIDENTS;
    const by = `${places.version} ${places.timezone}`;
    const kept = readKept(keptPath(places.state));
    const known = kept?.by === by ? kept.files : {};
    const isKnown = names.every((name) => known[name]?.stamp === stamps[name]);
    if (isKnown && names.length === Object.keys(known).length) return toBook(known);
    const { readChangedIncidents } = await import('./incident-files.ts');
    const read = readChangedIncidents(places, stamps, { by, files: kept?.files ?? {} }, kept?.by === by);
    if (keeps) keep(keptPath(places.state), read);
    return toBook(read.files);
  } catch (error) {
    return { incidents: [], problems: [`incidents: ${error instanceof Error ? error.message : String(error)}`] };
  }
}

function toBook(files: ReadIncidents['files']): IncidentBook {
  const found = Object.values(files);
  const incidents = found.flatMap(({ incident }) => incident ?? []);
  // The newest first; of the same time by name.
  incidents.sort((a, b) => b.started - a.started || (a.name < b.name ? -1 : 1));
  return { incidents, problems: found.flatMap(({ problem }) => problem ?? []) };
}

function keep(path: string, read: ReadIncidents): void {
  writeFileSync(`${path}.new`, JSON.stringify(read), { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

function keptPath(state: string): string {
  return join(state, 'incidents.json');
}

function readKept(path: string): ReadIncidents | null {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as ReadIncidents;
  } catch {
    // Not there yet, or not ours any more: everything is read anew.
    return null;
  }
}
