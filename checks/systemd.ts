import { cleanText, defineCheckType, formatAge, LookFailure, type Observation, option, type Part } from '../src/check-type.ts';
import { takeFact, takeFreshFact } from '../src/net/facts.ts';
import { matchesGlob } from '../src/net/match.ts';

/** A machine that boots for longer than this hangs. */
const BOOT_S = 900;
const units = option.text('A unit; `*` stands for any text.', { maxLength: 200 });

export default defineCheckType({
  type: 'systemd',
  summary: 'What systemd says of the host, as its report has it: `systemctl is-system-running`, and each unit that failed.',
  options: {
    ignore: option.list('Units whose failure does not count.', units, { default: [], orOne: true, maxItems: 50 }),
    critical: option.list('Units whose failure is CRITICAL; that of the others is WARNING.', units, {
      default: [],
      orOne: true,
      maxItems: 50,
    }),
  },
  metrics: { failed: { unit: '', label: 'Failed units', help: 'Those that count.' } },
  thresholds: { failed: { warning: 0 } },
  example: { ignore: 'systemd-networkd-wait-online.service', critical: ['nginx.service', 'postfix@*.service'] },
  proxied: false,
  readsReport: true,
  target: () => "the host's report",
  async run({ ignore, critical }, context): Promise<Observation> {
    const { state, failed } = takeFreshFact(context, 'systemd');
    const counted = failed.filter((unit) => !ignore.some((pattern) => matchesGlob(pattern, unit)));
    const parts = counted.map((name): Part => {
      const isCritical = critical.some((pattern) => matchesGlob(pattern, name));
      return { name, state: isCritical ? 'CRITICAL' : 'WARNING', output: 'failed' };
    });
    const ignored = failed.length - counted.length;
    const besides = ignored === 0 ? '' : `, ${ignored} ignored`;
    const metrics = { failed: counted.length };
    const shown = `${cleanText(counted.slice(0, 3).join(', '), 60)}${counted.length > 3 ? ' ...' : ''}`;
    const output =
      counted.length === 0 ? `${cleanText(state, 20)}, no unit failed${besides}` : `${counted.length} failed: ${shown}${besides}`;
    switch (state) {
      case 'running':
      case 'degraded':
        return { kind: 'measured', output, metrics, parts };
      case 'initializing':
      case 'starting': {
        const { seconds } = takeFact(context, 'uptime');
        if (seconds <= BOOT_S) return { kind: 'measured', output: `booting for ${formatAge(seconds)}`, metrics, parts };
        return {
          kind: 'judged',
          state: 'WARNING',
          code: 'systemd.starting',
          output: `still ${state} after ${formatAge(seconds)}`,
          metrics,
          parts,
        };
      }
      case 'maintenance':
      case 'stopping':
        return { kind: 'failed', code: `systemd.${state}`, output: `${state}: ${output}`, metrics, parts };
      default:
        throw new LookFailure(
          'systemd.state',
          `systemd says ${JSON.stringify(cleanText(state, 30))}, expected running or degraded`,
        );
    }
  },
});
