import { promises as dns } from 'node:dns';
import { TargetFailure } from '../core/failure.ts';
import { cleanText } from '../core/text.ts';
import { toAbortFailure } from './limits.ts';

export interface ServiceAddress {
  host: string;
  port: number;
}

/** More servers of one service than anybody runs. */
const MAX_SERVERS = 10;

/**
 * Where a service of a domain is, best first (RFC 2782); null when the domain says nothing about it. Throws TargetFailure
 * `dns.absent` when it says that there is none (a single `.`), `dns.servfail`, `dns.timeout` and so on.
 */
export async function findService(
  name: string,
  { server, signal }: { server: string | undefined; signal: AbortSignal },
): Promise<ServiceAddress[] | null> {
  const resolver = new dns.Resolver({ timeout: 2000, tries: 2 });
  if (server !== undefined) resolver.setServers([server]);
  const cancel = () => resolver.cancel();
  signal.addEventListener('abort', cancel, { once: true });
  try {
    signal.throwIfAborted();
    const records = await resolver.resolveSrv(name);
    if (records.some((record) => record.name === '' || record.name === '.')) {
      throw new TargetFailure('dns.absent', `${cleanText(name, 60)} says that there is no such service`);
    }
    return records
      .sort((a, b) => a.priority - b.priority || b.weight - a.weight)
      .slice(0, MAX_SERVERS)
      .map(({ name: host, port }) => ({ host, port }));
  } catch (error) {
    if (signal.aborted) throw toAbortFailure(signal, 'dns.timeout', `no answer from the name servers for ${cleanText(name, 60)}`);
    if (error instanceof TargetFailure) throw error;
    const reason = (error as NodeJS.ErrnoException).code ?? 'unknown';
    if (reason === 'ENOTFOUND' || reason === 'ENODATA') return null;
    const code = reason === 'ETIMEOUT' ? 'dns.timeout' : `dns.${reason.toLowerCase().replace(/^e/, '')}`;
    throw new TargetFailure(code, `${cleanText(name, 60)}: name servers answer ${cleanText(reason, 20)}`, { cause: error });
  } finally {
    signal.removeEventListener('abort', cancel);
  }
}
