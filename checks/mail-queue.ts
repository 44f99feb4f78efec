import { defineCheckType, formatAge, type Metrics, type Observation } from '../src/check-type.ts';
import { takeFreshFact, toAge } from '../src/net/facts.ts';

export default defineCheckType({
  type: 'mail-queue',
  summary: "Mails that wait in the host's queue, as its report says, and for how long the oldest does.",
  options: {},
  metrics: {
    waiting: { unit: '', label: 'Mails', help: 'Those that wait to be delivered.' },
    oldest: { unit: 's', label: 'Oldest', help: 'How long the oldest waits; absent with an empty queue.' },
  },
  thresholds: { waiting: { warning: 100, critical: 1000 } },
  example: { thresholds: { waiting: { warning: 20 }, oldest: { warning: '1d' } } },
  proxied: false,
  readsReport: true,
  target: () => "the host's report",
  async run(_options, context): Promise<Observation> {
    const { total, oldest } = takeFreshFact(context, 'mail_queue');
    if (total === 0) return { kind: 'measured', output: 'the queue is empty', metrics: { waiting: 0 } };
    const metrics: Metrics = { waiting: total };
    const mails = `${total} ${total === 1 ? 'mail waits' : 'mails wait'}`;
    if (oldest === null) return { kind: 'measured', output: mails, metrics };
    const age = toAge(context, oldest, { code: 'queue.future', what: "the oldest mail's time" });
    return { kind: 'measured', output: `${mails}, the oldest for ${formatAge(age)}`, metrics: { ...metrics, oldest: age } };
  },
});
