import type { CheckType, Context, Observation } from '../../src/check-type.ts';
import { LookFailure, TargetFailure } from '../../src/check-type.ts';

/** Runs a check as the runner does: the plain defaults of its options filled in, and what it throws told apart. */
export async function runCheck(type: CheckType, given: Record<string, unknown>, context: Context): Promise<Observation> {
  const bound: Record<string, unknown> = {};
  for (const [name, declared] of Object.entries(type.options)) bound[name] = given[name] ?? declared.default;
  try {
    return await type.run(bound as never, context);
  } catch (error) {
    if (error instanceof TargetFailure) return { kind: 'failed', code: error.code, output: error.message };
    if (error instanceof LookFailure) return { kind: 'unknown', code: error.code, output: error.message };
    throw error;
  }
}

/** The problems that a check type finds in options that are each right by themselves. */
export function problemsOf(type: CheckType, given: Record<string, unknown>): Record<string, string> {
  const bound: Record<string, unknown> = {};
  for (const [name, declared] of Object.entries(type.options)) bound[name] = given[name] ?? declared.default;
  return type.validate?.(bound as never) ?? {};
}

export function codeOf(observation: Observation): string {
  return 'code' in observation ? (observation.code ?? '') : observation.kind;
}
