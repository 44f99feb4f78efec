import type { Priority } from './configuration.ts';
import type { State } from './state.ts';

/** The closed list of kinds of items: about a check, about a host, about the whole (alerting.md section 12). */
export const CHECK_KINDS = [
  'problem',
  'worse',
  'recovery',
  'frequent',
  'recurring',
  'unstable',
  'stable',
  'reminder',
  'escalation',
  'downtime-end',
] as const;
export const HOST_KINDS = ['reboot', 'noisy', 'new'] as const;
export const WHOLE_KINDS = [
  'started',
  'isolated',
  'isolation-over',
  'mass-failure',
  'clock',
  'run-gap',
  'overlap',
  'config',
  'removed',
  'database',
  'credentials',
] as const;
export type ItemKind = (typeof CHECK_KINDS)[number] | (typeof HOST_KINDS)[number] | (typeof WHOLE_KINDS)[number];

/** Why an item is not told (alerting.md section 8): with several reasons the first of this order is recorded. */
export const HELD_BACK = [
  'config',
  'isolated',
  'clock',
  'proxy',
  'report',
  'unreachable',
  'grace',
  'mass-failure',
  'downtime',
  'unstable',
  'acknowledged',
  'period',
  'budget',
] as const;
export type HeldBack = (typeof HELD_BACK)[number];

/** An earlier problem of the same check, for "third time in 90 days". */
export interface PastProblem {
  onset: number;
  /** Seconds; null while it lasts. */
  duration: number | null;
  /** What somebody said of it: `anna: uwsgi restarted`. */
  note?: string;
}

/** What a mail needs to say about a check, frozen when the item is planned. */
export interface CheckFacts {
  /** The service's title, or the host's name. */
  title: string;
  type: string;
  target: string;
  output: string;
  code: string;
  priority: Priority;
  notes: string | null;
  /** Where the check is defined, `conf.d/website.yaml:12`. */
  source: string;
  /** The private page's path, relative to the site: `services/website.html#front-page`. */
  page: string;
  failingParts: string[];
  /** Other checks of the same host or service that are not OK, by id. */
  also: string[];
  /** The worst state that was told of the problem that is over; null while it lasts. */
  was: State | null;
  /** What cannot be judged because this check fails: `14 checks, of them critical: website/front-page`; or null. */
  affected: string | null;
  past: PastProblem[];
  /** What changed just before: `4 min after Puppet applied 3 changes`. */
  changes?: string[];
}

/** One line owed to contacts (alerting.md section 12). Times are milliseconds since 1970. */
export interface Item {
  /** `weekly` is no item of the list: it is a mail of its own, and comes whether anything happened or not. */
  kind: ItemKind | 'weekly';
  at: number;
  run: number;
  check: string | null;
  /** The check's host; for items about a host or a service without one, its name. */
  host: string | null;
  state: State | null;
  onset: number;
  reason: string;
  /** Contact names. */
  to: string[];
  facts: CheckFacts | null;
  /** Further lines, such as the checks of a `new` item or the errors of a `config` item. */
  lines: string[];
  /** Of an item without facts; otherwise theirs. Default: high. */
  priority?: Priority;
  /** `next`: it waits for the daily digest. `this`: the digest of this run made it. */
  digest?: 'next' | 'this';
  /** What an item about the whole is about, where one run can have several of a kind: a network group. */
  about?: string;
  /** Its host or service had no item for 24 h: such are listed first. */
  isFresh?: true;
}

/** What an item is about, by one name: problem and recovery have the same. */
export function subjectOf({ check, host, about }: Item): string {
  return check ?? host ?? about ?? '';
}

export function priorityOf(item: Item): Priority {
  return item.facts?.priority ?? item.priority ?? 'high';
}

/** The host that an item is about, or the service where there is none; null for the whole. */
export function ownerOf({ check, host }: Item): string | null {
  if (host !== null || check === null) return host;
  // A proxy is looked at by itself: what one of them does is not the others' doing.
  return check.startsWith('proxy/') ? check : check.slice(0, check.indexOf('/'));
}

/** Whether it says that something is over. */
export function isRecovery({ kind, state }: Pick<Item, 'kind' | 'state'>): boolean {
  return kind === 'recovery' || kind === 'isolation-over' || (kind === 'stable' && state === 'OK');
}

/** News of the whole, for `contactsForAll`; silent ones are a line of the daily digest. */
export interface WholeNews extends Pick<Item, 'kind' | 'reason' | 'lines' | 'about'> {
  onset?: number;
  isSilent?: true;
}

/** An item that nobody is told, and why. */
export interface WithheldItem {
  item: Item;
  because: HeldBack;
}

/** One entry of the history of changes. `told` is false where nobody had to be told, with the reason saying why. */
export interface Event {
  at: number;
  run: number;
  kind: Item['kind'] | 'soft' | 'soft-recovery' | 'change';
  check: string | null;
  host: string | null;
  state: State | null;
  onset: number;
  reason: string;
  output: string;
  told: boolean;
}
