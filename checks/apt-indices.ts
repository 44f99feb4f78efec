import { defineCheckType, formatAge, type Observation, TargetFailure } from '../src/check-type.ts';
import { takeFact, toAge } from '../src/net/facts.ts';

export default defineCheckType({
  type: 'apt-indices',
  summary: "The host's APT indices are fresh: `apt-get update` worked recently, as its report says.",
  options: {},
  metrics: { age: { unit: 's', label: 'Age', help: 'Since `apt-get update` last worked.' } },
  thresholds: { age: { warning: '2d', critical: '7d' } },
  example: {},
  proxied: false,
  readsReport: true,
  target: () => "the host's report",
  async run(_options, context): Promise<Observation> {
    const { updated } = takeFact(context, 'apt');
    if (updated === null) throw new TargetFailure('apt.never', 'no sign that apt-get update ever worked');
    const age = toAge(context, updated, { code: 'apt.future', what: 'the last apt-get update' });
    return { kind: 'measured', output: `apt-get update worked ${formatAge(age)} ago`, metrics: { age } };
  },
});
