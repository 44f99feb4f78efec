import {
  type Bound,
  type Context,
  cleanText,
  defineCheckType,
  LookFailure,
  type Observation,
  option,
  TargetFailure,
} from '../src/check-type.ts';
import { type Letter, type Mailbox, openImapMailbox, openMaildir } from '../src/net/mailbox.ts';
import {
  createTokens,
  isTimeToSend,
  judgeArrivals,
  type RoundTrip,
  readRoundTrip,
  type Tokens,
  toMessage,
  toVerdict,
} from '../src/net/roundtrip.ts';
import { openSession, sessionOptions } from '../src/net/session.ts';
import { createSmtpTalk, insistOn, logIn, MAILBOX } from '../src/net/smtp-talk.ts';

const SMTP_PORTS = { starttls: 25, tls: 465, none: 25 } as const;
const IMAP_PORTS = { starttls: 143, tls: 993, none: 143 } as const;
/** Whoever guesses it can forge arrivals. */
const SHORTEST_KEY = 16;
const { port, security, tls, server_name } = sessionOptions;
const login = {
  user: option.text('The user.', { maxLength: 200 }),
  password: option.secret('The password.'),
};
const address = option.text('Name or address to connect to.', { maxLength: 253 });

const options = {
  from: option.text('Sender of the messages.', { pattern: `^${MAILBOX}$` }),
  to: option.text('Recipient, whose mailbox is read: one that is for this alone.', { pattern: `^${MAILBOX}$` }),
  key: option.secret('Any long random text: it proves that a message is ours. The same for as long as the check is there.'),
  smtp: option.object('The server that takes the messages.', {
    address,
    port,
    security,
    tls,
    server_name,
    login: option.object('Logs in: over TLS only.', login, { optional: true }),
  }),
  imap: option.object(
    'The server with the mailbox.',
    {
      address,
      port,
      security: { ...security, default: 'tls' },
      tls,
      server_name,
      ...login,
      mailbox: option.text('The mailbox that messages arrive in.', { default: 'INBOX', maxLength: 200, pattern: '^[ -~]+$' }),
    },
    { optional: true },
  ),
  maildir: option.text('The mailbox, if it is a maildir on this machine, instead of `imap`: its folder.', {
    optional: true,
    pattern: '^/',
  }),
  within: option.duration('How long a message may take.', { default: '10m', min: 1, max: 43_200 }),
};
type Settings = Bound<typeof options>;

export default defineCheckType({
  type: 'mail-roundtrip',
  summary: 'Mail arrives: a message sent by SMTP in one run is found in a mailbox by one of the next runs.',
  options,
  metrics: {
    delay: { unit: 's', label: 'Delay', help: 'From the run that sent the newest message known of to its arrival.' },
    waiting: { unit: '', label: 'On the way', help: 'Messages that were sent and not found yet, those that are late included.' },
  },
  thresholds: {},
  example: {
    from: 'vigie@example.org',
    to: 'roundtrip@example.org',
    key: { file: '/etc/vigie/secret/roundtrip-key' },
    smtp: { address: 'relay.example.org' },
    imap: { address: 'mail.example.org', user: 'roundtrip', password: { file: '/etc/vigie/secret/roundtrip' } },
    within: '15m',
  },
  proxied: true,
  target: ({ to, smtp, imap, maildir }) =>
    cleanText(`${to} by ${smtp.address}${imap ? `, read at ${imap.address}` : ''}${maildir ? `, read in ${maildir}` : ''}`, 150),
  validate: ({ imap, maildir, smtp }) => ({
    ...((imap === undefined) === (maildir === undefined) ? { imap: 'expected either imap or maildir' } : {}),
    ...(imap?.security === 'none' ? { imap: 'security: expected starttls or tls, since a password is sent' } : {}),
    ...(smtp.login && smtp.security === 'none' ? { smtp: 'login: expected security: starttls or tls, found none' } : {}),
  }),
  run: observe,
});

async function observe(bound: Settings, context: Context): Promise<Observation> {
  const key = context.secret(bound.key);
  if (key.length < SHORTEST_KEY) throw new LookFailure('secret.short', `key: expected at least ${SHORTEST_KEY} characters`);
  const tokens = createTokens(key, [bound.smtp.address, bound.from, bound.to]);
  const before = readRoundTrip(context.memory);
  const time = { now: context.now, within: bound.within };
  const letters = await look(bound, before, tokens, context);
  const arrivals = letters.flatMap(({ token, arrivedAt }) => {
    const at = tokens.read(token);
    return at === null ? [] : [{ at, arrivedAt }];
  });
  const after = judgeArrivals(before, arrivals, time);
  const sent = isTimeToSend(after, time) ? await trySend(bound, tokens, context) : null;
  // A message whose final dot was sent may be under way, whatever the server said or did not say then.
  const pending = sent?.mayArrive ? [...after.pending.filter((at) => at !== context.now), context.now] : after.pending;
  const memory: RoundTrip = { ...after, pending };
  const { code, output, metrics } = toVerdict(memory, time);
  if (sent?.failure) return { kind: 'failed', code: sent.failure.code, output: sent.failure.message, metrics, memory };
  // Judged, so that no try follows within this run: it would find the same, and send a second message.
  if (code !== null) return { kind: 'judged', state: 'CRITICAL', code, output, metrics, memory };
  return { kind: 'measured', output, metrics, memory };
}

/**
 * The letters that are there. Those that no run waits for any more are deleted: what this run finds stays until the next one, so that
 * nothing is lost when this run ends before its result is stored. What bears no proof of ours is left alone.
 */
async function look(bound: Settings, { pending }: RoundTrip, tokens: Tokens, context: Context): Promise<Letter[]> {
  const mailbox = await openBox(bound, context);
  try {
    const letters = await mailbox.find(tokens.tag);
    context.trace(`mailbox: ${letters.length} messages with our tag`);
    const old = letters.filter(({ token }) => {
      const at = tokens.read(token);
      return at !== null && !pending.includes(at);
    });
    if (old.length > 0) {
      await mailbox.remove(old);
      context.trace(`mailbox: deleted ${old.length} messages of earlier runs`);
    }
    return letters;
  } finally {
    mailbox.close();
  }
}

async function openBox({ imap, maildir }: Settings, context: Context): Promise<Mailbox> {
  if (imap === undefined) return openMaildir(maildir ?? '', context);
  const password = context.secret(imap.password);
  const session = await openSession({ ...imap, family: undefined }, { protocol: 'imap', ports: IMAP_PORTS }, context);
  const { user, mailbox } = imap;
  try {
    const box = { user, password, mailbox, isGreeted: session.greeting !== null, now: context.now };
    return await openImapMailbox(session.socket, box, context);
  } catch (error) {
    session.socket.destroy();
    throw error;
  }
}

interface Sent {
  failure: TargetFailure | null;
  mayArrive: boolean;
}

async function trySend(bound: Settings, tokens: Tokens, context: Context): Promise<Sent> {
  const progress = { mayArrive: false };
  try {
    await send(bound, tokens, context, progress);
    return { failure: null, mayArrive: true };
  } catch (error) {
    if (!(error instanceof TargetFailure)) throw error;
    return { failure: error, ...progress };
  }
}

async function send(bound: Settings, tokens: Tokens, context: Context, progress: { mayArrive: boolean }): Promise<void> {
  const { smtp, from, to } = bound;
  const session = await openSession({ ...smtp, family: undefined }, { protocol: 'smtp', ports: SMTP_PORTS }, context);
  try {
    const talk = createSmtpTalk(session.socket, context.signal, context.trace);
    if (session.greeting === null) insistOn(await talk.reply(), 220, 'greeting');
    const offers = await talk.hello();
    if (smtp.login) await logIn(talk, offers, { user: smtp.login.user, password: context.secret(smtp.login.password) });
    insistOn(await talk.say(`MAIL FROM:<${from}>`), 250, 'MAIL FROM');
    insistOn(await talk.say(`RCPT TO:<${to}>`), 250, cleanText(to, 40));
    insistOn(await talk.say('DATA'), 354, 'DATA');
    const answer = talk.sendMessage(toMessage({ from, to }, tokens.make(context.now), context.now));
    progress.mayArrive = true;
    const reply = await answer;
    if (reply.code !== 250) progress.mayArrive = false;
    insistOn(reply, 250, 'message');
    // The message is theirs now: how the session ends is of no matter (RFC 5321, section 4.1.1.10).
    session.socket.write('QUIT\r\n');
  } finally {
    session.socket.destroy();
  }
}
