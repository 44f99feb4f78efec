import { formatAge } from '../core/calendar.ts';
import type { Check } from '../core/configuration.ts';
import type { Snapshot } from '../core/snapshot.ts';
import { isWorse, toExitCode } from '../core/state.ts';
import { type Status, stateType } from '../core/status.ts';
import { count } from '../core/transition.ts';
import type { RunSummary } from '../run.ts';
import { formatTable, paint } from '../terminal.ts';
import type { CommandContext } from './command.ts';

/** The machine-readable line of interface.md section 2, or what a person wants to see after a run. */
export function printSummary(
  context: CommandContext,
  summary: RunSummary,
  { json, table }: { json: boolean; table: boolean },
): void {
  if (json) context.out(`${JSON.stringify(toJson(summary))}\n`);
  else if (table) for (const line of describe(context, summary)) context.out(`${line}\n`);
}

function toJson({ record, mail, pages }: RunSummary): unknown {
  const { run, startedAt, durationMs, due, ok, warning, critical, unknown, skipped, items } = record;
  return {
    run,
    started_at: new Date(startedAt).toISOString(),
    duration_ms: durationMs,
    checks: { due, ok, warning, critical, unknown, skipped },
    items,
    mail,
    pages,
  };
}

function describe(context: CommandContext, { record, snapshot, mail, pages }: RunSummary): string[] {
  const taken = snapshot();
  const rows = statusRows(taken);
  const lines = formatStatusTable(context, rows, taken.now);
  const { configuration } = taken;
  const checks = configuration.checks.filter((check) => check.enabled);
  lines.push(
    '',
    `run ${record.run}: ${count(record.due, 'check')} of ${checks.length} due, ${record.ok} OK, ${record.warning} warning, ` +
      `${record.critical} critical, ${record.unknown} unknown, in ${((record.durationMs ?? 0) / 1000).toFixed(1)} s`,
    `history: ${count(record.run, 'run')} in ${configuration.state}/history.sqlite`,
  );
  if (mail.sent + mail.queued + mail.failed > 0) {
    lines.push(`mail: ${mail.sent} sent, ${mail.queued} waiting, ${mail.failed} failed, through ${configuration.mail.transport}`);
  }
  if (configuration.sites.private !== null) {
    lines.push(`pages: ${pages.written} written; open ${configuration.sites.private.output}/index.html`);
  }
  return lines;
}

export interface StatusRow {
  check: Check;
  status: Status;
}

/** Worst first, then by id. */
export function statusRows({ configuration, statuses }: Pick<Snapshot, 'configuration' | 'statuses'>): StatusRow[] {
  const rows = configuration.checks.flatMap((check) => {
    const status = statuses.get(check.id);
    return check.enabled && status?.latest != null ? [{ check, status }] : [];
  });
  return rows.sort((a, b) => {
    const [first, second] = [a.status.latest?.state ?? 'OK', b.status.latest?.state ?? 'OK'];
    if (first !== second) return isWorse(first, second) ? -1 : 1;
    return a.check.id < b.check.id ? -1 : 1;
  });
}

export function formatStatusTable(context: Pick<CommandContext, 'columns' | 'color'>, rows: StatusRow[], now: number): string[] {
  const cells = rows.map(({ check, status }) => {
    const { latest } = status;
    const soft = stateType(status) === 'soft' ? ` ${status.streak?.length}/${check.attempts}` : '';
    const withheld = latest?.withheld == null ? '' : ` (${latest.withheld})`;
    return [
      latest?.state ?? '',
      check.id,
      `${formatAge((now - status.since) / 1000)}${soft}`,
      `${latest?.output ?? ''}${withheld}`,
    ];
  });
  const lines = formatTable([['STATE', 'CHECK', 'SINCE', 'SEEN'], ...cells], context.columns);
  return lines.map((line, i) => {
    const state = rows[i - 1]?.status.latest?.state;
    return state === undefined ? line : paint(state, line.slice(0, state.length), context.color) + line.slice(state.length);
  });
}

/** The plug-in contract's exit code of the worst of these. */
export function worstExitCode(rows: StatusRow[]): number {
  let found: number = 0;
  let worst: 'OK' | 'WARNING' | 'CRITICAL' | 'UNKNOWN' = 'OK';
  for (const { status } of rows) {
    const state = status.latest?.state ?? 'UNKNOWN';
    if (isWorse(state, worst)) {
      worst = state;
      found = toExitCode(state);
    }
  }
  return found;
}
