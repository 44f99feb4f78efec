import { availability } from './availability.ts';
import { formatAge } from './calendar.ts';
import { pageOf } from './item-facts.ts';
import { windowTally } from './past.ts';
import { changeBefore } from './people.ts';
import type { Window } from './run-record.ts';
import { count } from './transition.ts';
import { type BarRun, describeBar, toRuns } from './views-bar.ts';
import type { Means, Seen } from './views-means.ts';
import { describeSaid } from './views-people.ts';
import { describeTold } from './views-standing.ts';
import type { StateWord } from './views-state.ts';
import { formatAvailability, type Moment, WITHHELD_WORDS } from './views-words.ts';

/** One problem as the overview and the pages of needs show it. */
export interface ProblemView extends StateWord {
  page: string;
  owner: string;
  name: string;
  since: Moment;
  age: string;
  said: string;
  /** Who said that they know of it, until when; empty when nobody did. */
  knows: string[];
  /** What changed just before, in words; or empty. */
  before: string;
  notes: string[];
  hours: BarRun[];
  hoursWords: string;
}

export interface SmallRow extends StateWord {
  id: string;
  page: string;
  said: string;
  why: string;
}

/** `isToldAbove`: why nobody is told of it yet is said above the list. */
export function toProblem(seen: Seen, means: Means, isToldAbove = false): ProblemView {
  const { check, status } = seen;
  const { calendar, snapshot } = means;
  const onset = status?.problem?.onset ?? snapshot.now;
  return {
    ...seen.state,
    page: pageOf(check),
    owner: ownerName(seen),
    name: check.name,
    since: calendar.short(onset),
    age: calendar.age(onset),
    said: status?.latest?.output ?? '',
    // Its pages are made anew in every run, so that days can be left out.
    knows: describeSaid(check, means.said, { full: calendar.short }),
    before: describeBefore(check.id, onset, means),
    notes: toNotes(seen, means, isToldAbove),
    hours: toRuns(seen.hours, means.hourLabels),
    hoursWords: describeHours(seen, means),
  };
}

/** What somebody changed in the hour before the onset, and where it covers the check. */
function describeBefore(check: string, onset: number, { snapshot }: Means): string {
  const { said, configuration } = snapshot;
  const change = said === null ? null : changeBefore(said, check, onset, configuration.checks);
  if (change === null) return '';
  // What a host says of itself has no author.
  const what = change.author === '' ? `${change.target} changed` : `a change by ${change.author} (${change.target})`;
  return `began ${formatAge((onset - change.at) / 1000)} after ${what}: ${change.note}`;
}

function ownerName({ check }: Seen): string {
  return check.service ?? check.host ?? 'proxy';
}

function describeHours(seen: Seen, means: Means): string {
  const share = shareOf(seen, '24h', means);
  return share === null || share === 1 ? describeBar(seen.hours, 'hours') : `last 24 hours: ${formatAvailability(share)} available`;
}

/** What a person needs beside the output: how sure, who was told, who is hurt, what hangs on it, what to do. */
function toNotes({ check, status }: Seen, means: Means, isToldAbove: boolean): string[] {
  const { configuration, statuses, now } = means.snapshot;
  const service = check.service === null ? undefined : configuration.services[check.service];
  const behind = configuration.checks.filter(
    (other) => other.parents.includes(check.id) && statuses.get(other.id)?.latest?.withheld != null,
  );
  if (status === undefined) return [];
  const { problem, streak, latest } = status;
  return [
    ...(problem !== null && problem.okInARow > 0 ? [`OK ${problem.okInARow} of ${check.recoveries} times: ending`] : []),
    ...(streak !== null ? [`${streak.length} in a row`] : []),
    ...(latest?.withheld != null ? [`not judged now: ${WITHHELD_WORDS[latest.withheld]}`] : []),
    ...(service !== undefined && service.neededBy.length > 0 ? [`hurts ${service.neededBy.join(', ')}`] : []),
    ...(behind.length > 0 ? [`${count(behind.length, 'check')} behind it not judged`] : []),
    ...(check.via === null ? [] : [`through ${check.via}`]),
    ...(check.public === null ? [] : ['public']),
    isToldAbove
      ? 'not told yet'
      : describeTold(check, status, now)
          .replace(/^\w/, (letter) => letter.toLowerCase())
          .replace(/\.$/, ''),
    ...(check.notes === null ? [] : [check.notes]),
  ];
}

export function toSmallRow({ check, status, state }: Seen, { calendar }: Means): SmallRow {
  const needed = status?.streak?.judged === false ? Math.max(check.attempts, check.unknownAttempts) : check.attempts;
  const why =
    status?.problem != null
      ? `since ${calendar.full(status.problem.onset).words}`
      : status?.streak == null
        ? ''
        : `failure ${status.streak.length} of ${needed} before an alert`;
  return { ...state, id: check.id, page: pageOf(check), said: status?.latest?.output ?? '', why };
}

/** The available share of a window, or null. */
export function shareOf({ check, status }: Seen, window: Window, { snapshot }: Means): number | null {
  return status === undefined ? null : availability(windowTally(window, status, snapshot.pasts.get(check.id)));
}
