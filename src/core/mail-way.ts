import type { Check, Configuration } from './configuration.ts';

/** The relay's name or address in a transport; null for ways that do not leave this machine. */
function relayOf(transport: string): string | null {
  const [, host] = /^smtps?:\/\/(\[[^\]]+\]|[^:/]+)/.exec(transport) ?? [];
  return host === undefined ? null : host.replace(/^\[|\]$/g, '').toLowerCase();
}

/**
 * What is monitored and carries the only way out for mail: when it is down, nobody learns of it (alerting.md section 10). Null where a
 * contact has another way, or where nothing that is monitored is known to be the relay.
 */
export function findWatchedRelay({ mail, contacts, hosts, checks }: Configuration): string | null {
  const hasOtherWay = Object.values(contacts).some(({ fallback }) => fallback !== null && fallback.transport !== mail.transport);
  const relay = relayOf(mail.transport);
  if (relay === null || hasOtherWay) return null;
  const host = Object.values(hosts).find(({ name, address }) => name === relay || address?.toLowerCase() === relay);
  if (host !== undefined) return `host ${host.name}`;
  const check = checks.find((each) => each.enabled && targetOf(each) === relay);
  return check === undefined ? null : `check ${check.id}`;
}

/** Where a check connects to, as it is written: its address, or the host of its url. */
function targetOf({ options }: Check): string | null {
  const { address, url } = options;
  if (typeof address === 'string') return address.toLowerCase();
  return typeof url === 'string' && URL.canParse(url) ? new URL(url).hostname.replace(/^\[|\]$/g, '') : null;
}
