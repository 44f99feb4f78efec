import { HEARTBEAT_NAMESPACE, type Heartbeat, parseHeartbeat } from '../core/heartbeat.ts';
import { openSigned, parsePublicLine, SignatureProblem } from './sshsig.ts';

export type { Heartbeat } from '../core/heartbeat.ts';
export { describeCounts } from '../core/heartbeat.ts';

/** A heartbeat is a few hundred bytes. */
export const MAX_HEARTBEAT = 4096;
const AHEAD_MS = 300_000;

/** Why a heartbeat proves nothing; `future` may be our own clock's fault. */
export class HeartbeatProblem extends Error {
  readonly code: string;
  /** When it was made, if that is proven: milliseconds since 1970. */
  readonly created: number | null;
  constructor(fault: string, message: string, created: number | null = null) {
    super(message);
    this.code = `heartbeat.${fault}`;
    this.created = created;
  }
}

/** What the file says, when one of these keys signed it and it is from this time. Throws HeartbeatProblem. */
export function openHeartbeat(
  bytes: Buffer,
  { keys, now, maxAge }: { keys: readonly string[]; now: number; maxAge: number },
): Heartbeat & { age: number } {
  if (bytes.length > MAX_HEARTBEAT) throw new HeartbeatProblem('size', `${bytes.length} bytes, expected at most ${MAX_HEARTBEAT}`);
  const heartbeat = parseHeartbeat(openText(bytes, keys));
  if (heartbeat === null) throw new HeartbeatProblem('schema', 'signed, but not a heartbeat of version 1');
  const age = Math.floor((now - heartbeat.created) / 1000);
  const at = new Date(heartbeat.created).toISOString().replace('.000', '');
  if (-age * 1000 > AHEAD_MS) throw new HeartbeatProblem('future', `made ${-age} s in our future (${at}): whose clock is wrong?`);
  if (age > maxAge)
    throw new HeartbeatProblem('stale', `last run ${age} s ago (${at}), expected at most ${maxAge} s`, heartbeat.created);
  return { ...heartbeat, age: Math.max(0, age) };
}

function openText(bytes: Buffer, keys: readonly string[]): string {
  try {
    const pinned = keys.flatMap((line) => parsePublicLine(line) ?? []);
    return openSigned(bytes, { namespace: HEARTBEAT_NAMESPACE, keys: pinned }).toString('latin1');
  } catch (error) {
    if (!(error instanceof SignatureProblem)) throw error;
    throw new HeartbeatProblem(error.fault, error.message);
  }
}
