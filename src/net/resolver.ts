import { promises as dns } from 'node:dns';
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { domainToASCII } from 'node:url';
import { TargetFailure } from '../core/failure.ts';
import { cleanText } from '../core/text.ts';
import { toAbortFailure } from './limits.ts';

export interface ResolverSettings {
  /** Default `/etc/hosts`; null for none. Read once, when the resolver is made. */
  hostsFile?: string | null;
  /** `address` or `address:port` of name servers; default those of the system. */
  servers?: string[];
  /** Milliseconds per query and try. */
  timeoutMs?: number;
  tries?: number;
}

/** Addresses of a name. Throws TargetFailure `dns.*`. */
export type Resolve = (name: string, family: 4 | 6 | undefined, signal: AbortSignal) => Promise<string[]>;

/** RFC 8305 section 3: how long one family's answer waits for the other's. */
const RESOLUTION_DELAY_MS = 50;

/**
 * Literal addresses, then the hosts file, then c-ares. `dns.lookup` is never used: it would block the four threads that files
 * and zlib share. One resolver serves a whole run; it remembers nothing but the hosts file.
 */
export function createResolver(settings: ResolverSettings = {}): Resolve {
  const hosts = readHosts(settings.hostsFile === undefined ? '/etc/hosts' : settings.hostsFile);
  return async (name, family, signal) => {
    const literal = isIP(name);
    if (literal !== 0) {
      if (family !== undefined && family !== literal) throw new TargetFailure('dns.empty', `${name} is no IPv${family} address`);
      return [name];
    }
    const ascii = domainToASCII(name).toLowerCase();
    if (ascii === '' || ascii.length > 254) throw new TargetFailure('dns.name', `"${cleanText(name, 60)}" is no domain name`);
    const known = (hosts.get(ascii) ?? []).filter((address) => family === undefined || isIP(address) === family);
    return known.length > 0 ? known : query(ascii, family, signal, settings);
  };
}

function readHosts(file: string | null): Map<string, string[]> {
  const hosts = new Map<string, string[]>();
  if (file === null) return hosts;
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    // hosts(5) is optional: without it, names come from DNS alone.
    return hosts;
  }
  for (const line of text.split('\n')) {
    const [address, ...names] = line.replace(/#.*/, '').trim().split(/\s+/);
    if (address === undefined || isIP(address) === 0) continue;
    for (const name of names) {
      const key = name.toLowerCase();
      hosts.set(key, [...(hosts.get(key) ?? []), address]);
    }
  }
  return hosts;
}

async function query(name: string, family: 4 | 6 | undefined, signal: AbortSignal, settings: ResolverSettings): Promise<string[]> {
  const resolver = new dns.Resolver({ timeout: settings.timeoutMs ?? 2000, tries: settings.tries ?? 2 });
  if (settings.servers) resolver.setServers(settings.servers);
  const cancel = () => resolver.cancel();
  signal.addEventListener('abort', cancel, { once: true });
  try {
    signal.throwIfAborted();
    if (family === 4) return await resolver.resolve4(name);
    if (family === 6) return await resolver.resolve6(name);
    return await queryBoth(resolver, name);
  } catch (error) {
    if (signal.aborted) throw toAbortFailure(signal, 'dns.timeout', `no answer from the name servers for ${cleanText(name, 60)}`);
    throw toDnsFailure(error, name, family);
  } finally {
    signal.removeEventListener('abort', cancel);
    // A slow answer for the other family must not outlive its use.
    resolver.cancel();
  }
}

async function queryBoth(resolver: dns.Resolver, name: string): Promise<string[]> {
  const found: { 4: string[]; 6: string[] } = { 4: [], 6: [] };
  const ask = async (family: 4 | 6, answer: Promise<string[]>) => {
    found[family] = await answer;
  };
  const both = [ask(6, resolver.resolve6(name)), ask(4, resolver.resolve4(name))];
  const settled = Promise.allSettled(both);
  try {
    await Promise.any(both);
  } catch {
    // A name that has no IPv6 address fails with its IPv4 answer's reason, which says more.
    await both[1];
  }
  let timer: NodeJS.Timeout | undefined;
  const delay = new Promise((resolve) => {
    timer = setTimeout(resolve, RESOLUTION_DELAY_MS);
  });
  await Promise.race([settled, delay]);
  clearTimeout(timer);
  return interleave(found[6], found[4]);
}

/** RFC 8305 section 4: addresses of both families take turns. */
function interleave(first: string[], second: string[]): string[] {
  const result: string[] = [];
  for (let i = 0; i < Math.max(first.length, second.length); i++) {
    for (const list of [first, second]) {
      const address = list[i];
      if (address !== undefined) result.push(address);
    }
  }
  return result;
}

/** c-ares' error codes: stable reason, and the words for people. */
const DNS_FAILURES: Record<string, [code: string, words: string]> = {
  ENOTFOUND: ['dns.nxdomain', 'does not exist (NXDOMAIN)'],
  ENODATA: ['dns.empty', 'has no address'],
  ESERVFAIL: ['dns.servfail', 'cannot be resolved (SERVFAIL)'],
  EREFUSED: ['dns.refused', 'cannot be resolved (REFUSED)'],
  ENOTIMP: ['dns.refused', 'cannot be resolved (NOTIMP)'],
  EFORMERR: ['dns.response', 'cannot be resolved (FORMERR)'],
  EBADRESP: ['dns.response', 'got a malformed DNS answer'],
  EBADNAME: ['dns.name', 'is no domain name'],
  EBADQUERY: ['dns.name', 'is no domain name'],
  ETIMEOUT: ['dns.timeout', 'got no answer from the name servers'],
  ECONNREFUSED: ['dns.unreachable', 'cannot be resolved: no name server accepts queries'],
};

function toDnsFailure(error: unknown, name: string, family: 4 | 6 | undefined): TargetFailure {
  const reason = (error as NodeJS.ErrnoException).code ?? '';
  const [code, words] = DNS_FAILURES[reason] ?? ['dns.error', `cannot be resolved (${cleanText(reason, 30)})`];
  const kind = code === 'dns.empty' && family !== undefined ? `has no IPv${family} address` : words;
  return new TargetFailure(code, `name ${cleanText(name, 60)} ${kind}`, { cause: error });
}
