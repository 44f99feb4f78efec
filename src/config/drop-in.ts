import { loadTypes } from './attempt.ts';
import { define } from './define.ts';
import { readGlobalFile } from './files.ts';
import { type Problem, sortProblems } from './problem.ts';
import { readTree } from './read.ts';
import type { LoadRequest } from './request.ts';
import { resolveConfiguration } from './resolve.ts';
import type { MapNode } from './tree.ts';

/**
 * One drop-in by itself, as Puppet's `validate_cmd` or a contributor's clone has it: what the file says must be right, what it takes
 * from other files is taken as it is.
 */
export async function checkDropIn(
  path: string,
  request: Pick<LoadRequest, 'loadType' | 'typeNames'>,
): Promise<{ problems: Problem[]; warnings: Problem[]; checks: number }> {
  const { text, problem } = readGlobalFile(path);
  if (text === undefined) {
    return { problems: [{ file: path, line: 1, column: 1, path: '', message: problem ?? '' }], warnings: [], checks: 0 };
  }
  const place = { file: { name: path, text, lineStarts: [0] }, offset: 0, segments: [] };
  const top: MapNode = { kind: 'map', entries: new Map(), place };
  const definitions = define([{ name: path, role: 'drop-in', ...readTree(path, text) }], top);
  const types = await loadTypes(definitions, request);
  const { typeNames } = request;
  const resolved = resolveConfiguration({ definitions, path, types, typeNames, fingerprint: '' });
  return {
    problems: sortProblems(resolved.problems),
    warnings: sortProblems(resolved.warnings),
    checks: resolved.configuration.checks.length,
  };
}
