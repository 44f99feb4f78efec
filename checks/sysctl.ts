import { cleanText, defineCheckType, LookFailure, type Observation, option, TargetFailure } from '../src/check-type.ts';
import { takeFreshFact } from '../src/net/facts.ts';
import { observeParts } from '../src/net/parts.ts';

export default defineCheckType({
  type: 'sysctl',
  summary: "Settings of the host's kernel are what was decided. The host reports those that its agent's configuration names.",
  options: {
    settings: option.map('The settings, and what each must be.', option.scalar('The value; several numbers with blanks between.'), {
      keyPattern: '[A-Za-z0-9_./-]{1,200}',
    }),
  },
  metrics: {},
  thresholds: {},
  example: { settings: { 'kernel.unprivileged_userns_clone': 0, 'net.ipv4.ip_forward': 0 } },
  proxied: false,
  readsReport: true,
  target: ({ settings }) => cleanText(Object.keys(settings).join(', '), 200),
  validate: ({ settings }): Record<string, string> =>
    Object.keys(settings).length === 0 ? { settings: 'empty, expected at least one' } : {},
  async run({ settings }, context): Promise<Observation> {
    const { list } = takeFreshFact(context, 'sysctl');
    const looks = Object.entries(settings).map(([name, wanted]) => ({
      name,
      look: async () =>
        compare(
          name,
          toWords(wanted),
          list.find((one) => one.name === name),
        ),
    }));
    return observeParts(looks);
  },
});

/** `true` is 1, as a person means it; blanks are what separates numbers, however many. */
function toWords(value: string | number | boolean): string {
  return typeof value === 'boolean' ? String(Number(value)) : String(value).trim().replace(/\s+/g, ' ');
}

function compare(name: string, wanted: string, found: { value: string | null } | undefined): Observation {
  const shown = cleanText(name, 60);
  if (found === undefined) throw new LookFailure('sysctl.unasked', `${shown} is not reported: the agent needs "sysctl ${shown}"`);
  if (found.value === null) throw new TargetFailure('sysctl.missing', `${shown} is no setting of this kernel, expected ${wanted}`);
  const value = toWords(found.value);
  if (value !== wanted)
    throw new TargetFailure('sysctl.differs', `${shown} is ${cleanText(value, 40)}, expected ${cleanText(wanted, 40)}`);
  return { kind: 'measured', output: `${shown} is ${cleanText(value, 40)}`, metrics: {} };
}
