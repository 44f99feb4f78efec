import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type CertificateRig, certificateRig } from '../support/certificates.ts';
import { BUNDLE, installation, vigie } from '../support/cli.ts';
import { makeRepository, startGitDaemon } from '../support/git-servers.ts';
import { readMaildir } from '../support/maildir.ts';
import { startNginx } from '../support/nginx.ts';
import { startNodeExporter } from '../support/prometheus.ts';
import { startRsyncd } from '../support/rsyncd.ts';
import { needs, temporaryFolder } from '../support/server.ts';
import { makeKey, startSshd } from '../support/ssh-server.ts';
import { NOBODY, needsPostfix, startDovecot, startPostfix, startProsody, startSlapd } from '../support/starttls-servers.ts';
import { makeClientKey, startTorNetwork, type TorClient, type TorNetwork, waitUntil } from '../support/tor-network.ts';

// One private Tor network, behind whose onion services stand the real servers: the configuration, the program and Tor are as a user has them.

const PROGRAMS = ['tor', 'tor-gencert', 'nginx', 'dovecot', 'sshd', 'git', 'rsync', 'prosody', 'slapd', 'prometheus-node-exporter'];
const skip = [needsPostfix(), needs(...PROGRAMS)].find((reason) => reason.skip !== undefined) ?? {};

/** The types that the issue names, each with the check that stands for it. */
const TYPES = ['http', 'listing', 'tls', 'tcp', 'smtp', 'imap', 'ssh', 'sftp', 'git', 'rsync', 'xmpp', 'ldap', 'prometheus'];

interface Status {
  id: string;
  state: string;
  code?: string;
  output: string;
  withheld: string | null;
}

describe('servers behind onion services, checked through Tor by the program as it is installed', skip, () => {
  const { path: work, remove } = temporaryFolder();
  const stops: (() => Promise<void> | void)[] = [];
  let rig: CertificateRig;
  let tor: TorNetwork;
  let visitor: TorClient;
  let folder: { path: string; remove: () => void };

  before(async () => {
    rig = certificateRig();
    const servers = await startServers();
    const key = makeClientKey();
    tor = await startTorNetwork({
      servers: { ports: servers.ports },
      members: { ports: { 80: servers.ports[80] ?? '' }, only: key.service },
    });
    const name = (tor.onions['members'] ?? '').replace('.onion', '');
    const lines = () => 'CookieAuthentication 0\n';
    const clients = [tor.addClient('visitor', { lines }), tor.addClient('member', { lines, keys: { [name]: key.client } })];
    const [first, second] = await Promise.all(clients);
    assert.ok(first && second);
    visitor = first;
    folder = installation(globalFile(visitor, second), {
      'servers.yaml': servicesFile(servers, tor.onion, visitor),
      'members.yaml': membersFile(tor),
    });
    // Until the services are published: the first circuits to them take some seconds.
    assert.equal((await run('config', 'check')).stderr, '');
    await waitUntil(async () => (await check('servers/http', 'members/*')).filter(({ state }) => state === 'OK').length === 2, 60);
  });
  after(async () => {
    await tor?.stop();
    for (const stop of stops.reverse()) await stop();
    rig?.remove();
    folder?.remove();
    remove();
  });

  /** Whatever becomes of the next one, this server is ended. */
  async function keep<T extends { stop(): Promise<void> | void }>(starting: Promise<T>): Promise<T> {
    const server = await starting;
    stops.push(() => server.stop());
    return server;
  }

  async function startServers() {
    const certificate = rig.issue('good');
    const nginx = await keep(startNginx({ tls: [{ name: 'tls', certificate }] }));
    mkdirSync(join(nginx.root, 'images/stable'), { recursive: true });
    writeFileSync(join(nginx.root, 'images/stable/os-1.iso'), 'an image');
    const dovecot = await keep(startDovecot(certificate, { users: ['vigie'] }));
    mkdirSync(join(dovecot.folder, 'mail/vigie'), { recursive: true });
    execFileSync('chown', ['-R', `${NOBODY}:${NOBODY}`, join(dovecot.folder, 'mail')]);
    const postfix = await keep(startPostfix(certificate));
    const [tests, results] = [makeKey(work, 'tests-key'), makeKey(work, 'results-key')];
    const sshd = await keep(startSshd({ authorized: [`restrict,command="echo ready" ${tests.public}`, results.public] }));
    mkdirSync(join(work, 'results'));
    writeFileSync(join(work, 'results/a.json'), '{}');
    mkdirSync(join(work, 'git'));
    const date = new Date().toISOString();
    makeRepository(join(work, 'git/r.git'), { main: date, devel: date });
    const git = await keep(startGitDaemon(join(work, 'git')));
    const rsyncd = await keep(startRsyncd());
    mkdirSync(join(rsyncd.root, 'stable'));
    writeFileSync(join(rsyncd.root, 'stable/os-1.iso'), 'an image');
    const prosody = await keep(startProsody(certificate));
    const slapd = await keep(startSlapd(certificate, rig.root));
    const exporter = await keep(startNodeExporter());
    const byPort = { 80: nginx.port, 443: nginx.ports['tls'], 25: postfix.port, 143: dovecot.port, 22: sshd.port, 9418: git.port };
    const more = { 873: rsyncd.port, 5222: prosody.port, 389: slapd.port, 9100: exporter.port };
    const ports = Object.fromEntries(Object.entries({ ...byPort, ...more }).map(([port, to]) => [port, `127.0.0.1:${to}`]));
    return { ports, user: sshd.user, hostKey: sshd.hostKeys[0]?.public ?? '' };
  }

  function servicesFile({ user, hostKey }: { user: string; hostKey: string }, onion: string, { controlPort }: TorClient): string {
    const tls = `tls: { ca: ${rig.caFile} }`;
    const named = `server_name: site.test, ${tls}`;
    const ssh = `host_keys: "${hostKey.split(' ', 2).join(' ')}", user: ${user}`;
    return `hosts:
  hidden: { address: ${onion} }
services:
  servers:
    host: hidden
    via: tor
    checks:
      http: { type: http, url: "http://\${host.address}/", body: welcome }
      listing: { type: listing, url: "http://\${host.address}/images/", directories: stable, match: "*.iso", max_age: 1d }
      tls: { type: tls, port: 443, ${named} }
      tcp: { type: tcp, port: 22, expect: SSH-2.0- }
      smtp: { type: smtp, port: 25, ${named} }
      imap: { type: imap, port: 143, security: starttls, ${named}, login: { user: vigie, password: { env: IMAP } } }
      ssh: { type: ssh, ${ssh}, key: { file: "${work}/tests-key" }, expect: ready }
      sftp: { type: sftp, ${ssh}, key: { file: "${work}/results-key" }, directories: "${work}/results", match: "*.json", max_age: 1d }
      git: { type: git, url: "git://\${host.address}/r.git", branches: [main, devel], fetch: true, max_age: 1d }
      rsync: { type: rsync, modules: pub, directories: pub/stable, match: "*.iso" }
      xmpp: { type: xmpp, domain: site.test, address: "\${host.address}", ${tls} }
      ldap: { type: ldap, ${named}, base: "ou=hosts,dc=site,dc=test", scope: one, min_entries: 3 }
      prometheus: { type: prometheus, url: "http://\${host.address}:9100/metrics", metric: node_load1, thresholds: { value: { critical: 1000 } } }
  found:
    host: hidden
    checks:
      descriptor: { type: onion, control: "127.0.0.1:${controlPort}", timeout: 30s }
`;
  }

  function membersFile({ onions }: TorNetwork): string {
    const url = `http://${onions['members']}/`;
    return `services:
  members:
    checks:
      with-key: { type: http, url: "${url}", body: welcome, via: members }
  strangers:
    checks:
      without-key: { type: http, url: "${url}", via: tor }
  open:
    checks:
      for-members: { type: http, url: "http://${onions['servers']}/", body: welcome, via: members }
`;
  }

  function globalFile({ socksPort }: TorClient, member: TorClient): string {
    const defaults = 'defaults: { timeout: 40s, retries: { times: 1, after: 1s } }';
    return `title: Behind Tor
interval: 5m
sites:
  private: { output: site/private }
mail: { from: vigie@example.org, transport: "maildir:state/mail" }
contacts: { sysadmins: { mail: [sysadmins@example.org] } }
proxies:
  tor: { url: "socks5h://127.0.0.1:${socksPort}", ${defaults} }
  members: { url: "socks5h://127.0.0.1:${member.socksPort}", ${defaults} }
defaults: { contacts: [sysadmins], attempts: 1, unknown_attempts: 1 }
`;
  }

  const run = (...args: string[]) => vigie(folder.path, args, { program: BUNDLE, env: { IMAP: 'pw' } });
  /** Looks now; a mistake in the configuration fails. */
  const check = async (...patterns: string[]) => {
    const { code, stdout, stderr } = await run('check', ...patterns, '--json');
    assert.ok(code !== null && stderr === '', stderr);
    return stdout
      .trim()
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Status);
  };
  /** Runs every check as cron would, and gives what the private site's file for scripts says. */
  const runAll = async (): Promise<Status[]> => {
    const ended = await run('run', '--now', '*');
    assert.deepEqual([ended.code, ended.stderr], [0, '']);
    const { checks } = JSON.parse(readFileSync(join(folder.path, 'site/private/status.json'), 'utf8')) as { checks: Status[] };
    return checks;
  };
  const subjects = () => readMaildir(join(folder.path, 'state/mail')).map(({ subject }) => subject);

  it('[N1] [K17] every type sees its real server through Tor, and the descriptor is there', async () => {
    const all = await runAll();
    const seen = new Map(all.map((one) => [one.id, one]));
    for (const type of TYPES) {
      const one = seen.get(`servers/${type}`);
      assert.equal(one?.state, 'OK', `${type}: ${one?.output}`);
    }
    assert.equal(seen.get('found/descriptor')?.state, 'OK', seen.get('found/descriptor')?.output);
    assert.match(seen.get('servers/imap')?.output ?? '', /INBOX/);
    assert.match(seen.get('servers/ldap')?.output ?? '', /^3 entries/);
    assert.deepEqual([seen.get('proxy/tor')?.state, seen.get('proxy/members')?.state], ['OK', 'OK']);
  });

  it('[N1] [case K04] a service with client authorisation: seen with the key, and without it told in words', async () => {
    const seen = new Map((await runAll()).map((one) => [one.id, one]));
    assert.equal(seen.get('members/with-key')?.state, 'OK', seen.get('members/with-key')?.output);
    const stranger = seen.get('strangers/without-key');
    assert.equal(stranger?.state, 'UNKNOWN');
    assert.match(stranger?.output ?? '', /onion needs client authorisation, and none is configured \(F4\)$/);
  });

  it('[N1] [T8] -v shows the way to it, and no secret', async () => {
    const { stdout, stderr } = await run('check', 'servers/imap', 'servers/sftp', '-v');
    assert.match(stdout + stderr, /connected to [a-z2-7]{56}\.onion port 143 through tor/);
    assert.equal(/\bpw\b|BEGIN OPENSSH/.test(stdout + stderr), false);
  });

  it('[N1] [case K01] with Tor stopped there is one problem, the proxy; what lies behind it is withheld', async () => {
    const earlier = subjects().length;
    await visitor.stop();
    const seen = new Map((await runAll()).map((one) => [one.id, one]));
    assert.equal(seen.get('proxy/tor')?.state, 'CRITICAL', seen.get('proxy/tor')?.output);
    for (const type of TYPES) {
      const one = seen.get(`servers/${type}`);
      assert.notEqual(one?.state, 'OK', type);
      assert.equal(one?.withheld, 'proxy', `${type}: ${one?.output}`);
    }
    assert.equal(seen.get('open/for-members')?.state, 'OK', 'another proxy is not concerned');
    const mails = subjects().slice(earlier);
    assert.equal(mails.length, 1, mails.join('\n'));
    assert.match(mails[0] ?? '', /^\[vigie\] PROBLEM proxy\/tor CRITICAL: /);
  });
});
