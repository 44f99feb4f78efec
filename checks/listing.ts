import type { Bound, Context, Observation } from '../src/check-type.ts';
import { cleanText, defineCheckType, option, TargetFailure } from '../src/check-type.ts';
import { entryMetrics, entryOptions, judgeEntries, LOWEST_ENTRY_METRICS } from '../src/net/entries.ts';
import { requestHttp } from '../src/net/http.ts';
import { findHttpProblems, httpOptions, toRequest, withoutLogin } from '../src/net/http-options.ts';
import { type Entry, parseListing } from '../src/net/listing.ts';
import { matchesGlob } from '../src/net/match.ts';
import { observeParts } from '../src/net/parts.ts';

const options = {
  url: option.url('The address of a directory index.', { schemes: ['http', 'https'] }),
  directories: option.list(
    'Directories below it that are to be there, each judged by itself.',
    option.text('A path such as `stable`.'),
    {
      optional: true,
      orOne: true,
      maxItems: 100,
    },
  ),
  levels: option.integer('How many levels of directories lie between and are gone through.', { default: 0, min: 0, max: 2 }),
  folders: option.text('Which directories on those levels are gone through: a pattern.', { default: '*', maxLength: 200 }),
  ...entryOptions,
  max_age: { ...entryOptions.max_age, help: 'The newest entry is no older. The index is read as UTC.' },
  ...httpOptions,
  max_size: option.size('Bytes of one index that are read at most.', { default: '8MiB', min: 1, max: 64 * 1024 * 1024 }),
};
type ListingOptions = Bound<typeof options>;

export default defineCheckType({
  type: 'listing',
  summary: 'A directory index of a web server lists what is expected: directories, so many files, new enough, large enough.',
  options,
  metrics: entryMetrics,
  thresholds: {},
  example: { url: 'https://www.example.org/iso/', directories: ['stable', 'devel'], levels: 1, match: '*.iso', max_age: '2d' },
  proxied: true,
  target: ({ url, directories }) => `${withoutLogin(url)}${directories ? ` ${directories.join(', ')}` : ''}`,
  validate: (bound) => ({
    ...findHttpProblems(bound.url, bound),
    ...(bound.directories?.some((path) => !isInside(path))
      ? { directories: 'a path below the address, without .. and leading /' }
      : {}),
  }),
  run: (bound, context) => {
    const base = bound.url.endsWith('/') ? bound.url : `${bound.url}/`;
    const looks = (bound.directories ?? ['']).map((path) => ({
      name: path === '' ? 'index' : path,
      look: () => observe(bound, toAddress(base, path), context),
    }));
    return observeParts(looks, LOWEST_ENTRY_METRICS);
  },
});

function isInside(path: string): boolean {
  return (
    path !== '' &&
    path.split('/').every((step, i, steps) => (step !== '' || i === steps.length - 1) && step !== '.' && step !== '..')
  );
}

function toAddress(base: string, path: string): string {
  const steps = path.split('/').filter((step) => step !== '');
  return new URL(steps.map((step) => `${encodeURIComponent(step)}/`).join(''), base).href;
}

/** An index may show local time; a date beyond that is none, and must not make what is old look new. */
const MAX_AHEAD_MS = 14 * 3_600_000;

/** Indexes that one check reads at most: a tree is not mirrored. */
const MAX_INDEXES = 60;

async function observe(bound: ListingOptions, address: string, context: Context): Promise<Observation> {
  const entries = await walk(bound, [address], bound.levels, context);
  return judgeEntries(entries, bound, { now: context.now, maxAheadMs: MAX_AHEAD_MS });
}

/** Goes down level by level; the entries of the last one. */
async function walk(bound: ListingOptions, addresses: string[], level: number, context: Context): Promise<Entry[]> {
  const lists: Entry[][] = [];
  for (const address of addresses.slice(0, MAX_INDEXES)) lists.push(await list(bound, address, context));
  const entries = lists.flat();
  if (level === 0) return entries;
  // The newest directories first: where there are too many, old ones are left out.
  const below = entries.filter(({ name, isDirectory }) => isDirectory && matchesGlob(bound.folders, name));
  below.sort((a, b) => (b.at ?? 0) - (a.at ?? 0));
  const next = below.map(({ url }) => url);
  return walk(bound, next, level - 1, context);
}

/** Throws TargetFailure `http.status`, `listing.missing`, `listing.none`. */
async function list(bound: ListingOptions, address: string, context: Context): Promise<Entry[]> {
  const response = await requestHttp({ ...toRequest(bound, context), url: address, maxBody: bound.max_size }, context);
  const path = cleanText(new URL(address).pathname, 60);
  if (response.status === 404) throw new TargetFailure('listing.missing', `${path} is not there (HTTP 404)`);
  if (response.status !== 200) throw new TargetFailure('http.status', `HTTP ${response.status} for ${path}, expected 200`);
  const text = response.body.toString('utf8');
  if (!/<a\s/i.test(text)) throw new TargetFailure('listing.none', `${path} is no directory index: it has no links`);
  const entries = parseListing(text, address);
  context.trace(`${path}: ${entries.length} entries`);
  return entries;
}
