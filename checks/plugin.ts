import {
  cleanText,
  defineCheckType,
  isWorse,
  LookFailure,
  type Metrics,
  type Observation,
  option,
  type Part,
  type State,
} from '../src/check-type.ts';
import { type Fact, takeFreshFact } from '../src/net/facts.ts';
import { matchesGlob } from '../src/net/match.ts';
import { parsePerfdata } from '../src/net/perfdata.ts';

type Result = Fact<'plugins'>['list'][number];
/** With our own a hundred, which is what counts of a result. */
const MOST_NUMBERS = 99;
const STATES: readonly State[] = ['OK', 'WARNING', 'CRITICAL', 'UNKNOWN'];

export default defineCheckType({
  type: 'plugin',
  summary:
    'Monitoring plug-ins that the host runs itself, as its report says: their states, their words and their performance data as metrics. The monitor runs nothing there.',
  options: {
    names: option.list(
      'The plug-ins, by their names in the configuration of the agent; `*` stands for any text.',
      option.text('A name.', { maxLength: 100 }),
      {
        default: ['*'],
        orOne: true,
        minItems: 1,
        maxItems: 50,
      },
    ),
  },
  metrics: {
    failing: {
      unit: '',
      label: 'Failing',
      help: 'Plug-ins that are not OK. Beside it: the performance data of one, or `NAME_LABEL` of several; at most a hundred numbers.',
    },
  },
  thresholds: {},
  example: { names: ['ganeti-cluster', 'raid-*'] },
  proxied: false,
  readsReport: true,
  target: ({ names }) => (names.join() === '*' ? "plug-ins of the host's report" : cleanText(names.join(', '), 200)),
  async run({ names }, context): Promise<Observation> {
    const { list } = takeFreshFact(context, 'plugins');
    const absent = names.filter((pattern) => !list.some(({ name }) => matchesGlob(pattern, name)));
    const chosen = list.filter(({ name }) => names.some((pattern) => matchesGlob(pattern, name)));
    if (chosen.length === 0)
      throw new LookFailure(
        'plugin.unasked',
        `no ${cleanText(names.join(', '), 40)} in the report: the agent needs "plugin NAME COMMAND"`,
      );
    const parts = [...chosen.map(toPart), ...absent.map((name): Part => ({ name, state: 'UNKNOWN', output: 'not in the report' }))];
    const worst = parts.reduce((a, b) => (isWorse(b.state, a.state) ? b : a));
    const failing = parts.filter(({ state }) => state !== 'OK').length;
    const metrics: Metrics = { ...readMetrics(chosen), failing };
    if (parts.length === 1) return { kind: 'judged', state: worst.state, output: worst.output, metrics };
    const output =
      failing === 0 ? `${parts.length} plug-ins are OK` : `${failing} of ${parts.length} not OK, ${worst.name}: ${worst.output}`;
    return { kind: 'judged', state: worst.state, output: cleanText(output, 200), metrics, parts };
  },
});

/** The exit code alone is the state, whatever the words say; one above 3 is of a program that could not be run, or was ended. */
function toPart({ name, code, output }: Result): Part {
  const words = cleanText(output, 200);
  const state = STATES[code];
  if (state === undefined)
    return { name, state: 'UNKNOWN', output: `exit code ${code}, expected 0 to 3${words === '' ? '' : `: ${words}`}` };
  return { name, state, output: words === '' ? 'no words' : words };
}

function readMetrics(chosen: Result[]): Metrics {
  const isOne = chosen.length === 1;
  const all = Object.assign({}, ...chosen.map(({ name, perfdata }) => parsePerfdata(perfdata, isOne ? '' : `${name}_`))) as Metrics;
  return Object.fromEntries(Object.entries(all).slice(0, MOST_NUMBERS));
}
