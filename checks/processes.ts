import { defineCheckType, type Observation } from '../src/check-type.ts';
import { takeFreshFact } from '../src/net/facts.ts';

export default defineCheckType({
  type: 'processes',
  summary: 'Processes of the host, as its report says; zombies are those that nobody waited for.',
  options: {},
  metrics: {
    total: { unit: '', label: 'Processes', help: 'All of them; how many are right differs from host to host.' },
    zombies: { unit: '', label: 'Zombies', help: 'Those that are over and that nobody waited for.' },
  },
  thresholds: { zombies: { warning: 20 } },
  example: { thresholds: { total: { warning: 800 } } },
  proxied: false,
  readsReport: true,
  target: () => "the host's report",
  async run(_options, context): Promise<Observation> {
    const { total, zombies } = takeFreshFact(context, 'processes');
    const words = `${total} ${total === 1 ? 'process' : 'processes'}, ${zombies} ${zombies === 1 ? 'zombie' : 'zombies'}`;
    return { kind: 'measured', output: words, metrics: { total, zombies } };
  },
});
