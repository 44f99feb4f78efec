import type { Configuration } from './configuration.ts';
import { formatPeriod } from './period.ts';
import { formatRota, inCharge } from './rota.ts';
import { formatDuration } from './unit.ts';
import { type CheckView, toCheckView } from './views-check.ts';
import type { Means, Seen } from './views-means.ts';
import { describeOption, formatSettings, type Setting, toSettings } from './views-settings.ts';

/** The whole effective configuration, for reviewers: what everybody shares is said once, then what each check has of its own. */
export interface ChecksView {
  count: number;
  general: string;
  contacts: string;
  /** `Unless a check says otherwise`, `type http` ...: settings that checks share. */
  shared: { title: string; settings: string }[];
  /** The proxies' own checks: they have no page. */
  proxies: CheckView[];
  groups: { title: string; page: string; checks: CheckEntry[] }[];
}

export interface CheckEntry {
  id: string;
  type: string;
  target: string;
  source: string;
  isEnabled: boolean;
  settings: string;
}

export function toChecksView(checks: Seen[], means: Means): ChecksView {
  const { configuration } = means.snapshot;
  const shared = new Shared();
  const groups = new Map<string, ChecksView['groups'][number]>();
  for (const { check } of checks) {
    const page = check.service !== null ? `services/${check.service}.html` : check.host !== null ? `hosts/${check.host}.html` : '';
    const title = check.service !== null ? `Service ${check.service}` : check.host !== null ? `Host ${check.host}` : 'Proxies';
    const group = groups.get(page) ?? { title, page, checks: [] };
    groups.set(page, group);
    group.checks.push({
      id: check.id,
      type: check.type,
      target: check.target,
      source: `${check.source.file}:${check.source.line}`,
      isEnabled: check.enabled,
      settings: formatSettings(shared.takeOwn(toSettings(check, means.catalogue))),
    });
  }
  return {
    count: checks.length,
    general: describeGeneral(configuration),
    contacts: describeContacts(configuration, means.snapshot.now),
    shared: shared.describe(),
    proxies: checks
      .filter(({ check }) => check.service === null && check.host === null)
      .map((seen) => ({ ...toCheckView(seen, means), anchor: seen.check.id.replace('/', '-') })),
    groups: [...groups.values()],
  };
}

/** Settings that came from `defaults` or from a check's type are the same for many checks. */
class Shared {
  private readonly layers = new Map<string, Map<string, string>>();

  takeOwn(settings: Setting[]): Setting[] {
    return settings.filter((setting) => {
      const { name, value, origin } = setting;
      if (name === 'type' || name === 'target') return false;
      if (origin !== 'default' && !origin.startsWith('type ')) return true;
      const layer = this.layers.get(origin) ?? new Map<string, string>();
      this.layers.set(origin, layer);
      const known = layer.get(name);
      if (known === undefined) layer.set(name, value);
      return known !== undefined && known !== value;
    });
  }

  describe(): ChecksView['shared'] {
    return [...this.layers].map(([origin, layer]) => ({
      title: origin === 'default' ? 'Unless a check says otherwise' : `Of ${origin}`,
      settings: [...layer].map(([name, value]) => `${name.padEnd(18)} ${value}`).join('\n'),
    }));
  }
}

function describeGeneral(configuration: Configuration): string {
  const { timezone, interval, limits, retention, mail, sites, proxies, state, heartbeat } = configuration;
  const rows: [string, string][] = [
    ['title', configuration.title],
    ['timezone', timezone],
    ['interval', formatDuration(interval)],
    ['state', state],
    ...(['private', 'public'] as const).flatMap((name): [string, string][] => {
      const site = sites[name];
      return site === null ? [] : [[`${name} site`, site.url === null ? site.output : `${site.output}, ${site.url}`]];
    }),
    ...Object.values(proxies).map((proxy): [string, string] => [`proxy ${proxy.name}`, `${proxy.host}:${proxy.port}`]),
    ['mail from', mail.from],
    ['mail transport', describeOption(mail.transport)],
    ...(mail.user === null ? [] : [['mail user', mail.user] as [string, string]]),
    ...(mail.password === null ? [] : [['mail password', '***'] as [string, string]]),
    ...(mail.inbox === null
      ? []
      : [['inbox', `${mail.inbox.mailbox}${mail.inbox.user === null ? '' : ` as ${mail.inbox.user}`}`] as [string, string]]),
    ...(heartbeat.key === null ? [] : [['heartbeat key', heartbeat.key] as [string, string]]),
    // Its path is a secret of sorts: who knows it can keep the switch from noticing.
    ...(heartbeat.url === null ? [] : [['heartbeat url', `${new URL(heartbeat.url).origin}/…`] as [string, string]]),
    [
      'limits',
      `${limits.concurrency} at once, ${limits.perHost} a host, ${limits.perProxy} a proxy, run ${formatDuration(limits.runDeadline)}`,
    ],
    [
      'retention',
      `rows ${formatDuration(retention.rows)}, packed ${formatDuration(retention.packed)}, events ${formatDuration(retention.events)}`,
    ],
  ];
  return rows.map(([name, value]) => `${name.padEnd(18)} ${value}`).join('\n');
}

/** Addresses and periods; of a rota who is in charge now: the page is written anew when that changes, as its words change. */
function describeContacts({ contacts, contactsForAll, timezone }: Configuration, now: number): string {
  const rows = Object.values(contacts).map(({ name, mail, periods, rota, fallback }) => {
    if (rota !== null) {
      const { member, insteadOf } = inCharge(rota, contacts, now, timezone);
      const substitute = insteadOf === null ? '' : ` (for ${insteadOf}, who is absent)`;
      return `${name.padEnd(18)} in charge: ${member}${substitute}; ${formatRota(rota)}`;
    }
    const when = periods === null ? '' : `; ${periods.map(formatPeriod).join(', ')} (${timezone})`;
    const after = fallback === null ? '' : `; after ${formatDuration(fallback.after)} undelivered: ${fallback.mail.join(', ')}`;
    return `${name.padEnd(18)} ${mail.join(', ')}${when}${after}`;
  });
  return [...rows, `${'about the whole'.padEnd(18)} ${contactsForAll.join(', ') || 'nobody'}`].join('\n');
}
