import { type Bound, type Context, cleanText, defineCheckType, type Observation, option } from '../src/check-type.ts';
import { createImapTalk, logInToImap, openMailbox } from '../src/net/imap-talk.ts';
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

const PORTS = { starttls: 143, tls: 993, none: 143 } as const;

const options = {
  ...sessionOptions,
  security: { ...sessionOptions.security, default: 'tls' },
  login: option.object(
    'Logs in: over TLS only.',
    { user: option.text('The user.', { maxLength: 200 }), password: option.secret('The password.') },
    { optional: true },
  ),
  mailbox: option.text("The mailbox that is opened after the login, for reading only; names other than ASCII in IMAP's UTF-7.", {
    default: 'INBOX',
    maxLength: 200,
    pattern: '^[ -~]+$',
  }),
};
type Settings = Bound<typeof options>;

export default defineCheckType({
  type: 'imap',
  summary: 'A mailbox server greets, has a valid certificate, lets a user in and opens a mailbox.',
  options,
  metrics: {
    ...sessionMetrics,
    messages: { unit: '', label: 'Messages', help: 'Messages in the mailbox; absent without a login.' },
  },
  thresholds: sessionThresholds,
  example: {
    address: 'mail.example.org',
    login: { user: 'vigie', password: { file: '/etc/vigie/secret/imap' } },
  },
  proxied: true,
  target: (bound) => `${bound.address} port ${portOfSession(bound, PORTS)}${bound.login ? ` ${cleanText(bound.mailbox, 40)}` : ''}`,
  validate: (bound) => ({
    ...findSessionProblems(bound),
    ...(bound.login && bound.security === 'none' ? { login: 'expected security: starttls or tls, found none' } : {}),
  }),
  run: (bound, context) => observeFamilies(bound.family, context, (family) => observe(bound, context, family), ['days_left']),
});

async function observe(bound: Settings, context: Context, family: 4 | 6 | undefined): Promise<Observation> {
  const began = context.elapsed();
  const { socket, greeting, metrics } = await openSession(bound, { protocol: 'imap', ports: PORTS, family }, context);
  try {
    const talk = createImapTalk(socket, context.signal, context.trace);
    const banner = greeting ?? (await talk.greet());
    let seen = JSON.stringify(cleanText(banner, 40));
    let messages: number | undefined;
    if (bound.login) {
      await logInToImap(talk, bound.login.user, context.secret(bound.login.password));
      messages = await openMailbox(talk, bound.mailbox);
      seen = `logged in, ${messages} ${messages === 1 ? 'message' : 'messages'} in ${cleanText(bound.mailbox, 30)}`;
    } else {
      await talk.command('NOOP', 'protocol.imap');
    }
    talk.leave();
    const time = context.elapsed() - began;
    const count = messages === undefined ? {} : { messages };
    return { kind: 'measured', output: `${seen} in ${formatSeconds(time)}`, metrics: { time, ...metrics, ...count } };
  } finally {
    socket.destroy();
  }
}
