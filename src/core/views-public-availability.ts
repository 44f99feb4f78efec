import { availability, EMPTY_TALLY } from './availability.ts';
import type { Check } from './configuration.ts';
import { dayTallies, windowTally } from './past.ts';
import type { Window } from './run-record.ts';
import type { Snapshot } from './snapshot.ts';
import { count } from './transition.ts';
import { toDayBar, worstBar } from './views-bar.ts';
import { formatAvailability, type StateClass } from './views-words.ts';

export interface PublicWindow {
  window: string;
  name: string;
  words: string;
  share: number | null;
}

export interface PublicDay {
  day: string;
  class: StateClass;
  words: string;
}

export const PUBLIC_WINDOWS = ['24h', '7d', '30d', '90d'] as const satisfies Window[];
export const WINDOW_WORDS: Readonly<Record<(typeof PUBLIC_WINDOWS)[number], string>> = {
  '24h': 'last 24 hours',
  '7d': '7 days',
  '30d': '30 days',
  '90d': '90 days',
};

/** A service's availability is its lowest public check's. */
export function toWindow(snapshot: Snapshot, checks: Check[], window: (typeof PUBLIC_WINDOWS)[number]): PublicWindow {
  const shares = checks.flatMap((check) => {
    const status = snapshot.statuses.get(check.id);
    return status === undefined ? [] : (availability(windowTally(window, status, snapshot.pasts.get(check.id))) ?? []);
  });
  const share = shares.length === 0 ? null : Math.min(...shares);
  return { window, name: WINDOW_WORDS[window], words: formatAvailability(share), share };
}

const DAY_WORDS: Readonly<Record<StateClass, string>> = {
  ok: 'worked all day',
  warning: 'degraded for some time',
  critical: 'down for some time',
  unknown: 'not known for some time',
  planned: 'planned maintenance for some time',
  skipped: 'not measured',
  none: 'not measured',
};

/** What a check's days are read from. */
export type PastOf = Parameters<typeof dayTallies>;

export function toDays(pasts: PastOf[], labels: string[]): PublicDay[] {
  const tallies = pasts.map((past) => dayTallies(...past));
  const bar = worstBar(
    pasts.map((past) => toDayBar(...past)),
    90,
  );
  return labels.map((day, i) => {
    const found = bar[i] ?? 'none';
    const shares = tallies.flatMap((one) => availability(one[i] ?? EMPTY_TALLY) ?? []);
    const lowest = shares.length === 0 ? null : Math.min(...shares);
    const share = lowest === null || lowest === 1 ? '' : `, ${formatAvailability(lowest)}`;
    return { day, class: found, words: `${DAY_WORDS[found]}${share}` };
  });
}

export function describeDays(days: PublicDay[], share: number | null): string {
  const down = days.filter((day) => day.class === 'critical').length;
  const measured = days.filter((day) => day.class !== 'none' && day.class !== 'skipped').length;
  if (measured === 0) return 'last 90 days: nothing measured yet';
  if (share === null) return 'last 90 days: measured for the first time just now';
  const since = measured < 90 ? `, measured on ${count(measured, 'day')}` : '';
  const trouble = down === 0 ? 'never down' : `down for some time on ${count(down, 'day')}`;
  return `last 90 days: ${formatAvailability(share)} available, ${trouble}${since}`;
}
