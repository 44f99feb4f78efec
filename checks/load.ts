import { defineCheckType, type Metrics, type Observation } from '../src/check-type.ts';
import { takeFreshFact } from '../src/net/facts.ts';

export default defineCheckType({
  type: 'load',
  summary: 'Load of the host, as its report says: processes that run or wait to, also for each processor.',
  options: {},
  metrics: {
    per_processor: {
      unit: '',
      label: 'Load for each processor',
      help: 'Mean of fifteen minutes divided by the processors; absent where their number is not known.',
    },
    one: { unit: '', label: 'Load, 1 min', help: 'Mean of one minute.' },
    five: { unit: '', label: 'Load, 5 min', help: 'Mean of five minutes.' },
    fifteen: { unit: '', label: 'Load, 15 min', help: 'Mean of fifteen minutes.' },
  },
  thresholds: { per_processor: { warning: 2, critical: 5 } },
  example: {},
  proxied: false,
  readsReport: true,
  target: () => "the host's report",
  async run(_options, context): Promise<Observation> {
    const { one, five, fifteen, processors } = takeFreshFact(context, 'load');
    const metrics: Metrics = { one, five, fifteen };
    if (processors > 0) metrics['per_processor'] = Math.round((fifteen / processors) * 100) / 100;
    const of =
      processors === 0 ? 'an unknown number of processors' : `${processors} ${processors === 1 ? 'processor' : 'processors'}`;
    return { kind: 'measured', output: `load ${one} ${five} ${fifteen} on ${of}`, metrics };
  },
});
