import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { freePort, type StartedServer, startServer } from './server.ts';

/** The real opentracker, over HTTP and UDP on one port. Debian's serves only torrents on its list. */
export async function startOpentracker(folder: string, infoHashes: string[]): Promise<{ port: number; stop(): Promise<void> }> {
  const port = await freePort();
  const root = join(folder, 'tracker');
  mkdirSync(root);
  chmodSync(folder, 0o755);
  writeFileSync(join(root, 'list'), `${infoHashes.join('\n')}\n`);
  const lines = [
    `listen.tcp 127.0.0.1:${port}`,
    `listen.udp 127.0.0.1:${port}`,
    'access.whitelist list',
    `tracker.rootdir ${root}`,
  ];
  writeFileSync(join(folder, 'tracker.conf'), [...lines, 'tracker.user nobody', ''].join('\n'));
  const server = await startServer('opentracker', ['-f', join(folder, 'tracker.conf')], () => answersHttp(port), { cwd: root });
  return { port, stop: () => server.stop() };
}

function answersHttp(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const sent = request({ host: '127.0.0.1', port, path: '/announce', agent: false }, (response) => {
      response.resume();
      resolve(true);
    });
    sent.on('error', () => resolve(false));
    sent.end();
  });
}

/** The real transmission-daemon, seeding what lies in `folder`/files with this torrent. */
export async function startTransmission(folder: string, torrent: string): Promise<{ port: number; stop(): Promise<void> }> {
  const [port, rpc] = [await freePort(), await freePort()];
  const home = join(folder, 'transmission');
  mkdirSync(home);
  mkdirSync(join(folder, 'watch'));
  copyFileSync(torrent, join(folder, 'watch/a.torrent'));
  const off = ['dht', 'lpd', 'pex', 'utp', 'port-forwarding'].map((name) => [`${name}-enabled`, false]);
  const settings = {
    'bind-address-ipv4': '127.0.0.1',
    'peer-port': port,
    'rpc-bind-address': '127.0.0.1',
    'rpc-port': rpc,
    'download-dir': join(folder, 'files'),
    'watch-dir': join(folder, 'watch'),
    'watch-dir-enabled': true,
    ...Object.fromEntries(off),
  };
  writeFileSync(join(home, 'settings.json'), JSON.stringify(settings));
  const server: StartedServer = await startServer('transmission-daemon', ['-f', '-g', home], () => accepts(rpc));
  return { port, stop: () => server.stop() };
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
