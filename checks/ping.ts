import {
  type ChildResult,
  cleanText,
  defineCheckType,
  LookFailure,
  type Observation,
  option,
  TargetFailure,
} from '../src/check-type.ts';

/** Seconds between two packets: the least that Debian's ping allows without privileges. */
const INTERVAL = 0.2;

export default defineCheckType({
  type: 'ping',
  summary: 'Sends ICMP echo requests and measures round trip time and loss.',
  options: {
    address: option.text('Name or address of the machine.', {
      default: '${host.address}',
      pattern: '^[^-\\s][^\\s]*$',
      maxLength: 255,
    }),
    family: option.choice('IP version; default: the first address of the name.', [4, 6], { optional: true }),
    count: option.integer('Packets to send.', { default: 3, min: 1, max: 20 }),
    wait: option.duration('How long the last packet is waited for.', { default: '2s', min: 0.1, max: 60 }),
  },
  metrics: {
    rtt: { unit: 's', label: 'Round trip', help: 'Mean round trip time.' },
    loss: { unit: '%', label: 'Loss', help: 'Share of packets that were not answered.' },
  },
  thresholds: { loss: { warning: '40%', critical: '80%' } },
  example: { address: '192.0.2.10' },
  proxied: false,
  target: ({ address }) => cleanText(address, 200),
  async run({ address, family, count, wait }, context) {
    const [literal] = await context.resolve(address, family);
    if (literal === undefined) throw new TargetFailure('dns.empty', `name ${cleanText(address, 60)} has no address`);
    const timing = ['-c', String(count), '-i', String(INTERVAL), '-W', String(wait)];
    const child = await context.spawn({ file: 'ping', args: ['-n', '-q', ...timing, '--', literal] });
    context.trace(`ping ${literal}: ${cleanText(child.stdout.split('\n').slice(-4).join(' '), 160)}`);
    return readSummary(child, literal);
  },
});

/** The summary of iputils' ping: `3 packets transmitted, 2 received, +1 errors, 33.3333% packet loss`, `rtt min/avg/max/mdev = ... ms`. */
export function readSummary(child: ChildResult, address: string): Observation {
  const counts = /(\d+) packets transmitted, (\d+) received(?:, \+(\d+) duplicates)?(?:, \+(\d+) errors)?/.exec(child.stdout);
  const sent = Number(counts?.[1] ?? 0);
  if (sent === 0) throw toPingFailure(child, address);
  const received = Math.min(Number(counts?.[2]), sent);
  const loss = Math.round((1 - received / sent) * 1000) / 10;
  if (received === 0) {
    // Some router answered in its place: ICMP destination unreachable (RFC 792).
    const isUnreachable = counts?.[4] !== undefined;
    const output = `${address} ${isUnreachable ? 'is unreachable' : 'does not answer'}, ${sent} packets sent`;
    return { kind: 'failed', code: isUnreachable ? 'network.unreachable' : 'timeout.ping', output, metrics: { loss } };
  }
  const mean = Number(/= [\d.]+\/([\d.]+)\//.exec(child.stdout)?.[1]);
  if (!Number.isFinite(mean)) throw toPingFailure(child, address);
  const output = `${received} of ${sent} packets answered in ${mean} ms on average`;
  return { kind: 'measured', output, metrics: { rtt: Math.round(mean * 1000) / 1e6, loss } };
}

function toPingFailure(child: ChildResult, address: string): TargetFailure | LookFailure {
  const text = cleanText(child.stderr || child.stdout, 100);
  if (/not permitted|permission denied/i.test(text)) {
    return new LookFailure('child.permission', 'ping may not send ICMP, expected CAP_NET_RAW');
  }
  if (/unreachable/i.test(text))
    return new TargetFailure('network.unreachable', `${address} is unreachable: no route to its network`);
  return new LookFailure('child.output', `ping did not report (${text || `exit code ${child.exitCode}`})`);
}
