import { isIP } from 'node:net';
import type { Configuration, Sentinel } from '../core/configuration.ts';
import type { Definitions } from './define.ts';
import { didYouMean, type Problem, say } from './problem.ts';
import { locate, toProblem } from './tree.ts';

/** As the global file's fields declare it. */
export type SentinelValues = Record<string, { tcp?: string; https?: string; dns?: string }[]>;

const FORMS = '{ tcp: host:port }, { https: url } or { dns: name }';

/** What tells whether our own network is up, by network group: `direct`, or a proxy's name. */
export function resolveSentinels(
  values: SentinelValues | undefined,
  { global, proxies, problems }: Definitions,
): Configuration['sentinels'] {
  const groups: Configuration['sentinels'] = {};
  for (const [group, list] of Object.entries(values ?? {})) {
    const refuse = (path: (string | number)[], message: string, atKey = false) =>
      void problems.push(toProblem(locate(global.root, ['sentinels', group, ...path], atKey), message));
    if (group !== 'direct' && !proxies.has(group)) {
      const known = ['direct', ...proxies.keys()];
      refuse([], `${say('unknown network group', `${known.join(', ')}`, group)}${didYouMean(group, known)}`, true);
      continue;
    }
    groups[group] = list.flatMap((one, index) => {
      const found = toSentinel(one, group);
      if (typeof found !== 'string') return found;
      const [key] = Object.keys(one);
      refuse(key === undefined || Object.keys(one).length > 1 ? [index] : [index, key], found);
      return [];
    });
  }
  return groups;
}

/** The sentinel, or what is wrong with it. */
function toSentinel(one: SentinelValues[string][number], group: string): Sentinel | Problem['message'] {
  const { tcp, https, dns } = one;
  const kinds = Object.keys(one);
  if (kinds.length !== 1) return say(kinds.length === 0 ? 'an empty sentinel' : 'several kinds in one sentinel', `one of ${FORMS}`);
  if (https !== undefined) return { kind: 'https', url: https };
  if (dns !== undefined) {
    if (group !== 'direct') return say('a dns sentinel of a proxy', 'tcp or https, since the proxy resolves names', dns);
    return isName(dns) ? { kind: 'dns', name: dns } : say('not a name', 'a host name such as example.net', dns);
  }
  const [, host = '', port = ''] = /^(.+):(\d{1,5})$/.exec(tcp ?? '') ?? [];
  const bare = host.replace(/^\[(.*)\]$/, '$1');
  const isHost = isIP(bare) === 4 || isName(bare) || (isIP(bare) === 6 && bare !== host);
  if (!isHost || Number(port) < 1 || Number(port) > 65_535) return say('not host:port', 'such as "192.0.2.1:443"', tcp);
  return { kind: 'tcp', host: bare, port: Number(port) };
}

function isName(text: string): boolean {
  return /^(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*\.?$/.test(text);
}
