import type { Event } from './item.ts';
import { checkPageOf } from './item-facts.ts';
import type { Notice, Snapshot } from './snapshot.ts';
import { type EventView, toEventView } from './views-events-view.ts';
import type { Means } from './views-means.ts';
import { toMessage } from './views-runs.ts';
import { STATE_CLASS, type StateClass } from './views-words.ts';

/** What was told to whom, what waits, and what was not told and why. */
export interface NoticesView {
  summary: string;
  messages: ReturnType<typeof toMessage>[];
  waiting: NoticeView[];
  told: NoticeView[];
  /** Changes that nobody was told of, each with its reason. */
  withheld: (EventView & { id: string; page: string })[];
}

export interface NoticeView {
  at: { iso: string; words: string };
  kind: string;
  subject: string;
  page: string;
  word: string;
  class: StateClass;
  reason: string;
  contact: string;
  recipient: string;
  stands: string;
}

const WITHHELD_SHOWN = 100;

export function toNoticesView(means: Means): NoticesView {
  const { snapshot, calendar } = means;
  const known = new Set(snapshot.configuration.checks.map(({ id }) => id));
  const pageOfId = (id: string) => (known.has(id) ? checkPageOf({ id }) : '');
  const notices = snapshot.notices.read().map((notice): [Notice, NoticeView] => [
    notice,
    {
      at: calendar.full(notice.at),
      kind: notice.kind,
      subject: notice.subject,
      page: pageOfId(notice.subject),
      word: notice.state ?? '',
      class: notice.state === null ? 'none' : STATE_CLASS[notice.state],
      reason: notice.reason,
      contact: notice.contact,
      recipient: notice.recipient,
      stands: describeStand(notice, means),
    },
  ]);
  const isWaiting = ({ message, closed }: Notice) => message === null && closed === null;
  return {
    summary: summarise(snapshot),
    messages: snapshot.messages.map((message) => toMessage(message, calendar)),
    waiting: notices.flatMap(([notice, view]) => (isWaiting(notice) ? [view] : [])),
    told: notices.flatMap(([notice, view]) => (isWaiting(notice) ? [] : [view])),
    withheld: snapshot.events
      .filter(isWithheld)
      .slice(0, WITHHELD_SHOWN)
      .map((event) => {
        const id = event.check ?? event.host ?? '';
        return { ...toEventView(event, calendar), id, page: pageOfId(id) };
      }),
  };
}

/** A soft failure is told to nobody by design: it is no news that was held back. */
function isWithheld({ told, kind }: Event): boolean {
  return !told && kind !== 'soft' && kind !== 'soft-recovery';
}

const WAITS: Readonly<Record<string, string>> = {
  period: 'waits for the hours of its contact',
  digest: 'waits for the daily digest',
  budget: 'waits until its recipient may have a mail again',
};

function describeStand({ wait, releaseAt, closed, message, messageState }: Notice, { calendar }: Means): string {
  if (closed !== null) return `not sent: ${closed}`;
  if (message !== null)
    return messageState === 'sent'
      ? `sent in mail ${message}`
      : messageState === 'failed'
        ? `mail ${message} failed`
        : `mail ${message} is on its way`;
  if (wait === null) return 'with the next mail';
  return `${WAITS[wait] ?? `waits: ${wait}`}, ${calendar.full(releaseAt).words}`;
}

function summarise({ messages }: Snapshot): string {
  const number = (state: string) => messages.filter((message) => message.state === state).length;
  if (messages.length === 0) return 'No mail has been written yet.';
  return `Of the last ${messages.length} mails: ${number('sent')} sent, ${number('frozen')} waiting, ${number('failed')} failed.`;
}
