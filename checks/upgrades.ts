import {
  type Context,
  defineCheckType,
  formatAge,
  LookFailure,
  type Metrics,
  type Observation,
  option,
} from '../src/check-type.ts';
import { takeFact, toAge } from '../src/net/facts.ts';
import { readSince } from '../src/net/since.ts';

export default defineCheckType({
  type: 'upgrades',
  summary:
    'Upgrades that wait on the host, as its report says, those of security apart. With stale indices nobody knows: UNKNOWN, never 0.',
  options: {
    max_index_age: option.duration('`apt-get update` worked no longer ago, or nothing is known of upgrades.', {
      default: '3d',
      min: 60,
    }),
  },
  metrics: {
    security_for: {
      unit: 's',
      label: 'Security upgrades wait',
      help: 'How long there have been some, without a break, as far as was seen.',
    },
    security: {
      unit: '',
      label: 'Security upgrades',
      help: 'Packages with a fix in a security archive; absent where the host cannot tell.',
    },
    pending: { unit: '', label: 'Upgrades', help: 'Packages that an upgrade would replace, those of security too.' },
    held: { unit: '', label: 'On hold', help: 'Packages that a person holds back.' },
  },
  // Unattended upgrades take a day; what waits longer waits for a person.
  thresholds: { security_for: { warning: '36h', critical: '7d' } },
  example: { max_index_age: '2d' },
  proxied: false,
  readsReport: true,
  target: () => "the host's report",
  async run({ max_index_age: maxAge }, context): Promise<Observation> {
    const { upgrades: pending, security, held, updated } = takeFact(context, 'apt');
    refuseStale(updated, maxAge, context);
    const since = readSince(context, security > 0);
    const metrics: Metrics = { pending, security, held, security_for: since.length };
    const long = since.length === 0 ? '' : ` for ${formatAge(since.length)}`;
    const output = `${pending} pending, ${security} of security${long}${held === 0 ? '' : `, ${held} held`}`;
    return { kind: 'measured', output, metrics, memory: since.memory };
  },
});

/** Throws LookFailure `apt.stale`: "0 pending" of an index that is old would be a lie. */
function refuseStale(updated: number | null, maxAge: number, context: Context): void {
  if (updated === null) throw new LookFailure('apt.stale', 'apt-get update never worked: what is pending is not known');
  const age = toAge(context, updated, { code: 'apt.future', what: 'the last apt-get update' });
  if (age > maxAge)
    throw new LookFailure('apt.stale', `indices are ${formatAge(age)} old, expected ${formatAge(maxAge)}: pending is not known`);
}
