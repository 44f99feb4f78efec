import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type ChildResult, type Context, cleanText, LookFailure, type Secret, TargetFailure } from '../check-type.ts';
import { withoutBrackets } from './address.ts';
import { type Forwarder, openForwarder } from './forwarder.ts';
import { lookAtServer, withSsh } from './ssh-client.ts';
import { type Workspace, withWorkspace } from './workspace.ts';

export interface GitTarget {
  /** `git:`, `ssh:` or `https:`. */
  url: string;
  user: string | undefined;
  password: Secret | undefined;
  key: Secret | undefined;
  hostKeys: readonly string[] | undefined;
  tls: { ca: string | undefined; verify: boolean } | undefined;
  /** Bytes that the server may send in all. */
  maxBytes: number;
}

/** How git reaches a repository: by a forwarder of ours, which knows the proxy. */
export interface GitRemote {
  url: string;
  env: Record<string, string>;
  forwarder: Forwarder;
  workspace: Workspace;
}

export interface Refs {
  /** Object ids by full name such as `refs/heads/main`. */
  ids: Map<string, string>;
  /** What HEAD stands for, or null. */
  head: string | null;
}

const DEFAULT_PORTS: Record<string, number> = { 'git:': 9418, 'ssh:': 22, 'https:': 443 };

/** Opens the way to a repository for as long as `use` takes. Throws TargetFailure `hostkey.changed` and what the dialer throws. */
export async function withRemote<T>(target: GitTarget, context: Context, use: (remote: GitRemote) => Promise<T>): Promise<T> {
  const { protocol, hostname, port: written, pathname } = new URL(target.url);
  const port = Number(written) || (DEFAULT_PORTS[protocol] ?? 0);
  const host = withoutBrackets(hostname);
  const path = decodeURIComponent(pathname);
  if (protocol === 'ssh:') return withSshRemote(target, { host, port, path }, context, use);
  return withWorkspace(async (workspace) => {
    const isConnect = protocol === 'https:';
    const forwarder = await openForwarder({ host, port }, context, { maxBytes: target.maxBytes, isConnect });
    try {
      if (isConnect) {
        const settings = toHttpSettings(target, forwarder.port, context);
        return await use({ url: target.url, env: toEnvironment(workspace, settings), forwarder, workspace });
      }
      // The daemon may choose a repository by the name that it was called by.
      const env = { ...toEnvironment(workspace, {}), GIT_OVERRIDE_VIRTUAL_HOST: `${host}:${port}` };
      return await use({ url: `git://127.0.0.1:${forwarder.port}${path}`, env, forwarder, workspace });
    } finally {
      forwarder.close();
    }
  });
}

async function withSshRemote<T>(
  { user = 'git', key, hostKeys, maxBytes }: GitTarget,
  { host, port, path }: { host: string; port: number; path: string },
  context: Context,
  use: (remote: GitRemote) => Promise<T>,
): Promise<T> {
  const target = { address: host, port, hostKeys };
  const { hostKey } = await lookAtServer(target, context);
  const login = { target, user, key, hostKey };
  return withSsh(
    login,
    context,
    ({ config, workspace, forwarder }) => {
      // git splits this as a shell does; the path of a workspace has no character that means anything there.
      const env = { ...toEnvironment(workspace, {}), GIT_SSH_COMMAND: `ssh -F ${config}`, GIT_SSH_VARIANT: 'ssh' };
      return use({ url: `ssh://target${path}`, env, forwarder, workspace });
    },
    maxBytes,
  );
}

function toHttpSettings({ user, password, tls }: GitTarget, port: number, context: Context): Record<string, string> {
  const login = password === undefined ? null : Buffer.from(`${user ?? ''}:${context.secret(password)}`).toString('base64');
  return {
    'http.proxy': `http://127.0.0.1:${port}`,
    'http.followRedirects': 'false',
    'http.sslVerify': String(tls?.verify ?? true),
    ...(tls?.ca === undefined ? {} : { 'http.sslCAInfo': tls.ca }),
    ...(login === null ? {} : { 'http.extraHeader': `Authorization: Basic ${login}` }),
  };
}

/** No configuration but ours, no prompt, no other transport; secrets stand in the environment, never among the arguments. */
function toEnvironment(workspace: Workspace, settings: Record<string, string>): Record<string, string> {
  const all = {
    'protocol.version': '2',
    'core.hooksPath': '/dev/null',
    'credential.helper': '',
    'gc.auto': '0',
    'maintenance.auto': 'false',
    'transfer.bundleURI': 'false',
    'transfer.fsckObjects': 'true',
    ...settings,
  };
  const pairs = Object.entries(all).flatMap(([name, value], i) => [
    [`GIT_CONFIG_KEY_${i}`, name],
    [`GIT_CONFIG_VALUE_${i}`, value],
  ]);
  return {
    HOME: workspace.path,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_COUNT: String(Object.keys(all).length),
    ...Object.fromEntries(pairs),
    GIT_ALLOW_PROTOCOL: 'git:ssh:https',
    GIT_TERMINAL_PROMPT: '0',
    GIT_ASKPASS: '',
    GIT_NO_LAZY_FETCH: '1',
    GIT_CEILING_DIRECTORIES: '/',
  };
}

const MAX_LIST = 1024 * 1024;

/** Asks for these refs and HEAD. Throws TargetFailure `git.*`, `auth.refused`, `tls.*`, `size.*`, `child.signal`. */
export async function listRefs(remote: GitRemote, names: string[], context: Context): Promise<Refs> {
  const child = await runGit(remote, ['ls-remote', '--symref', '--', remote.url, 'HEAD', ...names], context);
  const refs = parseRefs(child.stdout);
  context.trace(`${refs.ids.size} refs${refs.head === null ? '' : `, HEAD is ${cleanText(refs.head, 60)}`}`);
  return refs;
}

/** `ref: refs/heads/main<tab>HEAD` and `<object id><tab><name>`; what git itself would not write is no ref. */
export function parseRefs(text: string): Refs {
  const refs: Refs = { ids: new Map(), head: null };
  for (const line of text.split('\n')) {
    const [, id, name] = /^([0-9a-f]{40}|[0-9a-f]{64})\t(\S{1,1000})$/.exec(line) ?? [];
    if (id !== undefined && name !== undefined) refs.ids.set(name, id);
    else if (line.startsWith('ref: ') && line.endsWith('\tHEAD')) refs.head ??= line.slice(5, -5);
  }
  return refs;
}

/**
 * Fetches one commit, without its history and its files, into a folder that is thrown away: the server's object store works, and
 * git has verified that these bytes are that object. Returns when it was committed, milliseconds since 1970.
 */
export async function fetchCommit(remote: GitRemote, ref: { name: string; id: string }, context: Context): Promise<number> {
  const folder = join(remote.workspace.path, `fetch-${ref.id.slice(0, 12)}`);
  mkdirSync(folder, { recursive: true });
  const format = ref.id.length === 64 ? 'sha256' : 'sha1';
  await runGit(remote, ['init', '--quiet', '--bare', '--template=', `--object-format=${format}`, folder], context);
  const limits = ['--depth=1', '--filter=tree:0', '--no-tags', '--no-recurse-submodules', '--no-write-fetch-head', '--quiet'];
  await runGit(remote, ['-C', folder, 'fetch', ...limits, '--', remote.url, `+${ref.name}:refs/vigie/one`], context);
  const { stdout } = await runGit(remote, ['-C', folder, 'cat-file', 'commit', 'refs/vigie/one'], context);
  const at = Number(/^committer .*> (\d{1,12}) [+-]\d{4}$/m.exec(stdout)?.[1] ?? Number.NaN);
  if (Number.isNaN(at)) throw new TargetFailure('git.object', `${cleanText(ref.name, 40)} is no commit with a date`);
  context.trace(`fetched ${cleanText(ref.name, 60)} of ${new Date(at * 1000).toISOString()}`);
  return at * 1000;
}

async function runGit({ env, forwarder, workspace }: GitRemote, args: string[], context: Context): Promise<ChildResult> {
  const child = await context.spawn({ file: 'git', args, env, cwd: workspace.path, maxOutput: MAX_LIST });
  try {
    judgeGit(child);
  } catch (error) {
    // What broke the connection comes before what git makes of the broken connection.
    forwarder.insist();
    throw error;
  }
  return child;
}

const SAYINGS: [pattern: RegExp, code: string][] = [
  [/Host key verification failed/, 'hostkey.changed'],
  [
    /Permission denied \(|terminal prompts disabled|could not read (Username|Password)|Authentication failed|error: 40[13]\b/,
    'auth.refused',
  ],
  [/(certificate|SSL|gnutls|TLS).*(verif|fail|expired|problem|error|not match)/i, 'tls.untrusted'],
  [
    /not found|not exported|does not appear to be a git repository|DENIED by fallthru|Could not read from remote/i,
    'git.repository',
  ],
  [/couldn't find remote ref/, 'git.branch'],
  [/error: 30[1-8]|unable to update url base from redirection|redirect/i, 'redirect.refused'],
  [/out of memory|unable to create thread|Cannot allocate/i, 'memory.child'],
  [/hung up|early EOF|unexpected disconnect|Connection (reset|closed)|Empty reply/i, 'network.closed'],
];

/** Throws what a run of git that went wrong means; its words passed a peer's mouth (sideband) and are cleaned. */
export function judgeGit({ exitCode, signal, stderr, truncated }: ChildResult): void {
  if (signal !== null) throw new TargetFailure('child.signal', `the answer ended git by ${signal}`);
  if (truncated) throw new TargetFailure('size.output', `refs of more than ${MAX_LIST} bytes`);
  if (exitCode === 0) return;
  if (/^Load key ".*": /m.test(stderr))
    throw new LookFailure('ssh.key', 'the private key cannot be used: it is no key, or has a passphrase');
  if (/^fatal: (cannot|unable to) (run|create|mkdir|write)|No space left/m.test(stderr)) {
    throw new LookFailure('git.local', cleanText(stderr, 80));
  }
  const code = SAYINGS.find(([pattern]) => pattern.test(stderr))?.[1] ?? 'git.protocol';
  const lines = stderr
    .split('\n')
    .map((line) => cleanText(line, 80))
    .filter((line) => line !== '');
  const said = lines.find((line) => /^(fatal|FATAL|remote error|ERROR)/.test(line)) ?? lines[0] ?? `exit code ${exitCode}`;
  throw new TargetFailure(code, said.replace(/^fatal: /, ''));
}
