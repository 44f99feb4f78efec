import type { Check, Configuration } from './configuration.ts';
import type { Event, Item } from './item.ts';
import { coveredBy } from './people.ts';
import { worst } from './state.ts';
import type { Status } from './status.ts';
import { count } from './transition.ts';
import { formatTimeOfDay } from './wall-clock.ts';

/** Hosts that were booted, and whose checks are awaited: when, by name. Milliseconds since 1970. */
export type Reboots = Record<string, number>;

/** What is not back after this long is told. */
const PATIENCE_MS = 15 * 60_000;
/** What failed so long before the boot failed because of it: the machine was on its way down. */
const GOING_DOWN_MS = 15 * 60_000;

export interface RebootVerdict {
  /** Still awaited. */
  reboots: Reboots;
  items: Item[];
  events: Event[];
}

/** After a reboot nobody tests services by hand: who is back and who is not is said once, at once only if something is missing. */
export function judgeReboots(
  reboots: Reboots,
  configuration: Configuration,
  statuses: ReadonlyMap<string, Status>,
  { now, run }: { now: number; run: number },
): RebootVerdict {
  const verdict: RebootVerdict = { reboots: {}, items: [], events: [] };
  for (const [host, at] of Object.entries(reboots)) {
    const { back, missing, unseen } = lookAround(host, at, configuration, statuses);
    const isOver = now - at >= PATIENCE_MS;
    if (!isOver && missing.length + unseen > 0) {
      verdict.reboots[host] = at;
      continue;
    }
    const state = worst(missing.map(({ status }) => status.latest?.state ?? 'OK'));
    const time = formatTimeOfDay(at, configuration.timezone);
    const reason = `${host} was booted at ${time}: ${describe(back.length, missing, unseen)}`;
    const to = contactsOf(missing.length > 0 ? missing : back);
    const lines = missing.map(({ id, status }) => `${id} ${status.latest?.state ?? ''}: ${status.latest?.output ?? ''}`);
    const about = { kind: 'reboot', at: now, run, check: null, host, state, onset: at, reason } as const;
    verdict.events.push({ ...about, output: lines[0] ?? '', told: missing.length > 0 && to.length > 0 });
    // A good one is worth a line of the day, and no mail.
    const more = missing.length > 0 ? {} : { digest: 'next' as const };
    if (to.length > 0) verdict.items.push({ ...about, to, facts: null, lines, ...more });
  }
  return verdict;
}

interface Missing {
  id: string;
  contacts: string[];
  status: Status;
}

function lookAround(
  host: string,
  at: number,
  { checks }: Configuration,
  statuses: ReadonlyMap<string, Status>,
): { back: Check[]; missing: Missing[]; unseen: number } {
  const missing: Missing[] = [];
  const back: Check[] = [];
  let unseen = 0;
  const covered = coveredBy(
    host,
    checks.filter(({ enabled }) => enabled),
  );
  for (const check of checks) {
    const { id, contacts } = check;
    const status = statuses.get(id);
    if (!covered.has(id)) continue;
    const since = status?.problem?.onset ?? status?.streak?.startedAt ?? null;
    if (status === undefined || status.latest === null || status.latest.at < at) unseen += 1;
    else if (since === null && status.latest.state === 'OK') back.push(check);
    // What was broken long before is not the reboot's doing.
    else if (since === null || since >= at - GOING_DOWN_MS) missing.push({ id, contacts, status });
  }
  return { back, missing, unseen };
}

function contactsOf(checks: readonly { contacts: string[] }[]): string[] {
  return [...new Set(checks.flatMap(({ contacts }) => contacts))];
}

function describe(back: number, missing: Missing[], unseen: number): string {
  const seen = unseen === 0 ? '' : `, ${count(unseen, 'check')} not looked at yet`;
  if (missing.length === 0) return `${back === 1 ? 'its one check is' : `all ${back} checks are`} back${seen}`;
  const more = missing.length > 3 ? ` and ${missing.length - 3} more` : '';
  const names = missing.slice(0, 3).map(({ id }) => id);
  return `${count(back, 'check')} ${back === 1 ? 'is' : 'are'} back, ${names.join(', ')}${more} ${missing.length === 1 ? 'is' : 'are'} not${seen}`;
}
