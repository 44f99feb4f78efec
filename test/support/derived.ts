import type { CheckType, Observation } from '../../src/check-type.ts';
import type { Check, Threshold } from '../../src/core/configuration.ts';
import type { Result } from '../../src/core/observation.ts';
import { parseRange } from '../../src/core/range.ts';
import { toResult } from '../../src/core/verdict.ts';
import { runCheck } from './check.ts';
import { testContext } from './context.ts';
import { NOW, reportOf } from './host-report.ts';

/** Seconds since 1970 of the tests' reports. */
export const AT = NOW / 1000;
export const HOUR = 3600;
export const DAY = 86_400;

export interface DerivedLook {
  options?: Record<string, unknown>;
  memory?: unknown;
  now?: number;
}

/** What a check that reads the host's report makes of these facts. Each is of the report's time unless it says otherwise. */
export function lookAt(type: CheckType, facts: Record<string, object>, look: DerivedLook = {}): Promise<Observation> {
  const { options = {}, memory, now = NOW } = look;
  const dated = Object.fromEntries(
    Object.entries(facts).map(([name, fact]) => [name, 'unavailable' in fact ? fact : { at: AT, ...fact }]),
  );
  return runCheck(type, options, { ...testContext({ now, memory }), report: reportOf(dated) });
}

/** The same with the type's own thresholds: what a person sees who configured nothing. */
export async function judge(type: CheckType, facts: Record<string, object>, look: DerivedLook = {}): Promise<Result> {
  const origin = { at: look.now ?? NOW, run: 1, scheduled: true, duration: 0 };
  const check = { id: `web1/${type.type}`, thresholds: defaultsOf(type) } as Check;
  return toResult(check, await lookAt(type, facts, look), origin, type.metrics);
}

function defaultsOf(type: CheckType): Record<string, Threshold> {
  const bound = (metric: string, written: string | number | undefined) =>
    written === undefined ? null : parseRange(written, type.metrics[metric]?.unit);
  return Object.fromEntries(
    Object.entries(type.thresholds).map(([metric, { warning, critical }]) => [
      metric,
      { warning: bound(metric, warning), critical: bound(metric, critical) },
    ]),
  );
}
