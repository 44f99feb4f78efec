import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Issued } from './certificates.ts';
import { freePort, type StartedServer, startServer, statusOf, temporaryFolder } from './server.ts';

export interface TlsServer {
  /** Key of `ports`. */
  name: string;
  certificate: Issued;
  /** Further lines inside the server block, such as `ssl_protocols TLSv1.2;`. */
  lines?: string;
}

export interface Nginx {
  server: StartedServer;
  /** Of the plain server: `/` lists folders, `/500` fails, `/private/` wants `alice` with `pw`, `/redir` leads to `/`. */
  port: number;
  /** Of the TLS servers, by name. */
  ports: Record<string, number>;
  /** The document root: write files here. */
  root: string;
  stop(): Promise<void>;
}

/** A real nginx in the foreground, in a temporary folder; `lines` are added to the plain server's block. */
export async function startNginx(options: { tls?: TlsServer[]; lines?: string } = {}): Promise<Nginx> {
  const { path: folder, remove } = temporaryFolder();
  const root = join(folder, 'www');
  for (const name of ['www/private', 'www/dists', 'logs', 'tmp']) mkdirSync(join(folder, name), { recursive: true });
  writeFileSync(join(root, 'index.html'), 'welcome to the test site\n');
  writeFileSync(join(root, 'private/index.html'), 'members only\n');
  writeFileSync(join(folder, 'htpasswd'), 'alice:{PLAIN}pw\n');
  const port = await freePort();
  const ports: Record<string, number> = {};
  const blocks: string[] = [];
  for (const { name, certificate, lines = '' } of options.tls ?? []) {
    const tlsPort = await freePort();
    ports[name] = tlsPort;
    blocks.push(`server { listen 127.0.0.1:${tlsPort} ssl; ssl_certificate ${certificate.chainFile};
      ssl_certificate_key ${certificate.keyFile}; root www; ${lines} }`);
  }
  writeFileSync(join(folder, 'nginx.conf'), configuration(port, options.lines ?? '', blocks));
  const args = ['-p', `${folder}/`, '-c', join(folder, 'nginx.conf'), '-e', join(folder, 'logs/error.log')];
  const server = await startServer('nginx', args, async () => (await statusOf(port, '/')) > 0, { cwd: folder });
  const stop = async () => {
    await server.stop('SIGTERM');
    remove();
  };
  return { server, port, ports, root, stop };
}

function configuration(port: number, lines: string, blocks: string[]): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path tmp/${name};`).join(' ');
  return `${process.getuid?.() === 0 ? 'user root;' : ''} daemon off; worker_processes 1; pid logs/nginx.pid; error_log logs/error.log;
    events { worker_connections 1024; }
    http { access_log off; default_type text/plain; types { text/html html; } ${temporary}
      server { listen 127.0.0.1:${port}; root www;
        location / { autoindex on; }
        location /private/ { auth_basic "members"; auth_basic_user_file htpasswd; }
        location = /500 { return 500; }
        location = /redir { return 301 http://127.0.0.1:${port}/; }
        ${lines} }
      ${blocks.join('\n')} }\n`;
}
