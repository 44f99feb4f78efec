import { didYouMean } from '../config/problem.ts';
import { formatTime } from '../core/calendar.ts';
import { resolveContact } from '../core/rota.ts';
import { createMailOutside } from '../mail-outside.ts';
import { type Command, EXIT, UsageError } from './command.ts';
import { loadFor } from './load.ts';

/** `mail test CONTACT`: one message to each of the contact's addresses, and what the server answered. */
export const mail: Command = {
  usage: 'mail test CONTACT',
  takes: ['test CONTACT'],
  summary: 'sends one test message and says what the server answered',
  async run(context, { positionals }) {
    const [, name = ''] = positionals;
    const { configuration } = await loadFor(context, 'read');
    const contact = configuration.contacts[name];
    if (contact === undefined) {
      const names = Object.keys(configuration.contacts);
      throw new UsageError(
        `mail: no contact ${JSON.stringify(name)}, expected one of ${names.join(', ')}${didYouMean(name, names)}`,
      );
    }
    // A rota is tested with whoever is in charge now.
    const { mail: to } = resolveContact(name, configuration, context.now) ?? contact;
    const body = `This is a test of the contact ${name}: mail from vigie arrives here.\n\n-- \nvigie, ${formatTime(context.now, configuration.timezone)}\n`;
    const subject = `[vigie] TEST ${name}: mail from vigie arrives`;
    const { sendDirectly } = await import('../mail/direct.ts');
    const letter = { purpose: 'test', subject, body, to, now: context.now };
    const sent = await sendDirectly(letter, configuration.mail, createMailOutside(context.env));
    for (const { to, delivery } of sent) {
      context.out(`${to}: ${delivery.outcome} through ${configuration.mail.transport}: ${delivery.answer}\n`);
    }
    const isDone = sent.every(({ delivery }) => delivery.outcome === 'sent');
    return isDone ? EXIT.done : EXIT.partly;
  },
};
