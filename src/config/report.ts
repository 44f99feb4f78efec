import { dirname, resolve } from 'node:path';
import type { Check } from '../core/configuration.ts';
import type { Defined, Definitions } from './define.ts';
import type { CheckPlan } from './layers.ts';
import { type Problem, say } from './problem.ts';
import { type Entry, getNode, isNull, type MapNode, type Node, type Place, toLine, toProblem } from './tree.ts';

/** The name of the check that has a host's report. */
const NAME = 'report';
/** Keys of a host's `report:` that are paths, relative to the global file. */
const PATHS = ['inbox', 'file', 'agent'];

/** Which check type has the report: one that verifies a signature, or one that makes it from an exporter's metrics. */
export function toReportType(report: Node): 'report' | 'exporter' {
  return getNode(report, 'exporter') === undefined ? 'report' : 'exporter';
}

/**
 * The check `HOST/report` of a host with `report:`. What the host's checks or its profiles say of a check `report` is laid over it:
 * its contacts, its attempts.
 */
export function planReport(host: Defined, plans: CheckPlan[], path: string): CheckPlan[] {
  const report = getNode(host.node, 'report');
  if (report?.kind !== 'map') return plans;
  const place = host.node.entries.get('report')?.place ?? host.place;
  const own: Entry = { place, node: { kind: 'map', entries: toEntries(report, path), place } };
  const written = plans.find(({ name }) => name === NAME);
  const plan: CheckPlan = { name: NAME, owner: host, host, definitions: [own, ...(written?.definitions ?? [])] };
  return [...plans.filter((other) => other !== written), plan];
}

function toEntries(report: MapNode, path: string): MapNode['entries'] {
  const { place } = report;
  const entries: MapNode['entries'] = new Map();
  entries.set('type', toEntry(toReportType(report), place));
  for (const [key, entry] of report.entries) {
    if (isNull(entry.node)) continue;
    const isPath = PATHS.includes(key) && entry.node.kind === 'scalar';
    const node =
      isPath && entry.node.kind === 'scalar' ? toEntry(toAbsolute(entry.node.value, path), entry.node.place).node : entry.node;
    entries.set(key === 'exporter' ? 'url' : key, { place: entry.place, node });
  }
  // A collector that has to count upgrades anew takes a while.
  if (entries.has('agent')) entries.set('timeout', toEntry('20s', place));
  const interval = entries.get('interval');
  if (interval !== undefined) entries.set('every', interval);
  if (toReportType(report) === 'exporter') entries.delete('interval');
  return entries;
}

function toEntry(value: string, place: Place): Entry {
  return { place, node: { kind: 'scalar', value, place } };
}

function toAbsolute(value: unknown, path: string): string {
  return resolve(dirname(resolve(path)), String(value));
}

/** Two machines never share a key: who has one of them would speak for the other. Each host in the order of the files. */
export function findSharedKeys({ hosts }: Definitions): Problem[] {
  const problems: Problem[] = [];
  const seen = new Map<string, { host: string; place: Place }>();
  for (const { name, node } of hosts.values()) {
    const keys = getNode(getNode(node, 'report'), 'keys');
    for (const item of keys?.kind === 'list' ? keys.items : keys === undefined ? [] : [keys]) {
      if (item.kind !== 'scalar' || typeof item.value !== 'string') continue;
      // The third word is a comment.
      const key = item.value.trim().split(/\s+/).slice(0, 2).join(' ');
      const first = seen.get(key);
      if (first === undefined) seen.set(key, { host: name, place: item.place });
      else if (first.host !== name) {
        const where = `${first.place.file.name}:${toLine(first.place).line}`;
        const message = `the same key pinned for two hosts, expected one of its own, found it also for ${first.host} in ${where}`;
        problems.push(toProblem(item.place, message, first.place));
      }
    }
  }
  return problems;
}

/** What a check that reads the host's report is made of: it runs with each new report, and seldomer than that if it says so. */
export function linkReport(check: Check, known: ReadonlyMap<string, Check>): Check | string {
  const report = check.host === null ? undefined : known.get(`${check.host}/${NAME}`);
  if (check.host === null) return say(`type ${check.type} reads a host's report`, 'a check of a host, or of a service with a host');
  if (report === undefined) return say(`type ${check.type} reads the host's report`, `report: in host ${check.host}`);
  return { ...check, report: report.id, every: Math.max(check.every, report.every) };
}
