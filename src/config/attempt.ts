import type { CheckType } from '../check-type.ts';
import type { Configuration } from '../core/configuration.ts';
import { type Definitions, define, getChecks, type InputFile } from './define.ts';
import { type Problem, say } from './problem.ts';
import { readTree } from './read.ts';
import { toReportType } from './report.ts';
import { type LoadRequest, toFingerprint } from './request.ts';
import { resolveConfiguration } from './resolve.ts';
import { findStateFolder } from './state-folder.ts';
import { getNode, type MapNode, type Place, toPlain, toProblem } from './tree.ts';

/** One text of a file that takes part in an attempt to make a configuration. */
export interface FileVersion {
  name: string;
  shown: string;
  role: InputFile['role'];
  choice: 'disk' | 'good' | 'dropped';
  text?: string;
  problem?: string;
}

export interface Attempt {
  configuration: Configuration;
  problems: Problem[];
  warnings: Problem[];
  include: string[];
}

const DEFAULT_INCLUDE = ['conf.d/*.yaml'];

/** Patterns of the global file as far as it can be read. */
export function readInclude(version: FileVersion): string[] {
  const found = getNode(readVersion(version).root, 'include');
  const plain = found && toPlain(found);
  return Array.isArray(plain) && plain.every((item) => typeof item === 'string') ? plain : DEFAULT_INCLUDE;
}

function readVersion(version: FileVersion): InputFile {
  const { name, shown, role, text, problem } = version;
  if (text === undefined) {
    return {
      name,
      role,
      root: undefined,
      problems: [{ file: shown, line: 1, column: 1, path: '', message: problem ?? 'missing' }],
    };
  }
  return { name, role, ...readTree(shown, text) };
}

export async function resolveVersions(request: LoadRequest, versions: FileVersion[]): Promise<Attempt> {
  const [first] = versions;
  const place: Place = { file: { name: first?.shown ?? '', text: '', lineStarts: [0] }, offset: 0, segments: [] };
  const top: MapNode = { kind: 'map', entries: new Map(), place };
  const definitions = define(versions.map(readVersion), top);
  if (first) checkState(definitions, request.path, first);
  const types = await loadTypes(definitions, request);
  const resolved = resolveConfiguration({
    definitions,
    path: request.path,
    types,
    typeNames: request.typeNames,
    fingerprint: toFingerprint(versions.flatMap((version) => [version.name, version.text ?? ''])),
  });
  return { ...resolved, include: first ? readInclude(first) : DEFAULT_INCLUDE };
}

/** The state folder is found without understanding the file, so the two ways must lead to the same folder. */
function checkState(definitions: Definitions, path: string, version: FileVersion): void {
  const node = getNode(definitions.global.root, 'state');
  if (node?.kind !== 'scalar' || typeof node.value !== 'string') return;
  if (findStateFolder(path, `state: ${JSON.stringify(node.value)}`) === findStateFolder(path, version.text)) return;
  definitions.problems.push(toProblem(node.place, say('not on a line of its own', '"state: FOLDER" at the start of a line')));
}

/** The types that the checks name, and those of proxies and of hosts' reports. */
export async function loadTypes(
  definitions: Definitions,
  request: Pick<LoadRequest, 'loadType' | 'typeNames'>,
): Promise<Map<string, CheckType>> {
  const names = new Set<string>(definitions.proxies.size > 0 ? ['proxy'] : []);
  for (const { node } of definitions.hosts.values()) {
    const report = getNode(node, 'report');
    if (report !== undefined) names.add(toReportType(report));
  }
  for (const section of [definitions.profiles, definitions.hosts, definitions.services]) {
    for (const owner of section.values()) {
      for (const { node } of getChecks(owner).values()) {
        const type = getNode(node, 'type');
        if (type?.kind === 'scalar' && typeof type.value === 'string') names.add(type.value);
      }
    }
  }
  const types = new Map<string, CheckType>();
  for (const name of names) {
    const type = request.typeNames.includes(name) ? await request.loadType(name) : undefined;
    if (type) types.set(name, type);
  }
  return types;
}
