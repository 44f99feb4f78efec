import { createHash } from 'node:crypto';
import { type HostReport, parseReport, ReportSchemaProblem, toReportNamespace } from '../core/report.ts';
import { cleanText } from '../core/text.ts';
import { openSigned, parsePublicLine, SignatureProblem } from './sshsig.ts';

/** A report is a few thousand bytes. */
export const MAX_REPORT = 64 * 1024;
const AHEAD_MS = 300_000;

type Fault = 'missing' | 'size' | 'format' | 'signature' | 'key' | 'namespace' | 'schema' | 'host' | 'future' | 'replay' | 'stale';

/** Why a report says nothing; `future` may be our own clock's fault. */
export class ReportProblem extends Error {
  readonly code: string;
  constructor(fault: Fault, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = `report.${fault}`;
  }
}

/** The last report that was accepted of each key: what a later one must be newer than. A new key begins anew. */
export type Accepted = Record<string, { seq: number /** Of the whole file, hexadecimal. */; sha256: string }>;

export interface ReportRules {
  /** The configured host: it is never looked up by what the file says. */
  host: string;
  /** Its public keys, as `ssh-ed25519 AAAA...`. */
  keys: readonly string[];
  now: number;
  /** Seconds. */
  maxAge: number;
  accepted: Accepted;
}

export interface OpenedReport {
  report: HostReport;
  accepted: Accepted;
  /** Seconds. */
  age: number;
  /** Not the one that was accepted last. */
  isNews: boolean;
}

/** Verifies in the order of the project's rules; nothing of the text is looked at before its signature fits. Throws ReportProblem. */
export function openReport(bytes: Buffer, rules: ReportRules): OpenedReport {
  const { host, now, maxAge } = rules;
  if (bytes.length > MAX_REPORT) throw new ReportProblem('size', `more than ${MAX_REPORT} bytes`);
  const { text, key } = openText(bytes, rules);
  const report = readReport(text);
  if (report.host !== host) throw new ReportProblem('host', `speaks of host ${cleanText(report.host, 40)}, expected ${host}`);
  const at = new Date(report.created).toISOString().replace('.000', '');
  const age = Math.floor((now - report.created) / 1000);
  if (report.created - now > AHEAD_MS)
    throw new ReportProblem('future', `made ${-age} s in our future (${at}): whose clock is wrong?`);
  const last = rules.accepted[key];
  const found = { seq: report.seq, sha256: createHash('sha256').update(bytes).digest('hex') };
  if (last !== undefined) refuseReplay(found, last);
  if (age > maxAge) throw new ReportProblem('stale', `made ${age} s ago (${at}), expected at most ${maxAge} s`);
  const kept = Object.entries(rules.accepted).filter(([known]) => rules.keys.some((line) => toShort(line) === known));
  const accepted = { ...Object.fromEntries(kept), [key]: found };
  return { report, accepted, age: Math.max(0, age), isNews: found.seq !== last?.seq };
}

/** The signed text, and which of the pinned keys signed it. */
function openText(bytes: Buffer, { host, keys }: ReportRules): { text: Buffer; key: string } {
  const namespace = toReportNamespace(host);
  let problem = new SignatureProblem('key', 'no key is pinned for this host');
  for (const line of keys) {
    try {
      return { text: openSigned(bytes, { namespace, keys: [parsePublicLine(line) ?? Buffer.alloc(0)] }), key: toShort(line) };
    } catch (error) {
      if (!(error instanceof SignatureProblem)) throw error;
      problem = error;
      if (error.fault !== 'key') break;
    }
  }
  throw new ReportProblem(problem.fault, problem.message, { cause: problem });
}

/** A pinned key in the memory of its check. */
function toShort(line: string): string {
  return createHash('sha256')
    .update(parsePublicLine(line) ?? '')
    .digest('hex')
    .slice(0, 16);
}

function readReport(text: Buffer): HostReport {
  try {
    return parseReport(text);
  } catch (error) {
    if (!(error instanceof ReportSchemaProblem)) throw error;
    throw new ReportProblem('schema', error.message, { cause: error });
  }
}

/** Who holds an older report can show it again; a reinstalled machine counts from below, until `vigie host reset`. */
function refuseReplay({ seq, sha256 }: Accepted[string], last: Accepted[string]): void {
  if (seq < last.seq) throw new ReportProblem('replay', `number ${seq}, but ${last.seq} was accepted before`);
  if (seq === last.seq && sha256 !== last.sha256) throw new ReportProblem('replay', `number ${seq} again, with other content`);
}
