import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import type { Issued } from './certificates.ts';
import { startNginx } from './nginx.ts';
import { freePort, startServer } from './server.ts';
import { type KeyPair, type Sshd, startSshd } from './ssh-server.ts';

const ENV = {
  PATH: `${process.env['PATH']}`,
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_AUTHOR_NAME: 'a',
  GIT_AUTHOR_EMAIL: 'a@example.org',
  GIT_COMMITTER_NAME: 'a',
  GIT_COMMITTER_EMAIL: 'a@example.org',
};

export function runRealGit(args: string[], env: Record<string, string> = {}): string {
  const done = spawnSync('git', args, { env: { ...ENV, ...env }, encoding: 'utf8' });
  if (done.status !== 0) throw new Error(`git ${args.join(' ')}: ${done.stderr}`);
  return done.stdout.trim();
}

/** A bare repository with `main` and `devel`, whose newest commits are of these dates; their ids. */
export function makeRepository(
  path: string,
  dates: { main: string; devel: string },
  format = 'sha1',
): { main: string; devel: string } {
  runRealGit(['init', '-q', '--bare', '-b', 'main', `--object-format=${format}`, path]);
  runRealGit(['-C', path, 'config', 'uploadpack.allowFilter', 'true']);
  const tree = runRealGit(['-C', path, 'write-tree']);
  const commit = (date: string, parents: string[], branch: string) => {
    const id = runRealGit(['-C', path, 'commit-tree', '-m', branch, ...parents.flatMap((parent) => ['-p', parent]), tree], {
      GIT_AUTHOR_DATE: date,
      GIT_COMMITTER_DATE: date,
    });
    runRealGit(['-C', path, 'update-ref', `refs/heads/${branch}`, id]);
    return id;
  };
  const devel = commit(dates.devel, [], 'devel');
  return { main: commit(dates.main, [devel], 'main'), devel };
}

export interface GitServer {
  port: number;
  stop(): Promise<void>;
}

/** The real git daemon over the repositories of a folder. */
export async function startGitDaemon(base: string): Promise<GitServer> {
  const port = await freePort();
  const args = ['--reuseaddr', '--listen=127.0.0.1', `--port=${port}`, `--base-path=${base}`, '--export-all'];
  // `git daemon` would leave its child behind when it is ended.
  const program = join(runRealGit(['--exec-path']), 'git-daemon');
  const server = await startServer(program, args, () => accepts(port), { env: ENV });
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

/** The real git-http-backend behind nginx with TLS: `/git/` for everyone, `/private/` for `alice` with `pw`, `/moved/` leads to `/git/`. */
export async function startGitHttps(base: string, certificate: Issued): Promise<GitServer> {
  const socket = join(base, 'fcgi.sock');
  const wrapper = spawn('/usr/sbin/fcgiwrap', ['-s', `unix:${socket}`], { stdio: 'ignore' });
  for (let i = 0; i < 2000 && !existsSync(socket); i += 1) await new Promise((resolve) => setTimeout(resolve, 25));
  const backend = (prefix: string, lines: string) => `location ~ ^/${prefix}(/.*)$ { ${lines}
    fastcgi_pass unix:${socket}; fastcgi_param SCRIPT_FILENAME ${join(runRealGit(['--exec-path']), 'git-http-backend')};
    fastcgi_param GIT_HTTP_EXPORT_ALL 1; fastcgi_param GIT_PROJECT_ROOT ${base}; fastcgi_param PATH_INFO $1;
    fastcgi_param GIT_PROTOCOL $http_git_protocol; fastcgi_param REMOTE_USER $remote_user;
    fastcgi_param QUERY_STRING $query_string; fastcgi_param REQUEST_METHOD $request_method;
    fastcgi_param CONTENT_TYPE $content_type; fastcgi_param CONTENT_LENGTH $content_length; }`;
  const lines = `${backend('git', '')} ${backend('private', 'auth_basic "members"; auth_basic_user_file htpasswd;')}
    location ~ ^/moved(/.*)$ { return 301 https://$http_host/git$1$is_args$args; }`;
  const nginx = await startNginx({ tls: [{ name: 'git', certificate, lines }] });
  return {
    port: nginx.ports['git'] ?? 0,
    stop: async () => {
      wrapper.kill('SIGTERM');
      await nginx.stop();
    },
  };
}

/** Gitolite over the real sshd, in a folder of its own instead of a user's home; the key may read and write `testing`. */
export async function startGitolite(folder: string, admin: KeyPair): Promise<Sshd> {
  const home = join(folder, 'gitolite');
  mkdirSync(home, { recursive: true });
  const env = { ...process.env, ...ENV, HOME: home };
  const done = spawnSync('gitolite', ['setup', '-pk', `${admin.file}.pub`], { env, encoding: 'utf8', cwd: home });
  if (done.status !== 0) throw new Error(`gitolite setup: ${done.stderr}`);
  return startSshd({
    authorized: readFileSync(join(home, '.ssh/authorized_keys'), 'utf8').split('\n'),
    lines: () => `SetEnv HOME=${home}`,
  });
}

export interface Relay {
  port: number;
  /** Everything that clients have sent. */
  sent(): string;
  close(): Promise<void>;
}

/** Passes everything on to a server and remembers what it was asked. */
export async function startRelay(port: number): Promise<Relay> {
  let sent = '';
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    const remote = connect(port, '127.0.0.1');
    for (const one of [socket, remote]) {
      open.add(one);
      one.on('error', () => {});
    }
    socket.on('data', (bytes) => {
      sent += bytes.toString('latin1');
    });
    socket.pipe(remote).pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    sent: () => sent,
    close: () =>
      new Promise((resolve) => {
        for (const socket of open) socket.destroy();
        server.close(() => resolve());
      }),
  };
}
