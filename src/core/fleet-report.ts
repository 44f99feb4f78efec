import type { Comparison, Counted, FleetDay } from './fleet.ts';
import { forecastRelease } from './fleet-release.ts';
import { count } from './transition.ts';
import { formatAge, formatBytes } from './unit.ts';

/** What vigie did in a month: honest numbers about itself. Times are seconds, medians. */
export interface MonthFacts {
  sent: number;
  failed: number;
  problems: number;
  noisiest: { check: string; items: number }[];
  /** From the first failure to the mail, and of how many problems. */
  toMail: number | null;
  mailed: number;
  /** From the first mail to the acknowledgement, and of how many. */
  toAck: number | null;
  acked: number;
  /** Incident files of the month, and how many of them somebody else reported first. */
  incidents: { all: number; others: number };
}

export interface FleetHistory {
  /** Oldest first. */
  days: FleetDay[];
  /** By `YYYY-MM`. */
  months: Record<string, MonthFacts>;
}

export interface FleetSection {
  title: string;
  rows: { label: string; value: string }[];
  notes: string[];
}

/** The report of a month, or of what is known of it so far; null for a month without a day. */
export function composeMonth(history: FleetHistory, month: string): FleetSection[] | null {
  const days = history.days.filter(({ day }) => day.startsWith(month));
  const last = days.at(-1);
  const first = days[0];
  if (last === undefined || first === undefined) return null;
  const until = history.days.filter(({ day }) => day <= last.day);
  return [
    describeFleet(last, first),
    describeWork(last, days, until.length === 1),
    describeReleases(until, last.day),
    ...describeFigures(last, first),
    ...describeInventory(last),
    ...describeOwn(history.months[month]),
  ];
}

const COLUMNS = 72;

/** Text to paste into a mail: lines of at most 72 characters, where words allow. */
export function formatMonth(title: string, month: string, sections: readonly FleetSection[]): string {
  const lines = [`${title}, ${month}`];
  for (const { title: heading, rows, notes } of sections) {
    const width = Math.max(0, ...rows.map(({ label }) => label.length)) + 2;
    lines.push('', heading);
    for (const { label, value } of rows) lines.push(...wrap(value, `  ${`${label}:`.padEnd(width)}`, ' '.repeat(width + 2)));
    for (const note of notes) lines.push(...wrap(note, '  ', '    '));
  }
  return `${lines.join('\n')}\n`;
}

function wrap(text: string, first: string, next: string): string[] {
  const lines: string[] = [];
  let line = first;
  let isEmpty = true;
  for (const word of text.split(' ')) {
    if (!isEmpty && line.length + 1 + word.length > COLUMNS) {
      lines.push(line);
      line = next + word;
    } else line += isEmpty ? word : ` ${word}`;
    isEmpty = false;
  }
  return [...lines, line];
}

function describeFleet(last: FleetDay, first: FleetDay): FleetSection {
  const roles = Object.entries(last.roles).map(([role, number]) => `${number} ${role}`);
  const servers = Object.entries(last.servers).filter(([, number]) => number > 0);
  return {
    title: 'Hosts',
    rows: [
      { label: 'Hosts', value: `${last.hosts}${change(last.hosts, first.hosts)}` },
      ...(roles.length === 0 ? [] : [{ label: 'By role', value: roles.join(', ') }]),
      ...servers.map(([kind, number]) => ({ label: `${capitalize(kind)} servers`, value: String(number) })),
      { label: 'Exporters', value: String(last.exporters) },
      { label: 'Reporting', value: `${last.reporting} of ${last.hosts}, within a day of ${last.day}` },
    ],
    notes: last.retiring.length === 0 ? [] : [`Retiring: ${last.retiring.join(', ')}`],
  };
}

/** `, 2 more than on the first day`; nothing where it is the same. */
function change(now: number, before: number): string {
  if (now === before) return '';
  return `, ${Math.abs(now - before)} ${now > before ? 'more' : 'fewer'} than at the beginning`;
}

function capitalize(word: string): string {
  return word.slice(0, 1).toUpperCase() + word.slice(1);
}

/** A number with how many hosts it is of; what nobody says is said. */
function show(counted: Counted | null, format: (value: number) => string = String): string {
  return counted === null ? 'nobody says' : `${format(counted.value)} (${count(counted.of, 'host')})`;
}

function describeWork(last: FleetDay, days: readonly FleetDay[], isFirst: boolean): FleetSection {
  const { memoryAvailable, memoryTotal } = last;
  const memory =
    memoryAvailable === null || memoryTotal === null || memoryTotal.value === 0
      ? 'nobody says'
      : `${formatBytes(memoryAvailable.value)} of ${formatBytes(memoryTotal.value)}, ${Math.round((memoryAvailable.value / memoryTotal.value) * 100)} % (${count(memoryTotal.of, 'host')})`;
  // A rate lies between two counts.
  const isEarly = isFirst && Object.keys(last.counters ?? {}).length > 0;
  const rate = (key: 'received' | 'sent') =>
    isEarly ? 'not known before the second day' : overMonth(last, days, key, (value) => `${formatBytes(value)}/s`);
  return {
    title: `Work and load on ${last.day}`,
    rows: [
      { label: 'Upgrades pending', value: show(last.upgrades) },
      { label: 'Of them security', value: show(last.security) },
      { label: 'Reboots pending', value: show(last.reboots) },
      { label: 'Mean load', value: overMonth(last, days, 'load', (value) => String(Math.round(value * 100) / 100)) },
      { label: 'Memory available', value: memory },
      { label: 'Processes', value: show(last.processes) },
      { label: 'Received', value: rate('received') },
      { label: 'Sent', value: rate('sent') },
    ],
    notes: [],
  };
}

/** The last day's and the month's mean. A rate is missing on a day on which every host was booted, which says nothing of the others. */
function overMonth(
  last: FleetDay,
  days: readonly FleetDay[],
  key: 'load' | 'received' | 'sent',
  format: (value: number) => string,
): string {
  const values = days.flatMap((day) => day[key]?.value ?? []);
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const month = values.length < 2 ? '' : `, ${format(mean)} over ${count(values.length, 'day')}`;
  return `${show(last[key], format)}${month}`;
}

function describeReleases(days: readonly FleetDay[], today: string): FleetSection {
  const last = days.at(-1);
  const forecast = forecastRelease(days, today);
  const rows = Object.entries(last?.releases ?? {}).map(([release, number]) => ({ label: release, value: String(number) }));
  const retiring = last?.retiring ?? [];
  const notes = [
    ...(forecast === null
      ? ['No host says that it runs a release of Debian.']
      : [`Upgrade to ${forecast.newest}: ${forecast.words}`]),
    ...(retiring.length === 0 ? [] : [`Left out, since they retire: ${retiring.join(', ')}`]),
  ];
  return { title: 'Releases', rows, notes };
}

function describeFigures(last: FleetDay, first: FleetDay): FleetSection[] {
  if (last.figures.length === 0) return [];
  const rows = last.figures.map(({ title, unit, value, of }) => {
    if (value === null) return { label: title, value: 'not measured' };
    const before = first.figures.find((one) => one.title === title)?.value;
    const was = before === undefined || before === null || before === value ? '' : `, ${before} at the beginning`;
    return { label: title, value: `${value}${unit === '' ? '' : ` ${unit}`}${of > 1 ? ` (${of} checks)` : ''}${was}` };
  });
  return [{ title: 'Figures', rows, notes: [] }];
}

function describeInventory({ hosts, inventory }: FleetDay): FleetSection[] {
  if (inventory.length === 0) return [];
  const counts = inventory.map((one) =>
    one.count === null ? `${one.title} not readable (${one.why})` : `${one.title} ${one.count}`,
  );
  const notes = [`in ${counts.join(', ')}, monitored ${hosts}`, ...inventory.flatMap((one) => describeDifference(one))];
  return [{ title: 'Sources that should agree', rows: [], notes }];
}

function describeDifference({ title, count: known, missing, extra }: Comparison): string[] {
  if (known === null) return [];
  if (missing.length + extra.length === 0) return [`${title} and what is monitored agree`];
  return [
    ...(missing.length === 0 ? [] : [`in ${title}, not monitored; missing: ${missing.join(', ')}`]),
    ...(extra.length === 0 ? [] : [`monitored, not in ${title}: ${extra.join(', ')}`]),
  ];
}

function describeOwn(facts: MonthFacts | undefined): FleetSection[] {
  if (facts === undefined) return [];
  const { sent, failed, problems, noisiest, toMail, mailed, toAck, acked, incidents } = facts;
  const time = (seconds: number | null, of: number) => (seconds === null ? 'none' : `${formatAge(seconds)}, the median of ${of}`);
  const others = incidents.all === 0 ? 'no incident' : `${incidents.others} of ${count(incidents.all, 'incident')}`;
  return [
    {
      title: 'The monitoring itself',
      rows: [
        { label: 'Problems', value: String(problems) },
        { label: 'Mails sent', value: `${sent}, ${failed === 0 ? 'none' : failed} failed` },
        { label: 'Failure to mail', value: time(toMail, mailed) },
        { label: 'Mail to acknowledgement', value: time(toAck, acked) },
        { label: 'Others reported first', value: others },
        {
          label: 'Noisiest',
          value: noisiest.length === 0 ? 'none' : noisiest.map(({ check, items }) => `${check} (${items})`).join(', '),
        },
      ],
      notes: [],
    },
  ];
}
