import {
  type Bound,
  type Context,
  cleanText,
  defineCheckType,
  type Observation,
  option,
  TargetFailure,
} from '../src/check-type.ts';
import { formatSeconds } from '../src/net/limits.ts';
import { observeFamilies } from '../src/net/parts.ts';
import {
  findHostKeyProblem,
  keyOption,
  loginOptions,
  lookAtServer,
  runSsh,
  type SshTarget,
  USER_PATTERN,
} from '../src/net/ssh-client.ts';
import type { SshServer } from '../src/net/ssh-handshake.ts';

const options = {
  ...loginOptions,
  key_types: option.list(
    'Types of host keys that the server may offer. Default: those that it offered at the first look.',
    option.text('Such as `ssh-ed25519`, `ecdsa-sha2-nistp256`, `ssh-rsa`.', { maxLength: 60 }),
    { optional: true, orOne: true, minItems: 1, maxItems: 20 },
  ),
  banner: option.text('Text that the banner must hold, such as `OpenSSH`.', { optional: true, maxLength: 200 }),
  user: option.text('Log in as this user.', { optional: true, pattern: USER_PATTERN, maxLength: 64 }),
  key: keyOption,
  command: option.text('What is asked for; a forced command gets it as SSH_ORIGINAL_COMMAND. Default: nothing.', {
    optional: true,
    pattern: '^[^-\\u0000-\\u001f][^\\u0000-\\u001f]*$',
    maxLength: 500,
  }),
  expect: option.text('Text that the output of the login must hold.', { optional: true, maxLength: 500 }),
  exit_code: option.integer('The exit code of the login.', { default: 0, min: 0, max: 254 }),
  refused: option.boolean('The login must be refused: with this key, or with none.', { default: false }),
  family: option.choice('Address family. Default: whichever answers first.', [4, 6], { optional: true }),
};
type SshOptions = Bound<typeof options>;

export default defineCheckType({
  type: 'ssh',
  summary: 'An SSH server proves the host key that is expected, and a login ends as expected: in a command, or refused.',
  options,
  metrics: {
    time: { unit: 's', label: 'Time', help: 'Until the host key is proven.' },
    login_time: { unit: 's', label: 'Login', help: 'Login and command.' },
    new_key_types: { unit: '', label: 'New key types', help: 'Types of host keys that are offered and not expected.' },
  },
  thresholds: { new_key_types: { warning: 0 } },
  example: {
    address: '192.0.2.10',
    host_keys: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPLxohv1i/ar/xFH8hLLUfvo0wm2gHfzYZC2BV7kfhRF',
  },
  proxied: true,
  target: ({ address, port, user }) => `${user === undefined ? '' : `${user} at `}${address} port ${port}`,
  validate: (bound) => findProblems(bound),
  run: (bound, context) => observeFamilies(bound.family, context, (family) => observe(bound, context, family)),
});

function findProblems(bound: SshOptions): Record<string, string> {
  const problems: Record<string, string> = {};
  const key = findHostKeyProblem(bound.host_keys);
  if (key !== null) problems['host_keys'] = key;
  if (bound.user === undefined) {
    for (const name of ['key', 'command', 'expect'] as const) {
      if (bound[name] !== undefined) problems[name] = 'has no meaning without user';
    }
    if (bound.refused) problems['refused'] = 'has no meaning without user';
    return problems;
  }
  if (bound.host_keys === undefined) problems['user'] = 'a login wants host_keys: who answers must be known first';
  if (bound.refused && (bound.expect !== undefined || bound.command !== undefined)) {
    problems['refused'] = 'excludes command and expect: nothing runs after a refusal';
  }
  if (!bound.refused && bound.key === undefined) problems['user'] = 'a login wants a key, or refused: true';
  return problems;
}

async function observe(bound: SshOptions, context: Context, family: 4 | 6 | undefined): Promise<Observation> {
  const began = context.elapsed();
  const target = { address: bound.address, port: bound.port, hostKeys: bound.host_keys, family };
  const server = await lookAtServer(target, context);
  const time = context.elapsed() - began;
  if (bound.banner !== undefined && !server.banner.includes(bound.banner)) {
    throw new TargetFailure('content.missing', `banner ${quote(server.banner)}, expected ${quote(bound.banner)}`);
  }
  const { expected, fresh } = findNewTypes(bound, server, context.memory);
  const said = bound.user === undefined ? null : await logIn(bound, bound.user, { target, server }, context);
  const metrics = { time, new_key_types: fresh.length, ...(said === null ? {} : { login_time: context.elapsed() - began - time }) };
  return { kind: 'measured', output: describe(server, said, fresh, time), metrics, memory: { keyTypes: expected } };
}

/** What it offered first stays what is expected, until somebody writes `key_types`: an attacker's second key must not become usual. */
function findNewTypes(bound: SshOptions, server: SshServer, memory: unknown): { expected: string[]; fresh: string[] } {
  const remembered = (memory as { keyTypes?: unknown } | undefined)?.keyTypes;
  const isList = Array.isArray(remembered) && remembered.every((type) => typeof type === 'string');
  const expected: string[] = bound.key_types ?? (isList ? remembered : server.keyTypes.slice(0, 20));
  return { expected, fresh: server.keyTypes.filter((type) => !expected.includes(type)) };
}

/** What the login said, in words. Throws TargetFailure `auth.*`, `content.missing`, `ssh.exit`. */
async function logIn(
  bound: SshOptions,
  user: string,
  { target, server }: { target: SshTarget; server: SshServer },
  context: Context,
): Promise<string> {
  const words = ['--', 'target', ...(bound.command === undefined ? [] : [bound.command])];
  const login = { target, user, key: bound.key, hostKey: server.hostKey };
  let child: Awaited<ReturnType<typeof runSsh>>;
  try {
    child = await runSsh(login, { args: words, maxOutput: 16_384 }, context);
  } catch (error) {
    if (bound.refused && error instanceof TargetFailure && error.code === 'auth.refused') return `${user} is refused`;
    throw error;
  }
  const output = cleanText(child.stdout || child.stderr, 60);
  context.trace(`login of ${user}: exit code ${child.exitCode}, ${cleanText(child.stdout, 160)} ${cleanText(child.stderr, 160)}`);
  if (bound.refused) throw new TargetFailure('auth.accepted', `login of ${user} is accepted, expected a refusal`);
  if (child.exitCode !== bound.exit_code) {
    throw new TargetFailure('ssh.exit', `login ends with ${child.exitCode}, expected ${bound.exit_code}: ${output}`);
  }
  if (bound.expect !== undefined && !`${child.stdout}${child.stderr}`.includes(bound.expect)) {
    throw new TargetFailure('content.missing', `login says ${quote(output)}, expected ${quote(bound.expect)}`);
  }
  return output === '' ? 'login works' : `login says ${quote(output)}`;
}

function describe(server: SshServer, said: string | null, fresh: string[], time: number): string {
  if (fresh.length > 0) return `offers a new key type ${fresh.join(' ')}, expected none (accept it in key_types)`;
  const strict = server.isStrict ? '' : ', without strict key exchange (Terrapin)';
  const software = server.banner.replace(/^SSH-[\d.]+-/, '');
  return `${said === null ? '' : `${said}, `}${cleanText(software, 40)}${strict} in ${formatSeconds(time)}`;
}

function quote(text: string): string {
  return JSON.stringify(cleanText(text, 60));
}
