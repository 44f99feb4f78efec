import type { Context } from '../check-type.ts';
import { LookFailure } from '../core/failure.ts';
import type { Fact, FactName } from '../core/report.ts';
import { formatAge } from '../core/unit.ts';

export type { Fact } from '../core/report.ts';

/** Older than this beside its report, a fact is said with its age. */
const OLD_S = 900;

/** Older than this beside its report, a fact says nothing of now. */
const STALE_S = 3 * 3600;

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

/** The same for what changes by the hour: LookFailure `report.fact_stale` where the host did not look anew for three hours. */
export function takeFreshFact<N extends FactName>(context: Context, name: N): Fact<N> {
  const fact = takeFact(context, name);
  const age = (context.report?.created ?? 0) / 1000 - fact.at;
  if (age > STALE_S)
    throw new LookFailure('report.fact_stale', `${name}: seen ${formatAge(age)} before the report, expected ${formatAge(STALE_S)}`);
  return fact;
}

/** `total` 0: nothing to have a share of. One decimal. */
export function toShare(part: number, total: number): number {
  return total === 0 ? 0 : Math.round((part / total) * 1000) / 10;
}

/** A moment that lies further ahead than this is wrong: one of the two clocks is. */
const AHEAD_S = 300;

/** Seconds since a moment that the host tells, at least 0. LookFailure with the code where it lies ahead of now. */
export function toAge({ now }: Context, moment: number, { code, what }: { code: string; what: string }): number {
  const age = Math.round(now / 1000 - moment);
  if (age < -AHEAD_S) throw new LookFailure(code, `${what} lies ${formatAge(-age)} ahead of now: whose clock is wrong?`);
  return Math.max(0, age);
}
