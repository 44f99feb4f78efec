import {
  type Bound,
  type Context,
  cleanText,
  defineCheckType,
  formatAge,
  type Observation,
  option,
  TargetFailure,
} from '../src/check-type.ts';
import { fetchCommit, type GitRemote, listRefs, type Refs, withRemote } from '../src/net/git.ts';
import { withoutLogin } from '../src/net/http-options.ts';
import { formatSeconds } from '../src/net/limits.ts';
import { findHostKeyProblem, hostKeyOption, keyOption, USER_PATTERN } from '../src/net/ssh-client.ts';

const options = {
  url: option.url('The repository: `git://`, `ssh://` or `https://`.', { schemes: ['git', 'ssh', 'https'] }),
  branches: option.list(
    'Branches that are to be there. Default: the one that HEAD stands for.',
    option.text('Such as `stable`.', { pattern: '^[A-Za-z0-9_][A-Za-z0-9._/+@-]*$', maxLength: 200 }),
    { optional: true, orOne: true, minItems: 1, maxItems: 20 },
  ),
  commit: option.text('Object id that the branch is at, or its beginning.', { optional: true, pattern: '^[0-9a-f]{7,64}$' }),
  fetch: option.boolean('Fetch the newest commit of each branch as well, without history and files: the object store works.', {
    default: false,
  }),
  max_age: option.duration('The newest commit of each branch is no older; wants `fetch`.', { optional: true, min: 60 }),
  max_size: option.size('Bytes that the server may send.', { default: '5MiB', min: 1024, max: 64 * 1024 * 1024 }),
  host_keys: hostKeyOption,
  key: keyOption,
  user: option.text('Login: for SSH `git` by default, for HTTPS none.', { optional: true, pattern: USER_PATTERN, maxLength: 64 }),
  password: option.secret('Password of the user, for HTTPS.', { optional: true }),
  tls: option.object(
    'How the certificate is judged, for HTTPS.',
    {
      ca: option.text('The only authority that is trusted: path of a PEM file. Default: those of this machine.', {
        optional: true,
      }),
      verify: option.boolean('Whether chain, dates and name are checked.', { default: true }),
    },
    { optional: true },
  ),
};
type GitOptions = Bound<typeof options>;

export default defineCheckType({
  type: 'git',
  summary: 'A Git repository answers: its branches are there, at the expected commit, moved lately, and can be fetched from.',
  options,
  metrics: {
    time: { unit: 's', label: 'Time', help: 'Until the refs are listed.' },
    age: {
      unit: 's',
      label: 'Newest commit',
      help: 'Age of the newest commit; of the branch where it is oldest. Only with fetch.',
    },
  },
  thresholds: {},
  example: {
    url: 'ssh://git.example.org/testing',
    host_keys: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPLxohv1i/ar/xFH8hLLUfvo0wm2gHfzYZC2BV7kfhRF',
    key: { file: '/etc/vigie/secret/git-key' },
    branches: ['stable', 'devel'],
    fetch: true,
    max_age: '30d',
  },
  proxied: true,
  target: ({ url }) => withoutScheme(url),
  validate: (bound) => findProblems(bound),
  run: observe,
});

/** `origin` is `null` for what is no web address. */
function withoutScheme(address: string): string {
  if (address.startsWith('https:') || !URL.canParse(address)) return withoutLogin(address);
  const { protocol, host, pathname } = new URL(address);
  return cleanText(`${protocol}//${host}${pathname}`, 200);
}

function findProblems(bound: GitOptions): Record<string, string> {
  const problems: Record<string, string> = {};
  const isSsh = bound.url.startsWith('ssh:');
  const isHttps = bound.url.startsWith('https:');
  const key = findHostKeyProblem(bound.host_keys);
  if (key !== null) problems['host_keys'] = key;
  if (isSsh && bound.host_keys === undefined) problems['url'] = 'ssh wants host_keys: who answers must be known first';
  if (isSsh && bound.key === undefined) problems['key'] = 'ssh wants the key of a login';
  for (const name of ['host_keys', 'key'] as const) {
    if (!isSsh && bound[name] !== undefined) problems[name] = 'the address is not ssh';
  }
  for (const name of ['password', 'tls'] as const) {
    if (!isHttps && bound[name] !== undefined) problems[name] = 'the address is not https';
  }
  if (isHttps && (bound.user === undefined) !== (bound.password === undefined)) problems['user'] = 'user and password go together';
  if (bound.url.startsWith('git:') && bound.user !== undefined) problems['user'] = 'git:// knows no login';
  if (bound.max_age !== undefined && !bound.fetch) problems['max_age'] = 'the date of a commit is only known with fetch: true';
  if (!isPath(bound.url)) problems['url'] = 'a path to the repository, without .., quotes, query and fragment';
  return problems;
}

/** What servers hand to a shell must hold nothing that means something there. */
function isPath(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { pathname, search, hash } = new URL(url);
  return /^\/[A-Za-z0-9_~+][A-Za-z0-9_~+./@-]*$/.test(pathname) && search === '' && hash === '' && !url.includes('..');
}

function observe(bound: GitOptions, context: Context): Promise<Observation> {
  const { url, user, password, key, tls } = bound;
  const target = { url, user, password, key, tls, hostKeys: bound.host_keys, maxBytes: bound.max_size };
  const began = context.elapsed();
  return withRemote(target, context, async (remote) => {
    const refs = await listRefs(
      remote,
      (bound.branches ?? []).map((name) => `refs/heads/${name}`),
      context,
    );
    const time = context.elapsed() - began;
    const found = findBranches(bound, refs);
    const age = bound.fetch ? await measureAge(bound, { remote, found }, context) : null;
    const [first] = found;
    const where = `${cleanText(first?.name.replace('refs/heads/', '') ?? '', 30)} at ${first?.id.slice(0, 12)}`;
    const more = found.length > 1 ? ` and ${found.length - 1} more` : '';
    const fetched = age === null ? '' : `, fetched, ${formatAge(age)} old`;
    return {
      kind: 'measured',
      output: `${where}${more}${fetched} in ${formatSeconds(time)}`,
      metrics: { time, ...(age === null ? {} : { age }) },
    };
  });
}

interface Branch {
  name: string;
  id: string;
}

/** Throws TargetFailure `git.branch`, `git.head`, `git.empty`, `git.commit`. */
function findBranches({ branches, commit }: GitOptions, { ids, head }: Refs): Branch[] {
  if (ids.size === 0 && branches === undefined)
    throw new TargetFailure('git.empty', 'the repository has no branch that HEAD stands for');
  const wanted = branches?.map((name) => `refs/heads/${name}`) ?? [head ?? 'HEAD'];
  const found = wanted.map((name) => ({ name, id: ids.get(branches === undefined ? 'HEAD' : name) ?? '' }));
  const missing = found.filter(({ id }) => id === '').map(({ name }) => name.replace('refs/heads/', ''));
  if (missing.length > 0) throw new TargetFailure('git.branch', `branch ${cleanText(missing.join(' '), 60)} is not there`);
  const other = found.find(({ id }) => !id.startsWith(commit ?? ''));
  if (other === undefined) return found;
  const name = cleanText(other.name.replace('refs/heads/', ''), 30);
  throw new TargetFailure('git.commit', `${name} at ${other.id.slice(0, 12)}, expected ${commit?.slice(0, 12)}`);
}

/** Committers' clocks and zones are wrong at times; a date far ahead would hide for ever that nothing moves. */
const MAX_AHEAD_MS = 24 * 3_600_000;

/** Seconds; of the branch that has not moved for longest. Throws TargetFailure `git.stale`, `git.future`. */
async function measureAge(
  bound: GitOptions,
  { remote, found }: { remote: GitRemote; found: Branch[] },
  context: Context,
): Promise<number> {
  let oldest = 0;
  for (const branch of found) {
    const at = await fetchCommit(remote, branch, context);
    const age = Math.max(0, (context.now - at) / 1000);
    oldest = Math.max(oldest, Math.round(age));
    if (bound.max_age === undefined) continue;
    const name = cleanText(branch.name.replace('refs/heads/', ''), 30);
    if (at > context.now + MAX_AHEAD_MS) {
      throw new TargetFailure(
        'git.future',
        `${name} is dated ${formatAge((at - context.now) / 1000)} ahead of now, expected a past date`,
      );
    }
    if (age <= bound.max_age) continue;
    throw new TargetFailure('git.stale', `${name} moved ${formatAge(age)} ago, expected at most ${formatAge(bound.max_age)}`);
  }
  return oldest;
}
