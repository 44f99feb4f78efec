import type { Check } from './configuration.ts';
import type { Status } from './status.ts';

/** Latest results by state; withheld ones and those that are still missing are `skipped`. */
export interface StateCounts {
  ok: number;
  warning: number;
  critical: number;
  unknown: number;
  skipped: number;
}

/** What one run says of itself, so that others see when there are no more (interface.md section 3). */
export interface Heartbeat {
  run: number;
  /** Start of the run, milliseconds since 1970; whole seconds. */
  created: number;
  /** Seconds between runs. */
  interval: number;
  checks: StateCounts;
}

const FIRST_LINE = 'vigie-heartbeat 1';
/** What a signature is for: one made for anything else is none. */
export const HEARTBEAT_NAMESPACE = 'vigie-heartbeat-v1';

export function countChecks(checks: readonly Check[], statuses: ReadonlyMap<string, Status>): StateCounts {
  const counts: StateCounts = { ok: 0, warning: 0, critical: 0, unknown: 0, skipped: 0 };
  const words = { OK: 'ok', WARNING: 'warning', CRITICAL: 'critical', UNKNOWN: 'unknown' } as const;
  for (const { id, enabled } of checks) {
    const latest = statuses.get(id)?.latest ?? null;
    if (enabled) counts[latest === null || latest.withheld !== null ? 'skipped' : words[latest.state]] += 1;
  }
  return counts;
}

/** The text that is signed: a line that names the format, and one of JSON, each with its line feed. */
export function formatHeartbeat({ run, created, interval, checks }: Heartbeat): string {
  const { ok, warning, critical, unknown, skipped } = checks;
  const at = new Date(created).toISOString().replace(/\.\d{3}Z$/, 'Z');
  return `${FIRST_LINE}\n${JSON.stringify({ run, created: at, interval, checks: { ok, warning, critical, unknown, skipped } })}\n`;
}

/** The only form that is taken is the one that is written: what is read and written again must be the same. Null otherwise. */
export function parseHeartbeat(text: string): Heartbeat | null {
  const match = PATTERN.exec(text);
  if (match === null) return null;
  const [run, created, interval, ok, warning, critical, unknown, skipped] = match.slice(1);
  const checks = {
    ok: Number(ok),
    warning: Number(warning),
    critical: Number(critical),
    unknown: Number(unknown),
    skipped: Number(skipped),
  };
  const heartbeat = { run: Number(run), created: Date.parse(created ?? ''), interval: Number(interval), checks };
  if (!Number.isFinite(heartbeat.created)) return null;
  return formatHeartbeat(heartbeat) === text ? heartbeat : null;
}

const NUMBER = '(\\d{1,15})';
const PATTERN = new RegExp(
  `^${FIRST_LINE}\\n\\{"run":${NUMBER},"created":"(\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ)","interval":(\\d{1,15}(?:\\.\\d{1,3})?),"checks":` +
    `\\{"ok":${NUMBER},"warning":${NUMBER},"critical":${NUMBER},"unknown":${NUMBER},"skipped":${NUMBER}\\}\\}\\n$`,
);

/** `748 OK, 2 critical`: what is not OK only where there is any. */
export function describeCounts({ ok, warning, critical, unknown, skipped }: StateCounts): string {
  const some: [number, string][] = [
    [critical, 'critical'],
    [warning, 'warning'],
    [unknown, 'unknown'],
    [skipped, 'not judged'],
  ];
  return [`${ok} OK`, ...some.filter(([number]) => number > 0).map(([number, word]) => `${number} ${word}`)].join(', ');
}
