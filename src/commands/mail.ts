import { formatTime } from '../core/calendar.ts';
import { openTransport } from '../mail/delivery.ts';
import { createMailOutside } from '../mail-outside.ts';
import { type Command, EXIT, UsageError } from './command.ts';
import { loadFor } from './load.ts';

/** `mail test CONTACT`: one message to each of the contact's addresses, and what the server answered. */
export const mail: Command = {
  usage: 'mail test CONTACT',
  summary: 'sends one test message and says what the server answered',
  async run(context, { positionals }) {
    const [verb, name] = positionals;
    if (verb !== 'test' || name === undefined) throw new UsageError('mail: expected mail test CONTACT');
    const { configuration } = await loadFor(context, 'read');
    const contact = configuration.contacts[name];
    if (contact === undefined) {
      throw new UsageError(
        `mail: no contact ${JSON.stringify(name)}, expected one of ${Object.keys(configuration.contacts).join(', ')}`,
      );
    }
    const { from, transport } = configuration.mail;
    const { composeMail } = await import('../mail/smtp.ts');
    const send = await openTransport(transport, configuration.mail, createMailOutside(context.env));
    const domain = from.slice(from.lastIndexOf('@') + 1);
    let isDone = true;
    for (const [index, to] of contact.mail.entries()) {
      const messageId = `<vigie.test.${context.now}.${index}@${domain}>`;
      const body = `This is a test of the contact ${name}: mail from vigie arrives here.\n\n-- \nvigie, ${formatTime(context.now, configuration.timezone)}\n`;
      const subject = `[vigie] TEST ${name}: mail from vigie arrives`;
      const content = await composeMail({
        from,
        to,
        subject,
        body,
        messageId,
        references: [],
        date: new Date(context.now),
        listId: `vigie.${domain}`,
      });
      const delivery = await send({ from, to, messageId, content });
      context.out(`${to}: ${delivery.outcome} through ${transport}: ${delivery.answer}\n`);
      if (delivery.outcome !== 'sent') isDone = false;
    }
    return isDone ? EXIT.done : EXIT.partly;
  },
};
