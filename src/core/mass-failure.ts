import type { Configuration } from './configuration.ts';
import type { Evaluated } from './evaluate.ts';
import { groupOf } from './isolation.ts';
import type { Status } from './status.ts';
import { count } from './transition.ts';

/** Checks that make a mass. */
export const MASS = 10;
const SHARE = 0.6;

/** Many checks of one network group that was well fail at once (alerting.md section 5). Kept from run to run, by group. */
export interface MassFailure {
  /** Time of its first run. */
  since: number;
  /** Those that fail by it. */
  failing: string[];
  /** Those that were looked at in its first run and had been OK before. */
  wereOk: string[];
  /** The second run has confirmed it. */
  isTold: boolean;
}

export interface MassVerdict {
  masses: Record<string, MassFailure>;
  /** Checks whose items wait in this run. */
  waiting: Set<string>;
  /** Groups whose mass failure was confirmed in this run, and groups in which it is over. */
  confirmed: string[];
  over: string[];
}

/** Only what a cut network causes: `network.*`, `timeout.*`, `dns.*`. */
export function isNetworkCode(code: string): boolean {
  return /^(network|timeout|dns)\./.test(code);
}

/**
 * Groups without sentinels: 10 or more checks, and at least 60 % of those that were OK before the first run, fail with network codes
 * in two successive runs with such checks due. Results that are withheld do not count.
 */
export function judgeMassFailure(
  configuration: Configuration,
  statuses: ReadonlyMap<string, Status>,
  evaluated: Evaluated[],
  before: Record<string, MassFailure>,
): MassVerdict {
  const verdict: MassVerdict = { masses: {}, waiting: new Set(), confirmed: [], over: [] };
  for (const group of ['direct', ...Object.keys(configuration.proxies)]) {
    const own = before[group];
    if ((configuration.sentinels[group]?.length ?? 0) > 0) continue;
    const counted = evaluated.filter(({ check, result }) => result.withheld === null && groupOf(check) === group);
    const next = own === undefined ? begin(counted, statuses) : follow(own, { group, counted, statuses, verdict });
    if (next === null) continue;
    verdict.masses[group] = next;
    if (own === undefined || verdict.confirmed.includes(group)) for (const id of next.failing) verdict.waiting.add(id);
  }
  return verdict;
}

function isOut({ result }: Evaluated): boolean {
  return result.state !== 'OK' && isNetworkCode(result.code);
}

function begin(counted: Evaluated[], statuses: ReadonlyMap<string, Status>): MassFailure | null {
  // Nearly every run ends here.
  if (counted.length < MASS) return null;
  const wereOk = counted.filter(({ check }) => statuses.get(check.id)?.latest?.state === 'OK');
  const failing = wereOk.filter(isOut);
  if (!isMany(failing.length, wereOk.length)) return null;
  const toIds = (list: Evaluated[]) => list.map(({ check }) => check.id);
  return { since: counted[0]?.result.at ?? 0, failing: toIds(failing), wereOk: toIds(wereOk), isTold: false };
}

function isMany(failing: number, of: number): boolean {
  return failing >= MASS && failing >= SHARE * of;
}

interface Following {
  group: string;
  counted: Evaluated[];
  statuses: ReadonlyMap<string, Status>;
  verdict: MassVerdict;
}

function follow(own: MassFailure, { group, counted, statuses, verdict }: Following): MassFailure | null {
  if (own.isTold) {
    const results = new Map(counted.map((one) => [one.check.id, one]));
    const isStillOut = (id: string) => {
      const one = results.get(id);
      return (one?.result ?? statuses.get(id)?.latest)?.state !== 'OK' && (one !== undefined || statuses.has(id));
    };
    if (own.failing.some(isStillOut)) return own;
    verdict.over.push(group);
    return null;
  }
  const due = counted.filter(({ check }) => wasOkBefore(own, statuses.get(check.id), check.id));
  // A run in which few of them are due says nothing.
  if (due.length < MASS) return own;
  const failing = due.filter(isOut);
  if (!isMany(failing.length, due.length)) return null;
  verdict.confirmed.push(group);
  return { ...own, failing: [...new Set([...own.failing, ...failing.map(({ check }) => check.id)])], isTold: true };
}

/** OK before the first run: what was not looked at in it still says so by its latest state. */
function wasOkBefore(own: MassFailure, status: Status | undefined, id: string): boolean {
  if (own.wereOk.includes(id)) return true;
  return status?.latest?.state === 'OK' && status.latest.at < own.since;
}

/** The line of the item. */
export function describeMass(group: string, mass: MassFailure): string {
  const where = group === 'direct' ? '' : ` through ${group}`;
  return `${count(mass.failing.length, 'check')}${where} that worked fail with network errors in two runs: is it our own network?`;
}
