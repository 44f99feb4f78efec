import { defineCheckType, formatBytes, type Observation } from '../src/check-type.ts';
import { takeFreshFact, toShare } from '../src/net/facts.ts';

export default defineCheckType({
  type: 'swap',
  summary: 'Swap of the host, as its report says: the share that is in use. A host without swap is none the worse.',
  options: {},
  metrics: {
    used: { unit: '%', label: 'Swap used', help: 'The share in use; absent without swap.' },
    free: { unit: 'B', label: 'Swap free', help: 'What is left of it.' },
  },
  thresholds: { used: { warning: '80%', critical: '95%' } },
  example: {},
  proxied: false,
  readsReport: true,
  target: () => "the host's report",
  async run(_options, context): Promise<Observation> {
    const { swap_total: total, swap_free: free } = takeFreshFact(context, 'memory');
    if (total === 0) return { kind: 'measured', output: 'no swap', metrics: {} };
    const used = toShare(total - free, total);
    return { kind: 'measured', output: `${used} % of ${formatBytes(total)} used`, metrics: { used, free } };
  },
});
