import { checkPageOf } from './item-facts.ts';
import { type BarRun, describeBar, toRuns } from './views-bar.ts';
import { type CheckView, toCheckView } from './views-check.ts';
import { hasEvents } from './views-events-owners.ts';
import { type EventView, explainKinds, toEventView } from './views-events-view.ts';
import type { Means, Seen } from './views-means.ts';
import type { OwnerRow } from './views-overview.ts';
import type { Owner } from './views-owner.ts';
import { describeSaid } from './views-people.ts';
import { shareOf } from './views-problem.ts';
import { describeReport } from './views-report.ts';
import type { Standing, StateWord } from './views-state.ts';
import { formatAvailability, type Moment, WITHHELD_WORDS } from './views-words.ts';

/** The page of a host or a service: what is wrong in full, everything else in one line each. */
export interface OwnerView {
  row: OwnerRow;
  notes: string;
  /** What fails, also on the pages of services that run on this host. */
  troubled: CheckView[];
  facts: { term: string; words: string }[];
  /** What somebody or the host itself changed in the last hours, newest first. */
  changes: { at: Moment; author: string; note: string }[];
  /** Its other checks. */
  calm: CheckLine[];
  /** A host's other checks that stand on the pages of its services. */
  elsewhere: CheckLine[];
  /** The newest changes of its checks, and reboots. */
  events: (EventView & { id: string; page: string })[];
  kinds: string;
  /** All of them, or empty when there are none. */
  eventsPage: string;
}

/** A check in one line; the rest stands on its own page. */
export interface CheckLine extends StateWord {
  /** Where links to the check on this page lead. */
  anchor: string;
  name: string;
  type: string;
  page: string;
  said: string;
  /** Why it is not judged, and who said what of it. */
  why: string;
  hours: BarRun[];
  hoursWords: string;
  share: string;
}

export function toOwnerView(owner: Owner, row: OwnerRow, means: Means): OwnerView {
  const own = byTrouble(owner.own);
  const related = byTrouble(owner.related);
  return {
    row,
    notes: owner.notes ?? '',
    troubled: [
      ...own.filter(isTroubled).map((seen) => toCheckView(seen, means)),
      ...related.filter(isTroubled).map((seen) => toForeignView(seen, means)),
    ],
    facts: [...owner.facts, ...describeSelf(owner, means)],
    changes: toChangeRows(owner, means),
    calm: own.filter((seen) => !isTroubled(seen)).map((seen) => toLine(seen, true, means)),
    elsewhere: related.filter((seen) => !isTroubled(seen)).map((seen) => toLine(seen, false, means)),
    ...toOwnerEvents(owner, means),
  };
}

function isTroubled({ standing }: Seen): boolean {
  return standing === 'problem' || standing === 'soft';
}

const ORDER: readonly Standing[] = ['problem', 'soft', 'withheld', 'new', 'ok', 'off'];

/** Trouble first, otherwise in the order of the names. */
function byTrouble(checks: Seen[]): Seen[] {
  return [...checks].sort((a, b) => ORDER.indexOf(a.standing) - ORDER.indexOf(b.standing));
}

/** Of another owner: its anchor has capitals, which no name has, so that no check of this one has the same. */
function toForeignView(seen: Seen, means: Means): CheckView {
  const { id } = seen.check;
  return { ...toCheckView(seen, means), anchor: foreignAnchor(id), name: id };
}

function foreignAnchor(id: string): string {
  return `Service-${id.replace('/', '-Check-')}`;
}

function toLine(seen: Seen, isOwn: boolean, means: Means): CheckLine {
  const { check, status, state, standing, hours } = seen;
  const share = shareOf(seen, '90d', means);
  const withheld = status?.latest?.withheld ?? null;
  const why = [
    ...(standing === 'withheld' && withheld !== null ? [`${status?.latest?.state}, not judged: ${WITHHELD_WORDS[withheld]}`] : []),
    ...describeSaid(check, means.said, means.calendar),
  ];
  return {
    ...state,
    anchor: isOwn ? check.name : foreignAnchor(check.id),
    name: isOwn ? check.name : check.id,
    type: check.type,
    page: checkPageOf(check),
    said: status?.latest?.output ?? '',
    why: why.join('. '),
    hours: toRuns(hours, means.hourLabels),
    hoursWords: describeBar(hours, 'hours'),
    share: share === null ? '–' : formatAvailability(share),
  };
}

const EVENTS_OF_AN_OWNER = 12;

/** Whose events are an owner's: those of its checks, and a host's own, such as reboots. */
export function sourcesOf({ kind, name, own, related }: Owner): { ids: string[]; host: string | null } {
  return { ids: [...own, ...related].map(({ check }) => check.id), host: kind === 'host' ? name : null };
}

function toOwnerEvents(owner: Owner, means: Means): Pick<OwnerView, 'events' | 'kinds' | 'eventsPage'> {
  const { kind, name } = owner;
  const { ids, host } = sourcesOf(owner);
  const events = means.snapshot.archive.readNewest(ids, host, EVENTS_OF_AN_OWNER);
  return {
    events: events.map((event) => {
      const page = event.check === null ? '' : checkPageOf({ id: event.check });
      return { ...toEventView(event, means.calendar), id: event.check ?? name, page };
    }),
    kinds: explainKinds(events),
    eventsPage: hasEvents(ids, host, means) ? `events/${kind}s/${name}.html` : '',
  };
}

function describeSelf({ kind, name }: Owner, { snapshot, calendar }: Means): OwnerView['facts'] {
  return kind === 'host' ? describeReport(snapshot.reportOf(name), calendar) : [];
}

const CHANGES_SHOWN = 6;

function toChangeRows({ name }: Owner, { snapshot, calendar }: Means): OwnerView['changes'] {
  return (snapshot.said?.changes ?? [])
    .filter(({ target }) => target === name)
    .sort((a, b) => b.at - a.at)
    .slice(0, CHANGES_SHOWN)
    .map(({ at, author, note }) => ({ at: calendar.full(at), author, note }));
}
