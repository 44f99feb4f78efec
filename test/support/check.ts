import type { CheckType, Context, Observation } from '../../src/check-type.ts';
import { LookFailure, TargetFailure, toFailed } from '../../src/check-type.ts';
import { bind } from './bind.ts';

/** Runs a check as the runner does: its options bound, and what it throws told apart. */
export async function runCheck(type: CheckType, given: Record<string, unknown>, context: Context): Promise<Observation> {
  try {
    return await type.run(bind(type, given), context);
  } catch (error) {
    if (error instanceof TargetFailure) return toFailed(error);
    if (error instanceof LookFailure) return { kind: 'unknown', code: error.code, output: error.message };
    throw error;
  }
}

/** The problems that a check type finds in options that are each right by themselves. */
export function problemsOf(type: CheckType, given: Record<string, unknown>): Record<string, string> {
  return type.validate?.(bind(type, given)) ?? {};
}

export function codeOf(observation: Observation): string {
  return 'code' in observation ? (observation.code ?? '') : observation.kind;
}
