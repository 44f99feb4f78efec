import systemDns from 'node:dns';
import { isIP } from 'node:net';
import type { DecodedPacket } from 'dns-packet';
import type { Context } from '../check-type.ts';
import { LookFailure, TargetFailure } from '../core/failure.ts';
import { askOverTcp, askOverUdp, type NameQuery } from './name-query.ts';

export const RCODES = ['NOERROR', 'FORMERR', 'SERVFAIL', 'NXDOMAIN', 'NOTIMP', 'REFUSED'] as const;

/** One server over one transport. */
export interface NameServer {
  host: string;
  port: number;
  transport: 'udp' | 'tcp';
  label: string;
}

/** Which servers are asked, as the check's options say it. */
interface Wanted {
  servers?: string[] | undefined;
  transport?: 'udp' | 'tcp' | 'both' | undefined;
  port: number;
}

/** The servers that a check names, or those of this machine, each once for every transport. */
export function toNameServers(bound: Wanted, context: Context): NameServer[] {
  const transport = bound.transport ?? (context.via ? 'tcp' : 'udp');
  if (context.via && transport !== 'tcp') {
    throw new LookFailure('option.transport', `transport ${transport} cannot go through proxy ${context.via}, expected tcp`);
  }
  if (context.via && !bound.servers) {
    throw new LookFailure(
      'option.servers',
      `servers: expected with proxy ${context.via}, this machine's resolvers are not reached through it`,
    );
  }
  const transports = transport === 'both' ? (['udp', 'tcp'] as const) : [transport];
  return (bound.servers ?? systemDns.getServers()).flatMap((text) => {
    const server = parseNameServer(text, bound.port);
    return server
      ? transports.map((one) => ({ ...server, transport: one, label: transport === 'both' ? `${text} ${one}` : text }))
      : [];
  });
}

export function parseNameServer(text: string, port: number): { host: string; port: number } | null {
  if (isIP(text)) return { host: text, port };
  const match = /^(?:\[([^\]]+)\]|([^:[\]\s]+))(?::(\d{1,5}))?$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const number = match?.[3] === undefined ? port : Number(match[3]);
  if (!host || (match?.[1] && !isIP(host)) || number < 1 || number > 65_535) return null;
  return { host, port: number };
}

/** One question to one server; over TCP once more when the answer does not fit into UDP (RFC 7766, section 5). */
export async function askServer(query: NameQuery, server: NameServer, context: Context): Promise<DecodedPacket> {
  context.trace(`asking ${server.label} over ${server.transport} for ${query.name} ${query.record}`);
  const packet = await exchange(query, server, context);
  const flags = `${packet.flag_aa ? ', with authority' : ''}${packet.flag_ad ? ', validated' : ''}`;
  context.trace(`${server.label} answered ${readRcode(packet)}, records: ${packet.answers?.length ?? 0}${flags}`);
  return packet;
}

async function exchange(query: NameQuery, server: NameServer, context: Context): Promise<DecodedPacket> {
  const overTcp = async () => askOverTcp(query, await context.dial({ host: server.host, port: server.port }), context.signal);
  if (server.transport === 'tcp') return overTcp();
  const address = isIP(server.host) ? server.host : (await context.resolve(server.host))[0];
  if (address === undefined) throw new TargetFailure('dns.empty', `the server's name ${server.host} has no address`);
  const packet = await askOverUdp(query, address, server.port, context.signal);
  if (!packet.flag_tc) return packet;
  context.trace('the answer is truncated: asking again over tcp');
  try {
    return await overTcp();
  } catch (error) {
    if (!(error instanceof TargetFailure)) throw error;
    throw new TargetFailure('dns.truncated', `answer truncated over UDP, and over TCP: ${error.message}`, { cause: error });
  }
}

/** The response code in words (RFC 1035, section 4.1.1: the last four bits of the flags). */
export function readRcode({ flags = 0 }: DecodedPacket): string {
  return RCODES[flags & 15] ?? `RCODE ${flags & 15}`;
}
