import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, type StartedServer, startServer, statusOf, temporaryFolder } from './server.ts';

export interface WebServer {
  port: number;
  /** The document root: write files here. */
  root: string;
  stop(): Promise<void>;
}

async function start(
  file: string,
  configure: (folder: string, port: number) => string,
  args: (path: string) => string[],
): Promise<WebServer> {
  const { path: folder, remove } = temporaryFolder();
  const root = join(folder, 'www');
  mkdirSync(root);
  // Apache started as root serves as nobody.
  chmodSync(folder, 0o755);
  const port = await freePort();
  writeFileSync(join(folder, 'server.conf'), configure(folder, port));
  const server: StartedServer = await startServer(
    file,
    args(join(folder, 'server.conf')),
    async () => (await statusOf(port, '/')) > 0,
    {
      cwd: folder,
    },
  );
  return {
    port,
    root,
    stop: async () => {
      await server.stop();
      remove();
    },
  };
}

/** The real Apache with its fancy index, as Debian configures it, and its status. */
export function startApache(): Promise<WebServer> {
  const modules = ['mpm_event', 'authz_core', 'dir', 'autoindex', 'mime', 'status'];
  const configure = (folder: string, port: number) => `
    ServerRoot ${folder}\nServerName 127.0.0.1\nListen 127.0.0.1:${port}\nPidFile ${folder}/pid\nErrorLog ${folder}/error.log
    User nobody\nGroup nogroup\n
    ${modules.map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`).join('\n    ')}
    TypesConfig /etc/mime.types\nDocumentRoot ${folder}/www
    <Directory ${folder}/www>\n Require all granted\n Options Indexes\n IndexOptions FancyIndexing VersionSort HTMLTable NameWidth=*\n</Directory>
    <Location /server-status>\n SetHandler server-status\n</Location>\n`;
  return start('apache2', configure, (path) => ['-X', '-f', path]);
}

/** The real lighttpd with its directory listing. */
export function startLighttpd(): Promise<WebServer> {
  const configure = (folder: string, port: number) => `
    server.document-root = "${folder}/www"\nserver.bind = "127.0.0.1"\nserver.port = ${port}\nserver.modules = ( "mod_dirlisting" )
    dir-listing.activate = "enable"\n`;
  return start('lighttpd', configure, (path) => ['-D', '-f', path]);
}
