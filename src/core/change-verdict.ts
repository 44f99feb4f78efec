import type { Configuration } from './configuration.ts';
import { type Change, coveredBy } from './people.ts';
import type { Status } from './status.ts';

/** How a watch window stands: what is back, what is broken since, what was broken before, what nobody has looked at yet. */
export interface ChangeVerdict {
  back: string[];
  broken: { check: string; output: string }[];
  before: string[];
  unseen: string[];
}

/** Judges what a change covers by the statuses of now; what was wrong before it is not its fault. */
export function judgeChange(
  { target, at }: Pick<Change, 'target' | 'at'>,
  configuration: Pick<Configuration, 'checks'>,
  statuses: ReadonlyMap<string, Status>,
): ChangeVerdict {
  const verdict: ChangeVerdict = { back: [], broken: [], before: [], unseen: [] };
  const enabled = configuration.checks.filter((check) => check.enabled);
  for (const id of coveredBy(target, enabled)) {
    const status = statuses.get(id);
    const latest = status?.latest ?? null;
    const since = status?.problem?.onset ?? status?.streak?.startedAt ?? null;
    if (status === undefined || latest === null || latest.at < at) verdict.unseen.push(id);
    else if (since !== null && since < at) verdict.before.push(id);
    else if (latest.state !== 'OK' || since !== null) verdict.broken.push({ check: id, output: latest.output });
    else verdict.back.push(id);
  }
  return verdict;
}

/** The lines that end a `vigie change`. */
export function describeVerdict({ back, broken, before, unseen }: ChangeVerdict): string[] {
  const all = back.length + broken.length + before.length + unseen.length;
  const lines = broken.map(({ check, output }) => `${check} is broken since your change: ${output}`);
  for (const check of before) lines.push(`${check} was broken before your change and still is`);
  if (unseen.length > 0) {
    const named = unseen.slice(0, 5).join(', ');
    lines.push(`${unseen.length} of ${all} not looked at since: ${named}${unseen.length > 5 ? ' ...' : ''}; does vigie run?`);
  }
  if (back.length === all) return [all === 1 ? 'the one check is back' : `all ${all} are back`];
  return [...lines, `${back.length} of ${all} ${back.length === 1 ? 'is' : 'are'} back`];
}
