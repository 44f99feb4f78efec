import { mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { freePort, startServer, temporaryFolder } from './server.ts';

export interface Rsyncd {
  port: number;
  /** The folder behind module `pub`, and behind `priv`, which wants `alice` with `pw`: write files here. */
  root: string;
  stop(): Promise<void>;
}

/** A real rsync daemon in the foreground, with words of the day that look like an entry. */
export async function startRsyncd(): Promise<Rsyncd> {
  const { path: folder, remove } = temporaryFolder();
  const root = join(folder, 'root');
  mkdirSync(root);
  const port = await freePort();
  writeFileSync(join(folder, 'motd'), 'welcome\n-rw-r--r-- 5 2026/11/22 11:59:00 motd.iso\n');
  writeFileSync(join(folder, 'secrets'), 'alice:pw\n', { mode: 0o600 });
  const isRoot = process.getuid?.() === 0 ? 'uid = root\ngid = root\n' : '';
  writeFileSync(
    join(folder, 'rsyncd.conf'),
    `use chroot = no\n${isRoot}address = 127.0.0.1\nport = ${port}\nlog file = ${folder}/log\nmotd file = ${folder}/motd
[pub]\n path = ${root}\n comment = for everyone\n read only = yes
[priv]\n path = ${root}\n auth users = alice\n secrets file = ${folder}/secrets\n`,
  );
  const args = ['--daemon', '--no-detach', `--config=${join(folder, 'rsyncd.conf')}`];
  const server = await startServer('rsync', args, () => greets(port));
  return {
    port,
    root,
    stop: async () => {
      await server.stop();
      remove();
    },
  };
}

function greets(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('error', () => resolve(false));
    socket.once('data', (bytes) => {
      resolve(bytes.toString().startsWith('@RSYNCD: '));
      socket.destroy();
    });
  });
}
