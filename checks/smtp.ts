import {
  type Bound,
  type Context,
  cleanText,
  defineCheckType,
  type Observation,
  option,
  TargetFailure,
} from '../src/check-type.ts';
import { formatSeconds } from '../src/net/limits.ts';
import { observeFamilies } from '../src/net/parts.ts';
import {
  findSessionProblems,
  openSession,
  portOfSession,
  sessionMetrics,
  sessionOptions,
  sessionThresholds,
} from '../src/net/session.ts';
import { createSmtpTalk, insistOn, logIn, MAILBOX, type SmtpReply, type SmtpTalk, toSmtpFailure } from '../src/net/smtp-talk.ts';

const PORTS = { starttls: 25, tls: 465, none: 25 } as const;

const options = {
  ...sessionOptions,
  banner: option.text('Text that the greeting must hold, such as the name of the server.', { optional: true, maxLength: 200 }),
  login: option.object(
    'Logs in: over TLS only.',
    { user: option.text('The user.', { maxLength: 200 }), password: option.secret('The password.') },
    { optional: true },
  ),
  from: option.text('Sender that recipients are asked for with; empty: the null sender, as of a bounce.', {
    default: '',
    pattern: `^(?:${MAILBOX})?$`,
  }),
  accepts: option.list(
    'Recipients that the server must accept. Nothing is sent.',
    option.text('An address of yours.', { pattern: `^${MAILBOX}$` }),
    { optional: true, orOne: true, maxItems: 10 },
  ),
  refuses: option.list(
    'Recipients that the server must refuse: with a foreign one, it is proven to be no open relay.',
    option.text('An address.', { pattern: `^${MAILBOX}$` }),
    { optional: true, orOne: true, maxItems: 10 },
  ),
};
type Settings = Bound<typeof options>;

export default defineCheckType({
  type: 'smtp',
  summary: 'A mail server greets, offers TLS with a valid certificate, and accepts and refuses the recipients that it should.',
  options,
  metrics: sessionMetrics,
  thresholds: sessionThresholds,
  example: {
    address: 'mail.example.org',
    banner: 'mail.example.org',
    accepts: 'postmaster@example.org',
    refuses: 'nobody@example.com',
  },
  proxied: true,
  target: (bound) => `${bound.address} port ${portOfSession(bound, PORTS)}`,
  validate: (bound) => ({
    ...findSessionProblems(bound),
    ...(bound.login && bound.security === 'none' ? { login: 'expected security: starttls or tls, found none' } : {}),
  }),
  run: (bound, context) => observeFamilies(bound.family, context, (family) => observe(bound, context, family), ['days_left']),
});

async function observe(bound: Settings, context: Context, family: 4 | 6 | undefined): Promise<Observation> {
  const began = context.elapsed();
  const { socket, greeting, metrics } = await openSession(bound, { protocol: 'smtp', ports: PORTS, family }, context);
  try {
    const talk = createSmtpTalk(socket, context.signal, context.trace);
    const banner = greeting ?? insistOn(await talk.reply(), 220, 'greeting').text;
    if (bound.banner !== undefined && !banner.includes(bound.banner)) {
      throw new TargetFailure('content.missing', `greeting ${JSON.stringify(banner)}, expected ${JSON.stringify(bound.banner)}`);
    }
    const offers = await talk.hello();
    if (bound.login) {
      await logIn(talk, offers, { user: bound.login.user, password: context.secret(bound.login.password) });
    }
    const asked = await askForRecipients(talk, bound);
    await leave(talk, context);
    const time = context.elapsed() - began;
    const output = `${cleanText(banner, 40)}${bound.login ? ', logged in' : ''}${asked} in ${formatSeconds(time)}`;
    return { kind: 'measured', output, metrics: { time, ...metrics } };
  } finally {
    socket.destroy();
  }
}

/** Each recipient in a transaction that is taken back: DATA is never said, so nothing is ever sent. */
async function askForRecipients(talk: SmtpTalk, bound: Settings): Promise<string> {
  for (const recipient of bound.accepts ?? []) {
    const answer = await askFor(talk, bound.from, recipient);
    if (answer.code !== 250 && answer.code !== 251) throw toSmtpFailure(answer, cleanText(recipient, 40), '250');
  }
  for (const recipient of bound.refuses ?? []) {
    const answer = await askFor(talk, bound.from, recipient);
    const shown = JSON.stringify(cleanText(answer.text, 40));
    const who = cleanText(recipient, 40);
    if (answer.code >= 200 && answer.code < 300) {
      throw new TargetFailure('smtp.accepts', `accepts mail to ${who} (${shown}), expected a refusal: an open relay?`);
    }
    // A temporary refusal (greylisting) says nothing about what the server would do the second time.
    if (answer.code < 500) throw toSmtpFailure(answer, who, 'a lasting refusal (5xx)');
  }
  const accepted = bound.accepts?.length ? `, accepts ${bound.accepts.length}` : '';
  return `${accepted}${bound.refuses?.length ? `, refuses ${bound.refuses.length}` : ''}`;
}

async function askFor(talk: SmtpTalk, from: string, recipient: string): Promise<SmtpReply> {
  const sender = await talk.say(`MAIL FROM:<${from}>`);
  // Some refuse the sender already: for who must be refused that is an answer, else a failure with the server's words.
  if (sender.code !== 250) return sender.code < 400 ? insistOn(sender, 250, 'MAIL FROM') : sender;
  const answer = await talk.say(`RCPT TO:<${recipient}>`);
  // 421: the server closes the connection after it (RFC 5321, section 3.8).
  if (answer.code !== 421) insistOn(await talk.say('RSET'), 250, 'RSET');
  return answer;
}

/** Everything is known by now: a server that does not say goodbye is no failure. */
async function leave(talk: SmtpTalk, context: Context): Promise<void> {
  try {
    await talk.say('QUIT');
  } catch (error) {
    if (!(error instanceof TargetFailure) || context.signal.aborted) throw error;
    context.trace(`smtp: QUIT: ${error.message}`);
  }
}
