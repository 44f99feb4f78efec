import { execFileSync } from 'node:child_process';
import { createHash, randomBytes, X509Certificate } from 'node:crypto';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeDeb, makeReprepro, startSigner } from './apt-repository.ts';
import { type CertificateRig, certificateRig } from './certificates.ts';
import { globalFile, installation, vigie } from './cli.ts';
import { makeRepository, runRealGit, startGitDaemon } from './git-servers.ts';
import { type Nginx, startNginx } from './nginx.ts';
import { startNsd } from './nsd.ts';
import { type Exporter, startNodeExporter, startPrometheus } from './prometheus.ts';
import { startRsyncd } from './rsyncd.ts';
import { temporaryFolder } from './server.ts';
import { startMicrosocks } from './socks.ts';
import { makeKey, startSshd } from './ssh-server.ts';
import { NOBODY, startDovecot, startPostfix, startProsody, startSlapd } from './starttls-servers.ts';
import { event, makeDescriptor, startScriptedControl } from './tor-control.ts';
import { waitUntil } from './tor-network.ts';
import { startOpentracker, startTransmission } from './torrents.ts';

const EXAMPLE = new URL('../../../docs/example/', import.meta.url).pathname;

type Stoppable = { stop(): Promise<void> | void };

export interface Inventory {
  /** Holds the configuration: `vigie.yaml` and `conf.d`, as in docs/example but for names and ports. */
  folder: string;
  work: string;
  web: Nginx;
  rig: CertificateRig;
  exporter: Exporter;
  rsyncRoot: string;
  env: Record<string, string>;
  /** Ends one server by its name. */
  end(name: string): Promise<void>;
  /** A file below the web server's root; `days` back in time. */
  publish(path: string, text: string | Uint8Array, days?: number): void;
  stop(): Promise<void>;
}

/** Real servers for every service of docs/example, and its files with this machine's addresses in them. */
export async function startInventory(): Promise<Inventory> {
  const work = temporaryFolder();
  const rig = certificateRig();
  const running = new Map<string, Stoppable>();
  const keep = async <T extends Stoppable>(name: string, starting: Promise<T> | T): Promise<T> => {
    const server = await starting;
    running.set(name, server);
    return server;
  };
  const end = async (name: string) => {
    const server = running.get(name);
    running.delete(name);
    if (server === undefined) throw new Error(`no server ${name}`);
    await server.stop();
  };
  const stop = async () => {
    for (const name of [...running.keys()].reverse()) await end(name).catch(() => {});
    rig.remove();
    work.remove();
  };
  try {
    const made = await startAll(work.path, rig, keep);
    const folder = join(work.path, 'vigie');
    writeConfiguration(folder, made.table);
    return { folder, work: work.path, rig, end, stop, env: { NODE_EXTRA_CA_CERTS: rig.caFile }, ...made };
  } catch (error) {
    await stop();
    throw error;
  }
}

type Keep = <T extends Stoppable>(name: string, starting: Promise<T> | T) => Promise<T>;
/** What stands in the example, and what stands for it here. */
type Table = [written: string, here: string][];

/** Straight-line wiring: one block for each file of the example. */
async function startAll(work: string, rig: CertificateRig, keep: Keep) {
  const certificate = rig.issue('good');
  const [www, jenkins] = [rig.issue('www'), rig.issue('jenkins')];
  const list = 'autoindex on;';
  const login = 'location / { if (-f $document_root/jenkins-is-open) { return 200; } return 302 /login?from=%2F; }';
  const tls = [
    { name: 'site', certificate, lines: list },
    { name: 'www', certificate: www, lines: list },
    { name: 'jenkins', certificate: jenkins, lines: login },
  ];
  const web = await keep('nginx', startNginx({ tls }));
  const publish = (path: string, text: string | Uint8Array, days = 0) => {
    mkdirSync(join(web.root, path, '..'), { recursive: true });
    writeFileSync(join(web.root, path), text);
    if (days > 0) utimesSync(join(web.root, path), Date.now() / 1000 - days * 86_400, Date.now() / 1000 - days * 86_400);
  };
  const [plain, site] = [`http://127.0.0.1:${web.port}`, `https://127.0.0.1:${web.ports['site']}`];
  const socks = await keep('tor', startMicrosocks());
  const table: Table = [
    ['socks5h://127.0.0.1:9050', `socks5h://127.0.0.1:${socks.port}`],
    ['retries: { times: 1, after: 5s }', 'retries: { times: 0 }'],
    ['defaults: { contacts: [sysadmins] }', 'defaults: { contacts: [sysadmins], retries: { times: 0 } }'],
    ['state: /var/lib/vigie', 'state: state'],
    ['/srv/vigie', 'site'],
    ['smtp://192.0.2.25:25', 'maildir:state/mail'],
    [
      '{ https: "https://www.example.com/" }, { https: "https://www.example.net/" }, { dns: example.com }',
      `{ tcp: "127.0.0.1:${web.port}" }`,
    ],
    ['/etc/vigie/keys/', `${work}/keys/`],
    ['/etc/vigie/secret/', `${work}/secret/`],
  ];
  for (const name of ['keys', 'secret']) mkdirSync(join(work, name));
  const secret = (name: string, text: string) => writeFileSync(join(work, 'secret', name), text, { mode: 0o600 });

  // apt.yaml
  const signer = startSigner();
  await keep('signer', signer);
  const key = signer.makeKey('archive');
  writeFileSync(join(work, 'keys/deb.example.org.asc'), readFileSync(key.armoured));
  const debs = [makeDeb(work, 'hello-x')];
  makeReprepro(join(web.root, 'deb'), debs, { key, env: signer.env });
  cpSync(join(web.root, 'deb'), join(web.root, 'snapshot/2026112201'), { recursive: true, verbatimSymlinks: true });
  table.push(['http://deb.example.org/', `${plain}/deb/`], ['http://snapshot.example.org/', `${plain}/snapshot/`]);

  // bitcoin.yaml
  writeFileSync(join(work, 'height'), '870000\n');
  publish('height', '870000');
  publish('status', '{"data":{"height":870001}}');
  table.push(['{ path: /var/lib/vigie/bitcoin-height', `{ path: ${work}/height`]);
  table.push(
    ['https://blocks.example.org/api/height', `${site}/height`],
    ['https://chain.example.net/status', `https://127.0.0.1:${web.ports['www']}/status`],
  );
  table.push(['https://explorer.example.com/q/getblockcount', `${plain}/height`]);

  // chat.yaml
  const prosody = await keep('prosody', startProsody(rig.issue('chat')));
  const names = (streams: string) =>
    `$ORIGIN site.test.\n$TTL 300\n@ IN SOA ns hostmaster 1 3600 600 86400 300\n@ IN NS ns\nns IN A 127.0.0.1\nwww IN A 192.0.2.10\n${streams}`;
  const zone = names(
    `_xmpp-client._tcp IN SRV 10 0 ${prosody.port} localhost.\n_xmpp-server._tcp IN SRV 10 0 ${prosody.serverPort} localhost.\n`,
  );
  const signed = signZone(work, zone);
  const [first, second] = [await keep('nsd 1', startNsd(signed)), await keep('nsd 2', startNsd(signed))];
  table.push(['domain: chat.example.org', `domain: site.test, name_server: "127.0.0.1:${first.port}"`]);

  // names in others.yaml
  table.push(
    ['[192.0.2.53, 198.51.100.53]', `["127.0.0.1:${first.port}", "127.0.0.1:${second.port}"]`],
    ['name: example.org', 'name: site.test'],
  );
  table.push(['name: www.example.org, record: A', `name: www.site.test, record: A, servers: ["127.0.0.1:${first.port}"]`]);
  const slapd = await keep('slapd', startSlapd(certificate, rig.root));
  secret('ldap', 'pw');
  table.push(
    ['address: ldap.example.org', `address: 127.0.0.1\n        port: ${slapd.port}`],
    ['cn=vigie,dc=example,dc=org', 'cn=admin,dc=site,dc=test'],
  );
  table.push(['ou=hosts,dc=example,dc=org', 'ou=hosts,dc=site,dc=test'], ['min_entries: 20', 'min_entries: 3']);

  // donations.yaml, website.yaml
  publish('pay/health', '{"synchronized":true}');
  publish('pay/methods', '[{"enabled":true},{"enabled":true}]');
  publish('www/index.html', 'Welcome\n');
  publish('gitlab/ready', '{"status":"ok"}');
  publish('grafana/health', '{"database":"ok"}');
  publish('latest.json', '{}');
  table.push(['https://pay.example.org/api/v1/health', `${site}/pay/health`]);
  table.push(['https://pay.example.org/api/v1/stores/example/payment-methods', `${site}/pay/methods`]);
  table.push(['https://www.example.org/"', `https://127.0.0.1:${web.ports['www']}/www/"`]);
  table.push(['http://vww6ybal4bd7szmgncyruucpgfkqahzddi37ktceo3ah7ngmcopnpyyd.onion/', `${plain}/www/`]);
  table.push(['address: www.example.org, port: 443', `address: 127.0.0.1, port: ${web.ports['www']}`]);
  table.push(
    ['https://gitlab.example.org/-/readiness', `${site}/gitlab/ready`],
    ['https://grafana.example.org/api/health', `${site}/grafana/health`],
  );
  table.push(['https://results.example.org/', `${site}/`]);

  // downloads.yaml
  for (const name of ['sources', 'translations']) publish(`files/${name}/a.tar.xz`, 'tar');
  for (const name of ['stable/1', 'devel/2']) {
    publish(`nightly/${name}/os.iso`, '');
    truncateSync(join(web.root, 'nightly', name, 'os.iso'), 2 ** 30 + 1);
  }
  table.push(['http://files.example.org/', `${plain}/files/`], ['https://nightly.example.org/', `${site}/nightly/`]);
  const rsyncd = await keep('rsyncd', startRsyncd());
  for (const name of ['stable', 'alpha']) {
    mkdirSync(join(rsyncd.root, name));
    writeFileSync(join(rsyncd.root, name, 'os.iso'), 'an image');
  }
  table.push(['address: rsync.example.org', `address: 127.0.0.1, port: ${rsyncd.port}`], ['modules: [releases]', 'modules: [pub]']);
  table.push(['releases/stable, releases/alpha', 'pub/stable, pub/alpha']);
  await startTorrents(work, { keep, publish });
  table.push(['https://www.example.org/torrents/', `${site}/torrents/`]);
  // Trackers and seeds stand at public addresses, these here do not; and transmission refuses who comes again too soon.
  table.push([
    'min_seeds: 2',
    'min_seeds: 2\n        allow_private: true\n        timeout: 8s\n        retries: { times: 3, after: 1s }',
  ]);

  // gitolite.yaml, test-infrastructure.yaml
  const [tests, results] = [makeKey(work, 'tests'), makeKey(work, 'results-key')];
  const sshd = await keep('sshd', startSshd({ authorized: [`restrict,command="echo ready" ${tests.public}`, results.public] }));
  mkdirSync(join(work, 'git'));
  const date = new Date().toISOString();
  const repository = join(work, 'git/testing');
  const ids = makeRepository(repository, { main: date, devel: date });
  runRealGit(['-C', repository, 'update-ref', 'refs/heads/stable', ids.main]);
  const git = await keep('git', startGitDaemon(join(work, 'git')));
  mkdirSync(join(work, 'results'));
  writeFileSync(join(work, 'results/a.json'), '{}');
  secret('git-key', results.private);
  secret('tests-key', tests.private);
  secret('results-key', results.private);
  const hostKey = (sshd.hostKeys[0]?.public ?? '').split(' ', 2).join(' ');
  table.push(['git://git.example.org/', `git://127.0.0.1:${git.port}/`]);
  table.push(['ssh://git.example.org/testing', `ssh://127.0.0.1:${sshd.port}${work}/git/testing\n        user: ${sshd.user}`]);
  table.push(['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPLxohv1i/ar/xFH8hLLUfvo0wm2gHfzYZC2BV7kfhRF', hostKey]);
  table.push(
    ['address: tester1.example.org', 'address: 127.0.0.1'],
    ['port: 22,', `port: ${sshd.port},`],
    ['type: ssh,', `type: ssh, port: ${sshd.port},`],
  );
  table.push(
    ['type: ssh\n', `type: ssh\n        port: ${sshd.port}\n`],
    ['type: sftp\n', `type: sftp\n        port: ${sshd.port}\n`],
  );
  table.push(
    ['user: tests', `user: ${sshd.user}`],
    ['user: results', `user: ${sshd.user}`],
    ['directories: [results]', `directories: [${work}/results]`],
  );

  // jenkins.yaml
  cpSync(rig.caFile, join(work, 'keys/example-ca.pem'));
  const pin = createHash('sha256').update(new X509Certificate(jenkins.cert).raw).digest('hex');
  table.push(['2f1c7e4a9b0d3c5e6f7a8b9c0d1e2f3a4b5c6d7e8f9a0b1c2d3e4f5a6b7c8d9e', pin]);
  table.push(['https://jenkins.example.org/', `https://127.0.0.1:${web.ports['jenkins']}/`]);

  // mail.yaml
  const dovecot = await keep('dovecot', startDovecot(certificate, { users: ['vigie', 'roundtrip'] }));
  for (const user of ['vigie', 'roundtrip']) {
    for (const part of ['new', 'cur', 'tmp']) mkdirSync(join(dovecot.folder, 'mail', user, part), { recursive: true });
  }
  execFileSync('chown', ['-R', `${NOBODY}:${NOBODY}`, join(dovecot.folder, 'mail')]);
  const postfix = await keep('postfix', startPostfix(certificate, { main: mailFor(dovecot.folder) }));
  for (const name of ['roundtrip', 'imap']) secret(name, 'pw');
  secret('roundtrip-key', 'a random text of forty characters or so');
  table.push([
    'address: vww6ybal4bd7szmgncyruucpgfkqahzddi37ktceo3ah7ngmcopnpyyd.onion\n        port: 25',
    `address: 127.0.0.1\n        port: ${postfix.port}`,
  ]);
  table.push(['smtp: { address: mail.example.org', `smtp: { address: 127.0.0.1, port: ${postfix.port}`]);
  table.push(['type: smtp, address: mail.example.org', `type: smtp, address: 127.0.0.1, port: ${postfix.port}`]);
  table.push(['imap: { address: mail.example.org', `imap: { address: 127.0.0.1, port: ${dovecot.tlsPort}`]);
  table.push(['type: imap, address: mail.example.org', `type: imap, address: 127.0.0.1, port: ${dovecot.tlsPort}`]);

  const made = makeDescriptor();
  const answers = [event.requested(made.name), event.received(made.name, made.text)].join('');
  const control = startScriptedControl((command) => (command.startsWith('HSFETCH') ? `250 OK\r\n${answers}` : undefined));
  const { port: controlPort } = await keep('control port', control);
  table.push([
    'vww6ybal4bd7szmgncyruucpgfkqahzddi37ktceo3ah7ngmcopnpyyd.onion\n        control: /run/tor/control',
    `${made.name}.onion\n        control: "127.0.0.1:${controlPort}"`,
  ]);

  // metrics.yaml
  const exporter = await keep('exporter', startNodeExporter());
  exporter.write('backup.prom', `backup_last_success_seconds ${Math.floor(Date.now() / 1000) - 3600}\n`);
  const prometheus = await keep('prometheus', startPrometheus(exporter.port));
  table.push(
    ['http://192.0.2.30:9100/', `http://127.0.0.1:${exporter.port}/`],
    ['http://192.0.2.31:9090', `http://127.0.0.1:${prometheus.port}`],
  );

  const isScraped = async () =>
    (await (await fetch(`http://127.0.0.1:${prometheus.port}/api/v1/query?query=up`)).text()).includes('"1"]');
  await waitUntil(isScraped, 20);

  // others.yaml: another vigie
  const line = await makeHeartbeat(web.root);
  table.unshift([
    `https://status.example.net/heartbeat.txt", keys: [ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPLxohv1i/ar/xFH8hLLUfvo0wm2gHfzYZC2BV7kfhRF]`,
    `${site}/heartbeat.txt", max_age: 1h, keys: [${line}]`,
  ]);
  return { table, web, exporter, rsyncRoot: rsyncd.root, publish };
}

/** Where mail for example.org goes, and nothing else. */
function mailFor(folder: string): string {
  return `mynetworks =
virtual_mailbox_domains = example.org
virtual_mailbox_base = ${folder}/mail
virtual_mailbox_maps = inline:{roundtrip@example.org=roundtrip/, postmaster@example.org=vigie/}
virtual_uid_maps = static:${NOBODY}
virtual_gid_maps = static:${NOBODY}
smtpd_relay_restrictions = reject_unauth_destination
`;
}

function signZone(work: string, zone: string): string {
  const folder = join(work, 'zone');
  mkdirSync(folder);
  writeFileSync(join(folder, 'zone'), zone);
  const run = (file: string, ...args: string[]) => execFileSync(file, args, { cwd: folder }).toString().trim();
  const key = run('ldns-keygen', '-a', 'ECDSAP256SHA256', '-k', 'site.test');
  run('ldns-signzone', '-i', '20250101', '-e', '20400101', '-o', 'site.test', '-f', 'signed', 'zone', key);
  return readFileSync(join(folder, 'signed'), 'utf8');
}

/** One torrent, a tracker, and two seeds that have it all. */
async function startTorrents(work: string, { keep, publish }: { keep: Keep; publish: Inventory['publish'] }): Promise<void> {
  const content = randomBytes(40_000);
  const pieces = [0, 16_384, 32_768].map((at) =>
    createHash('sha1')
      .update(content.subarray(at, at + 16_384))
      .digest()
      .toString('latin1'),
  );
  const text = (value: string) => `${value.length}:${value}`;
  const info = `d6:lengthi${content.length}e4:name8:os-1.iso12:piece lengthi16384e6:pieces${text(pieces.join(''))}e`;
  const tracker = await keep('tracker', startOpentracker(work, [createHash('sha1').update(info, 'latin1').digest('hex')]));
  const torrent = Buffer.from(`d8:announce${text(`http://127.0.0.1:${tracker.port}/announce`)}4:info${info}e`, 'latin1');
  writeFileSync(join(work, 'os.torrent'), torrent);
  publish('torrents/os-1.torrent', torrent);
  for (const name of ['seed 1', 'seed 2']) {
    const folder = join(work, name.replace(' ', ''));
    mkdirSync(join(folder, 'files'), { recursive: true });
    writeFileSync(join(folder, 'files/os-1.iso'), content);
    await keep(name, startTransmission(folder, join(work, 'os.torrent')));
  }
}

/** A vigie of its own, which has run once: its heartbeat lies in the web server's root; its public key. */
async function makeHeartbeat(root: string): Promise<string> {
  const other = installation(globalFile('maildir:state/mail', 'heartbeat: { key: heartbeat.key }\n'), {
    'a.yaml': 'services: { a: { checks: { a: { type: tcp, address: 127.0.0.1, port: 1 } } } }\n',
  });
  execFileSync('openssl', ['genpkey', '-algorithm', 'ed25519', '-out', join(other.path, 'heartbeat.key')]);
  execFileSync('chmod', ['600', join(other.path, 'heartbeat.key')]);
  const ended = await vigie(other.path, ['run']);
  if (ended.code !== 0) throw new Error(`the other vigie: ${ended.stderr}`);
  cpSync(join(other.path, 'site/private/heartbeat.txt'), join(root, 'heartbeat.txt'));
  const der = execFileSync('openssl', ['pkey', '-in', join(other.path, 'heartbeat.key'), '-pubout', '-outform', 'DER']);
  other.remove();
  const field = (bytes: Buffer) => Buffer.concat([Buffer.from([0, 0, 0, bytes.length]), bytes]);
  return `ssh-ed25519 ${Buffer.concat([field(Buffer.from('ssh-ed25519')), field(der.subarray(-32))]).toString('base64')}`;
}

/** The example's files with this table's words in them; each row must be found, or the example has changed. */
function writeConfiguration(folder: string, table: Table): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(folder, 'conf.d'), { recursive: true });
  const used = new Set<string>();
  const names = ['vigie.yaml', ...readdirSync(join(EXAMPLE, 'conf.d')).map((name) => join('conf.d', name))];
  for (const name of names) {
    let text = readFileSync(join(EXAMPLE, name), 'utf8');
    for (const [written, here] of table) {
      if (!text.includes(written)) continue;
      used.add(written);
      text = text.replaceAll(written, here);
    }
    writeFileSync(join(folder, name), text);
  }
  const unused = table.filter(([written]) => !used.has(written));
  if (unused.length > 0) throw new Error(`not in docs/example any more: ${unused.map(([written]) => written).join(' | ')}`);
}
