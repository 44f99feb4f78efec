import type { Context, Metrics, Observation, Part, State } from '../check-type.ts';
import { LookFailure, option, TargetFailure, toFailed } from '../check-type.ts';

export const familyOption = option.choice(
  'Address family: 4, 6, or both as two parts. Default: whichever answers first.',
  [4, 6, 'both'],
  {
    optional: true,
  },
);

export interface Look {
  /** The part's name. */
  name: string;
  look: () => Promise<Observation>;
}

/**
 * Looks at several things of one kind at once, each of them a part; the worst of them is the check's state. Of each metric the worst
 * value counts: the highest, or the lowest for those named in `lowest`. A single look has no parts.
 */
export async function observeParts(looks: Look[], lowest: readonly string[] = []): Promise<Observation> {
  const [only] = looks;
  if (only && looks.length === 1) return only.look();
  const seen = await Promise.all(looks.map(async ({ name, look }) => ({ name, observation: await toObservation(look) })));
  const parts = seen.map(({ name, observation }): Part => ({ name, state: toState(observation), output: observation.output }));
  const metrics = mergeMetrics(seen, lowest);
  const bad = seen.filter(({ observation }) => observation.kind !== 'measured');
  const first = bad.find(({ observation }) => observation.kind === 'failed') ?? bad[0];
  if (!first)
    return { kind: 'measured', output: `${seen.length} of ${seen.length}: ${seen[0]?.observation.output ?? ''}`, metrics, parts };
  const { observation, name } = first;
  const output = `${bad.length} of ${seen.length} fail, ${name}: ${observation.output}`;
  return { kind: observation.kind === 'failed' ? 'failed' : 'unknown', code: toCode(observation), output, metrics, parts };
}

/** One look, or one for each family. Through a proxy it is the proxy that chooses the address, so a family cannot be asked for. */
export async function observeFamilies(
  family: 4 | 6 | 'both' | undefined,
  context: Context,
  look: (family: 4 | 6 | undefined) => Promise<Observation>,
  lowest: readonly string[] = [],
): Promise<Observation> {
  if (context.via !== null && family !== undefined) {
    throw new LookFailure(
      'option.family',
      `family ${family} cannot be chosen through proxy ${context.via}, which resolves the name`,
    );
  }
  if (family !== 'both') return look(family);
  const both = [4, 6] as const;
  return observeParts(
    both.map((one) => ({ name: `IPv${one}`, look: () => look(one) })),
    lowest,
  );
}

async function toObservation(look: () => Promise<Observation>): Promise<Observation> {
  try {
    return await look();
  } catch (error) {
    if (error instanceof TargetFailure) return toFailed(error);
    if (error instanceof LookFailure) return { kind: 'unknown', code: error.code, output: error.message };
    throw error;
  }
}

function toState(observation: Observation): State {
  if (observation.kind === 'judged') return observation.state;
  return ({ measured: 'OK', failed: 'CRITICAL', unknown: 'UNKNOWN' } as const)[observation.kind];
}

function toCode(observation: Observation): string {
  return 'code' in observation ? (observation.code ?? '') : '';
}

function mergeMetrics(seen: { observation: Observation }[], lowest: readonly string[]): Metrics {
  const merged: Metrics = {};
  for (const { observation } of seen) {
    for (const [name, value] of Object.entries(observation.metrics ?? {})) {
      const known = merged[name];
      const worse = lowest.includes(name) ? Math.min : Math.max;
      merged[name] = known === undefined ? value : worse(known, value);
    }
  }
  return merged;
}
