import { stringify } from 'yaml';
import type { CheckType } from '../check-type.ts';
import type { Check, Configuration, Contact } from '../core/configuration.ts';
import type { Option } from '../core/option.ts';
import { formatPeriod } from '../core/period.ts';
import { formatRange } from '../core/range.ts';
import { REMINDERS } from '../core/reminder.ts';
import { formatRota } from '../core/rota.ts';
import { formatDuration, formatSize } from '../core/unit.ts';

/** The whole configuration as it is in effect, as YAML; comments say where each setting came from. Secrets are `***`. */
export function renderNormalForm(configuration: Configuration, types: ReadonlyMap<string, CheckType>): string {
  const { checks, fingerprint, ...rest } = configuration;
  const blocks = checks.map((check) => renderCheck(check, types.get(check.type)));
  return `${renderGeneral(rest)}checks:\n${blocks.join('')}`;
}

function renderGeneral(configuration: Omit<Configuration, 'checks' | 'fingerprint'>): string {
  const { interval, mail, limits, retention, contacts, hosts, services, proxies, ...plain } = configuration;
  return stringify(
    {
      ...plain,
      interval: formatDuration(interval),
      mail: toWritten({
        ...mail,
        password: mail.password && SECRET,
        inbox: mail.inbox && toWritten({ ...mail.inbox, password: mail.inbox.password && SECRET }),
        tls: toWritten(mail.tls),
      }),
      limits: toWritten({ ...limits, runDeadline: formatDuration(limits.runDeadline) }),
      retention: mapValues(retention, formatDuration),
      contacts: mapValues(contacts, renderContact),
      proxies: mapValues(proxies, ({ name, source, ...proxy }) => proxy),
      hosts: mapValues(hosts, withoutPlace),
      services: mapValues(services, ({ any, ...service }) => withoutPlace({ ...service, any: any && toWritten(any) })),
    },
    { lineWidth: 0, flowCollectionPadding: true },
  );
}

const SECRET = '***';

function renderContact({ mail, periods, rota, absent, openpgp, fallback }: Contact): Record<string, unknown> {
  return toWritten({
    mail: rota === null ? mail : null,
    periods: periods?.map(formatPeriod),
    rota: rota && formatRota(rota),
    absent: absent.length === 0 ? null : absent.map(({ from, to }) => (from === to ? from : `${from} to ${to}`)),
    openpgp: openpgp && toWritten(openpgp),
    fallback: fallback && toWritten({ ...fallback, after: formatDuration(fallback.after) }),
  });
}

/** As it is written; null where the priority decides. */
function renderReminders({ priority, remind }: Check): string[] {
  const { after, every } = remind ?? REMINDERS[priority];
  return [...after.map(formatDuration), ...(every === null ? [] : [`every ${formatDuration(every)}`])];
}

function mapValues<T, R>(record: Record<string, T>, change: (value: T) => R): Record<string, R> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));
}

function withoutPlace<T extends { name: string; source: { file: string; line: number } }>({ name, source, ...rest }: T): object {
  return { ...toWritten(rest), source: `${source.file}:${source.line}` };
}

/** Keys as people write them, and only those that have a value. */
function toWritten(object: object): Record<string, unknown> {
  const entries = Object.entries(object).filter(([, value]) => value !== null);
  return Object.fromEntries(entries.map(([key, value]) => [key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`), value]));
}

function renderCheck(check: Check, type: CheckType | undefined): string {
  const rows: [string, unknown, (string | undefined)?][] = [
    ['type', check.type],
    ['target', check.target, 'of its options'],
    ['host', check.host, ''],
    ...Object.entries(check.options).map(([key, value]): [string, unknown] => [key, formatOption(type?.options[key], value)]),
    ['via', check.via ?? 'direct'],
    ['enabled', check.enabled],
    ['every', formatDuration(check.every)],
    ['recheck', formatDuration(check.recheck)],
    ['timeout', formatDuration(check.timeout)],
    ['retries', { times: check.retries.times, after: formatDuration(check.retries.after) }, toRetryOrigin(check)],
    ['deadline', formatDuration(check.deadline), check.origins['deadline'] === 'default' ? 'of timeout and retries' : undefined],
    ['attempts', check.attempts],
    ['recoveries', check.recoveries],
    ['unknown_attempts', check.unknownAttempts, check.origins['unknown_attempts']],
    ['frequency', renderFrequency(check.frequency)],
    ['daily_pattern', check.dailyPattern],
    ...Object.entries(check.thresholds).flatMap(([metric, threshold]) => toThresholdRows(metric, threshold, check, type)),
    ['contacts', check.contacts],
    ['priority', check.priority],
    [
      'escalate',
      check.escalate.length === 0
        ? null
        : check.escalate.map(({ after, contacts }) => ({ after: formatDuration(after), contacts })),
    ],
    ['remind', renderReminders(check), check.remind === null ? `priority ${check.priority}` : undefined],
    ['public', check.public ?? false],
    ['impact', check.impact],
    ['notes', check.notes],
    ['parents', check.parents, 'via, host and depends_on'],
  ];
  const lines = rows
    .filter(([, value]) => value !== null && value !== undefined)
    .map(
      ([key, value, origin = check.origins[key] ?? '']) =>
        `    ${key}: ${toInline(value)}${origin === '' ? '' : `  # ${origin}`}\n`,
    );
  return `  ${check.id}:  # ${check.source.file}:${check.source.line}\n${lines.join('')}`;
}

function renderFrequency(frequency: Check['frequency']): unknown {
  if (frequency === null) return 'off';
  return 'of' in frequency ? frequency : { ...frequency, within: formatDuration(frequency.within) };
}

function toRetryOrigin(check: Check): string {
  const { 'retries.times': times = '', 'retries.after': after = '' } = check.origins;
  return times === after ? times : `times: ${times}, after: ${after}`;
}

function toThresholdRows(
  metric: string,
  threshold: Check['thresholds'][string],
  check: Check,
  type: CheckType | undefined,
): [string, string, string][] {
  return (['warning', 'critical'] as const).flatMap((level) => {
    const range = threshold[level];
    const key = `thresholds.${metric}.${level}`;
    return range ? [[key, formatRange(range, type?.metrics[metric]?.unit), check.origins[key] ?? '']] : [];
  });
}

function formatOption(option: Option | undefined, value: unknown): unknown {
  if (value === undefined || value === null) return null;
  switch (option?.kind) {
    case 'secret':
      return SECRET;
    case 'duration':
      return formatDuration(Number(value));
    case 'size':
      return formatSize(Number(value));
    case 'list':
      return Array.isArray(value) ? value.map((item) => formatOption(option.item, item)) : value;
    case 'map':
      return mapValues(value as Record<string, unknown>, (item) => formatOption(option.item, item));
    case 'object': {
      const entries = Object.entries(value as Record<string, unknown>);
      return Object.fromEntries(entries.map(([key, item]) => [key, formatOption(option.fields[key], item)]));
    }
    case 'range':
      return formatRange(value as Parameters<typeof formatRange>[0]);
    default:
      return value;
  }
}

/** On one line, whatever it holds. */
function toInline(value: unknown): string {
  if (typeof value === 'string' && /[\n\r]/.test(value)) return JSON.stringify(value);
  return stringify(value, { collectionStyle: 'flow', lineWidth: 0, flowCollectionPadding: true, blockQuote: false }).trimEnd();
}
