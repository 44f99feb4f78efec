import type { Check, Service } from './configuration.ts';
import type { Event } from './item.ts';
import type { Snapshot } from './snapshot.ts';
import { toSaid } from './views-people.ts';
import { combine, type PublicState, publicChecks, type Verdict } from './views-public.ts';

/** A public service that came into another state, for feeds. */
export interface PublicChange {
  at: number;
  service: string;
  title: string;
  state: PublicState;
  words: string;
}

const WORDS: Readonly<Partial<Record<PublicState, string>>> = {
  operational: 'works again',
  degraded: 'is degraded',
  down: 'is down',
};

const CHANGES_SHOWN = 30;

/**
 * How the public services went, from the events that are known; the newest first. What was not told, as in a planned downtime, is no
 * change, unless it lasts and nothing holds it back.
 */
export function toPublicChanges(snapshot: Snapshot): PublicChange[] {
  const { configuration } = snapshot;
  const changes = Object.values(configuration.services)
    .filter((service) => service.public !== null)
    .flatMap((service) => changesOf(snapshot, service, publicChecks(configuration, service)));
  return changes.sort((a, b) => b.at - a.at || (a.service < b.service ? -1 : 1)).slice(0, CHANGES_SHOWN);
}

function changesOf(snapshot: Snapshot, service: Service, checks: Check[]): PublicChange[] {
  const byId = new Map(checks.map((check) => [check.id, check]));
  const held = toSaid(snapshot).held;
  const counts = ({ check, kind, told, onset }: Event) => {
    if (check === null || !byId.has(check)) return false;
    if (kind === 'recovery') return true;
    if (kind !== 'problem' && kind !== 'worse' && kind !== 'frequent') return false;
    return told || (snapshot.statuses.get(check)?.problem?.onset === onset && !held.has(check));
  };
  const failing = new Map<string, Verdict & { check: Check }>();
  const changes: PublicChange[] = [];
  let state: PublicState = 'operational';
  const events = snapshot.events.filter(counts).sort((a, b) => a.at - b.at);
  for (const [i, event] of events.entries()) {
    const check = byId.get(event.check ?? '');
    if (check === undefined) continue;
    follow(failing, check, event);
    // What happened in one run is one change.
    if (events[i + 1]?.at === event.at) continue;
    const found = failing.size === 0 ? 'operational' : combine(service, [...failing.values()]).state;
    if (found === state) continue;
    state = found;
    changes.push({ at: event.at, service: service.name, title: service.public?.title ?? '', state, words: WORDS[state] ?? '' });
  }
  return changes;
}

function follow(failing: Map<string, Verdict & { check: Check }>, check: Check, { kind, state, onset }: Event): void {
  if (kind === 'recovery') failing.delete(check.id);
  // UNKNOWN means that we could not look.
  else if (state === 'CRITICAL' || state === 'WARNING') {
    const isDown = state === 'CRITICAL' && check.impact === 'down';
    failing.set(check.id, { check, state: isDown ? 'down' : 'degraded', since: onset });
  }
}
