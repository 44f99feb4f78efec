import { createSocket } from 'node:dgram';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decode, encode } from 'dns-packet';
import { freePort, type StartedServer, startServer, temporaryFolder } from './server.ts';

export interface NameServer {
  server: StartedServer;
  port: number;
  stop(): Promise<void>;
}

export const SITE_ZONE = `$ORIGIN site.test.
$TTL 300
@ IN SOA ns hostmaster 2026010101 3600 600 86400 300
@ IN NS ns
@ IN MX 10 mail
@ IN TXT "v=spf1 -all"
ns IN A 127.0.0.1
www IN A 192.0.2.10
www IN AAAA 2001:db8::10
old IN CNAME www
mail IN A 192.0.2.25
v6only IN AAAA 2001:db8::25
_xmpp-client._tcp IN SRV 5 0 5222 www
@ IN CAA 0 issue "ca.example"
brief 0 IN A 192.0.2.77
long 2147483647 IN A 192.0.2.78
`;

/** A real nsd with one zone, on UDP and TCP of the same port. */
export async function startNsd(zone = SITE_ZONE, name = 'site.test'): Promise<NameServer> {
  const { path: folder, remove } = temporaryFolder();
  const port = await freePort();
  writeFileSync(join(folder, 'zone'), zone);
  writeFileSync(
    join(folder, 'nsd.conf'),
    `server:
  ip-address: 127.0.0.1@${port}
  username: ""
  chroot: ""
  server-count: 1
  zonesdir: "${folder}"
  zonelistfile: "${folder}/zone.list"
  database: ""
  pidfile: "${folder}/pid"
  xfrdfile: "${folder}/xfrd.state"
  xfrdir: "${folder}"
remote-control:
  control-enable: no
zone:
  name: ${name}
  zonefile: zone
`,
  );
  const server = await startServer('nsd', ['-d', '-c', join(folder, 'nsd.conf')], () => answersDns(port, name), { cwd: folder });
  const stop = async () => {
    await server.stop();
    remove();
  };
  return { server, port, stop };
}

/** Whether a name server answers for the zone's SOA, whatever it says. */
export function answersDns(port: number, name: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4');
    const end = (result: boolean) => {
      clearTimeout(timer);
      socket.close();
      resolve(result);
    };
    const timer = setTimeout(() => end(false), 300);
    socket.on('error', () => end(false));
    socket.on('message', (bytes) => end(decode(bytes).type === 'response'));
    socket.send(encode({ type: 'query', id: 1, questions: [{ type: 'SOA', name }] }), port, '127.0.0.1');
  });
}
