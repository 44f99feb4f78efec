import type { CheckType } from '../check-type.ts';
import type { Check, Host } from '../core/configuration.ts';
import { didYouMean, type Problem, say } from './problem.ts';
import { linkReport } from './report.ts';
import { type Place, toProblem } from './tree.ts';

/** One id of `depends_on` as it was written. */
export interface Dependency {
  written: string;
  place: Place;
}

export interface ParentsRequest {
  checks: Check[];
  hosts: Record<string, Host>;
  /** By check id. */
  dependencies: ReadonlyMap<string, Dependency[]>;
  types: ReadonlyMap<string, CheckType>;
  /** Where a host's `parents` stand. */
  placeOf(host: string): Place | undefined;
  /** What is not defined may stand in a file that is not here, or is wrong in itself. */
  isPartial: boolean;
  problems: Problem[];
}

/**
 * Parents of each check (alerting.md section 4): its proxy, its host's `alive`, the `alive` of its host's parents, and `depends_on`.
 * A cycle is an error that names it.
 */
export function resolveParents(request: ParentsRequest): Check[] {
  const known = new Map(request.checks.map((check) => [check.id, check]));
  const linked = request.checks.map((check) => ({
    ...linkToReport(check, known, request),
    parents: findParents(check, known, request),
  }));
  const cycle = findCycle(linked);
  if (cycle !== null) {
    const message = say('a cycle of dependencies', 'parents that never lead back', cycle.join(' -> '));
    request.problems.push(toProblem(findPlace(cycle, known, request), message));
  }
  return linked;
}

/** What reads its host's report is said to; without one it is an error, unless something else is wrong or not here. */
function linkToReport(check: Check, known: ReadonlyMap<string, Check>, request: ParentsRequest): Check {
  if (request.types.get(check.type)?.readsReport !== true) return check;
  const linked = linkReport(check, known);
  if (typeof linked !== 'string') return linked;
  if (!request.isPartial && request.problems.length === 0) {
    const { file, line } = check.source;
    request.problems.push({ file, line, column: 1, path: check.id, message: linked });
  }
  return check;
}

function findParents(check: Check, known: ReadonlyMap<string, Check>, request: ParentsRequest): string[] {
  const own = check.host === null ? null : known.get(`${check.host}/alive`);
  const parents = check.via === null ? [] : [`proxy/${check.via}`];
  if (own != null && own !== check && !isReportOf(check, own, request)) parents.push(own.id);
  // What reads the report can say no more than the report that it reads.
  if (check.host !== null && isReportOf(known.get(`${check.host}/report`), check, request)) parents.push(`${check.host}/report`);
  const above = check.host === null ? [] : (request.hosts[check.host]?.parents ?? []);
  for (const host of above) if (known.has(`${host}/alive`)) parents.push(`${host}/alive`);
  for (const { written, place } of request.dependencies.get(check.id) ?? []) {
    const id = written.includes('/') ? written : `${check.service ?? check.host}/${written}`;
    if (known.has(id)) parents.push(id);
    else if (!request.isPartial && request.problems.length === 0) {
      const message = `${say('unknown check', 'a check of the same owner, or an id', written)}${didYouMean(id, known.keys())}`;
      request.problems.push(toProblem(place, message));
    }
  }
  return [...new Set(parents)];
}

/** Whether `report` is what this check of its host reads. */
function isReportOf(report: Check | undefined, reader: Check, { types }: ParentsRequest): boolean {
  return report?.name === 'report' && report.service === null && types.get(reader.type)?.readsReport === true;
}

/** The first cycle, beginning and ending with the same id, or null. */
function findCycle(checks: Check[]): string[] | null {
  const parents = new Map(checks.map((check) => [check.id, check.parents]));
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (id: string): string[] | null => {
    if (path.includes(id)) return [...path.slice(path.indexOf(id)), id];
    if (done.has(id)) return null;
    path.push(id);
    for (const parent of parents.get(id) ?? []) {
      const cycle = visit(parent);
      if (cycle !== null) return cycle;
    }
    path.pop();
    done.add(id);
    return null;
  };
  for (const { id } of checks) {
    const cycle = visit(id);
    if (cycle !== null) return cycle;
  }
  return null;
}

/** Where a person can break it: a `depends_on`, or a host's `parents`. */
function findPlace(cycle: string[], known: ReadonlyMap<string, Check>, request: ParentsRequest): Place {
  for (const id of cycle) {
    const [written] = request.dependencies.get(id) ?? [];
    if (written !== undefined) return written.place;
  }
  for (const id of cycle) {
    const place = request.placeOf(known.get(id)?.host ?? '');
    if (place !== undefined) return place;
  }
  throw new Error(`a cycle without a place: ${cycle.join(' -> ')}`);
}
