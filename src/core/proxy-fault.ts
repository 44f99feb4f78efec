import type { Check, Configuration } from './configuration.ts';
import type { Result } from './observation.ts';
import type { Status } from './status.ts';

/**
 * Through Tor these say as much of the proxy's circuits as of the target: with sentinels of that proxy they count while one of them
 * works, since otherwise the group is isolated. F4 to F6 are our own configuration and come as UNKNOWN.
 */
export function isCircuitCode(code: string): boolean {
  return /^socks\.(f[0-37]|01|04|06)$/.test(code) || code.startsWith('timeout.');
}

/** The same code on two or more unrelated onion services, and none that works: it is the proxy's fault. */
export interface ProxyFault {
  proxy: string;
  code: string;
  checks: string[];
}

interface Onion {
  check: Check;
  address: string;
  /** null when it was not due. */
  result: Result | null;
  status: Status | undefined;
}

/** The faults of this run; without a proxy, or without a failure through one, it costs nothing. */
export function findProxyFaults(
  configuration: Configuration,
  statuses: ReadonlyMap<string, Status>,
  results: Result[],
  find: ReadonlyMap<string, Check>,
): ProxyFault[] {
  const suspects = results.filter((result) => result.state !== 'OK' && isCircuitCode(result.code));
  const proxies = new Set(suspects.flatMap((result) => find.get(result.check)?.via ?? []));
  if (proxies.size === 0) return [];
  const byCheck = new Map(results.map((result) => [result.check, result]));
  const onions = configuration.checks.flatMap((check): Onion[] => {
    const address = check.enabled && check.via !== null ? findOnion(check) : null;
    return address === null ? [] : [{ check, address, result: byCheck.get(check.id) ?? null, status: statuses.get(check.id) }];
  });
  return [...proxies].flatMap((proxy) => {
    const own = onions.filter(({ check }) => check.via === proxy);
    return findFault(proxy, own) ?? [];
  });
}

function findFault(proxy: string, onions: Onion[]): ProxyFault | null {
  const byCode = new Map<string, Onion[]>();
  for (const onion of onions) {
    const { result } = onion;
    if (result === null || result.state === 'OK' || !isCircuitCode(result.code)) continue;
    byCode.set(result.code, [...(byCode.get(result.code) ?? []), onion]);
  }
  for (const [code, failing] of byCode) {
    const unrelated = new Set(failing.map(({ check }) => check.host ?? check.service ?? check.id));
    const addresses = new Set(failing.map(({ address }) => address));
    if (unrelated.size < 2 || addresses.size < 2 || onions.some((onion) => worksSince(onion, failing))) continue;
    return { proxy, code, checks: failing.map(({ check }) => check.id) };
  }
  return null;
}

/** An onion that was OK at or after the first of these failures shows that the proxy works. */
function worksSince({ result, status }: Onion, failing: Onion[]): boolean {
  if (result !== null) return result.state === 'OK';
  if (status?.latest?.state !== 'OK') return false;
  const at = status.latest.at;
  return failing.every(
    (one) => at >= (one.status?.latest?.state === one.result?.state ? (one.status?.since ?? 0) : (one.result?.at ?? 0)),
  );
}

function findOnion({ options, target }: Check): string | null {
  return /[a-z2-7]{56}\.onion/.exec(`${target} ${JSON.stringify(options)}`)?.[0] ?? null;
}
