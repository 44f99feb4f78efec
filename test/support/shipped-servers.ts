import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import type { Issued } from './certificates.ts';
import { freePort, type StartedServer, startServer, temporaryFolder } from './server.ts';

const FOLDER = new URL('../../../docs/web-servers/', import.meta.url);

export type ShippedServer = 'nginx' | 'apache2' | 'lighttpd' | 'caddy';
export const SHIPPED_SERVERS: readonly ShippedServer[] = ['nginx', 'apache2', 'lighttpd', 'caddy'];

export interface Serving {
  /** Plain HTTP, for tor: the server's own port, or one that leads to its socket. */
  privatePort: number;
  /** The socket that stands in the file, where it names one. */
  socket: string | null;
  /** TLS. */
  publicPort: number;
  stop(): Promise<void>;
}

interface Places {
  folder: string;
  /** Holds `private` and `public`. */
  sites: string;
  privatePort: number;
  /** Where the private site is served, but by Apache. */
  socket: string;
  publicPort: number;
  certificate: Issued;
}

/** A file of docs/web-servers with places of the test in the places of an installation; each of these must stand in it. */
function adapt(file: string, places: Record<string, string>): string {
  let text = readFileSync(new URL(file, FOLDER), 'utf8');
  for (const [found, wanted] of Object.entries(places)) {
    if (!text.includes(found)) throw new Error(`docs/web-servers/${file}: ${JSON.stringify(found)} is not there`);
    text = text.replaceAll(found, wanted);
  }
  return text;
}

const SOCKET = '/run/vigie-site/private.sock';
const SITES = '/var/lib/vigie/site';
const CHAIN = '/etc/letsencrypt/live/status.example.org/fullchain.pem';
const KEY = '/etc/letsencrypt/live/status.example.org/privkey.pem';

/** Writes what the server reads and answers its arguments. */
const PREPARE: Record<ShippedServer, (places: Places) => string[]> = {
  nginx({ folder, sites, socket, publicPort, certificate }) {
    const headers = join(folder, 'headers.conf');
    writeFileSync(headers, adapt('nginx-headers.conf', {}));
    const site = adapt('nginx.conf', {
      [SITES]: sites,
      [SOCKET]: socket,
      'listen 443 ssl': `listen 127.0.0.1:${publicPort} ssl`,
      [CHAIN]: certificate.chainFile,
      [KEY]: certificate.keyFile,
      '/etc/nginx/vigie-headers.conf': headers,
    });
    mkdirSync(join(folder, 'tmp'));
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
      (name) => `${name}_temp_path ${folder}/tmp/${name};`,
    );
    const path = join(folder, 'nginx.conf');
    writeFileSync(
      path,
      `${process.getuid?.() === 0 ? 'user root;' : ''} daemon off; worker_processes 1; pid ${folder}/pid; error_log ${folder}/error.log;
      events { worker_connections 256; } http { include /etc/nginx/mime.types; access_log off; ${temporary.join(' ')}\n${site} }`,
    );
    return ['-p', `${folder}/`, '-c', path, '-e', join(folder, 'error.log')];
  },
  apache2({ folder, sites, privatePort, publicPort, certificate }) {
    const modules = ['mpm_event', 'authz_core', 'dir', 'mime', 'headers', 'socache_shmcb', 'ssl'];
    const site = adapt('apache.conf', {
      [SITES]: sites,
      '127.0.0.1:8081': `127.0.0.1:${privatePort}`,
      '*:443': `127.0.0.1:${publicPort}`,
      [CHAIN]: certificate.chainFile,
      [KEY]: certificate.keyFile,
    });
    const path = join(folder, 'apache.conf');
    writeFileSync(
      path,
      `ServerRoot ${folder}\nServerName 127.0.0.1\nListen 127.0.0.1:${publicPort}\nPidFile ${folder}/pid\nErrorLog ${folder}/error.log
User nobody\nGroup nogroup\n${modules.map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`).join('\n')}
TypesConfig /etc/mime.types\n${site}`,
    );
    return ['-X', '-f', path];
  },
  lighttpd({ folder, sites, socket, publicPort, certificate }) {
    const site = adapt('lighttpd.conf', {
      [SITES]: sites,
      [SOCKET]: socket,
      '":443"': `"127.0.0.1:${publicPort}"`,
      [CHAIN]: certificate.chainFile,
      [KEY]: certificate.keyFile,
    });
    const path = join(folder, 'lighttpd.conf');
    writeFileSync(path, `server.document-root = "${folder}"\nserver.bind = "127.0.0.1"\nserver.port = 0\n${site}`);
    return ['-D', '-f', path];
  },
  caddy({ folder, sites, socket, publicPort, certificate }) {
    const own = (name: string) => join(folder, 'storage', name);
    mkdirSync(own(''));
    copyFileSync(certificate.chainFile, own('chain.pem'));
    copyFileSync(certificate.keyFile, own('key.pem'));
    const site = adapt('Caddyfile', {
      [SITES]: sites,
      [SOCKET]: socket,
      'status.example.org {': `https://127.0.0.1:${publicPort} {\n  tls ${own('chain.pem')} ${own('key.pem')}`,
    });
    const path = join(folder, 'Caddyfile');
    writeFileSync(path, `{\n  admin off\n  auto_https disable_redirects\n  storage file_system ${folder}/storage\n}\n${site}`);
    return ['run', '--config', path, '--adapter', 'caddyfile'];
  },
};

/** Makes the folder of the socket as the shipped file says, its group being that of the test where there is no tor's. */
function makeSocketFolder(program: ShippedServer, folder: string): string {
  const path = join(folder, 'run');
  const wanted = program === 'caddy' ? '#d /run/vigie-site 2750 caddy' : 'd /run/vigie-site 0750 root';
  const line = adapt('tmpfiles.conf', { '/run/vigie-site': path })
    .split('\n')
    .find((one) => one.startsWith(wanted.replace('/run/vigie-site', path)));
  if (line === undefined) throw new Error(`docs/web-servers/tmpfiles.conf: no line ${JSON.stringify(wanted)}`);
  if (process.getuid?.() !== 0) mkdirSync(path);
  else execFileSync('systemd-tmpfiles', ['--create', '-'], { input: line.replace(/^#/, '') });
  return join(path, 'private.sock');
}

/** Only Caddy's service runs as a user of its own from its start, as systemd starts it; the umask is what its file says of it. */
function asItsUser(program: ShippedServer, args: string[], folder: string): [file: string, args: string[]] {
  if (program !== 'caddy' || process.getuid?.() !== 0) return [program, args];
  const umask = /UMask=(\d+)/.exec(adapt('Caddyfile', {}))?.[1] ?? '';
  execFileSync('chown', ['-R', 'caddy', join(folder, 'storage'), join(folder, 'Caddyfile')]);
  return ['sh', ['-c', `umask ${umask} && exec setpriv --reuid caddy --regid caddy --clear-groups caddy "$@"`, 'sh', ...args]];
}

/** A real server with the configuration that the project ships, in front of both sites. */
export async function startShipped(program: ShippedServer, sites: string, certificate: Issued): Promise<Serving> {
  const { path: folder, remove } = temporaryFolder();
  chmodSync(folder, 0o755);
  const socket = program === 'apache2' ? null : makeSocketFolder(program, folder);
  const relay = socket === null ? null : await relayTo(socket);
  const [privatePort, publicPort] = [relay?.port ?? (await freePort()), await freePort()];
  const args = PREPARE[program]({ folder, sites, privatePort, socket: socket ?? '', publicPort, certificate });
  const isReady = async () => (await fetch(`http://127.0.0.1:${privatePort}/`)).status === 200;
  const [file, all] = asItsUser(program, args, folder);
  const server: StartedServer = await startServer(file, all, isReady, { cwd: folder, env: { HOME: folder } });
  const stop = async () => {
    relay?.close();
    await server.stop(program === 'nginx' ? 'SIGTERM' : undefined);
    remove();
  };
  return { privatePort, socket, publicPort, stop };
}

/** A port of ours that leads to a socket, for clients that know ports only. */
async function relayTo(socket: string): Promise<{ port: number; close(): void }> {
  const open = new Set<Socket>();
  const server = createServer((client) => {
    const inner = connect(socket);
    for (const [from, to] of [
      [client, inner],
      [inner, client],
    ] as const) {
      open.add(from);
      from.on('error', () => to.destroy());
      from.on('close', () => open.delete(from));
      from.pipe(to);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  const { port } = server.address() as AddressInfo;
  const close = () => {
    server.close();
    for (const one of open) one.destroy();
  };
  return { port, close };
}

/** The lines of docs/web-servers/torrc with places of the test: what follows the comments, and those of client authorisation. */
export function shippedTorrc(service: string, socket: string): string {
  return adapt('torrc', { '/var/lib/tor/vigie': service, [SOCKET]: socket });
}

/** A pair of keys for the onion service, by the commands of docs/web-servers/torrc. */
export function makeShippedKey(): { client: string; service: string } {
  const { path: cwd, remove } = temporaryFolder();
  try {
    const commands = adapt('torrc', {})
      .split('\n')
      .flatMap((line) => /^# {3}(openssl .*)$/.exec(line)?.[1]?.replace(/ {2}# .*$/, '') ?? []);
    const [, client = '', service = ''] = commands.map((command) =>
      execFileSync('sh', ['-c', command], { cwd, encoding: 'utf8', stdio: 'pipe' }).trim(),
    );
    if (commands.length !== 3 || client.length !== 52 || service.length !== 52)
      throw new Error('docs/web-servers/torrc: its commands make no keys');
    return { client, service };
  } finally {
    remove();
  }
}
