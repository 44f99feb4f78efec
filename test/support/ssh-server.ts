import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { freePort, startServer, temporaryFolder } from './server.ts';

export interface KeyPair {
  file: string;
  /** OpenSSH's format, to be given as a secret. */
  private: string;
  /** `ssh-ed25519 AAAA... comment`. */
  public: string;
}

export function makeKey(folder: string, name: string, ...args: string[]): KeyPair {
  const file = join(folder, name);
  const done = spawnSync('ssh-keygen', ['-q', '-N', '', '-f', file, ...(args.length > 0 ? args : ['-t', 'ed25519'])]);
  if (done.status !== 0) throw new Error(`ssh-keygen: ${done.stderr}`);
  return { file, private: readFileSync(file, 'utf8'), public: readFileSync(`${file}.pub`, 'utf8').trim() };
}

export interface Sshd {
  port: number;
  /** sshd lets in the user who started it, and root as well if that was root. */
  user: string;
  hostKeys: KeyPair[];
  folder: string;
  log(): string;
  stop(): Promise<void>;
}

export interface SshdSettings {
  /** Arguments of ssh-keygen for each; default one Ed25519 key. */
  hostKeys?: string[][];
  /** Lines of authorized_keys. */
  authorized?: string[];
  /** Further lines of sshd_config. */
  lines?: (folder: string) => string;
  port?: number;
}

/** A real sshd in the foreground. */
export async function startSshd(settings: SshdSettings = {}): Promise<Sshd> {
  const { path: folder, remove } = temporaryFolder();
  // Started by root, it wants the folder of its unprivileged part, which its package leaves to systemd.
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true });
  const port = settings.port ?? (await freePort());
  const hostKeys = (settings.hostKeys ?? [['-t', 'ed25519']]).map((args, i) => makeKey(folder, `host${i}`, ...args));
  writeFileSync(join(folder, 'authorized_keys'), `${(settings.authorized ?? []).join('\n')}\n`);
  const config = join(folder, 'sshd_config');
  writeFileSync(
    config,
    `ListenAddress 127.0.0.1:${port}\n${hostKeys.map(({ file }) => `HostKey ${file}`).join('\n')}
PidFile none\nAuthorizedKeysFile ${folder}/authorized_keys\nStrictModes no\nUsePAM no\nPasswordAuthentication no
KbdInteractiveAuthentication no\nSubsystem sftp internal-sftp\nMaxStartups 100\n${settings.lines?.(folder) ?? ''}\n`,
  );
  const server = await startServer('/usr/sbin/sshd', ['-D', '-e', '-f', config], () => greets(port));
  const stop = async () => {
    await server.stop();
    remove();
  };
  return { port, user: userInfo().username, hostKeys, folder, log: server.log, stop };
}

function greets(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('error', () => resolve(false));
    socket.once('data', (bytes) => {
      resolve(bytes.toString().startsWith('SSH-2.0-'));
      socket.destroy();
    });
  });
}
