import { execFileSync } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { Issued } from './certificates.ts';
import { freePort, needs, startServer, temporaryFolder } from './server.ts';

export interface StartTlsServer {
  port: number;
  stop(): Promise<void>;
}

/** Of `nobody` and `nogroup` in Debian: who owns the test's mailboxes. */
export const NOBODY = 65534;

/** The first bytes of a server, after `hello` if it waits for some: a sign that it speaks its protocol. */
export function greets(port: number, hello = ''): Promise<boolean> {
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

export interface PostfixOptions {
  /** Further lines of main.cf. */
  main?: string;
  /** Further SMTP services, by a name of the test's: settings of main.cf that hold for this one port. */
  services?: Record<string, Record<string, string>>;
}

export interface PostfixServer extends StartTlsServer {
  /** Of the further services, by name. */
  ports: Record<string, number>;
  /** Folder of main.cf, for `sendmail -C`. */
  configuration: string;
  log(): string;
}

/** A second postfix in folders of its own; without further lines it accepts nothing but shows STARTTLS. */
export async function startPostfix(certificate: Issued, { main = '', services = {} }: PostfixOptions = {}): Promise<PostfixServer> {
  const { path: folder, remove } = temporaryFolder();
  const port = await freePort();
  const ports: Record<string, number> = {};
  for (const name of Object.keys(services)) ports[name] = await freePort();
  execFileSync('chmod', ['755', folder]);
  for (const name of ['etc', 'queue', 'data']) mkdirSync(join(folder, name));
  const uid = Number(execFileSync('id', ['-u', 'postfix']).toString());
  chownSync(join(folder, 'data'), uid, 0);
  const config = join(folder, 'etc');
  writeFileSync(
    join(config, 'main.cf'),
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
${main}`,
  );
  const listeners = Object.entries({ '': {}, ...services }).map(([name, settings]) => {
    const options = Object.entries(settings).map(([key, value]) => `\n  -o ${key}=${value}`);
    return `127.0.0.1:${name === '' ? port : ports[name]} inet n - n - - smtpd${options.join('')}`;
  });
  const master = readFileSync('/usr/share/postfix/master.cf.dist', 'utf8')
    .replace(/^smtp +inet.*$/m, listeners.join('\n'))
    .replace(/^([a-z]+ +unix +[-yn]+ +[-yn]+ +)y( )/gm, '$1n$2');
  writeFileSync(
    join(config, 'master.cf'),
    /^postlog /m.test(master) ? master : `${master}\npostlog unix-dgram n - n - 1 postlogd\n`,
  );
  execFileSync('postfix', ['-c', config, 'start'], { stdio: 'ignore' });
  const stop = async () => {
    execFileSync('postfix', ['-c', config, 'stop'], { stdio: 'ignore' });
    remove();
  };
  const log = () => (existsSync(join(folder, 'mail.log')) ? readFileSync(join(folder, 'mail.log'), 'utf8') : '');
  for (let i = 0; i < 200; i++) {
    if (await greets(port)) return { port, ports, configuration: config, log, stop };
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await stop();
  throw new Error('postfix did not become ready');
}

export interface DovecotServer extends StartTlsServer {
  /** TLS from the start. */
  tlsPort: number;
  /** Holds `mail/NAME`, a maildir for each user. */
  folder: string;
}

/** Any name logs in, with `pw` where `users` names it, else with any password. `lines` are added to the configuration. */
export async function startDovecot(certificate: Issued, { users = [] as string[], lines = '' } = {}): Promise<DovecotServer> {
  const { path: folder, remove } = temporaryFolder();
  const port = await freePort();
  const tlsPort = await freePort();
  execFileSync('chmod', ['755', folder]);
  mkdirSync(join(folder, 'mail'));
  chownSync(join(folder, 'mail'), NOBODY, NOBODY);
  writeFileSync(join(folder, 'users'), users.map((user) => `${user}:{PLAIN}pw\n`).join(''));
  const passwords =
    users.length === 0 ? 'driver = static\n  args = nopassword=y' : `driver = passwd-file\n  args = ${folder}/users`;
  writeFileSync(
    join(folder, 'dovecot.conf'),
    `base_dir = ${folder}/run
state_dir = ${folder}/run
log_path = ${folder}/log
protocols = imap
listen = 127.0.0.1
first_valid_uid = 1
mail_location = maildir:${folder}/mail/%n
auth_mechanisms = plain login
auth_failure_delay = 0
ssl = yes
ssl_cert = <${certificate.chainFile}
ssl_key = <${certificate.keyFile}
passdb {
  ${passwords}
}
userdb {
  driver = static
  args = uid=${NOBODY} gid=${NOBODY} home=${folder}/home
}
service auth {
  unix_listener ${folder}/login {
    mode = 0666
  }
}
service imap-login {
  inet_listener imap {
    port = ${port}
  }
  inet_listener imaps {
    port = ${tlsPort}
    ssl = yes
  }
}
${lines}
`,
  );
  const server = await startServer('dovecot', ['-F', '-c', join(folder, 'dovecot.conf')], () => greets(port));
  return { port, tlsPort, folder, stop: () => server.stop().then(remove) };
}

export interface ProsodyServer extends StartTlsServer {
  /** For other servers, and for TLS from the start. */
  serverPort: number;
  tlsPort: number;
}

/** `authentication` is prosody's: `anonymous` offers nothing else. */
export async function startProsody(certificate: Issued, authentication = 'internal_hashed'): Promise<ProsodyServer> {
  const { path: folder, remove } = temporaryFolder();
  const port = await freePort();
  const serverPort = await freePort();
  const tlsPort = await freePort();
  mkdirSync(join(folder, 'data'));
  writeFileSync(
    join(folder, 'prosody.cfg.lua'),
    `daemonize = false
pidfile = "${folder}/prosody.pid"
data_path = "${folder}/data"
interfaces = { "127.0.0.1" }
c2s_ports = { ${port} }
s2s_ports = { ${serverPort} }
c2s_direct_tls_ports = { ${tlsPort} }
c2s_direct_tls_ssl = { certificate = "${certificate.chainFile}", key = "${certificate.keyFile}" }
run_as_root = true
modules_enabled = { "roster", "saslauth", "tls", "disco", "s2s", "dialback" }
modules_disabled = { "posix" }
c2s_require_encryption = true
authentication = "${authentication}"
log = { info = "${folder}/log" }
VirtualHost "site.test"
  ssl = { certificate = "${certificate.chainFile}", key = "${certificate.keyFile}" }
`,
  );
  const hello =
    "<?xml version='1.0'?><stream:stream to='site.test' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>";
  const server = await startServer('prosody', ['--config', join(folder, 'prosody.cfg.lua'), '-F'], () => greets(port, hello));
  return { port, serverPort, tlsPort, stop: () => server.stop().then(remove) };
}

export interface SlapdServer extends StartTlsServer {
  /** TLS from the start. */
  tlsPort: number;
}

/** A directory `dc=site,dc=test` with an administrator (`cn=admin`, password `pw`) and three hosts below `ou=hosts`. */
export async function startSlapd(certificate: Issued, root: Issued, lines = ''): Promise<SlapdServer> {
  const { path: folder, remove } = temporaryFolder();
  const port = await freePort();
  const tlsPort = await freePort();
  mkdirSync(join(folder, 'db'));
  const file = join(folder, 'slapd.conf');
  writeFileSync(
    file,
    `include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
pidfile ${folder}/slapd.pid
argsfile ${folder}/slapd.args
modulepath /usr/lib/ldap
moduleload back_mdb
TLSCACertificateFile ${root.chainFile}
TLSCertificateFile ${certificate.chainFile}
TLSCertificateKeyFile ${certificate.keyFile}
${lines}
database mdb
maxsize 10485760
suffix "dc=site,dc=test"
rootdn "cn=admin,dc=site,dc=test"
rootpw pw
directory ${folder}/db
`,
  );
  const hosts = ['web1', 'web2', 'mail'].map(
    (name) => `dn: cn=${name},ou=hosts,dc=site,dc=test\nobjectClass: device\ncn: ${name}\n`,
  );
  const base = `dn: dc=site,dc=test\nobjectClass: domain\ndc: site\n
dn: ou=hosts,dc=site,dc=test\nobjectClass: organizationalUnit\nou: hosts\n
${hosts.join('\n')}`;
  writeFileSync(join(folder, 'base.ldif'), base);
  const env = { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin:/sbin` };
  execFileSync('slapadd', ['-f', file, '-l', join(folder, 'base.ldif')], { stdio: 'ignore', env });
  // A search for the root entry by nobody: LDAPMessage 1, scope base, filter (objectClass=*).
  const hello =
    '0%\u0002\u0001\u0001c \u0004\u0000\n\u0001\u0000\n\u0001\u0000\u0002\u0001\u0000\u0002\u0001\u0000\u0001\u0001\u0000\u0087\u000bobjectClass0\u0000';
  const args = ['-d', '0', '-f', file, '-h', `ldap://127.0.0.1:${port} ldaps://127.0.0.1:${tlsPort}`];
  const server = await startServer('slapd', args, () => greets(port, hello));
  return { port, tlsPort, stop: () => server.stop('SIGINT').then(remove) };
}
