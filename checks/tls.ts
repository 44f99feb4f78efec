import {
  type Bound,
  type Context,
  defineCheckType,
  type Metrics,
  type Observation,
  option,
  TargetFailure,
} from '../src/check-type.ts';
import { type CertificateFacts, isCertificateVerdict, readFacts } from '../src/net/certificate.ts';
import { formatSeconds } from '../src/net/limits.ts';
import { familyOption, observeFamilies } from '../src/net/parts.ts';
import { negotiateTls, STARTTLS_PROTOCOLS } from '../src/net/starttls.ts';
import { inspectCertificate, startTls } from '../src/net/tls.ts';
import { tlsOption, toTlsSettings } from '../src/net/tls-option.ts';

const DAY_MS = 86_400_000;
const STARTTLS_PORTS = { smtp: 25, imap: 143, xmpp: 5222, 'xmpp-server': 5269, ldap: 389 } as const;

const options = {
  address: option.text('Name or address to connect to.', { default: '${host.address}' }),
  port: option.integer('Default: 443, or the usual port of the STARTTLS protocol.', { min: 1, max: 65_535, optional: true }),
  starttls: option.choice('Speak this protocol in plaintext up to the point where TLS begins.', STARTTLS_PROTOCOLS, {
    optional: true,
  }),
  server_name: option.text(
    'Name that the certificate must bear, also sent as SNI and as the domain of an XMPP stream. Default: the address.',
    { optional: true },
  ),
  min_version: option.choice('Oldest version of TLS that is right.', [1.2, 1.3], { default: 1.2 }),
  tls: tlsOption,
  family: familyOption,
};

export default defineCheckType({
  type: 'tls',
  summary: 'A TLS server shows a certificate that is valid, for the right name, and will be for a while.',
  options,
  metrics: {
    time: { unit: 's', label: 'Handshake time', help: 'Connecting, STARTTLS if any, and the handshake.' },
    days_left: {
      unit: 'd',
      label: 'Days left',
      help: 'Until the end of the certificate, in days of 24 hours; below zero when it has expired.',
    },
  },
  thresholds: { days_left: { warning: '14:', critical: '7:' } },
  example: { address: 'www.example.org', port: 443 },
  proxied: true,
  target: (bound) => `${bound.starttls ? `${bound.starttls} ` : ''}${bound.address} port ${portOf(bound)}`,
  run: (bound, context) => observeFamilies(bound.family, context, (family) => observe(bound, context, family), ['days_left']),
});

type Settings = Bound<typeof options>;
type Family = 4 | 6 | undefined;

async function observe(bound: Settings, context: Context, family: Family): Promise<Observation> {
  const began = context.elapsed();
  try {
    const socket = await startTls(await connectTo(bound, context, family), toTlsSettings(bound, bound.address), context.signal);
    const facts = readFacts(socket);
    socket.destroy();
    if (!facts) throw new TargetFailure('tls.protocol', 'server showed no certificate');
    const time = context.elapsed() - began;
    traceFacts(facts, context);
    return judge(facts, bound, { time, days_left: daysLeft(facts, context) });
  } catch (error) {
    if (!isCertificateVerdict(error)) throw error;
    return explain(error, bound, context, family);
  }
}

/** The verdict stands; what the certificate holds comes from a second connection that is made for reading only. */
async function explain(failure: TargetFailure, bound: Settings, context: Context, family: Family): Promise<Observation> {
  context.trace(`${failure.code}: ${failure.message}; connecting again, only to read the certificate`);
  try {
    const socket = await connectTo(bound, context, family);
    const facts = await inspectCertificate(socket, toTlsSettings(bound, bound.address), context.signal);
    traceFacts(facts, context);
    const shown = `"${facts.subject}" by "${facts.issuer}", ${toDate(facts.notBefore)} to ${toDate(facts.notAfter)}`;
    return {
      kind: 'failed',
      code: failure.code,
      output: `${failure.message}; ${shown}`,
      metrics: { days_left: daysLeft(facts, context) },
    };
  } catch (error) {
    context.trace(`the certificate could not be read again: ${error instanceof Error ? error.message : String(error)}`);
    return { kind: 'failed', code: failure.code, output: failure.message };
  }
}

async function connectTo(bound: Settings, context: Context, family: Family) {
  const socket = await context.dial({ host: bound.address, port: portOf(bound), ...(family ? { family } : {}) });
  return bound.starttls ? negotiateTls(socket, bound.starttls, bound.server_name ?? bound.address, context) : socket;
}

function judge(facts: CertificateFacts, bound: Settings, metrics: Metrics & { time: number; days_left: number }): Observation {
  const version = Number(facts.protocol.replace('TLSv', ''));
  if (version < bound.min_version) {
    return {
      kind: 'failed',
      code: 'tls.version',
      output: `${facts.protocol} negotiated, expected TLSv${bound.min_version} or newer`,
      metrics,
    };
  }
  // Only without validation is an expired certificate measured at all; thresholds judge its days, as of any other.
  const left = Math.floor(metrics.days_left);
  const when = left < 0 ? `certificate expired ${-left} days ago` : `certificate expires in ${left} ${left === 1 ? 'day' : 'days'}`;
  const unchecked = bound.tls?.verify === false ? ', not validated' : '';
  const output = `${when} (${toDate(facts.notAfter)})${unchecked}, ${facts.protocol} in ${formatSeconds(metrics.time)}`;
  return { kind: 'measured', output, metrics };
}

/** Days of 24 hours from UTC milliseconds, not rounded: one second below a threshold is below it. */
function daysLeft(facts: CertificateFacts, context: Context): number {
  return (facts.notAfter - context.now) / DAY_MS;
}

function traceFacts(facts: CertificateFacts, { trace }: Context): void {
  const key = `${facts.keyType}${facts.keyBits ? ` ${facts.keyBits} bits` : ''}`;
  trace(`${facts.protocol}, ${facts.cipher}; certificate of "${facts.subject}", key ${key}, issued by "${facts.issuer}"`);
  trace(`valid ${new Date(facts.notBefore).toISOString()} to ${new Date(facts.notAfter).toISOString()}`);
  trace(`names: ${facts.names.slice(0, 10).join(', ')}${facts.names.length > 10 ? ' ...' : ''}; chain: ${facts.chain.join(' < ')}`);
  trace(`fingerprint ${facts.fingerprint}; pin sha256/${facts.pin}`);
  trace('revocation is not checked (no CRL, no OCSP)');
}

function portOf(bound: Settings): number {
  return bound.port ?? (bound.starttls ? STARTTLS_PORTS[bound.starttls] : 443);
}

function toDate(ms: number): string {
  return Number.isNaN(ms) ? 'an unreadable date' : new Date(ms).toISOString().slice(0, 10);
}
