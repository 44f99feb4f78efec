import { type Context, cleanText, defineCheckType, formatAge, type Metrics, type Observation } from '../src/check-type.ts';
import { takeFact, takeFreshFact } from '../src/net/facts.ts';
import { readSince } from '../src/net/since.ts';

export default defineCheckType({
  type: 'reboot-required',
  summary: 'The host should be booted anew, as its report says, and for how long; services to be restarted beside it.',
  options: {},
  metrics: {
    required_for: {
      unit: 's',
      label: 'Reboot waits',
      help: 'How long a reboot has been required, as far as was seen; 0 if none is.',
    },
    restarts: { unit: '', label: 'Restarts needed', help: 'Processes with replaced libraries; absent where the host cannot tell.' },
  },
  thresholds: { required_for: { warning: '1d', critical: '30d' } },
  example: { thresholds: { required_for: { warning: '7d' } } },
  proxied: false,
  readsReport: true,
  target: () => "the host's report",
  async run(_options, context): Promise<Observation> {
    const { required, reason } = takeFreshFact(context, 'reboot_required');
    const since = readSince(context, required);
    const metrics: Metrics = { required_for: since.length };
    const restarts = readRestarts(context);
    if (restarts !== null) metrics['restarts'] = restarts.processes;
    const what = required ? describeNeed(since.length, cleanText(reason, 80)) : 'no reboot required';
    const more = restarts === null || restarts.processes === 0 ? '' : `; ${describe(restarts)}`;
    return { kind: 'measured', output: `${what}${more}`, metrics, memory: since.memory };
  },
});

/** At the first look nobody knows for how long already. */
function describeNeed(seconds: number, reason: string): string {
  return `reboot required${seconds === 0 ? '' : ` for ${formatAge(seconds)}`}${reason === '' ? '' : ` (${reason})`}`;
}

/** null where the machine cannot say: only root sees all processes. */
function readRestarts(context: Context): { processes: number; units: string[] } | null {
  const fact = context.report?.facts.restarts_needed;
  return fact === undefined || 'unavailable' in fact ? null : takeFact(context, 'restarts_needed');
}

function describe({ processes, units }: { processes: number; units: string[] }): string {
  const named =
    units.length === 0
      ? ''
      : ` (${units
          .map((unit) => cleanText(unit, 30))
          .slice(0, 3)
          .join(', ')}${units.length > 3 ? ' ...' : ''})`;
  return `${processes} ${processes === 1 ? 'process' : 'processes'} to restart${named}`;
}
