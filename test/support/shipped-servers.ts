import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Issued } from './certificates.ts';
import { freePort, type StartedServer, startServer, temporaryFolder } from './server.ts';

const FOLDER = new URL('../../../docs/web-servers/', import.meta.url);

export type ShippedServer = 'nginx' | 'apache2' | 'lighttpd' | 'caddy';
export const SHIPPED_SERVERS: readonly ShippedServer[] = ['nginx', 'apache2', 'lighttpd', 'caddy'];

export interface Serving {
  /** Plain HTTP, for tor. */
  privatePort: number;
  /** TLS. */
  publicPort: number;
  stop(): Promise<void>;
}

interface Places {
  folder: string;
  /** Holds `private` and `public`. */
  sites: string;
  privatePort: number;
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

const SITES = '/var/lib/vigie/site';
const CHAIN = '/etc/letsencrypt/live/status.example.org/fullchain.pem';
const KEY = '/etc/letsencrypt/live/status.example.org/privkey.pem';

/** Writes what the server reads and answers its arguments. */
const PREPARE: Record<ShippedServer, (places: Places) => string[]> = {
  nginx({ folder, sites, privatePort, publicPort, certificate }) {
    const headers = join(folder, 'headers.conf');
    writeFileSync(headers, adapt('nginx-headers.conf', {}));
    const site = adapt('nginx.conf', {
      [SITES]: sites,
      'unix:/run/nginx-vigie.sock': `127.0.0.1:${privatePort}`,
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
  lighttpd({ folder, sites, privatePort, publicPort, certificate }) {
    const site = adapt('lighttpd.conf', {
      [SITES]: sites,
      '/run/lighttpd-vigie.sock': `127.0.0.1:${privatePort}`,
      '":443"': `"127.0.0.1:${publicPort}"`,
      [CHAIN]: certificate.chainFile,
      [KEY]: certificate.keyFile,
    });
    const path = join(folder, 'lighttpd.conf');
    writeFileSync(path, `server.document-root = "${folder}"\nserver.bind = "127.0.0.1"\nserver.port = 0\n${site}`);
    return ['-D', '-f', path];
  },
  caddy({ folder, sites, privatePort, publicPort, certificate }) {
    const site = adapt('Caddyfile', {
      [SITES]: sites,
      'http:// {\n  bind unix//run/caddy/vigie.sock': `http://127.0.0.1:${privatePort} {`,
      'status.example.org {': `https://127.0.0.1:${publicPort} {\n  tls ${certificate.chainFile} ${certificate.keyFile}`,
    });
    const path = join(folder, 'Caddyfile');
    writeFileSync(path, `{\n  admin off\n  auto_https disable_redirects\n  storage file_system ${folder}/storage\n}\n${site}`);
    return ['run', '--config', path, '--adapter', 'caddyfile'];
  },
};

/** A real server with the configuration that the project ships, in front of both sites. */
export async function startShipped(program: ShippedServer, sites: string, certificate: Issued): Promise<Serving> {
  const { path: folder, remove } = temporaryFolder();
  chmodSync(folder, 0o755);
  const [privatePort, publicPort] = [await freePort(), await freePort()];
  const args = PREPARE[program]({ folder, sites, privatePort, publicPort, certificate });
  const isReady = async () => (await fetch(`http://127.0.0.1:${privatePort}/`)).status === 200;
  const server: StartedServer = await startServer(program, args, isReady, { cwd: folder });
  const stop = async () => {
    await server.stop(program === 'nginx' ? 'SIGTERM' : undefined);
    remove();
  };
  return { privatePort, publicPort, stop };
}
