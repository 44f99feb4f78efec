import { cleanText, defineCheckType, formatAge, type Observation, option, TargetFailure } from '../src/check-type.ts';
import { takeFact, toAge } from '../src/net/facts.ts';
import { formatSeconds } from '../src/net/limits.ts';
import { sendPings } from '../src/net/ping.ts';

/** What stays where the host has no address: only some ways need one. */
const UNSET = '${host.address}';

export default defineCheckType({
  type: 'alive',
  summary: 'The machine runs: it made a fresh report, answers echo requests, or has a port that answers, if only to refuse.',
  options: {
    by: option.choice(
      'What shows it. `report` needs `report:` of the host; `tcp` is for machines whose ICMP is filtered.',
      ['report', 'ping', 'tcp'],
      {
        default: 'report',
      },
    ),
    address: option.text('Name or address, for `ping` and `tcp`.', {
      default: UNSET,
      pattern: '^[^-\\s][^\\s]*$',
      maxLength: 255,
    }),
    port: option.integer('Port, for `tcp`.', { default: 22, min: 1, max: 65_535 }),
  },
  metrics: {
    uptime: { unit: 's', label: 'Up', help: 'Since it was booted, as its report says.' },
    rtt: { unit: 's', label: 'Round trip', help: 'Mean round trip time of echo requests, or time to connect.' },
  },
  thresholds: {},
  example: { by: 'tcp', address: '192.0.2.10', port: 22 },
  proxied: true,
  readsReport: ({ by }) => by === 'report',
  target: ({ by, address, port }) =>
    by === 'report' ? "the host's report" : `${cleanText(address, 200)}${by === 'tcp' ? ` port ${port}` : ''}`,
  validate: ({ by, address }): Record<string, string> =>
    by !== 'report' && address === UNSET ? { address: `missing, expected where to look for it by ${by}` } : {},
  async run({ by, address, port }, context): Promise<Observation> {
    if (by === 'ping') {
      const seen = await sendPings({ address, family: undefined, count: 3, wait: 2 }, context);
      const { loss: _loss, ...metrics } = seen.metrics ?? {};
      return { ...seen, metrics };
    }
    if (by === 'tcp') return connect(address, port, context);
    const created = (context.report?.created ?? 0) / 1000;
    const { seconds } = takeFact(context, 'uptime');
    const age = toAge(context, created, { code: 'report.future', what: 'the report' });
    return { kind: 'measured', output: `up for ${formatAge(seconds)}, report ${formatAge(age)} old`, metrics: { uptime: seconds } };
  },
});

async function connect(host: string, port: number, context: Parameters<typeof sendPings>[1]): Promise<Observation> {
  try {
    (await context.dial({ host, port })).destroy();
  } catch (error) {
    // Only a machine that runs can refuse. What a proxy says is hearsay: it refuses for itself as well.
    const isRefusal = error instanceof TargetFailure && error.code === 'network.refused' && context.via === null;
    if (!isRefusal) throw error;
    const rtt = context.elapsed();
    return { kind: 'measured', output: `port ${port} refuses, so it runs, in ${formatSeconds(rtt)}`, metrics: { rtt } };
  }
  const rtt = context.elapsed();
  return { kind: 'measured', output: `port ${port} answers in ${formatSeconds(rtt)}`, metrics: { rtt } };
}
