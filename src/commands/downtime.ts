import { formatAge, formatTime } from '../core/calendar.ts';
import { nextStart, stretchAt } from '../core/downtime.ts';
import { coveredBy, type Downtime } from '../core/people.ts';
import { count } from '../core/transition.ts';
import { formatDuration } from '../core/unit.ts';
import { addDowntime, readPeople, removeDowntime } from '../store/people.ts';
import { formatTable } from '../terminal.ts';
import { type Arguments, type Command, EXIT, UsageError } from './command.ts';
import { type Act, letAct, takeDuration, takeText, takeTime, textOf } from './person.ts';
import { findEnabled } from './words.ts';

/** Planned work: the state is measured and shown, and nothing new is told until its end. */
export const downtime: Command = {
  usage: 'downtime add TARGET --from T --for D --note TEXT [--public TEXT] [--repeat weekly] [--flexible D] | list | remove N',
  takes: ['add TARGET', 'list', 'remove N'],
  summary: 'planned work: nothing is told of TARGET and what depends on it',
  options: {
    from: { type: 'string' },
    for: { type: 'string' },
    note: { type: 'string' },
    public: { type: 'string' },
    repeat: { type: 'string' },
    flexible: { type: 'string' },
  },
  optionsOf: { add: ['from', 'for', 'note', 'public', 'repeat', 'flexible'] },
  help: [
    'TARGET         a check, host, service or pattern; what depends on it is covered too',
    '--from T       2026-12-01T22:00, with a zone if it is not yours, or a duration from now (0s)',
    '--for D        how long, such as 2h; at most 90d',
    '--public TEXT  what the public page says of it; without it, that maintenance is planned, and when',
    '--repeat weekly  again every week at the same local time',
    '--flexible D   begins with the first failure within D after --from, and lasts --for from then on',
    'list           those that hold or come; remove N ends one, and what is still broken is told',
  ],
  async run(context, given) {
    const [verb, ...positionals] = given.positionals;
    const chosen = verb === 'add' ? add : verb === 'remove' ? remove : list;
    return letAct(context, 'downtime', (act) => chosen(act, { ...given, positionals }));
  },
};

function add({ context, configuration, database, author }: Act, given: Arguments): number {
  const { now } = context;
  const zone = configuration.timezone;
  const target = given.positionals[0] ?? '';
  const note = takeText('downtime add', given, 'note');
  const from = takeTime('downtime add', 'from', takeText('downtime add', given, 'from'), { zone, now });
  const duration = takeDuration('downtime add', 'for', takeText('downtime add', given, 'for'), ['1s', '90d']);
  const repeat = textOf(given, 'repeat');
  if (repeat !== null && repeat !== 'weekly') {
    throw new UsageError(`downtime add: --repeat: not a repetition, expected weekly, found ${JSON.stringify(repeat)}`);
  }
  const window = textOf(given, 'flexible');
  const flexible = window === null ? null : takeDuration('downtime add', 'flexible', window, ['1s', '90d']);
  if (repeat === 'weekly' && Math.max(duration, flexible ?? 0) >= 7 * 86_400) {
    throw new UsageError('downtime add: --repeat weekly: overlaps itself, expected --for and --flexible below 7d');
  }
  const end = from + Math.max(duration, flexible ?? 0) * 1000;
  if (repeat === null && end <= now)
    throw new UsageError(`downtime add: is over already, expected an end after ${formatTime(now, zone)}`);
  findEnabled('downtime add', target, configuration);
  const number = addDowntime(database, {
    target,
    from,
    duration,
    repeat,
    zone,
    flexible,
    at: now,
    author,
    note,
    publicNote: takePublic(given),
  });
  const covered = coveredBy(
    target,
    configuration.checks.filter((check) => check.enabled),
  ).size;
  context.out(
    `downtime ${number} by ${author}: ${count(covered, 'check')}, ${describe({ from, duration, repeat, zone, flexible })}\n`,
  );
  return EXIT.done;
}

function takePublic(given: Arguments): string | null {
  return textOf(given, 'public') === null ? null : takeText('downtime add', given, 'public');
}

type Planned = Pick<Downtime, 'from' | 'duration' | 'repeat' | 'zone' | 'flexible'>;

/** `from Tue 2026-12-01 22:00 CET (21:00 UTC) for 2h, weekly`. */
export function describe({ from, duration, repeat, zone, flexible }: Planned): string {
  const weekly = repeat === 'weekly' ? ', weekly' : '';
  const begins = flexible === null ? '' : `, begins with the first failure within ${formatDuration(flexible)}`;
  return `from ${formatTime(from, zone)} for ${formatDuration(duration)}${weekly}${begins}`;
}

function list({ context, database }: Act): number {
  const { now } = context;
  const held = (readPeople(database, now)?.downtimes ?? []).filter(({ removedAt }) => removedAt === null);
  if (held.length === 0) context.out('no downtime holds or is planned\n');
  const rows = held.map((one) => {
    const stretch = stretchAt(one, now);
    const next = nextStart(one, now);
    const stands =
      stretch !== null
        ? `holds for ${formatAge((stretch.end - now) / 1000)} more`
        : next !== null
          ? `begins in ${formatAge((next - now) / 1000)}`
          : 'waits for a failure';
    return [String(one.number), one.target, stands, one.author, `${describe(one)}: ${one.note}`];
  });
  if (rows.length > 0)
    for (const line of formatTable([['N', 'TARGET', 'STANDS', 'BY', 'WHEN AND WHY'], ...rows], context.columns))
      context.out(`${line}\n`);
  return EXIT.done;
}

function remove({ context, database, author }: Act, given: Arguments): number {
  const text = given.positionals[0] ?? '';
  const number = /^\d{1,9}$/.test(text) ? Number(text) : null;
  if (number === null) throw new UsageError(`downtime remove: expected the number of a downtime, found ${JSON.stringify(text)}`);
  if (!removeDowntime(database, number, { at: context.now, author })) {
    throw new UsageError(`downtime remove: no downtime ${number}, expected one of vigie downtime list`);
  }
  context.out(`downtime ${number} removed by ${author}: what is still broken is told in the next run\n`);
  return EXIT.done;
}
