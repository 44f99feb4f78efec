import type { Check } from './configuration.ts';
import { AROUND_MS } from './daily-pattern.ts';
import { describeWindow } from './frequency.ts';
import type { HeldBack } from './item.ts';
import { isNew } from './remember.ts';
import type { Status } from './status.ts';
import { count, neededAttempts } from './transition.ts';
import { nowDownPatienceMs } from './unstable.ts';

/** What holds back the items of a check now, in words for people; null: nothing does. Downtimes and acknowledgements stand apart. */
export interface Holding {
  because: HeldBack | 'pattern' | 'new' | 'not-run';
  words: string;
}

/** What of a check is not told now, and why: the first reason of alerting.md's order. */
export function findHolding(status: Status, now: number): Holding | null {
  const { latest, problem, trouble } = status;
  if (latest?.withheld != null && latest.state !== 'OK') return { because: latest.withheld, words: WITHHELD_NOW[latest.withheld] };
  if (problem?.waits === 'mass-failure')
    return { because: 'mass-failure', words: 'many checks fail at once: it waits for the second run, then it is told' };
  if (trouble?.unstable != null)
    return { because: 'unstable', words: 'it is unstable: a problem three times within 24 h; only an outage that lasts is told' };
  if (problem?.waits === 'pattern')
    return { because: 'pattern', words: 'it fails daily around this time: it is told when it has lasted 30 min' };
  if (problem !== null && problem.told === null && isNew(status, now))
    return { because: 'new', words: 'it is new and has never been OK: it is told two hours after it was first seen' };
  return null;
}

const WITHHELD_NOW: Record<NonNullable<NonNullable<Status['latest']>['withheld']>, string> = {
  config: 'its configuration is not valid: the result does not count',
  isolated: 'our own network is cut, as the sentinels say: the result does not count',
  clock: 'our clock is wrong: a verdict about dates does not count',
  proxy: 'its proxy does not work, which is the problem of the proxy: the result does not count',
  report: 'the report of its host is missing: the result does not count',
  unreachable: 'what it depends on has failed, which explains it: the result does not count',
  grace: 'what it depends on has only just come back: this run does not count',
  'not-run': 'the run was over before its turn: the result does not count',
};

/** Why a check does or does not alert: one sentence each, the deciding one first. */
export function explainWhy(check: Check, status: Status, now: number, parentsDown: string[]): string[] {
  const { problem, trouble } = status;
  if (!check.enabled) return ['it is switched off: enabled: false'];
  const holding = findHolding(status, now);
  const lines: string[] = [];
  if (holding !== null) lines.push(`not told: ${holding.words}${parentsDown.length > 0 ? ` (${parentsDown.join(', ')})` : ''}`);
  else if (check.contacts.length === 0 && problem !== null) lines.push('not told: it has no contacts');
  else if (problem !== null && problem.told === null) lines.push('not told: it was held back when it began');
  else if (problem !== null)
    lines.push(`told as ${problem.told} to ${problem.toldTo.join(', ')}; a recovery goes to them ${describeEnd(check, status)}`);
  else lines.push(describeQuiet(check, status));
  if (trouble?.unstable != null) lines.push(describeUnstable(check, status));
  lines.push(...describeWatch(check, status));
  return lines;
}

function describeEnd(check: Check, { problem, trouble }: Status): string {
  if (problem?.by === 'frequency' && check.frequency !== null) {
    const left = Math.floor(check.frequency.failures / 2);
    return `when at most ${left} failures are left in its window (now ${trouble?.recent.length ?? 0}) and the last ${count(check.attempts, 'result')} OK`;
  }
  return `after ${count(check.recoveries, 'OK result')}`;
}

function describeQuiet(check: Check, { streak }: Status): string {
  if (streak === null) return 'it is OK';
  return `soft: failure ${streak.length} of ${neededAttempts(streak, check)} before an alert`;
}

function describeUnstable(check: Check, { trouble }: Status): string {
  const last = trouble?.hardAt.at(-1) ?? 0;
  const patience = nowDownPatienceMs(check.priority, trouble?.downs.length ?? 0) / 60_000;
  const until = new Date(last + 12 * 3_600_000).toISOString().slice(0, 16).replace('T', ' ');
  return `an outage that lasts ${patience} min is told all the same; stable at the earliest ${until} UTC, 12 h after its last problem began`;
}

/** What the rules of section 3 remember of it. */
function describeWatch(check: Check, { trouble }: Status): string[] {
  const lines: string[] = [];
  const counted = (trouble?.recent ?? []).filter(({ counts }) => counts).length;
  if (counted > 0 && check.frequency !== null)
    lines.push(`frequency: ${describeWindow(counted, check.frequency)}; ${check.frequency.failures} would be told`);
  if (trouble?.recurring?.holds === true)
    lines.push(
      `daily pattern: problems within ${AROUND_MS / 60_000} min of its time of day wait for 30 min; three clean days end it`,
    );
  return lines;
}
