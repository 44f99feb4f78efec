import type { Answer, DecodedPacket } from 'dns-packet';
import { cleanText } from '../core/text.ts';
import { formatAge } from '../core/unit.ts';

const DAY_MS = 86_400_000;

export interface Demands {
  authoritative: boolean;
  validated: boolean;
  signed: boolean;
}

export interface Signatures {
  /** Why they do not hold, or null. */
  fault: { code: string; output: string } | null;
  /** Days until the first of them ends; null when there are none. */
  daysLeft: number | null;
}

/** What is wrong with the flags of an answer (RFC 1035, section 4.1.1: AA; RFC 4035, section 3.2.3: AD), or null. */
export function findFlagFault(packet: DecodedPacket, demands: Demands): { code: string; output: string } | null {
  if (demands.authoritative && !packet.flag_aa) {
    return { code: 'dns.not_authoritative', output: 'answer without authority (AA), expected it' };
  }
  if (demands.validated && !packet.flag_ad) {
    return { code: 'dns.not_validated', output: 'answer is not validated (AD), expected DNSSEC' };
  }
  return null;
}

/** The signatures of what was asked for and of the aliases on the way. They are looked at, not verified: a resolver does that. */
export function judgeSignatures(packet: DecodedPacket, record: string, now: number): Signatures {
  const found = (packet.answers ?? []).flatMap((answer) => (isSignatureOf(answer, record) ? [answer.data] : []));
  if (!found.some(({ typeCovered }) => typeCovered === record)) {
    return { fault: { code: 'dns.not_signed', output: `no signature of ${record}, expected one (RRSIG)` }, daysLeft: null };
  }
  const first = Math.min(...found.map(({ expiration }) => expiration * 1000));
  const daysLeft = (first - now) / DAY_MS;
  const early = found.find(({ inception }) => inception * 1000 > now);
  if (early) {
    return {
      fault: { code: 'dns.signature', output: `signature begins ${toMinute(early.inception * 1000)}, expected earlier` },
      daysLeft,
    };
  }
  if (daysLeft <= 0) {
    return { fault: { code: 'dns.signature', output: `signature ended ${toMinute(first)}, expected a newer one` }, daysLeft };
  }
  return { fault: null, daysLeft };
}

type Signature = Extract<Answer, { type: 'RRSIG' }>;

function isSignatureOf(answer: Answer, record: string): answer is Signature {
  return answer.type === 'RRSIG' && (answer.data.typeCovered === record || answer.data.typeCovered === 'CNAME');
}

function toMinute(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 16)}Z`;
}

/** The serial of the zone that the answer holds, or null. */
export function readSerial(packet: DecodedPacket): number | null {
  const soa = (packet.answers ?? []).find((answer) => answer.type === 'SOA');
  const serial = soa?.data.serial;
  return typeof serial === 'number' ? serial : null;
}

/** RFC 1982, section 3.2: serials wrap around, so that 1 is newer than 4294967295. */
export function isNewer(a: number, b: number): boolean {
  return a !== b && (a - b) >>> 0 < 0x8000_0000;
}

/** Since when a server, by its place in the list, has had a serial that others have left behind. */
export interface Behind {
  at: number;
  serial: number;
  since: number;
}

export interface SerialVerdict {
  behind: Behind[];
  /** Seconds that the slowest of them has been behind; 0 when all have the same serial. */
  lag: number;
  /** One sentence when that is too long. */
  fault: string | null;
  /** Who is behind for too long, by its place. */
  late: number[];
}

/**
 * Servers of one zone may differ for as long as a transfer takes. A server is behind from the run on that first saw its serial
 * older than another's; taking a new one begins that time anew, since then transfers do arrive. null: no serial was seen there.
 */
export function compareSerials(
  serials: { label: string; serial: number | null }[],
  before: Behind[],
  { now, within }: { now: number; within: number },
): SerialVerdict {
  const newest = serials.reduce<(typeof serials)[number] | null>(
    (best, one) => (one.serial !== null && (best?.serial == null || isNewer(one.serial, best.serial)) ? one : best),
    null,
  );
  const behind = serials.flatMap(({ serial }, at): Behind[] => {
    if (serial === null || newest?.serial == null || serial === newest.serial) return [];
    const known = before.find((one) => one.at === at && one.serial === serial);
    return [{ at, serial, since: known && known.since <= now ? known.since : now }];
  });
  const lag = Math.max(0, ...behind.map(({ since }) => (now - since) / 1000));
  const late = behind.filter(({ since }) => within === 0 || (now - since) / 1000 > within);
  const worst = late.reduce<Behind | null>((best, one) => (best === null || one.since < best.since ? one : best), null);
  const name = worst && cleanText(serials[worst.at]?.label ?? '', 40);
  const time = worst && now > worst.since ? ` for ${formatAge((now - worst.since) / 1000)}` : '';
  const wanted = newest && `${newest.serial} as ${cleanText(newest.label, 40)}`;
  const fault = worst && `${name} has serial ${worst.serial}${time}, expected ${wanted}`;
  return { behind, lag, fault, late: late.map(({ at }) => at) };
}

/** What the last run left, if it is what this file wrote. */
export function readBehind(memory: unknown): Behind[] {
  const list = typeof memory === 'object' && memory !== null && 'behind' in memory ? memory.behind : [];
  if (!Array.isArray(list)) return [];
  return list.filter(
    (one): one is Behind =>
      typeof one === 'object' && one !== null && ['at', 'serial', 'since'].every((key) => Number.isFinite(one[key])),
  );
}
