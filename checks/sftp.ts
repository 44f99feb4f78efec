import {
  type Bound,
  type Context,
  cleanBytes,
  cleanText,
  defineCheckType,
  formatAge,
  type Observation,
  option,
  TargetFailure,
} from '../src/check-type.ts';
import { entryMetrics, entryOptions, judgeEntries, LOWEST_ENTRY_METRICS } from '../src/net/entries.ts';
import { formatSeconds } from '../src/net/limits.ts';
import { type Look, observeParts } from '../src/net/parts.ts';
import { type SftpSession, startSftp } from '../src/net/sftp.ts';
import { findHostKeyProblem, keyOption, loginOptions, lookAtServer, runSsh, USER_PATTERN } from '../src/net/ssh-client.ts';

const path = (help: string) => option.text(help, { pattern: '^[^\\u0000-\\u001f]+$', maxLength: 500 });
const options = {
  ...loginOptions,
  user: option.text('Log in as this user.', { pattern: USER_PATTERN, maxLength: 64 }),
  key: { ...keyOption, optional: false } as const,
  directories: option.list(
    'Directories that are to be there, each judged by itself.',
    path('A path; `.` is where the login begins.'),
    {
      default: ['.'],
      orOne: true,
      maxItems: 20,
    },
  ),
  ...entryOptions,
  files: option.list('Files that are to be there, no older than `max_age` if that is set.', path('A path.'), {
    optional: true,
    orOne: true,
    maxItems: 50,
  }),
  read: { ...path('A small file that is read: its first 64 KiB.'), optional: true } as const,
  expect: option.text('Text that this file must hold.', { optional: true, maxLength: 500 }),
};
type SftpOptions = Bound<typeof options>;

/** Dates are exact; a clock may be a little ahead. */
const MAX_AHEAD_MS = 10 * 60_000;
const MAX_READ = 64 * 1024;

export default defineCheckType({
  type: 'sftp',
  summary: 'An SFTP login with a key works; directories and files are there, new enough, and a small file can be read.',
  options,
  metrics: { time: { unit: 's', label: 'Time', help: 'Until the SFTP session has begun.' }, ...entryMetrics },
  thresholds: {},
  example: {
    address: '192.0.2.10',
    host_keys: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPLxohv1i/ar/xFH8hLLUfvo0wm2gHfzYZC2BV7kfhRF',
    user: 'upload',
    key: { file: '/etc/vigie/secret/upload-key' },
    directories: ['results'],
    match: '*.json',
    max_age: '1d',
  },
  proxied: true,
  target: ({ address, port, user, directories }) => cleanText(`${user} at ${address} port ${port} ${directories.join(', ')}`, 200),
  validate(bound) {
    const problems: Record<string, string> = {};
    const key = findHostKeyProblem(bound.host_keys);
    if (key !== null) problems['host_keys'] = key;
    if (bound.host_keys === undefined) problems['user'] = 'a login wants host_keys: who answers must be known first';
    if (bound.expect !== undefined && bound.read === undefined) problems['expect'] = 'has no meaning without read';
    if (bound.directories.length === 0 && bound.files === undefined && bound.read === undefined) {
      problems['directories'] = 'nothing to look at: expected a directory, a file or read';
    }
    return problems;
  },
  run: observe,
});

async function observe(bound: SftpOptions, context: Context): Promise<Observation> {
  const began = context.elapsed();
  const target = { address: bound.address, port: bound.port, hostKeys: bound.host_keys };
  const { hostKey } = await lookAtServer(target, context);
  let time = 0;
  let looks: Look[] = [];
  const talk = async (...[input, output]: Parameters<NonNullable<Parameters<typeof runSsh>[1]['talk']>>) => {
    const session = await startSftp(input, output, context);
    time = context.elapsed() - began;
    looks = await lookAround(bound, session, context.now);
  };
  await runSsh({ target, user: bound.user, key: bound.key, hostKey }, { args: ['-s', '--', 'target', 'sftp'], talk }, context);
  const seen = await observeParts(looks, LOWEST_ENTRY_METRICS);
  const output = seen.kind === 'measured' ? `${seen.output}, in ${formatSeconds(time)}` : seen.output;
  return { ...seen, output, metrics: { ...seen.metrics, time } };
}

/** One after the other, as there is one session; what one look finds wrong does not keep the others from being looked at. */
async function lookAround(bound: SftpOptions, session: SftpSession, now: number): Promise<Look[]> {
  const looks: Look[] = [
    ...bound.directories.map((name) => ({
      name,
      look: async () => judgeEntries(await session.list(name), bound, { now, maxAheadMs: MAX_AHEAD_MS }),
    })),
    ...(bound.files ?? []).map((name) => ({ name, look: () => lookAtFile(name, bound, { session, now }) })),
  ];
  const { read } = bound;
  if (read !== undefined) looks.push({ name: read, look: () => readFile(read, bound.expect, session) });
  const done: Look[] = [];
  for (const { name, look } of looks) {
    const outcome = await look().catch((error: unknown) => {
      if (error instanceof TargetFailure && !/^(network|timeout|size\.wire|sftp\.protocol)/.test(error.code)) return error;
      throw error;
    });
    done.push({ name, look: () => (outcome instanceof TargetFailure ? Promise.reject(outcome) : Promise.resolve(outcome)) });
  }
  return done;
}

async function lookAtFile(
  name: string,
  { max_age: maxAge }: SftpOptions,
  { session, now }: { session: SftpSession; now: number },
): Promise<Observation> {
  const { at, isDirectory } = await session.stat(name);
  const shown = cleanText(name, 40);
  if (isDirectory) throw new TargetFailure('listing.kind', `${shown} is a directory, expected a file`);
  const isFuture = at !== null && at > now + MAX_AHEAD_MS;
  if (at === null || isFuture) {
    if (maxAge !== undefined) throw new TargetFailure('listing.no_date', `${shown} has ${isFuture ? 'a date to come' : 'no date'}`);
    return { kind: 'measured', output: `${shown} is there`, metrics: {} };
  }
  const age = Math.max(0, Math.round((now - at) / 1000));
  if (maxAge !== undefined && age > maxAge) {
    throw new TargetFailure('listing.stale', `${shown} is ${formatAge(age)} old, expected at most ${formatAge(maxAge)}`);
  }
  return { kind: 'measured', output: `${shown}, ${formatAge(age)} old`, metrics: { age } };
}

async function readFile(name: string, expected: string | undefined, session: SftpSession): Promise<Observation> {
  const content = await session.read(name, MAX_READ);
  const shown = cleanText(name, 40);
  if (expected === undefined || content.includes(expected)) {
    return { kind: 'measured', output: `${shown} read, ${content.length} bytes`, metrics: {} };
  }
  const seen = JSON.stringify(cleanBytes(content, 30));
  throw new TargetFailure('content.missing', `${shown} holds ${seen}, expected ${JSON.stringify(cleanText(expected, 40))}`);
}
