import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { answersDns, type NameServer, SITE_ZONE, startNsd } from './nsd.ts';
import { freePort, startServer, temporaryFolder } from './server.ts';

export interface ValidatingResolver extends NameServer {
  /** The authoritative server behind it. */
  authority: NameServer;
}

/** A real unbound that validates, before a real nsd with a signed zone; the signatures end on `expires` (`YYYYMMDD`). */
export async function startUnbound(expires: string): Promise<ValidatingResolver> {
  const { path: folder, remove } = temporaryFolder();
  writeFileSync(join(folder, 'zone'), SITE_ZONE);
  const key = execFileSync('ldns-keygen', ['-a', 'ECDSAP256SHA256', '-k', 'site.test'], { cwd: folder }).toString().trim();
  execFileSync('ldns-signzone', ['-i', '20250101', '-e', expires, '-o', 'site.test', '-f', 'signed', 'zone', key], { cwd: folder });
  const authority = await startNsd(readFileSync(join(folder, 'signed'), 'utf8'));
  const port = await freePort();
  writeFileSync(
    join(folder, 'unbound.conf'),
    `server:
  interface: 127.0.0.1@${port}
  do-daemonize: no
  username: ""
  chroot: ""
  directory: "${folder}"
  pidfile: "${folder}/pid"
  use-syslog: no
  do-not-query-localhost: no
  module-config: "validator iterator"
  local-zone: "test." nodefault
  trust-anchor-file: "${folder}/${key}.ds"
stub-zone:
  name: site.test
  stub-addr: 127.0.0.1@${authority.port}
remote-control:
  control-enable: no
`,
  );
  const server = await startServer('unbound', ['-d', '-c', join(folder, 'unbound.conf')], () => answersDns(port, 'site.test'));
  const stop = async () => {
    await server.stop();
    await authority.stop();
    remove();
  };
  return { server, port, stop, authority };
}
