import { toTimestamp } from '../core/calendar.ts';
import { countChecks } from '../core/heartbeat.ts';
import { toPlainText } from '../core/incident.ts';
import type { Snapshot } from '../core/snapshot.ts';
import { stateType } from '../core/status.ts';
import { toSaid } from '../core/views-people.ts';
import type { PublicView } from '../core/views-public.ts';

/** The private `status.json` (interface.md section 3). */
export function toPrivateJson(snapshot: Snapshot): string {
  const { configuration, statuses, run } = snapshot;
  const timestamps = new Map<number, string>();
  const timestamp = (at: number) => {
    const known = timestamps.get(at) ?? toTimestamp(at);
    timestamps.set(at, known);
    return known;
  };
  const said = toSaid(snapshot);
  const checks = configuration.checks
    .filter((check) => check.enabled)
    .map((check) => {
      const status = statuses.get(check.id);
      const latest = status?.latest ?? null;
      return {
        id: check.id,
        host: check.host,
        service: check.service,
        title: (check.service === null ? undefined : configuration.services[check.service]?.title) ?? check.host ?? check.id,
        type: check.type,
        state: latest?.state ?? null,
        state_type: status === undefined || latest === null ? null : stateType(status),
        attempt: status?.streak?.length ?? 0,
        since: status === undefined || latest === null ? null : timestamp(status.problem?.onset ?? status.since),
        last_result_at: latest === null ? null : timestamp(latest.at),
        output: latest?.output ?? '',
        metrics: latest?.metrics ?? {},
        parts: latest?.parts ?? [],
        acknowledged: said.acknowledged.has(check.id),
        downtime: said.held.has(check.id),
        unstable: status?.trouble?.unstable != null,
        withheld: latest?.withheld ?? null,
        public: check.public !== null,
      };
    });
  const { ok, warning, critical, unknown, skipped } = countChecks(configuration.checks, statuses);
  return toJson({
    generated_at: toTimestamp(snapshot.now),
    next_run_by: toTimestamp(snapshot.nextRunBy),
    run: run.run,
    title: configuration.sites.private?.title ?? configuration.title,
    summary: { checks: checks.length, ok, warning, critical, unknown, skipped },
    checks,
  });
}

/** The public `status.json`, from the public view and nothing else. */
export function toPublicJson(view: PublicView): string {
  const services = view.groups.flatMap((group) => group.services);
  return toJson({
    generated_at: view.madeAt.iso,
    next_run_by: view.nextRunBy.iso,
    run: view.run,
    title: view.title,
    services: services.map((service) => ({
      name: service.name,
      title: service.title,
      group: service.group,
      state: service.state,
      since: orNull(service.since.iso),
      availability: Object.fromEntries(service.windows.map(({ window, share }) => [window, share])),
    })),
    incidents: view.incidents.map((one) => ({
      name: one.name,
      title: one.title,
      page: one.page,
      services: one.services.map(({ name }) => name),
      started: one.started.iso,
      ended: orNull(one.ended.iso),
      text: toPlainText(one.intro),
      updates: one.updates.map(({ at, title, blocks }) => ({ at: orNull(at.iso), title, text: toPlainText(blocks) })),
    })),
    maintenance: view.maintenance.map(({ words, services: hurt, isNow, from, to }) => ({
      words,
      services: hurt.map(({ name }) => name),
      now: isNow,
      from: from.iso,
      to: to.iso,
    })),
  });
}

/** Fields that say how something is, and what they say when nobody knows. */
const FORGOTTEN: Readonly<Record<'checks' | 'services', object>> = {
  checks: { state: 'UNKNOWN', state_type: null, attempt: 0, since: null },
  services: { state: 'unknown', since: null },
};

/**
 * A `status.json` of either site after monitoring has stopped: who made it and by when the next was due stays, every state is unknown.
 * What cannot be read is no longer told at all.
 */
export function toForgottenJson(text: string, stopped: { since: string | null; seen_at: string }): string {
  const status = parseObject(text);
  for (const list of ['checks', 'services'] as const) {
    const found = status[list];
    if (Array.isArray(found)) status[list] = found.map((one: object) => ({ ...one, ...FORGOTTEN[list] }));
  }
  if (Array.isArray(status['checks']) && 'summary' in status) {
    const checks = status['checks'].length;
    status['summary'] = { checks, ok: 0, warning: 0, critical: 0, unknown: checks, skipped: 0 };
  }
  return toJson({ ...status, stopped });
}

/** Which site a `status.json` is of: the private one lists checks, the public one services. Null when it cannot be read. */
export function siteOfStatus(text: string): 'private' | 'public' | null {
  const { checks, services } = parseObject(text);
  if (Array.isArray(checks)) return 'private';
  return Array.isArray(services) ? 'public' : null;
}

function parseObject(text: string): Record<string, unknown> {
  try {
    const found: unknown = JSON.parse(text);
    return typeof found === 'object' && found !== null ? { ...found } : {};
  } catch {
    return {};
  }
}

function orNull(iso: string): string | null {
  return iso === '' ? null : iso;
}

function toJson(content: object): string {
  return `${JSON.stringify(content)}\n`;
}
