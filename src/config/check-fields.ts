import { PRIORITIES } from '../core/configuration.ts';
import { option } from '../core/option.ts';
import { type Fields, line, optional, publicField, section } from './field.ts';

/** Settings that a check takes from the nearest layer that has them; the defaults here apply when none has. */
export const INHERITABLE = {
  contacts: option.list('Who is told: names of contacts.', line('A contact.'), optional),
  priority: option.choice('How much it matters.', PRIORITIES, { default: 'medium' }),
  escalate: option.list(
    'Who else is told of a problem that nobody acknowledged so long after it was first told.',
    option.object('A step.', {
      after: option.duration('How long after.', { min: 60 }),
      contacts: option.list('Names of contacts.', line('A contact.'), { minItems: 1 }),
    }),
    optional,
  ),
  remind: option.list(
    'When a problem that nobody acknowledged is told again, counted from the first time: `[1h, 4h, every 1d]`; `[]` is never. Default: by priority.',
    line('`4h`, or `every 1d` as the last.'),
    optional,
  ),
  every: option.duration('How often it runs.', { min: 1, default: '5m' }),
  recheck: option.duration('How often it runs while it fails and is not yet told.', { min: 1, default: '1m' }),
  timeout: option.duration('How long one try may take.', { min: 0.1, max: 3600, default: '10s' }),
  retries: section('Further tries within the run: one after 2s, through a proxy two after 5s.', {
    times: option.integer('How many.', { min: 0, max: 20, optional: true }),
    after: option.duration('Pause before each.', { max: 600, optional: true }),
  }),
  attempts: option.integer('Failures in a row before a problem is told.', { min: 1, max: 100, default: 3 }),
  recoveries: option.integer('OK results in a row that end a problem.', { min: 1, max: 100, default: 1 }),
  unknown_attempts: option.integer('UNKNOWN results in a row before that is told.', { min: 1, max: 100, default: 6 }),
  frequency: {
    kind: 'frequency',
    help: 'Failures that are too many though they never come `attempts` in a row; `off`: never. Default: 6 of 20.',
    optional: true,
  },
  daily_pattern: {
    kind: 'switch',
    help: 'Whether failures at the same time of day are told as a pattern, and their problems wait 30 minutes.',
    default: true,
  },
  depends_on: option.list(
    'Checks that must work for this one to be judged, besides its host, the parents of its host and its proxy: ids, or names of the same owner.',
    line('A check.'),
    optional,
  ),
  via: line('The proxy that it goes through, or `direct`.', { default: 'direct' }),
  enabled: option.boolean('Whether it runs at all.', { default: true }),
  notes: option.text('For people: what to do, or the address of a page that says so.', { maxLength: 5000, optional: true }),
} as const satisfies Fields;

/** Settings of one check, beside the options of its type. */
export const CHECK = {
  type: line('The type: see [checks](../checks/README.md).'),
  ...INHERITABLE,
  deadline: option.duration('How long the whole check may take, all tries and pauses; default: the sum of these.', {
    min: 0.1,
    optional: true,
  }),
  thresholds: {
    kind: 'thresholds',
    help: 'Ranges by metric, `{ time: { warning: 2s, critical: 5s } }`, merged over those of the type.',
    optional: true,
  },
  impact: option.choice('What a critical result makes of the service on the public page.', ['down', 'degraded'], {
    default: 'down',
  }),
  public: publicField('Whether it counts on the public page; default: as its service. Not in profiles, nor in checks of hosts.'),
} as const satisfies Fields;

/** The keys of `frequency`. */
export const FREQUENCY = {
  failures: option.integer('How many scheduled failures.', { min: 2, max: 1000, optional: true }),
  of: option.integer('Of how many scheduled results.', { min: 2, max: 1000, optional: true }),
  within: option.duration('Or within which time.', { min: 60, max: 2_592_000, optional: true }),
} as const satisfies Fields;

/** The words of `public` when it is more than `true`. */
export const PUBLIC_TEXT: Fields = {
  title: line('Its name there; default: `title`.', optional),
  description: line('One sentence.', optional),
};
