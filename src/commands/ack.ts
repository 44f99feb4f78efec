import { formatTime } from '../core/calendar.ts';
import { isInTrouble } from '../core/people.ts';
import { cleanText } from '../core/text.ts';
import { count } from '../core/transition.ts';
import { readStatuses } from '../store/history.ts';
import { addAcknowledgements } from '../store/people.ts';
import { type Command, EXIT, UsageError } from './command.ts';
import { letAct, takeText, takeTime, textOf } from './person.ts';
import { findEnabled } from './words.ts';

const DEFAULT = '30h';
const LONGEST_MS = 30 * 86_400_000;

/** "I know, I am at it": no reminders and no escalation until it is OK again, or that time. */
export const ack: Command = {
  usage: 'ack PATTERN --note TEXT [--until T] [--public TEXT]',
  takes: ['PATTERN'],
  summary: 'acknowledge what is broken: no reminders until it works again',
  options: { until: { type: 'string' }, note: { type: 'string' }, public: { type: 'string' } },
  help: [
    '--note TEXT    what you know or do about it, for your colleagues',
    `--until T      2026-12-01T08:00, with a zone if it is not yours, or a duration; default ${DEFAULT}, at most 30d`,
    '--public TEXT  appears on the public page: "We are aware: TEXT"',
    'Worse is told all the same. It ends when the check is OK again.',
  ],
  async run(context, given) {
    const pattern = given.positionals[0] ?? '';
    const note = takeText('ack', given, 'note');
    const publicText = textOf(given, 'public');
    const publicNote = publicText === null ? null : cleanText(publicText, 300) || null;
    return letAct(context, 'ack', ({ configuration, database, author }) => {
      const { now } = context;
      const zone = configuration.timezone;
      const until = takeTime('ack', 'until', textOf(given, 'until') ?? DEFAULT, { zone, now });
      if (until <= now) throw new UsageError(`ack: --until: is over, expected a time after ${formatTime(now, zone)}`);
      if (until > now + LONGEST_MS)
        throw new UsageError(`ack: --until: too long, expected at most 30d, found ${formatTime(until, zone)}`);
      const matching = findEnabled('ack', pattern, configuration);
      const statuses = readStatuses(database);
      const broken = matching.filter(({ id }) => {
        const status = statuses.get(id);
        return status !== undefined && isInTrouble(status);
      });
      if (broken.length === 0) {
        const found = `${count(matching.length, 'check')} of ${JSON.stringify(pattern)} OK`;
        throw new UsageError(
          `ack: nothing to acknowledge, expected a check in trouble, found ${found}; for planned work: vigie downtime add`,
        );
      }
      const isShown = broken.some((check) => check.public !== null);
      addAcknowledgements(
        database,
        broken.map(({ id }) => id),
        { at: now, until, author, note, publicNote },
      );
      if (publicNote !== null && !isShown) context.err(`ack: none of these checks is public: --public appears nowhere`);
      context.out(`${author} acknowledged until ${formatTime(until, zone)}: ${broken.map(({ id }) => id).join(', ')}\n`);
      return EXIT.done;
    });
  },
};
