import type { ChildCommand } from '../check-type.ts';
import { type Bound, type ChildResult, type Context, cleanText, LookFailure, option, TargetFailure } from '../check-type.ts';
import { type Forwarder, openForwarder } from './forwarder.ts';
import { type SshServer, shakeHands } from './ssh-handshake.ts';
import { HOST_KEY_ALGORITHMS, type HostKey, type PinnedKey, parsePinnedKey, toKeyType } from './ssh-key.ts';
import { type Workspace, withWorkspace } from './workspace.ts';

export const hostKeyOption = option.list(
  'The only host keys that are accepted, each as a line of ssh-keyscan or of a `.pub` file.',
  option.text('Such as `ssh-ed25519 AAAA...`.', { maxLength: 4096 }),
  { orOne: true, minItems: 1, maxItems: 20, optional: true },
);
/** No option of a program, no second word, no token that ssh replaces. */
export const USER_PATTERN = '^[A-Za-z0-9_][A-Za-z0-9._@-]*$';
/** A private key as a file or variable; ssh says what is wrong with it. */
export const keyOption = option.secret('The private key of the login, without passphrase, as ssh-keygen writes it.', {
  optional: true,
});

/** What is wrong with a list of host keys, or null. */
export function findHostKeyProblem(lines: readonly string[] | undefined): string | null {
  const bad = lines?.find((line) => parsePinnedKey(line) === null);
  return bad === undefined ? null : `expected a line such as "ssh-ed25519 AAAA...", found ${JSON.stringify(cleanText(bad, 60))}`;
}

export interface SshTarget {
  address: string;
  port: number;
  hostKeys: readonly string[] | undefined;
  family?: 4 | 6 | undefined;
}

/** Connects, sees the host key proven, compares. Throws TargetFailure `hostkey.changed`, with both fingerprints, `ssh.*` or the dialer's. */
export async function lookAtServer({ address, port, hostKeys, family }: SshTarget, context: Context): Promise<SshServer> {
  const pinned = (hostKeys ?? []).flatMap((line) => parsePinnedKey(line) ?? []);
  const socket = await context.dial({ host: address, port, ...(family ? { family } : {}) });
  try {
    const server = await shakeHands(
      socket,
      context.signal,
      pinned.map(({ type }) => type),
    );
    context.trace(`${server.banner}, ${server.hostKey.type} ${server.hostKey.fingerprint}, offers ${server.keyTypes.join(' ')}`);
    if (hostKeys !== undefined) compare(server.hostKey, pinned);
    return server;
  } finally {
    socket.destroySoon();
  }
}

function compare(found: HostKey, pinned: PinnedKey[]): void {
  if (pinned.some(({ fingerprint }) => fingerprint === found.fingerprint)) return;
  const expected = pinned.find(({ type }) => type === found.type) ?? pinned[0];
  const kind = expected?.type === found.type ? '' : ` (${expected?.type})`;
  throw new TargetFailure(
    'hostkey.changed',
    `host key changed: ${found.type} ${found.fingerprint}, expected ${expected?.fingerprint}${kind}`,
  );
}

export const loginOptions = {
  address: option.text('Name or address to connect to.', { default: '${host.address}', maxLength: 255 }),
  port: option.integer('The port to connect to.', { default: 22, min: 1, max: 65_535 }),
  host_keys: hostKeyOption,
};

export interface SshLogin {
  target: SshTarget;
  user: string;
  key: Bound<{ key: typeof keyOption }>['key'];
  /** What the server has shown and what is now the only key that ssh accepts. */
  hostKey: HostKey;
}

/** What ssh is called by: the rest of its settings stand in the file. */
export interface SshSetup {
  /** Arguments before the command. */
  args: string[];
  config: string;
  workspace: Workspace;
  forwarder: Forwarder;
}

const ALIAS = 'target';
const MAX_BYTES = 8 * 1024 * 1024;

/** Everything that OpenSSH's client needs for this login, in a folder that is gone afterwards. */
export function withSsh<T>(
  login: SshLogin,
  context: Context,
  use: (setup: SshSetup) => Promise<T>,
  maxBytes = MAX_BYTES,
): Promise<T> {
  return withWorkspace(async (workspace) => {
    const { address: host, port, family } = login.target;
    const forwarder = await openForwarder({ host, port, ...(family ? { family } : {}) }, context, { maxBytes });
    try {
      const config = workspace.write('config', writeConfig(login, { workspace, port: forwarder.port }, context));
      return await use({ args: ['-F', config, '-T'], config, workspace, forwarder });
    } finally {
      forwarder.close();
    }
  });
}

function writeConfig(
  { user, key, hostKey }: SshLogin,
  { workspace, port }: { workspace: Workspace; port: number },
  context: Context,
): string {
  const hosts = workspace.write('known_hosts', `${ALIAS} ${hostKey.type} ${hostKey.blob.toString('base64')}\n`);
  const identity = key === undefined ? 'none' : workspace.write('key', `${context.secret(key).trimEnd()}\n`);
  return `Host ${ALIAS}
HostName 127.0.0.1
Port ${port}
User ${user}
HostKeyAlias ${ALIAS}
HostKeyAlgorithms ${HOST_KEY_ALGORITHMS.filter((name) => toKeyType(name) === hostKey.type).join(',')}
UserKnownHostsFile ${hosts}
GlobalKnownHostsFile /dev/null
StrictHostKeyChecking yes
UpdateHostKeys no
VerifyHostKeyDNS no
CheckHostIP no
IdentityFile ${identity}
IdentitiesOnly yes
IdentityAgent none
PreferredAuthentications publickey
PasswordAuthentication no
KbdInteractiveAuthentication no
GSSAPIAuthentication no
HostbasedAuthentication no
BatchMode yes
ClearAllForwardings yes
ForwardAgent no
ForwardX11 no
PermitLocalCommand no
CanonicalizeHostname no
ControlMaster no
ControlPath none
ConnectionAttempts 1
LogLevel ERROR
`;
}

/** Runs ssh with this command (none: what the login is made for) and returns how it ended. Throws what `judgeSsh` throws. */
export async function runSsh(
  login: SshLogin,
  command: Pick<ChildCommand, 'args' | 'maxOutput' | 'talk'>,
  context: Context,
): Promise<ChildResult> {
  return withSsh(login, context, async ({ args, forwarder }) => {
    const { args: words, ...rest } = command;
    let broken: unknown;
    // A conversation that broke off is often only the consequence of what ssh has to say.
    const talk = rest.talk;
    const keep = async (...streams: Parameters<NonNullable<typeof talk>>) => {
      try {
        await talk?.(...streams);
      } catch (error) {
        broken = error;
        if (!(error instanceof TargetFailure) || !error.code.startsWith('network.')) throw error;
      }
    };
    const result = await context.spawn({ file: 'ssh', args: [...args, ...words], ...rest, ...(talk ? { talk: keep } : {}) });
    forwarder.insist();
    judgeSsh(result);
    if (broken !== undefined) throw broken;
    return result;
  });
}

const SAYINGS: [pattern: RegExp, code: string][] = [
  [/Permission denied \(/, 'auth.refused'],
  [/Too many authentication failures/, 'auth.refused'],
  [/Host key verification failed|host key .*changed/i, 'hostkey.changed'],
  [/(Connection (closed|reset)|kex_exchange_identification|Broken pipe)/i, 'network.closed'],
  [/subsystem request failed/i, 'ssh.subsystem'],
];

/** Throws TargetFailure `auth.refused`, `network.closed` ... for what ssh itself says: its exit code is then 255; LookFailure `ssh.key`. */
export function judgeSsh({ exitCode, signal, stderr }: ChildResult): void {
  if (signal !== null) throw new TargetFailure('child.signal', `ssh ended by ${signal}`);
  if (exitCode !== 255) return;
  const text = cleanText(stderr.trim().split('\n').at(-1) ?? '', 90);
  if (/^Load key ".*": /m.test(stderr)) {
    throw new LookFailure('ssh.key', 'the private key cannot be used: it is no key, or has a passphrase');
  }
  if (text === '') return;
  for (const [pattern, code] of SAYINGS) if (pattern.test(stderr)) throw new TargetFailure(code, text);
  if (/(Bad configuration|Bad owner|No user exists|command-line)/.test(stderr)) throw new LookFailure('ssh.local', text);
}
