import { type Bound, type Context, cleanText, defineCheckType, LookFailure, type Observation, option } from '../src/check-type.ts';
import { createLdapTalk, parseFilter } from '../src/net/ldap-talk.ts';
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

const PORTS = { starttls: 389, tls: 636, none: 389 } as const;
/** Entries that one search counts at most, unless more are expected. */
const COUNTED = 1000;

const options = {
  ...sessionOptions,
  bind: option.object(
    'Logs in: over TLS only. Absent: anonymously.',
    { name: option.text('The name (DN).', { maxLength: 500 }), password: option.secret('The password.') },
    { optional: true },
  ),
  base: option.text('Where the search begins, a DN. Empty: the server itself.', { default: '', maxLength: 500 }),
  scope: option.choice('The base itself, what is one level below it, or all of it.', ['base', 'one', 'sub'], { default: 'base' }),
  filter: option.text('Which entries count (RFC 4515).', { default: '(objectClass=*)', maxLength: 1000 }),
  names: option.boolean(
    'Remembers the names of the entries, for `fleet.inventory`: of `cn=web1,ou=hosts` it is web1. At most 4 KiB of them.',
    {
      default: false,
    },
  ),
  min_entries: option.integer('So many entries at least.', { default: 1, min: 0, max: 100_000 }),
};
type Settings = Bound<typeof options>;

export default defineCheckType({
  type: 'ldap',
  summary: 'A directory has a valid certificate, lets a name bind, and finds as many entries as expected.',
  options,
  metrics: {
    ...sessionMetrics,
    entries: { unit: '', label: 'Entries', help: `Entries found; counted up to ${COUNTED}, or as many as are expected.` },
  },
  thresholds: sessionThresholds,
  example: {
    address: 'ldap.example.org',
    bind: { name: 'cn=vigie,dc=example,dc=org', password: { file: '/etc/vigie/secret/ldap' } },
    base: 'ou=hosts,dc=example,dc=org',
    scope: 'one',
    filter: '(objectClass=device)',
    min_entries: 20,
  },
  proxied: true,
  target: (bound) => `${bound.address} port ${portOfSession(bound, PORTS)} ${cleanText(bound.base, 60)}`.trim(),
  validate: (bound) => ({
    ...findSessionProblems(bound),
    ...(bound.bind && bound.security === 'none' ? { bind: 'expected security: starttls or tls, found none' } : {}),
    ...(isFilter(bound.filter) ? {} : { filter: `expected a filter such as (uid=*), found ${JSON.stringify(bound.filter)}` }),
  }),
  run: (bound, context) =>
    observeFamilies(bound.family, context, (family) => observe(bound, context, family), ['days_left', 'entries']),
});

function isFilter(text: string): boolean {
  try {
    parseFilter(text);
    return true;
  } catch {
    // ldapts says what is wrong in words of its own, without a place.
    return false;
  }
}

async function observe(bound: Settings, context: Context, family: 4 | 6 | undefined): Promise<Observation> {
  const began = context.elapsed();
  const password = bound.bind ? context.secret(bound.bind.password) : '';
  // RFC 4513, section 5.1.2: a name without a password is let in as nobody, which would prove nothing.
  if (bound.bind && password === '') throw new LookFailure('secret.missing', 'bind: the password is empty');
  const { socket, metrics } = await openSession(bound, { protocol: 'ldap', ports: PORTS, family }, context);
  try {
    const talk = createLdapTalk(socket, context.signal, context.trace);
    await talk.bind(bound.bind?.name ?? '', password);
    const { base, scope, min_entries: wanted } = bound;
    const limit = Math.max(COUNTED, wanted);
    const { entries, names, isCut } = await talk.search({ base, scope, filter: parseFilter(bound.filter), limit });
    talk.leave();
    const time = context.elapsed() - began;
    const count = `${entries} ${entries === 1 ? 'entry' : 'entries'}${isCut ? ' or more' : ''}`;
    const all = { time, ...metrics, entries };
    if (entries < wanted) {
      const where = cleanText(base, 40) || 'the server itself';
      return { kind: 'failed', code: 'ldap.few', output: `${count} in ${where}, expected at least ${wanted}`, metrics: all };
    }
    const output = `${count}${bound.bind ? ', bound' : ''} in ${formatSeconds(time)}`;
    const memory = bound.names ? { memory: { names: isCut ? null : names.map(toShortName) } } : {};
    return { kind: 'measured', output, metrics: all, ...memory };
  } finally {
    socket.destroy();
  }
}

/** The value of the first part of a name (RFC 4514). */
function toShortName(name: string): string {
  return cleanText(/^[^=]*=((?:[^,+\\]|\\.)*)/.exec(name)?.[1]?.trim() ?? name, 100);
}
