import type { RunRecord } from './run-record.ts';
import type { MessageRecord, Snapshot } from './snapshot.ts';
import { type ChartView, type Triple, toChart } from './views-chart.ts';
import { type Calendar, formatSeconds, type Moment, type StateClass } from './views-words.ts';

/** The runs: is monitoring itself well? */
export interface RunsView {
  summary: string;
  runs: {
    run: number;
    at: Moment;
    took: string;
    late: string;
    isLate: boolean;
    due: number;
    ok: number;
    warning: number;
    critical: number;
    unknown: number;
    skipped: number;
    items: number;
  }[];
  /** How long the runs took, oldest first; none while there are fewer than two. */
  charts: ChartView[];
}

export function toRunsView({ runs, configuration }: Snapshot, calendar: Calendar): RunsView {
  return {
    summary: summarise(runs),
    runs: runs.map((run) => toRun(run, configuration.interval, calendar)),
    charts: toDurations(runs, calendar),
  };
}

function summarise(runs: RunRecord[]): string {
  const durations = runs.flatMap((run) => run.durationMs ?? []).sort((a, b) => a - b);
  const middle = durations[Math.floor(durations.length / 2)];
  const longest = durations.at(-1);
  if (middle === undefined || longest === undefined) return '';
  return `Of the last ${durations.length} finished runs half took less than ${formatSeconds(middle / 1000)}; the longest took ${formatSeconds(longest / 1000)}.`;
}

function toRun(run: RunRecord, interval: number, calendar: Calendar): RunsView['runs'][number] {
  const late = (run.lateMs ?? 0) / 1000;
  // cron starts within the minute: less than half an interval is no lateness.
  const isLate = late > interval / 2;
  return {
    run: run.run,
    at: calendar.full(run.startedAt),
    took: run.durationMs === null ? 'not finished' : formatSeconds(run.durationMs / 1000),
    late: isLate ? formatSeconds(late) : '–',
    isLate,
    due: run.due,
    ok: run.ok,
    warning: run.warning,
    critical: run.critical,
    unknown: run.unknown,
    skipped: run.skipped,
    items: run.items,
  };
}

export interface MessageView {
  at: Moment;
  recipient: string;
  subject: string;
  word: string;
  class: StateClass;
  attempts: number;
  sentAt: string;
  answer: string;
}

function toDurations(runs: RunRecord[], calendar: Calendar): ChartView[] {
  const oldestFirst = [...runs].reverse();
  const labels = oldestFirst.map(({ startedAt }) => calendar.full(startedAt).words);
  const values = oldestFirst.map(({ durationMs }): Triple | null => {
    return durationMs === null ? null : [durationMs / 1000, durationMs / 1000, durationMs / 1000];
  });
  const chart = toChart({
    title: 'Duration of each run',
    unit: 's',
    layers: ['duration', 'duration', 'duration'],
    said: 0,
    say: (value) => `the newest took ${value}`,
    values,
    labels,
    threshold: undefined,
    ends: [labels[0] ?? '', labels.at(-1) ?? ''],
  });
  return chart === null ? [] : [chart];
}

const MESSAGE_STATES: Readonly<Record<MessageRecord['state'], { word: string; class: StateClass }>> = {
  sent: { word: 'SENT', class: 'ok' },
  frozen: { word: 'WAITING', class: 'warning' },
  failed: { word: 'FAILED', class: 'critical' },
};

/** One mail of the notifications' page. */
export function toMessage(message: MessageRecord, calendar: Calendar): MessageView {
  return {
    at: calendar.full(message.createdAt),
    recipient: message.recipient,
    subject: message.subject,
    ...MESSAGE_STATES[message.state],
    attempts: message.attempts,
    sentAt: message.sentAt === null ? '' : calendar.full(message.sentAt).words,
    answer: message.answer,
  };
}
