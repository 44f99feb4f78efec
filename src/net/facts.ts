import type { Context } from '../check-type.ts';
import { LookFailure } from '../core/failure.ts';
import type { Fact, FactName } from '../core/report.ts';
import { formatAge } from '../core/unit.ts';

export type { Fact } from '../core/report.ts';

/** Older than this beside its report, a fact is said with its age. */
const OLD_S = 900;

/** One fact of the host's report. What the machine could not say is no fault of what the check looks at: LookFailure `report.fact`. */
export function takeFact<N extends FactName>({ report }: Context, name: N): Fact<N> {
  if (report === undefined) throw new LookFailure('report.none', 'no report of the host, expected one in this run');
  const fact = (report.facts as Record<string, unknown>)[name] as Fact<N> | { unavailable: string } | undefined;
  if (fact === undefined) throw new LookFailure('report.fact', `the report has no ${name}: agent ${report.agent}`);
  if ('unavailable' in fact) throw new LookFailure('report.fact', `${name}: ${fact.unavailable}`);
  return fact;
}

/** `, 3 h before the report` for a fact that was not looked at anew; empty for a fresh one. */
export function describeFactAge({ report }: Context, { at }: { at: number }): string {
  const age = report === undefined ? 0 : report.created / 1000 - at;
  return age < OLD_S ? '' : `, ${formatAge(age)} before the report`;
}
