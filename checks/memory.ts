import { defineCheckType, formatBytes, type Observation } from '../src/check-type.ts';
import { describeFactAge, takeFact } from '../src/net/facts.ts';

export default defineCheckType({
  type: 'memory',
  summary: 'Memory of the host, as its report says: the share that programs can no longer get.',
  options: {},
  metrics: {
    used: { unit: '%', label: 'Memory used', help: 'The share that programs cannot get without swapping.' },
    available: { unit: 'B', label: 'Memory available', help: 'What programs can still get without swapping.' },
    total: { unit: 'B', label: 'Memory', help: 'All of it.' },
  },
  thresholds: { used: { warning: '90%', critical: '95%' } },
  example: {},
  proxied: false,
  readsReport: true,
  target: () => "the host's report",
  async run(_options, context): Promise<Observation> {
    const fact = takeFact(context, 'memory');
    const { total, available } = fact;
    const used = total === 0 ? 0 : Math.round((1 - available / total) * 1000) / 10;
    const output = `${used} % of ${formatBytes(total)} used, ${formatBytes(available)} available${describeFactAge(context, fact)}`;
    return { kind: 'measured', output, metrics: { used, available, total } };
  },
});
