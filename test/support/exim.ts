import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Issued } from './certificates.ts';
import { freePort, startServer, temporaryFolder } from './server.ts';
import { greets, type StartTlsServer } from './starttls-servers.ts';

/** Installed, or unpacked beside postfix, with which it cannot be installed (test/gates.sh). */
const EXIM = ['/usr/sbin/exim4', '/opt/vigie-tests/usr/sbin/exim4'].find((path) => existsSync(path));

export function needsExim(): { skip?: string } {
  if (process.getuid?.() !== 0) return { skip: 'exim4 needs root' };
  return EXIM || process.env['CI'] === 'true' ? {} : { skip: 'not installed: exim4' };
}

/** A real exim4 that accepts mail for site.test and relays nothing; it has nowhere to deliver to. */
export async function startExim(certificate: Issued): Promise<StartTlsServer> {
  const { path: folder, remove } = temporaryFolder();
  const port = await freePort();
  mkdirSync(join(folder, 'spool'));
  for (const name of [folder, join(folder, 'spool')]) chmodSync(name, 0o777);
  writeFileSync(
    join(folder, 'exim.conf'),
    `exim_path = ${EXIM}
exim_user = root
exim_group = root
never_users =
spool_directory = ${folder}/spool
log_file_path = ${folder}/%slog
pid_file_path = ${folder}/pid
primary_hostname = exim.site.test
local_interfaces = 127.0.0.1
daemon_smtp_ports = ${port}
host_lookup =
rfc1413_query_timeout = 0s
tls_advertise_hosts = *
tls_certificate = ${certificate.chainFile}
tls_privatekey = ${certificate.keyFile}
acl_smtp_rcpt = recipient
begin acl
recipient:
  accept domains = site.test
  deny message = relay not permitted
`,
  );
  const server = await startServer(EXIM ?? 'exim4', ['-bdf', '-C', join(folder, 'exim.conf')], () => greets(port));
  return { port, stop: () => server.stop().then(remove) };
}
