import type { Check, Configuration, Service } from './configuration.ts';
import type { PastResult, Snapshot } from './snapshot.ts';
import type { State } from './state.ts';
import type { Status } from './status.ts';
import type { Said } from './views-people.ts';
import type { StateClass } from './views-words.ts';

export const PUBLIC_STATES = ['operational', 'degraded', 'down', 'maintenance', 'unknown'] as const;
export type PublicState = (typeof PUBLIC_STATES)[number];

export const STATE_WORDS: Readonly<Record<PublicState, { word: string; class: StateClass }>> = {
  operational: { word: 'Operational', class: 'ok' },
  degraded: { word: 'Degraded', class: 'warning' },
  down: { word: 'Down', class: 'critical' },
  maintenance: { word: 'Maintenance', class: 'skipped' },
  unknown: { word: 'Unknown', class: 'unknown' },
};

/** Checks that are not public never count. */
export function publicChecks(configuration: Configuration, service: Service): Check[] {
  return configuration.checks.filter((check) => check.service === service.name && check.enabled && check.public !== null);
}

export interface Verdict {
  state: PublicState;
  since: number | null;
}

/**
 * *down*: HARD CRITICAL; *degraded*: HARD WARNING; *unknown*: nothing counted in the last 3 intervals; a soft failure is none.
 * *maintenance*: it fails while a downtime holds.
 */
export function verdictOf(snapshot: Snapshot, check: Check, { held }: Said): Verdict {
  const status = snapshot.statuses.get(check.id);
  // What is withheld as unreachable fails too: a host that is rebooted as planned takes its services along.
  const isFailing = status?.latest != null && (status.problem !== null || status.latest.state !== 'OK');
  if (status !== undefined && isFailing && held.has(check.id)) {
    return { state: 'maintenance', since: status.problem?.onset ?? status.since };
  }
  const counted = status === undefined ? null : lastCounted(status, () => snapshot.recentResults(check.id));
  if (status === undefined || counted === null || snapshot.now - counted.at > 3 * check.every * 1000) {
    return { state: 'unknown', since: counted?.at ?? null };
  }
  const { problem } = status;
  if (problem === null) return { state: 'operational', since: null };
  // One OK result of the several that end a problem: it lasts, as it was told.
  const state = counted.state === 'OK' ? (problem.told ?? 'WARNING') : counted.state;
  const isDown = state === 'CRITICAL' && check.impact === 'down';
  return { state: isDown ? 'down' : 'degraded', since: problem.onset };
}

/** The newest result that was judged and measured: UNKNOWN means that we could not look. */
function lastCounted(status: Status, readRecent: () => PastResult[]): { at: number; state: State } | null {
  const counts = (result: { withheld: string | null; state: State }) => result.withheld === null && result.state !== 'UNKNOWN';
  if (status.latest === null) return null;
  if (counts(status.latest)) return status.latest;
  return readRecent().find(counts) ?? null;
}

/** With `any`, a service is down once so many of its redundant checks are; fewer leave it degraded. */
export function combine(service: Pick<Service, 'any'>, verdicts: (Verdict & { check: Check })[]): Verdict {
  const { any } = service;
  const redundant = verdicts.filter(({ check }) => any?.of.includes(check.id) === true);
  const others = verdicts.filter((verdict) => !redundant.includes(verdict));
  const down = redundant.filter(({ state }) => state === 'down');
  const eased =
    any !== null && down.length < any.atLeast
      ? redundant.map((verdict) => (verdict.state === 'down' ? { ...verdict, state: 'degraded' as const } : verdict))
      : redundant;
  const all = [...others, ...eased];
  for (const state of ['down', 'degraded', 'maintenance'] as const) {
    const found = all.filter((verdict) => verdict.state === state);
    if (found.length > 0) return { state, since: Math.min(...found.flatMap(({ since }) => since ?? [])) };
  }
  // A service works as far as it was measured; without any measurement nothing is known.
  if (all.some((verdict) => verdict.state === 'operational')) return { state: 'operational', since: null };
  return { state: 'unknown', since: null };
}
