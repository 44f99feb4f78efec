import { createHash } from 'node:crypto';
import type { Bound, Context, Metrics, Observation } from '../src/check-type.ts';
import { cleanText, defineCheckType, formatAge, option, TargetFailure } from '../src/check-type.ts';
import { isInside, parseRelease, type Release } from '../src/net/apt-release.ts';
import { checkIndexes, checkPackage, chooseFiles, type Fetch, fetchRelease } from '../src/net/apt-suite.ts';
import { parseDate } from '../src/net/date.ts';
import type { Verified } from '../src/net/gpgv.ts';
import { requestHttp } from '../src/net/http.ts';
import { findHttpProblems, httpOptions, toRequest, withoutLogin } from '../src/net/http-options.ts';

const options = {
  url: option.url('The address of the repository, the folder that holds `dists`.', { schemes: ['http', 'https'] }),
  suite: option.text('The suite as sources.list names it, such as `stable` or `trixie-security`.', { maxLength: 200 }),
  keyring: option.text('Path of a file with the keys that may sign: armoured or binary, as `signed-by` of sources.list has it.'),
  fingerprints: option.list(
    'Only these keys of the file may sign: whole fingerprints of primary keys, hexadecimal.',
    option.text('A fingerprint.', { pattern: '^[0-9A-Fa-f ]{40,90}$' }),
    { optional: true, orOne: true, minItems: 1 },
  ),
  codename: option.text('The Codename that the suite is to have, such as `trixie`.', { optional: true, maxLength: 200 }),
  components: option.list('Components whose indexes are checked; default: all.', option.text('A component such as `main`.'), {
    optional: true,
    orOne: true,
    minItems: 1,
  }),
  architectures: option.list(
    'Architectures whose indexes are checked, `source` too; default: all that the suite names.',
    option.text('An architecture such as `amd64`.'),
    { optional: true, orOne: true, minItems: 1 },
  ),
  max_age: option.duration('The Date of the suite is no older.', { optional: true, min: 60 }),
  immutable: option.boolean('The suite is frozen: all but its Date and Valid-Until stays as first seen.', { default: false }),
  package: option.text('A package that is fetched and compared: the first that the indexes list.', {
    optional: true,
    pattern: '^[a-z0-9][a-z0-9+.-]*$',
  }),
  redirects: option.choice('Which redirects are followed, at most 5.', ['none', 'same-host', 'any'], { default: 'none' }),
  ...httpOptions,
  max_size: option.size('Bytes of one index or package that are read at most.', {
    default: '32MiB',
    min: 1,
    max: 256 * 1024 * 1024,
  }),
};
type AptOptions = Bound<typeof options>;

/** What a frozen suite was when it was first seen. */
interface Memory {
  /** Another address is another suite. */
  of: string;
  sha256: string;
}

export default defineCheckType({
  type: 'apt-suite',
  summary: 'A suite of an APT repository is signed by a pinned key, fresh and whole: all that it lists is there and right.',
  options,
  metrics: {
    age: { unit: 's', label: 'Age', help: 'Since the Date of the suite.' },
    valid_days: { unit: 'd', label: 'Valid', help: 'Days until Valid-Until, where the suite has one: apt refuses it afterwards.' },
    indexes: { unit: '', label: 'Indexes', help: 'Indexes that were there with the size and hash that are listed.' },
  },
  thresholds: { valid_days: { warning: '1:' } },
  example: {
    url: 'https://deb.example.org/debian',
    suite: 'stable',
    keyring: '/etc/vigie/keys/deb.example.org.asc',
    components: 'main',
    architectures: ['amd64', 'source'],
    max_age: '2d',
  },
  proxied: true,
  target: ({ url, suite }) => `${withoutLogin(url)} ${cleanText(suite, 60)}`,
  validate: (bound) => ({
    ...findHttpProblems(bound.url, bound),
    ...(bound.url.includes('?') || bound.url.includes('#') ? { url: 'a folder has neither query nor fragment' } : {}),
    ...(isInside(bound.suite) ? {} : { suite: 'a name such as stable or stable/updates, without .. and slashes around it' }),
  }),
  run: observe,
});

/** Throws TargetFailure, LookFailure. */
async function observe(bound: AptOptions, context: Context): Promise<Observation> {
  const fetchSuite = fetchBelow(`dists/${bound.suite}/`, bound, context);
  const fetchVerified = () => fetchRelease(fetchSuite, bound.keyring, context);
  let verified = await fetchVerified();
  for (let time = 1; ; time += 1) {
    const release = readVerified(verified, bound, context);
    const metrics = toMetrics(release, context.now);
    try {
      return await judge(bound, { release, metrics, fetchSuite, frozen: digestFrozen(verified.content) }, context);
    } catch (error) {
      if (!(error instanceof TargetFailure)) throw error;
      const failed: Observation = { kind: 'failed', code: error.code, output: error.message, metrics };
      if (time === 2 || context.signal.aborted || !error.code.startsWith('apt.')) return failed;
      // While an archive is published, old and new files stand beside each other for a moment: then all of it is looked at anew.
      const renewed = await fetchVerified();
      if (renewed.content.equals(verified.content)) return failed;
      context.trace('the suite was published anew meanwhile: once more');
      verified = renewed;
    }
  }
}

/** Throws TargetFailure `signature.foreign`, `apt.syntax`, `apt.weak`. */
function readVerified({ content, fingerprints }: Verified, bound: AptOptions, context: Context): Release {
  const pinned = bound.fingerprints?.map((one) => one.replaceAll(' ', '').toUpperCase());
  if (pinned && !fingerprints.some((one) => pinned.includes(one))) {
    throw new TargetFailure('signature.foreign', `signed by ${fingerprints.join(', ')}, which is not pinned`);
  }
  context.trace(`good signature by ${fingerprints.join(', ')}`);
  return parseRelease(content.toString('utf8'));
}

interface Seen {
  release: Release;
  metrics: Metrics;
  fetchSuite: Fetch;
  /** SHA-256 of what must not change in a frozen suite. */
  frozen: string;
}

async function judge(bound: AptOptions, { release, metrics, fetchSuite, frozen }: Seen, context: Context): Promise<Observation> {
  insistOnNames(bound, release);
  insistOnTimes(bound, release, metrics);
  const memory: Memory = { of: toAddress(bound), sha256: frozen };
  const before = context.memory as Memory | undefined;
  if (bound.immutable && before?.of === memory.of && before.sha256 !== frozen) {
    const words = `sha256 ${frozen.slice(0, 8)}…, first seen as ${before.sha256.slice(0, 8)}…`;
    throw new TargetFailure('apt.changed', `the frozen suite has changed: ${words}`);
  }
  const check = { fetch: fetchSuite, release, maxSize: bound.max_size, trace: context.trace };
  const chosen = chooseFiles(release, bound);
  metrics['indexes'] = await checkIndexes(chosen, check);
  if (bound.package !== undefined) {
    await checkPackage(bound.package, chosen, { ...check, fetchPool: fetchBelow('', bound, context), context });
  }
  return { kind: 'measured', output: describe(bound, release, metrics), metrics, ...(bound.immutable ? { memory } : {}) };
}

/** As apt does it: a suite is asked for by its Suite or its Codename. Throws TargetFailure `apt.suite`, `apt.codename`. */
function insistOnNames({ suite, codename }: AptOptions, { fields }: Release): void {
  const [found, foundCodename] = [fields.get('suite') ?? '', fields.get('codename') ?? ''];
  // Older security archives are asked for as `stable/updates` and call themselves `stable`.
  const names = [suite, suite.replace(/\/updates$/, '')];
  if (!names.includes(found) && !names.includes(foundCodename)) {
    const seen = `calls itself ${cleanText(found, 30) || 'nothing'} (${cleanText(foundCodename, 30) || 'no codename'})`;
    throw new TargetFailure('apt.suite', `the suite ${seen}, expected ${cleanText(suite, 30)}`);
  }
  if (codename !== undefined && codename !== foundCodename) {
    const seen = cleanText(foundCodename, 30) || 'none';
    throw new TargetFailure('apt.codename', `Codename is ${seen}, expected ${cleanText(codename, 30)}`);
  }
}

/** Seconds that a Date may be ahead: apt allows 10, our clock is not exact either. */
const MAX_AHEAD = 60;

/** Throws TargetFailure `apt.date`, `apt.future`, `apt.expired`, `apt.stale`. */
function insistOnTimes({ max_age: maxAge }: AptOptions, { fields }: Release, { age, valid_days: days }: Metrics): void {
  const quote = (name: string) => `"${cleanText(fields.get(name) ?? '', 40)}"`;
  if (age === undefined) throw new TargetFailure('apt.date', `Date is ${quote('date')}, expected a date`);
  if (days === undefined && fields.has('valid-until')) {
    throw new TargetFailure('apt.date', `Valid-Until is ${quote('valid-until')}, expected a date`);
  }
  if (age < -MAX_AHEAD) throw new TargetFailure('apt.future', `Date is ${formatAge(-age)} in the future: apt refuses the suite`);
  if (days !== undefined && days < 0) {
    const since = formatAge(-days * 86_400);
    throw new TargetFailure('apt.expired', `Valid-Until is over since ${since}: apt refuses the suite`);
  }
  if (maxAge !== undefined && age > maxAge) {
    throw new TargetFailure('apt.stale', `the suite is ${formatAge(age)} old, expected at most ${formatAge(maxAge)}`);
  }
}

function toMetrics({ fields }: Release, now: number): Metrics {
  const at = parseDate(fields.get('date') ?? '');
  const until = parseDate(fields.get('valid-until') ?? '');
  return {
    ...(at === null ? {} : { age: Math.round((now - at) / 1000) }),
    ...(until === null ? {} : { valid_days: Math.round((until - now) / 864) / 100_000 }),
  };
}

/** A frozen suite is signed anew so that it stays valid: that is no change of what it holds. */
function digestFrozen(content: Buffer): string {
  const text = content.toString('utf8').replace(/^(?:Date|Valid-Until):.*\n/gim, '');
  return createHash('sha256').update(text).digest('hex');
}

function describe({ suite }: AptOptions, { fields }: Release, { age = 0, valid_days: days, indexes = 0 }: Metrics): string {
  const codename = fields.get('codename') ?? suite;
  const name = codename === suite ? suite : `${suite} (${codename})`;
  const validity = days === undefined ? '' : `, valid for ${formatAge(days * 86_400)}`;
  return `${cleanText(name, 40)}, ${formatAge(Math.max(0, age))} old${validity}, ${indexes} indexes right`;
}

function toAddress({ url, suite }: AptOptions): string {
  return `${url} ${suite}`;
}

/** The page that comes with an HTTP 404 may be longer than the file that is not there. */
const MAX_ERROR_PAGE = 64 * 1024;

/** Gets files below a folder of the repository. Throws TargetFailure `http.status` and those of HTTP. */
function fetchBelow(folder: string, bound: AptOptions, context: Context): Fetch {
  const base = bound.url.endsWith('/') ? bound.url : `${bound.url}/`;
  return async (path, maxSize) => {
    const url = `${base}${`${folder}${path}`.split('/').map(encodeURIComponent).join('/')}`;
    context.trace(`get ${cleanText(path, 120)}`);
    const request = { ...toRequest(bound, context), url, maxBody: Math.max(maxSize, MAX_ERROR_PAGE), redirects: bound.redirects };
    const { status, body } = await requestHttp(request, context);
    if (status === 404) return null;
    if (status === 200) return body;
    throw new TargetFailure('http.status', `HTTP ${status} for ${cleanText(path, 60)}, expected 200`);
  };
}
