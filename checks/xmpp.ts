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
import { createReader, formatSeconds } from '../src/net/limits.ts';
import { type Look, observeFamilies, observeParts } from '../src/net/parts.ts';
import { findSessionProblems, openSession, sessionMetrics, sessionOptions, sessionThresholds } from '../src/net/session.ts';
import { findService, type ServiceAddress } from '../src/net/srv.ts';
import { openStream, unexpectedStanza } from '../src/net/starttls.ts';
import { findStanza, readStanza } from '../src/net/starttls-messages.ts';

const STREAMS = ['client', 'server'] as const;
type Stream = (typeof STREAMS)[number];
const PORTS = {
  client: { starttls: 5222, tls: 5223, none: 5222 },
  server: { starttls: 5269, tls: 5270, none: 5269 },
} as const;
const LARGEST_FEATURES = 64 * 1024;

const options = {
  ...sessionOptions,
  domain: option.text('The domain that is served: what the stream is opened to, and the name in the certificate.', {
    maxLength: 253,
    pattern: '^[^\\s/@]+$',
  }),
  streams: option.list('Which ports: for clients, for other servers, or both.', option.choice('One of them.', STREAMS), {
    default: ['client'],
    orOne: true,
    minItems: 1,
    maxItems: 2,
  }),
  address: option.text(
    'Name or address to connect to. Default: what the SRV records of the domain say, each server a part; without any, the domain.',
    { optional: true, maxLength: 253 },
  ),
  security: option.choice('`starttls` changes to TLS before anything is said, `tls` begins with it.', ['starttls', 'tls'], {
    default: 'starttls',
  }),
  srv: option.boolean(
    'Whether SRV records must be there. Through a proxy they cannot be looked up: the domain or `address` it is.',
    { default: false },
  ),
  name_server: option.text('Name server that is asked for SRV records. Default: those of this machine.', { optional: true }),
  mechanisms: option.list(
    'SASL mechanisms that clients must be offered. Always: one that is not ANONYMOUS.',
    option.text('Such as `SCRAM-SHA-1`.', { maxLength: 60, pattern: '^[A-Z0-9_-]+$' }),
    { optional: true, orOne: true, maxItems: 20 },
  ),
};
type Settings = Bound<typeof options>;

export default defineCheckType({
  type: 'xmpp',
  summary: 'An XMPP server opens a stream for clients or servers, changes to TLS with a valid certificate, and offers logins.',
  options,
  metrics: sessionMetrics,
  thresholds: sessionThresholds,
  example: { domain: 'example.org', streams: ['client', 'server'], mechanisms: 'SCRAM-SHA-1' },
  proxied: true,
  target: ({ domain, address, streams }) => `${domain} for ${streams.join('s and ')}s${address ? ` at ${address}` : ''}`,
  validate: (bound) => ({
    ...findSessionProblems(bound),
    ...(bound.srv && bound.address !== undefined ? { srv: 'excludes address: expected one of them, found both' } : {}),
    ...(bound.streams.length > 1 && bound.port !== undefined ? { port: 'expected one stream with a port, found two' } : {}),
  }),
  async run(bound, context) {
    const looks = await Promise.all(bound.streams.map((stream) => toLooks(bound, stream, context)));
    return observeParts(looks.flat(), ['days_left']);
  },
});

async function toLooks(bound: Settings, stream: Stream, context: Context): Promise<Look[]> {
  try {
    const places = await findPlaces(bound, stream, context);
    return places.map((place) => ({
      name: places.length > 1 ? `${stream} ${cleanText(place.host, 60)}` : stream,
      look: () => observeFamilies(bound.family, context, (family) => observe(bound, { ...place, stream, family }, context)),
    }));
  } catch (error) {
    return [{ name: stream, look: () => Promise.reject(error) }];
  }
}

async function findPlaces(bound: Settings, stream: Stream, context: Context): Promise<ServiceAddress[]> {
  const port = bound.port ?? PORTS[stream][bound.security];
  if (bound.address !== undefined) return [{ host: bound.address, port }];
  // Through a proxy only names can be resolved, not SRV records.
  if (context.via !== null && bound.srv) {
    throw new LookFailure('option.srv', `SRV records cannot be looked up through proxy ${context.via}, expected an address`);
  }
  if (context.via !== null) return [{ host: bound.domain, port }];
  const name = `_xmpp${bound.security === 'tls' ? 's' : ''}-${stream}._tcp.${bound.domain}`;
  const found = await findService(name, { server: bound.name_server, signal: context.signal });
  context.trace(
    `${name}: ${found ? found.map(({ host, port: at }) => `${cleanText(host, 60)}:${at}`).join(', ') : 'no SRV records'}`,
  );
  if (found === null && bound.srv) throw new TargetFailure('dns.empty', `${cleanText(name, 80)}: no SRV records, expected some`);
  // RFC 6120, section 3.2.2: without records, the domain itself and the usual port.
  return found ?? [{ host: bound.domain, port }];
}

interface Place extends ServiceAddress {
  stream: Stream;
  family: 4 | 6 | undefined;
}

async function observe(bound: Settings, { host, port, stream, family }: Place, context: Context): Promise<Observation> {
  const began = context.elapsed();
  const protocol = stream === 'server' ? 'xmpp-server' : 'xmpp';
  const kind = { protocol, ports: PORTS[stream], domain: bound.domain, family } as const;
  const { socket, metrics } = await openSession({ ...bound, address: host, port }, kind, context);
  try {
    const reader = createReader(socket, context.signal, LARGEST_FEATURES);
    socket.write(openStream(bound.domain, stream));
    const features = readStanza(await reader.read((bytes) => findStanza(bytes, 0)));
    if (features.name !== 'features') throw unexpectedStanza(features, 'stream features');
    const mechanisms = readMechanisms(features.text);
    context.trace(`xmpp: mechanisms ${mechanisms.join(', ') || 'none'}`);
    if (stream === 'client') judgeMechanisms(mechanisms, bound.mechanisms ?? []);
    socket.write('</stream:stream>');
    const time = context.elapsed() - began;
    const offers = stream === 'client' ? `, ${cleanText(mechanisms.slice(0, 3).join(' '), 50)}` : '';
    return {
      kind: 'measured',
      output: `stream to ${cleanText(bound.domain, 40)}${offers} in ${formatSeconds(time)}`,
      metrics: { time, ...metrics },
    };
  } finally {
    socket.destroy();
  }
}

/** Names of SASL mechanisms (RFC 4422, section 3.1) among the features; anything else there is not one. */
export function readMechanisms(text: string): string[] {
  const found = text.matchAll(/<(?:[\w-]{1,40}:)?mechanism>\s{0,20}([A-Z0-9_-]{1,20})\s{0,20}</g);
  return [...new Set([...found].map(([, name = '']) => name))].slice(0, 50);
}

function judgeMechanisms(offered: string[], wanted: string[]): void {
  const shown = cleanText(offered.slice(0, 5).join(' ') || 'none', 60);
  if (!offered.some((name) => name !== 'ANONYMOUS')) {
    throw new TargetFailure('xmpp.sasl', `offers ${shown} to log in with, expected one that is not ANONYMOUS`);
  }
  const missing = wanted.filter((name) => !offered.includes(name));
  if (missing.length > 0) throw new TargetFailure('xmpp.sasl', `offers ${shown}, expected ${cleanText(missing.join(' '), 60)} too`);
}
