import type { DecodedPacket } from 'dns-packet';
import {
  type Bound,
  type Context,
  cleanText,
  defineCheckType,
  formatAge,
  LookFailure,
  type Metrics,
  type Observation,
  option,
  TargetFailure,
} from '../src/check-type.ts';
import { formatSeconds } from '../src/net/limits.ts';
import { compareSerials, findFlagFault, judgeSignatures, readBehind, readSerial } from '../src/net/name-authority.ts';
import { type NameQuery, toComparable } from '../src/net/name-query.ts';
import { findRecords, isSameRecord, toQueryName } from '../src/net/name-records.ts';
import { askServer, type NameServer, parseNameServer, RCODES, readRcode, toNameServers } from '../src/net/name-server.ts';
import { observeParts } from '../src/net/parts.ts';

const RECORDS = ['A', 'AAAA', 'CAA', 'CNAME', 'DNSKEY', 'DS', 'MX', 'NS', 'PTR', 'SOA', 'SRV', 'SSHFP', 'TLSA', 'TXT'] as const;
const options = {
  name: option.text('The name to ask for; with record PTR an address will do.', { maxLength: 254 }),
  record: option.choice('The record type to ask for.', RECORDS, { default: 'A' }),
  expect: option.list('Records that must all be among the answer, written as the output shows them.', option.text('One record.'), {
    optional: true,
    orOne: true,
    maxItems: 50,
  }),
  rcode: option.choice('The response code that is right.', RCODES, { default: 'NOERROR' }),
  servers: option.list(
    'Name servers to ask, each by itself: address or name, with a port if need be. Default: the resolvers of this machine.',
    option.text('`192.0.2.53`, `ns1.example.org:5353` or `[2001:db8::53]:5353`.'),
    { optional: true, orOne: true, minItems: 1, maxItems: 20 },
  ),
  transport: option.choice(
    '`udp` (TCP when the answer is truncated), `tcp`, or `both`. Default: udp; through a proxy tcp.',
    ['udp', 'tcp', 'both'],
    {
      optional: true,
    },
  ),
  port: option.integer('Port of the servers that name none.', { default: 53, min: 1, max: 65_535 }),
  authoritative: option.boolean('Whether servers must answer with authority (AA): those of the zone do, resolvers do not.', {
    default: false,
  }),
  validated: option.boolean('Whether the answer must be validated (AD): asked of a resolver that validates DNSSEC.', {
    default: false,
  }),
  signed: option.boolean('Whether the answer must be signed (RRSIG); when the first signature ends is measured.', {
    default: false,
  }),
  serial_within: option.duration(
    'With record SOA: all servers have the same serial, or one is behind for no longer than this, as runs saw it. `0s`: at once.',
    { optional: true, max: 30 * 86_400 },
  ),
};

export default defineCheckType({
  type: 'dns',
  summary: 'A name server or resolver answers, with the records that are expected.',
  options,
  metrics: {
    time: { unit: 's', label: 'Answer time', help: 'From the question to the answer; of the slowest server.' },
    records: { unit: '', label: 'Records', help: 'Records of the type asked for; of the server with the fewest.' },
    signature_days: {
      unit: 'd',
      label: 'Signed for',
      help: 'Until the first signature ends, with `signed`; of the server where it is soonest.',
    },
    serial_lag: { unit: 's', label: 'Behind', help: 'How long the slowest server has had an old serial, with `serial_within`.' },
  },
  thresholds: { signature_days: { warning: '3:', critical: '1:' } },
  example: { name: 'www.example.org', record: 'A', expect: ['192.0.2.10'], servers: ['192.0.2.53'] },
  proxied: true,
  target: ({ name, record, servers }) => `${name} ${record}${servers ? ` at ${servers.join(', ')}` : ''}`,
  validate(bound) {
    const problems: Record<string, string> = {};
    const labels = toComparable(bound.name).split('.');
    if (toComparable(bound.name) !== '' && labels.some((label) => label === '' || Buffer.byteLength(label) > 63)) {
      problems['name'] = `not a domain name: expected labels of 1 to 63 bytes, found ${JSON.stringify(bound.name)}`;
    }
    const bad = (bound.servers ?? []).find((server) => parseNameServer(server, bound.port) === null);
    if (bad !== undefined)
      problems['servers'] = `not a server: expected an address or name, with or without port, found ${JSON.stringify(bad)}`;
    if (bound.rcode !== 'NOERROR' && bound.expect)
      problems['expect'] = `has no meaning with rcode ${bound.rcode}, which comes without records`;
    if (bound.serial_within !== undefined && (bound.record !== 'SOA' || (bound.servers?.length ?? 0) < 2))
      problems['serial_within'] = 'expected with record SOA and two servers or more';
    if (bound.signed && bound.rcode !== 'NOERROR') problems['signed'] = `has no meaning with rcode ${bound.rcode}`;
    return problems;
  },
  async run(bound, context): Promise<Observation> {
    const servers = toNameServers(bound, context);
    if (!bound.servers) return askSystem(servers, bound, context);
    const serials = servers.map(({ label }): { label: string; serial: number | null } => ({ label, serial: null }));
    const looks = servers.map((server, at) => ({
      name: server.label,
      look: async () => {
        const outcome = await observe(server, bound, context);
        serials[at] = { label: server.label, serial: outcome.serial ?? null };
        return outcome;
      },
    }));
    const seen = await observeParts(looks, ['records', 'signature_days']);
    return bound.serial_within === undefined ? seen : judgeSerials(seen, serials, bound.serial_within, context);
  },
});

type Outcome = Observation & { kind: 'measured' | 'failed'; serial?: number | null };

/** Serials are compared among the servers that answered; whatever else is wrong comes first. */
function judgeSerials(
  seen: Observation,
  serials: { label: string; serial: number | null }[],
  within: number,
  context: Context,
): Observation {
  const { behind, lag, fault, late } = compareSerials(serials, readBehind(context.memory), { now: context.now, within });
  const parts = (seen.parts ?? []).map((part, at) => {
    const serial = serials[at]?.serial;
    return part.state === 'OK' && late.includes(at)
      ? { ...part, state: 'CRITICAL' as const, output: `serial ${serial}, older than that of other servers` }
      : part;
  });
  const all = { metrics: { ...seen.metrics, serial_lag: lag }, parts, memory: { behind } };
  if (seen.kind !== 'measured') return { ...seen, ...all };
  if (fault !== null) return { kind: 'failed', code: 'dns.serial', output: fault, ...all };
  const [first] = serials;
  const words = behind.length > 0 ? `, ${behind.length} behind for ${formatAge(lag)}` : '';
  return { ...seen, output: `${serials.length} servers, serial ${first?.serial}${words}`, ...all };
}

async function observe(server: NameServer, bound: Bound<typeof options>, context: Context): Promise<Outcome> {
  const began = context.elapsed();
  try {
    const packet = await askServer(toQuery(bound), server, context);
    const time = context.elapsed() - began;
    const verdict = judge(packet, bound, { time, now: context.now });
    const bogus = verdict.kind === 'failed' && verdict.code === 'dns.servfail' && (await answersUnchecked(server, bound, context));
    const output = bogus
      ? `${verdict.output}; it answers without DNSSEC validation: signatures are wrong or expired`
      : verdict.output;
    return {
      ...verdict,
      output,
      metrics: { time, records: findRecords(packet, bound).texts.length, ...verdict.metrics },
      serial: readSerial(packet),
    };
  } catch (error) {
    if (!(error instanceof TargetFailure)) throw error;
    return { kind: 'failed', code: error.code, output: `${server.label}: ${error.message}` };
  }
}

/** SERVFAIL that goes away without validation is a broken signature, which no other answer of a resolver tells. */
async function answersUnchecked(server: NameServer, bound: Bound<typeof options>, context: Context): Promise<boolean> {
  try {
    const packet = await askServer({ ...toQuery(bound), unchecked: true }, server, context);
    return readRcode(packet) === 'NOERROR';
  } catch (error) {
    context.trace(`asked without validation: ${error instanceof Error ? error.message : String(error)}`);
    return false;
  }
}

/** What an answer means; expectations about its time are thresholds and not judged here. */
function judge(packet: DecodedPacket, bound: Bound<typeof options>, { time, now }: { time: number; now: number }): Outcome {
  const rcode = readRcode(packet);
  const subject = cleanText(`${bound.name} ${bound.record}`, 60);
  let metrics: Metrics = {};
  const fail = (code: string, seen: string): Outcome => ({ kind: 'failed', code, output: `${subject}: ${seen}`, metrics });
  if (rcode !== bound.rcode) {
    const code = rcode === 'NOERROR' ? 'dns.rcode' : `dns.${rcode.toLowerCase().replace(' ', '')}`;
    return fail(code, `${rcode} in ${formatSeconds(time)}, expected ${bound.rcode}`);
  }
  const flags = findFlagFault(packet, bound);
  if (flags) return fail(flags.code, flags.output);
  if (rcode !== 'NOERROR')
    return { kind: 'measured', output: `${subject}: ${rcode} in ${formatSeconds(time)}, as expected`, metrics };
  const { texts, alias, problem } = findRecords(packet, bound);
  if (problem) return fail('dns.loop', problem);
  const shown = `${cleanText(texts.slice(0, 4).join(', '), 120)}${texts.length > 4 ? ` and ${texts.length - 4} more` : ''}`;
  if (texts.length === 0)
    return fail('dns.empty', `no such record${alias ? ` (alias of ${cleanText(alias, 60)})` : ''}, expected one or more`);
  if (bound.signed) {
    const { fault, daysLeft } = judgeSignatures(packet, bound.record, now);
    if (daysLeft !== null) metrics = { signature_days: daysLeft };
    if (fault) return fail(fault.code, fault.output);
  }
  const missing = (bound.expect ?? []).filter((wanted) => !texts.some((text) => isSameRecord(text, wanted, bound.record)));
  if (missing.length > 0) return fail('content.missing', `${shown}; expected ${cleanText(missing.join(', '), 120)}`);
  return { kind: 'measured', output: `${subject}: ${shown} in ${formatSeconds(time)}`, metrics };
}

/**
 * The machine's own resolvers are our means of looking: the first that has an answer decides, as with getaddrinfo; when none of them
 * says anything, we could not look.
 */
async function askSystem(servers: NameServer[], bound: Bound<typeof options>, context: Context): Promise<Observation> {
  const failures: Outcome[] = [];
  const decisive = servers.map(async (server) => {
    const outcome = await observe(server, bound, context);
    if (outcome.kind === 'measured' || (hasAnswered(outcome) && !NOT_DECISIVE.includes(outcome.code))) return outcome;
    failures.push(outcome);
    throw new Error(outcome.output);
  });
  try {
    return await Promise.any(decisive);
  } catch {
    const answered = failures.find(hasAnswered);
    if (answered) return answered;
    throw new LookFailure(
      'dns.resolver',
      `no answer from this machine's resolvers (${servers.map(({ label }) => label).join(', ')})`,
    );
  }
}

/** Answers by which a resolver says that another one may know better. */
const NOT_DECISIVE = ['dns.servfail', 'dns.refused'];

function hasAnswered(outcome: Outcome): boolean {
  return outcome.metrics !== undefined;
}

function toQuery({ name, record, signed, validated }: Bound<typeof options>): NameQuery {
  return { name: toQueryName(name, record), record, signed, validated };
}
