import type { Check, Service } from './configuration.ts';
import { mayHaveHeld } from './downtime.ts';
import type { Event } from './item.ts';
import { coveredBy } from './people.ts';
import type { Snapshot } from './snapshot.ts';
import { combine, type PublicState, publicChecks, type Verdict } from './views-public-state.ts';

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
 * How the public services went, from the events that are known; the newest first. What stood here once stays, and what began ends: a
 * feed's reader remembers it.
 */
export function toPublicChanges(snapshot: Snapshot): PublicChange[] {
  const { configuration } = snapshot;
  const changes = Object.values(configuration.services)
    .filter((service) => service.public !== null)
    .flatMap((service) => changesOf(snapshot, service, publicChecks(configuration, service)));
  return changes.sort((a, b) => b.at - a.at || (a.service < b.service ? -1 : 1)).slice(0, CHANGES_SHOWN);
}

type Failing = Map<string, Verdict & { check: Check }>;

function changesOf(snapshot: Snapshot, service: Service, checks: Check[]): PublicChange[] {
  const byId = new Map(checks.map((check) => [check.id, check]));
  const own = snapshot.events.filter(({ check }) => check !== null && byId.has(check)).sort((a, b) => a.at - b.at);
  const events = own.filter((event) => counts(event, own, snapshot));
  const failing = failingBefore(events, byId);
  const changes: PublicChange[] = [];
  const stateOf = () => (failing.size === 0 ? 'operational' : combine(service, [...failing.values()]).state);
  let state = stateOf();
  for (const [i, event] of events.entries()) {
    const check = byId.get(event.check ?? '');
    if (check === undefined) continue;
    follow(failing, check, event);
    // What happened in one run is one change.
    if (events[i + 1]?.at === event.at) continue;
    const found = stateOf();
    if (found === state) continue;
    state = found;
    changes.push({ at: event.at, service: service.name, title: service.public?.title ?? '', state, words: WORDS[state] ?? '' });
  }
  return changes;
}

/** A recovery without its beginning is of a problem that is older than the events that are known. */
function failingBefore(events: Event[], byId: ReadonlyMap<string, Check>): Failing {
  const failing: Failing = new Map();
  for (const [id, check] of byId) {
    const first = events.find((event) => event.check === id);
    if (first?.kind === 'recovery' && first.told) follow(failing, check, { ...first, kind: 'problem', state: 'CRITICAL' });
  }
  return failing;
}

const TROUBLE = new Set<Event['kind']>(['problem', 'worse', 'frequent', 'unstable']);

/**
 * What was told counts. So does what nobody was told of, as a check that is new, if it became a problem, which lasts or has recovered
 * since: what was only held back never does. Not so what a planned downtime held, which the first page calls maintenance, and the
 * flapping of a check that is unstable.
 */
function counts(event: Event, own: Event[], snapshot: Snapshot): boolean {
  const { kind, check, told, onset, at } = event;
  if (kind === 'recovery' || kind === 'downtime-end') return true;
  if (!TROUBLE.has(kind)) return false;
  if (told) return true;
  const isReal =
    snapshot.statuses.get(check ?? '')?.problem?.onset === onset ||
    own.some((other) => other.kind === 'recovery' && other.check === check && other.onset === onset);
  return isReal && !wasUnstable(event, own, snapshot) && !wasHeld(event, at, snapshot);
}

function wasUnstable({ check, at }: Event, own: Event[], { statuses }: Snapshot): boolean {
  const turns = own.filter((other) => other.check === check && (other.kind === 'unstable' || other.kind === 'stable'));
  const before = turns.findLast((turn) => turn.at <= at);
  if (before !== undefined) return before.kind === 'unstable';
  const [after] = turns;
  return after === undefined ? statuses.get(check ?? '')?.trouble?.unstable != null : after.kind === 'stable';
}

function wasHeld({ check }: Event, at: number, { configuration, downtimesSince }: Snapshot): boolean {
  return downtimesSince(at).some(
    (downtime) => mayHaveHeld(downtime, at) && coveredBy(downtime.target, configuration.checks).has(check ?? ''),
  );
}

function follow(failing: Failing, check: Check, { kind, state, onset }: Event): void {
  if (kind === 'recovery') failing.delete(check.id);
  // UNKNOWN means that we could not look.
  else if (state === 'CRITICAL' || state === 'WARNING') {
    const isDown = state === 'CRITICAL' && check.impact === 'down';
    failing.set(check.id, { check, state: isDown ? 'down' : 'degraded', since: onset });
  }
}
