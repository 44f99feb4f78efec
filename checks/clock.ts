import { defineCheckType, type Metrics, type Observation } from '../src/check-type.ts';
import { takeFreshFact } from '../src/net/facts.ts';

export default defineCheckType({
  type: 'clock',
  summary: "The host's clock follows another one, as its report says, and is not far from it.",
  options: {},
  metrics: {
    offset: {
      unit: 's',
      label: 'Offset',
      help: 'How far it is from that clock, ahead or behind; absent where the host cannot tell.',
    },
  },
  thresholds: { offset: { warning: '500ms', critical: '10s' } },
  example: {},
  proxied: false,
  readsReport: true,
  target: () => "the host's report",
  async run(_options, context): Promise<Observation> {
    const { synchronised, offset } = takeFreshFact(context, 'clock');
    const metrics: Metrics = offset === null ? {} : { offset: Math.abs(offset) };
    if (!synchronised)
      return { kind: 'judged', state: 'WARNING', code: 'clock.free', output: 'follows no other clock, expected one', metrics };
    return { kind: 'measured', output: `follows another clock${describeOffset(offset)}`, metrics };
  },
});

function describeOffset(offset: number | null): string {
  if (offset === null) return ', how closely is not known';
  const size = Math.abs(offset);
  const text = size >= 1 ? `${Math.round(size * 10) / 10} s` : `${Math.round(size * 1e5) / 100} ms`;
  return `, ${text} ${offset < 0 ? 'behind' : 'ahead'}`;
}
