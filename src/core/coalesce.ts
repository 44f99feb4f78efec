import { type Item, isRecovery } from './item.ts';
import { isWorse, type State } from './state.ts';

/** One line of the digest: an item, or a problem and its recovery that nobody was told of in time. */
export interface Entry {
  item: Item;
  /** The problem was over before anybody could be told: when it began, and its worst state. */
  over: { onset: number; state: State } | null;
}

const BEGINNINGS = new Set<Item['kind']>(['problem', 'worse', 'frequent', 'unstable']);
/** What is told again of a problem that is known: nothing, once it is over. */
const REPEATS = new Set<Item['kind']>(['reminder', 'escalation']);

/**
 * Makes one entry of what is owed for one check while nothing could be delivered: problem and recovery become "was CRITICAL from ..
 * to ..", problem and worse become the worse one. Items are in the order in which they were planned.
 */
export function coalesce(items: Item[]): Entry[] {
  const entries: Entry[] = [];
  /** Where the entry of each problem stands that is not over. */
  const open = new Map<string, number>();
  for (const item of items) {
    const problem = `${item.check} ${item.onset}`;
    const index = item.check === null ? undefined : open.get(problem);
    const before = index === undefined ? undefined : entries[index];
    if (index === undefined || before === undefined) {
      if (BEGINNINGS.has(item.kind) || REPEATS.has(item.kind)) open.set(problem, entries.length);
      entries.push({ item, over: null });
    } else if (isRecovery(item)) {
      const wasTold = REPEATS.has(before.item.kind);
      entries[index] = { item, over: wasTold ? null : { onset: before.item.onset, state: before.item.state ?? 'UNKNOWN' } };
      open.delete(problem);
    } else {
      entries[index] = { item: { ...item, kind: before.item.kind, state: worseOf(before.item.state, item.state) }, over: null };
    }
  }
  return entries;
}

function worseOf(a: State | null, b: State | null): State | null {
  return a !== null && b !== null && isWorse(a, b) ? a : (b ?? a);
}

/** Most important first: what is wrong by state, then what concerns the whole, what is told again, and what is over. */
export function rankEntry({ item, over }: Entry): number {
  if (item.kind === 'weekly') return 10;
  if (over !== null) return 9;
  if (isRecovery(item)) return 8;
  if (item.kind === 'started') return 7;
  const state = STATE_RANK[item.state ?? 'OK'];
  // It sums up what its host says besides: nothing of that may push it out.
  if (item.kind === 'noisy') return state - 0.1;
  if (item.kind === 'reminder') return 6 + state / 10;
  return item.check === null && item.host === null ? 2 : state;
}

/** Hosts without recent items stand first: what one noisy host says cannot bury another's first word. */
export function sortEntries(entries: Entry[]): Entry[] {
  // Keys are made once: there can be a hundred thousand entries after a relay was down for a week.
  const keyed = entries.map((entry) => {
    const rank = rankEntry(entry);
    return { entry, rank, group: entry.item.isFresh === true && rank < 6 ? 0 : 1 };
  });
  keyed.sort((a, b) => a.group - b.group || a.rank - b.rank || a.entry.item.at - b.entry.item.at);
  return keyed.map(({ entry }) => entry);
}

const STATE_RANK: Record<State, number> = { CRITICAL: 0, WARNING: 3, UNKNOWN: 4, OK: 5 };

/** What the subject names: the worst; of equals the first in the list. What only waited for the digest comes last. */
export function headEntry(sorted: Entry[]): Entry | undefined {
  // A problem by its name says more than a sum.
  const key = (entry: Entry) =>
    rankEntry(entry) + (entry.item.digest === undefined ? 0 : 20) + (entry.item.kind === 'noisy' ? 0.5 : 0);
  return sorted.reduce<Entry | undefined>(
    (best, entry) => (best === undefined || key(entry) < key(best) ? entry : best),
    undefined,
  );
}
