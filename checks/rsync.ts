import { type Bound, type Context, cleanText, defineCheckType, type Observation, option } from '../src/check-type.ts';
import { entryMetrics, entryOptions, judgeEntries, LOWEST_ENTRY_METRICS } from '../src/net/entries.ts';
import { observeParts } from '../src/net/parts.ts';
import { listDirectory, listModules } from '../src/net/rsync.ts';
import { USER_PATTERN } from '../src/net/ssh-client.ts';

const options = {
  address: option.text('Name or address to connect to.', { default: '${host.address}', maxLength: 255 }),
  port: option.integer('The port to connect to.', { default: 873, min: 1, max: 65_535 }),
  modules: option.list('Modules that the daemon lists.', option.text('A name.', { maxLength: 100 }), {
    optional: true,
    orOne: true,
    minItems: 1,
    maxItems: 100,
  }),
  directories: option.list(
    'Directories that are to be there, each judged by itself.',
    option.text('Module and path, such as `pub/iso/stable`.', { maxLength: 500 }),
    { optional: true, orOne: true, minItems: 1, maxItems: 20 },
  ),
  ...entryOptions,
  user: option.text('Log in to the modules as this user.', { optional: true, pattern: USER_PATTERN, maxLength: 64 }),
  password: option.secret('Its password.', { optional: true }),
};
type RsyncOptions = Bound<typeof options>;

/** Dates of rsync are exact; a clock may be a little ahead. */
const MAX_AHEAD_MS = 10 * 60_000;

export default defineCheckType({
  type: 'rsync',
  summary:
    'An rsync daemon lists the expected modules and directories, with entries that are new and many enough; nothing is copied.',
  options,
  metrics: {
    modules: {
      unit: '',
      label: 'Modules',
      help: 'Modules that the daemon lists; only measured without directories, or with modules.',
    },
    ...entryMetrics,
  },
  thresholds: {},
  example: { address: '192.0.2.10', modules: ['pub'], directories: ['pub/iso/stable'], max_age: '30d' },
  proxied: true,
  target: ({ address, port, directories }) => cleanText(`${address} port ${port} ${directories?.join(', ') ?? ''}`.trim(), 200),
  validate(bound) {
    const problems: Record<string, string> = {};
    if (bound.directories?.some((path) => !isPath(path)))
      problems['directories'] = 'module/path, without .., wildcards and leading /';
    if ((bound.user === undefined) !== (bound.password === undefined)) problems['user'] = 'user and password go together';
    if (bound.user !== undefined && bound.directories === undefined) problems['user'] = 'has no meaning without directories';
    return problems;
  },
  run(bound, context) {
    const login =
      bound.user === undefined || bound.password === undefined
        ? null
        : { user: bound.user, password: context.secret(bound.password) };
    const { address, port } = bound;
    const looks = (bound.directories ?? []).map((path) => ({
      name: path,
      look: async () => {
        const entries = await listDirectory({ address, port, login }, path, context);
        return judgeEntries(entries, bound, { now: context.now, maxAheadMs: MAX_AHEAD_MS });
      },
    }));
    const asksModules = bound.modules !== undefined || looks.length === 0;
    const first = asksModules ? [{ name: 'modules', look: () => lookAtModules(bound, context) }] : [];
    return observeParts([...first, ...looks], LOWEST_ENTRY_METRICS);
  },
});

/** A pattern would be expanded by the daemon, and a colon or a double slash would name another place. */
function isPath(path: string): boolean {
  return /^[^-/\s][^*?[\]\\\u0000-\u001f]*$/.test(path) && path.split('/').every((step) => step !== '..' && step !== '.');
}

async function lookAtModules({ address, port, modules }: RsyncOptions, context: Context): Promise<Observation> {
  const found = await listModules(await context.dial({ host: address, port }), context);
  const metrics = { modules: found.length };
  const missing = (modules ?? []).filter((name) => !found.includes(name));
  const seen = cleanText(found.join(' '), 40) || 'none';
  if (missing.length === 0) return { kind: 'measured', output: `${found.length} modules: ${seen}`, metrics };
  return { kind: 'failed', code: 'rsync.module', output: `modules ${seen}, expected ${cleanText(missing.join(' '), 40)}`, metrics };
}
