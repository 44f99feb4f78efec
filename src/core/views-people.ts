import type { Check } from './configuration.ts';
import { nextStart, stretchAt } from './downtime.ts';
import { type Acknowledgement, acknowledgedNow, type Downtime, downtimesNow, type People } from './people.ts';
import type { Snapshot } from './snapshot.ts';
import { formatDuration } from './unit.ts';
import type { Calendar, Moment } from './views-words.ts';

/** What people said, as it holds when the pages are made. */
export interface Said {
  held: Map<string, { downtime: Downtime; end: number }>;
  acknowledged: Map<string, Acknowledgement>;
}

export function toSaid({ said, configuration, now }: Pick<Snapshot, 'said' | 'configuration' | 'now'>): Said {
  if (said === null) return { held: new Map(), acknowledged: new Map() };
  return { held: downtimesNow(said, configuration.checks, now), acknowledged: acknowledgedNow(said, now) };
}

/** Sentences about one check: who said what, until when. */
export function describeSaid({ id }: Pick<Check, 'id'>, { held, acknowledged }: Said, calendar: Pick<Calendar, 'full'>): string[] {
  const down = held.get(id);
  const acknowledgement = acknowledged.get(id);
  const lines: string[] = [];
  if (acknowledgement !== undefined) {
    const { author, until, note } = acknowledgement;
    lines.push(`Acknowledged by ${author} until ${calendar.full(until).words}: ${note}`);
  }
  if (down !== undefined) {
    const { author, note, number } = down.downtime;
    lines.push(`In downtime ${number} by ${author} until ${calendar.full(down.end).words}: ${note}`);
  }
  return lines;
}

/** A row of the overview: what somebody said that holds or comes. */
export interface SaidRow {
  what: string;
  target: string;
  author: string;
  note: string;
  stands: string;
  when: Moment;
}

/** Downtimes and acknowledgements, and changes that are still watched. */
export function toSaidRows(said: People | null, now: number, calendar: Calendar): SaidRow[] {
  if (said === null) return [];
  const changes = said.changes.filter(({ until }) => until > now);
  return [
    ...changes.map(({ target, author, note, until }) => ({
      what: 'change',
      target,
      // What a host says of itself has no author.
      author: author === '' ? 'by its report' : author,
      note,
      stands: 'watched until',
      when: calendar.short(until),
    })),
    ...said.downtimes.filter(({ removedAt }) => removedAt === null).flatMap((one) => toDowntimeRow(one, now, calendar)),
    ...said.acknowledgements
      .filter(({ until }) => until > now)
      .map(({ check, author, note, until }) => ({
        what: 'acknowledged',
        target: check,
        author,
        note,
        stands: 'until',
        when: calendar.short(until),
      })),
  ];
}

function toDowntimeRow(downtime: Downtime, now: number, calendar: Calendar): SaidRow[] {
  const { number, target, author, note, repeat, flexible, duration } = downtime;
  const stretch = stretchAt(downtime, now);
  const start = nextStart(downtime, now);
  const how = [
    `for ${formatDuration(duration)}`,
    ...(repeat === null ? [] : [repeat]),
    ...(flexible === null ? [] : ['with the first failure']),
  ];
  const what = `downtime ${number}`;
  if (stretch !== null) return [{ what, target, author, note, stands: 'holds until', when: calendar.short(stretch.end) }];
  if (start !== null) return [{ what, target, author, note, stands: `${how.join(', ')}, from`, when: calendar.short(start) }];
  // A flexible one inside of its window, in which nothing has failed yet.
  return [{ what, target, author, note, stands: `${how.join(', ')}, since`, when: calendar.short(downtime.from) }];
}
