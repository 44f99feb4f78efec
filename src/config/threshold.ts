import type { CheckType } from '../check-type.ts';
import type { Threshold } from '../core/configuration.ts';
import type { Range } from '../core/range.ts';
import { UnitError } from '../core/unit.ts';
import { didYouMean, type Problem, say, show } from './problem.ts';
import { toRange } from './schema.ts';
import { type MapNode, type Node, type SourceFile, toPlain, toProblem } from './tree.ts';

/** A type's default thresholds as the farthest layer, so that `null` removes one like any other. */
export function toThresholdNode(type: CheckType, file: SourceFile): MapNode {
  return toNode(type.thresholds, ['types', type.type, 'thresholds']) as MapNode;

  function toNode(value: unknown, segments: string[]): Node {
    const place = { file, offset: 0, segments };
    if (typeof value !== 'object' || value === null)
      return { kind: 'scalar', value: (value ?? null) as string | number | null, place };
    const entries = Object.entries(value).filter(([, item]) => item !== undefined);
    return {
      kind: 'map',
      place,
      entries: new Map(entries.map(([key, item]) => [key, { place, node: toNode(item, [...segments, key]) }])),
    };
  }
}

/** Levels by metric, their ranges in the metric's unit. */
export function resolveThresholds(type: CheckType, node: Node | undefined, problems: Problem[]): Record<string, Threshold> {
  const thresholds: Record<string, Threshold> = {};
  if (node?.kind !== 'map') return thresholds;
  for (const [metric, entry] of node.entries) {
    const declaration = Object.hasOwn(type.metrics, metric) ? type.metrics[metric] : undefined;
    if (!declaration) {
      const known = Object.keys(type.metrics);
      const message = `${say('unknown metric', known.join(', ') || `none: type ${type.type} has no metrics`, metric)}${didYouMean(metric, known)}`;
      problems.push(toProblem(entry.place, message));
      continue;
    }
    const levels = entry.node.kind === 'map' ? entry.node.entries : new Map();
    const read = (level: string): Range | null => {
      const found: Node | undefined = levels.get(level)?.node;
      return found ? readRange(found, declaration.unit, problems) : null;
    };
    thresholds[metric] = { warning: read('warning'), critical: read('critical') };
  }
  return thresholds;
}

function readRange(node: Node, unit: Parameters<typeof toRange>[1], problems: Problem[]): Range | null {
  const written = toPlain(node);
  try {
    return toRange(written, unit);
  } catch (error) {
    if (!(error instanceof UnitError)) throw error;
    const found = typeof written === 'object' ? JSON.stringify(written) : show(written);
    problems.push(toProblem(node.place, `${error.problem}, expected ${error.expected}, found ${found}`));
    return null;
  }
}
