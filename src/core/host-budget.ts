import { type Bucket, PER_HOST, refill, takeToken } from './budget.ts';
import type { Check, Configuration, Priority } from './configuration.ts';
import { type Item, isRecovery, ownerOf, priorityOf, type WithheldItem } from './item.ts';
import { isWorse, type State } from './state.ts';
import type { Status } from './status.ts';
import { count } from './transition.ts';

const DAY_MS = 86_400_000;

/** What is remembered of a host, or of a service without one, that had items lately. */
export interface OwnerBudget {
  bucket: Bucket;
  lastItemAt: number;
  /** Changes that nobody was told one by one since the last line about this host, and whom they concern. */
  hidden: { changes: number; to: string[]; priority: Priority };
  /** When it last had a `noisy` line; 0: never. */
  noisyAt: number;
}

/** What the budget of hosts remembers. */
export interface HostBudgets {
  owners: Record<string, OwnerBudget>;
  /** When each check of priority critical last passed the budgets. */
  passed: Record<string, number>;
}

export interface Judged {
  /** What is told, in the order of importance, with `noisy` lines in the place of the items that they stand for. */
  named: { item: Item /** It also passes the recipient's budget. */; passes: boolean }[];
  withheld: WithheldItem[];
}

export interface HostContext {
  configuration: Configuration;
  statuses(): Map<string, Status>;
  now: number;
  run: number;
  /** Whether the problem that is over was told by its name. */
  wasNamed(item: Item): boolean;
}

/** Items that are no news of a host: they cost it nothing. */
const FREE = new Set<Item['kind']>(['recovery', 'reminder', 'escalation', 'noisy', 'weekly']);
const PASSING = new Set<Item['kind']>(['problem', 'worse']);
const HARD = new Set<Item['kind']>(['problem', 'worse', 'frequent', 'unstable', 'downtime-end']);

/**
 * One host can neither delay nor bury another: four items, then one for every four hours, which is then the line that sums up what was
 * not told. Recoveries cost nothing, but who was told of a problem only in a sum is not told that it is over.
 * Changes `budgets`.
 */
export function judgeHosts(items: Item[], budgets: HostBudgets, context: HostContext): Judged {
  const judged: Judged = { named: [], withheld: [] };
  const fresh = new Map<string, boolean>();
  for (const item of items) {
    const owner = ownerOf(item);
    if (owner === null || fresh.has(owner)) continue;
    const last = budgets.owners[owner]?.lastItemAt;
    fresh.set(owner, last === undefined || context.now - last >= DAY_MS);
  }
  const spoken = new Set<string>();
  for (const item of [...items].sort((a, b) => rank(a) - rank(b))) {
    const owner = ownerOf(item);
    if (owner === null) {
      judged.named.push({ item, passes: false });
      continue;
    }
    const isFresh = fresh.get(owner) === true;
    // The first hard CRITICAL of a host that was quiet for a day is never delayed by what others do.
    const isFirst = isFresh && !spoken.has(owner) && HARD.has(item.kind) && item.state === 'CRITICAL';
    if (isFirst) spoken.add(owner);
    const marked: Item = isFresh ? { ...item, isFresh: true } : item;
    judgeItem(marked, { owner, isFirst, budgets, context }, judged);
  }
  prune(budgets, context.now);
  return judged;
}

/** Worst first, so that the tokens of a host go to what matters most. */
function rank(item: Item): number {
  const state = { CRITICAL: 0, WARNING: 1, UNKNOWN: 2, OK: 3 }[item.state ?? 'OK'];
  return state * 4 + ['critical', 'high', 'medium', 'low'].indexOf(priorityOf(item));
}

/** It leaves its host as quiet as it was: the first word of trouble after a good reboot is a first word. */
function isNoTrouble(item: Item): boolean {
  return (FREE.has(item.kind) && !isRecovery(item)) || (item.kind === 'reboot' && item.digest !== undefined);
}

interface Turn {
  owner: string;
  isFirst: boolean;
  budgets: HostBudgets;
  context: HostContext;
}

function judgeItem(item: Item, { owner, isFirst, budgets, context }: Turn, judged: Judged): void {
  const { now } = context;
  const before = budgets.owners[owner];
  const bucket = refill(before?.bucket, PER_HOST, now);
  // Once the bucket is full again, what was not told long ago is no news any more.
  const isCalm = before === undefined || bucket.tokens === PER_HOST.size;
  const own: OwnerBudget = {
    bucket,
    lastItemAt: isNoTrouble(item) ? (before?.lastItemAt ?? 0) : now,
    hidden: isCalm ? NOTHING_HIDDEN : before.hidden,
    noisyAt: before?.noisyAt ?? 0,
  };
  budgets.owners[owner] = own;
  if (FREE.has(item.kind) || isRecovery(item)) {
    if (!isRecovery(item) || context.wasNamed(item)) judged.named.push({ item, passes: false });
    else hide(item, own, judged);
    return;
  }
  if (mayPass(item, budgets, now)) {
    budgets.passed[item.check ?? ''] = now;
    judged.named.push({ item, passes: true });
    return;
  }
  const left = takeToken(own.bucket);
  if (left === null) {
    hide(item, own, judged);
    return;
  }
  own.bucket = left;
  if (own.hidden.changes === 0) {
    judged.named.push({ item, passes: isFirst });
    return;
  }
  hide(item, own, judged);
  judged.named.push({ item: noisyItem(owner, own.hidden, context), passes: isFirst });
  own.hidden = NOTHING_HIDDEN;
  own.noisyAt = now;
}

const NOTHING_HIDDEN: OwnerBudget['hidden'] = { changes: 0, to: [], priority: 'low' };

/** The first `problem` or `worse` to CRITICAL of each check of priority critical, once per check and 24 h. */
function mayPass(item: Item, { passed }: HostBudgets, now: number): boolean {
  if (item.check === null || !PASSING.has(item.kind) || item.state !== 'CRITICAL' || priorityOf(item) !== 'critical') return false;
  return now - (passed[item.check] ?? -Infinity) >= DAY_MS;
}

function hide(item: Item, own: OwnerBudget, judged: Judged): void {
  const { changes, to, priority } = own.hidden;
  const order: Priority[] = ['critical', 'high', 'medium', 'low'];
  const first = Math.min(order.indexOf(priority), order.indexOf(priorityOf(item)));
  own.hidden = { changes: changes + 1, to: [...new Set([...to, ...item.to])], priority: order[first] ?? 'high' };
  judged.withheld.push({ item, because: 'budget' });
}

/** `37 more changes, 12 checks in trouble, worst: website/front-page CRITICAL`. */
function noisyItem(owner: string, hidden: OwnerBudget['hidden'], { configuration, statuses, now, run }: HostContext): Item {
  const { words, state, since } = describeTrouble(owner, configuration, statuses());
  return {
    kind: 'noisy',
    at: now,
    run,
    check: null,
    host: owner,
    state,
    onset: since ?? now,
    reason: `${count(hidden.changes, 'more change')}, ${words}`,
    to: hidden.to,
    facts: null,
    lines: [],
    priority: hidden.priority,
  };
}

/** How many checks of a host fail now, and the worst of them. */
export function describeTrouble(
  owner: string,
  { checks }: Configuration,
  statuses: Map<string, Status>,
): { words: string; state: State; since: number | null } {
  const failing = checks.flatMap((check) => {
    const latest = statuses.get(check.id)?.latest;
    const isTrouble = check.enabled && isOf(owner, check) && latest != null && latest.state !== 'OK' && latest.withheld === null;
    return isTrouble ? [{ check, state: latest.state, since: statuses.get(check.id)?.since ?? 0 }] : [];
  });
  let [worst] = failing;
  for (const one of failing) if (worst !== undefined && isWorse(one.state, worst.state)) worst = one;
  if (worst === undefined) return { words: 'no check in trouble now', state: 'OK', since: null };
  const words = `${count(failing.length, 'check')} in trouble, worst: ${worst.check.id} ${worst.state}`;
  return { words, state: worst.state, since: worst.since };
}

function isOf(owner: string, check: Check): boolean {
  return ownerOf({ check: check.id, host: check.host } as Item) === owner;
}

/** What is forgotten changes nothing: a full bucket of a host that was quiet for a day. */
function prune(budgets: HostBudgets, now: number): void {
  for (const [owner, { bucket, lastItemAt, noisyAt }] of Object.entries(budgets.owners)) {
    const isFull = refill(bucket, PER_HOST, now).tokens === PER_HOST.size;
    if (isFull && now - Math.max(lastItemAt, noisyAt) >= DAY_MS) delete budgets.owners[owner];
  }
  for (const [check, at] of Object.entries(budgets.passed)) if (now - at >= DAY_MS) delete budgets.passed[check];
}
