import type { Check, Configuration } from './configuration.ts';
import type { CheckFacts, PastProblem } from './item.ts';
import type { Withheld } from './observation.ts';
import type { Status } from './status.ts';
import { count } from './transition.ts';

interface FactsMeans {
  configuration: Configuration;
  statuses: Map<string, Status>;
  pastProblems(check: string): PastProblem[];
}

/** All that a mail says of a check as it is now. */
export function describeCheck(check: Check, status: Status, means: FactsMeans): CheckFacts {
  const { configuration, statuses, pastProblems } = means;
  const service = check.service === null ? undefined : configuration.services[check.service];
  return {
    title: service?.title ?? check.host ?? check.id,
    type: check.type,
    target: check.target,
    output: status.latest?.output ?? '',
    code: status.latest?.code ?? '',
    priority: check.priority,
    notes: check.notes,
    source: `${check.source.file}:${check.source.line}`,
    page: pageOf(check),
    failingParts: (status.latest?.parts ?? []).filter((part) => part.state !== 'OK').map((part) => `${part.name}: ${part.output}`),
    affected: describeAffected(check, configuration, statuses),
    past: pastProblems(check.id),
    also: alsoFailing(check, configuration, statuses),
    was: null,
  };
}

function alsoFailing(check: Check, { checks }: Configuration, statuses: Map<string, Status>): string[] {
  const isNear = (other: Check) =>
    (other.host !== null && other.host === check.host) || (other.service !== null && other.service === check.service);
  const isFailing = ({ id }: Check) => (statuses.get(id)?.latest?.state ?? 'OK') !== 'OK';
  return checks
    .filter(
      (other) => other.id !== check.id && !other.parents.includes(check.id) && other.enabled && isNear(other) && isFailing(other),
    )
    .map(({ id }) => id);
}

const HIDDEN: readonly Withheld[] = ['unreachable', 'proxy', 'report'];

/** A parent's item says what is unreachable behind it, at any depth, and names what is critical (alerting.md section 4). */
function describeAffected(parent: Check, { checks }: Configuration, statuses: Map<string, Status>): string | null {
  const reached = new Set([parent.id]);
  const behind: Check[] = [];
  // Parents are few levels deep: a pass that finds nothing more is the last.
  for (let before = -1; before !== reached.size; ) {
    before = reached.size;
    for (const check of checks) {
      const withheld = statuses.get(check.id)?.latest?.withheld;
      if (reached.has(check.id) || withheld == null || !HIDDEN.includes(withheld)) continue;
      if (!check.parents.some((id) => reached.has(id))) continue;
      reached.add(check.id);
      behind.push(check);
    }
  }
  if (behind.length === 0) return null;
  const critical = behind.filter(({ priority }) => priority === 'critical').map(({ id }) => id);
  return `${count(behind.length, 'check')}${critical.length === 0 ? '' : `, of them critical: ${critical.slice(0, 10).join(', ')}`}`;
}

/** The private page that shows a check, relative to the site's root. Checks are sections of their service's or host's page. */
export function pageOf(check: Pick<Check, 'service' | 'host' | 'name' | 'id'>): string {
  if (check.service !== null) return `services/${check.service}.html#${check.name}`;
  if (check.host !== null) return `hosts/${check.host}.html#${check.name}`;
  return `checks.html#${check.id.replace('/', '-')}`;
}

/** The page of one check alone, with its charts and settings. */
export function checkPageOf({ id }: Pick<Check, 'id'>): string {
  return `checks/${id}.html`;
}
