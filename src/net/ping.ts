import type { ChildResult, Context, Observation } from '../check-type.ts';
import { LookFailure, TargetFailure } from '../core/failure.ts';
import { cleanText } from '../core/text.ts';

/** Seconds between two packets: the least that Debian's ping allows without privileges. */
const INTERVAL = 0.2;

export interface PingRequest {
  address: string;
  family: 4 | 6 | undefined;
  count: number;
  /** Seconds that the last packet is waited for. */
  wait: number;
}

/** Echo requests to a machine, sent by iputils' ping. */
export async function sendPings({ address, family, count, wait }: PingRequest, context: Context): Promise<Observation> {
  const [literal] = await context.resolve(address, family);
  if (literal === undefined) throw new TargetFailure('dns.empty', `name ${cleanText(address, 60)} has no address`);
  const timing = ['-c', String(count), '-i', String(INTERVAL), '-W', String(wait)];
  const child = await context.spawn({ file: 'ping', args: ['-n', '-q', ...timing, '--', literal] });
  context.trace(`ping ${literal}: ${cleanText(child.stdout.split('\n').slice(-4).join(' '), 160)}`);
  return readSummary(child, literal);
}

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
