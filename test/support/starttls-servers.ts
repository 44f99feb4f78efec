import { execFileSync } from 'node:child_process';
import { chownSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { Issued } from './certificates.ts';
import { freePort, needs, startServer, temporaryFolder } from './server.ts';

export interface StartTlsServer {
  port: number;
  stop(): Promise<void>;
}

/** The first bytes of a server, after `hello` if it waits for some: a sign that it speaks its protocol. */
function answers(port: number, hello = ''): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(Buffer.from(hello, 'latin1')));
    socket.setTimeout(2000, () => socket.destroy());
    socket.once('data', () => {
      resolve(true);
      socket.destroy();
    });
    socket.once('error', () => resolve(false));
    socket.once('close', () => resolve(false));
  });
}

/** Postfix' master wants root. */
export function needsPostfix(): { skip?: string } {
  return process.getuid?.() === 0 ? needs('postfix') : { skip: 'postfix needs root' };
}

/** A second postfix in folders of its own; it accepts nothing but shows STARTTLS. */
export async function startPostfix(certificate: Issued): Promise<StartTlsServer> {
  const { path: folder, remove } = temporaryFolder();
  const port = await freePort();
  execFileSync('chmod', ['755', folder]);
  for (const name of ['etc', 'queue', 'data']) mkdirSync(join(folder, name));
  const uid = Number(execFileSync('id', ['-u', 'postfix']).toString());
  chownSync(join(folder, 'data'), uid, 0);
  writeFileSync(
    join(folder, 'etc/main.cf'),
    `compatibility_level = 3.6
queue_directory = ${folder}/queue
data_directory = ${folder}/data
mail_owner = postfix
setgid_group = postdrop
myhostname = mail.site.test
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
smtpd_tls_cert_file = ${certificate.chainFile}
smtpd_tls_key_file = ${certificate.keyFile}
smtpd_tls_security_level = may
maillog_file = ${folder}/mail.log
maillog_file_prefixes = ${folder}
alias_maps =
`,
  );
  const master = readFileSync('/usr/share/postfix/master.cf.dist', 'utf8')
    .replace(/^smtp +inet.*$/m, `127.0.0.1:${port} inet n - n - - smtpd`)
    .replace(/^([a-z]+ +unix +[-yn]+ +[-yn]+ +)y( )/gm, '$1n$2');
  writeFileSync(
    join(folder, 'etc/master.cf'),
    /^postlog /m.test(master) ? master : `${master}\npostlog unix-dgram n - n - 1 postlogd\n`,
  );
  const config = join(folder, 'etc');
  execFileSync('postfix', ['-c', config, 'start'], { stdio: 'ignore' });
  const stop = async () => {
    execFileSync('postfix', ['-c', config, 'stop'], { stdio: 'ignore' });
    remove();
  };
  for (let i = 0; i < 200; i++) {
    if (await answers(port)) return { port, stop };
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await stop();
  throw new Error('postfix did not become ready');
}

export async function startDovecot(certificate: Issued): Promise<StartTlsServer> {
  const { path: folder, remove } = temporaryFolder();
  const port = await freePort();
  execFileSync('chmod', ['755', folder]);
  writeFileSync(
    join(folder, 'dovecot.conf'),
    `base_dir = ${folder}/run
state_dir = ${folder}/run
log_path = ${folder}/log
protocols = imap
listen = 127.0.0.1
ssl = yes
ssl_cert = <${certificate.chainFile}
ssl_key = <${certificate.keyFile}
passdb {
  driver = static
  args = nopassword=y
}
userdb {
  driver = static
  args = uid=65534 gid=65534 home=${folder}/home
}
service imap-login {
  inet_listener imap {
    port = ${port}
  }
  inet_listener imaps {
    port = 0
  }
}
`,
  );
  const server = await startServer('dovecot', ['-F', '-c', join(folder, 'dovecot.conf')], () => answers(port));
  return { port, stop: () => server.stop().then(remove) };
}

export async function startProsody(certificate: Issued): Promise<StartTlsServer> {
  const { path: folder, remove } = temporaryFolder();
  const port = await freePort();
  mkdirSync(join(folder, 'data'));
  writeFileSync(
    join(folder, 'prosody.cfg.lua'),
    `daemonize = false
pidfile = "${folder}/prosody.pid"
data_path = "${folder}/data"
interfaces = { "127.0.0.1" }
c2s_ports = { ${port} }
run_as_root = true
modules_enabled = { "roster", "saslauth", "tls", "disco" }
modules_disabled = { "s2s", "posix" }
c2s_require_encryption = true
authentication = "internal_hashed"
log = { info = "${folder}/log" }
VirtualHost "site.test"
  ssl = { certificate = "${certificate.chainFile}", key = "${certificate.keyFile}" }
`,
  );
  const hello =
    "<?xml version='1.0'?><stream:stream to='site.test' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>";
  const server = await startServer('prosody', ['--config', join(folder, 'prosody.cfg.lua'), '-F'], () => answers(port, hello));
  return { port, stop: () => server.stop().then(remove) };
}

export async function startSlapd(certificate: Issued, root: Issued): Promise<StartTlsServer> {
  const { path: folder, remove } = temporaryFolder();
  const port = await freePort();
  writeFileSync(
    join(folder, 'slapd.conf'),
    `include /etc/ldap/schema/core.schema
pidfile ${folder}/slapd.pid
argsfile ${folder}/slapd.args
TLSCACertificateFile ${root.chainFile}
TLSCertificateFile ${certificate.chainFile}
TLSCertificateKeyFile ${certificate.keyFile}
`,
  );
  // A search for the root entry by nobody: LDAPMessage 1, scope base, filter (objectClass=*).
  const hello =
    '0%\u0002\u0001\u0001c \u0004\u0000\n\u0001\u0000\n\u0001\u0000\u0002\u0001\u0000\u0002\u0001\u0000\u0001\u0001\u0000\u0087\u000bobjectClass0\u0000';
  const args = ['-d', '0', '-f', join(folder, 'slapd.conf'), '-h', `ldap://127.0.0.1:${port}`];
  const server = await startServer('slapd', args, () => answers(port, hello));
  return { port, stop: () => server.stop('SIGINT').then(remove) };
}
