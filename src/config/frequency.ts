import type { Frequency } from '../core/configuration.ts';
import { type Problem, say } from './problem.ts';
import { getNode, type MapNode, toLayer, toProblem } from './tree.ts';

/** As `FREQUENCY` declares it, bound. */
export type FrequencyValue = 'off' | false | { failures?: number; of?: number; within?: number };

const DEFAULT: Frequency = { failures: 6, of: 20 };
const FORMS = '{ failures: 6, of: 20 }, { failures: 4, within: 24h } or off';

/** `of` results or `within` a time: of the two that different layers say, the nearer one. */
export function resolveFrequency(value: FrequencyValue | undefined, settings: MapNode, problems: Problem[]): Frequency | null {
  if (value === undefined) return DEFAULT;
  if (value === 'off' || value === false) return null;
  const node = getNode(settings, 'frequency');
  const refuse = (key: string, message: string) => {
    problems.push(toProblem(getNode(node, key)?.place ?? node?.place ?? settings.place, message));
    return null;
  };
  const { failures = DEFAULT.failures } = value;
  let { of, within } = value;
  if (of !== undefined && within !== undefined) {
    const [ofLayer, withinLayer] = ['of', 'within'].map((key) => toLayerOf(node, key));
    if (ofLayer === withinLayer) return refuse('within', say('of and within together', FORMS));
    if (LAYERS.indexOf(ofLayer ?? '') < LAYERS.indexOf(withinLayer ?? '')) of = undefined;
    else within = undefined;
  }
  if (within !== undefined) return { failures, within };
  if (of === undefined) return refuse('failures', say('failures of how many', FORMS));
  if (failures > of) return refuse('failures', say('more failures than results', `at most ${of}`, failures));
  return { failures, of };
}

/** Farthest first. */
const LAYERS = ['defaults', 'proxy', 'profile', 'host', 'service', 'check'];

function toLayerOf(node: ReturnType<typeof getNode>, key: string): string {
  const found = getNode(node, key);
  return found === undefined ? '' : (toLayer(found.place).split(' ')[0] ?? '');
}
