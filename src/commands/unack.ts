import { count } from '../core/transition.ts';
import { removeAcknowledgements } from '../store/people.ts';
import { type Command, EXIT, UsageError } from './command.ts';
import { letAct } from './person.ts';
import { findEnabled } from './words.ts';

/** Takes an acknowledgement back: reminders go on. */
export const unack: Command = {
  usage: 'unack PATTERN',
  takes: ['PATTERN'],
  summary: 'take an acknowledgement back: reminders go on',
  async run(context, given) {
    const pattern = given.positionals[0] ?? '';
    return letAct(context, 'unack', ({ configuration, database, author }) => {
      const ids = findEnabled('unack', pattern, configuration).map(({ id }) => id);
      const ended = removeAcknowledgements(database, ids, { at: context.now, author });
      if (ended === 0)
        throw new UsageError(`unack: none of the ${count(ids.length, 'check')} of ${JSON.stringify(pattern)} is acknowledged`);
      context.out(`${count(ended, 'acknowledgement')} taken back by ${author}\n`);
      return EXIT.done;
    });
  },
};
