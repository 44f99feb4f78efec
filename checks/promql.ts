import type { Bound, Context, Observation, Part } from '../src/check-type.ts';
import { breaksRange, cleanText, defineCheckType, formatRange, isWorse, option, TargetFailure } from '../src/check-type.ts';
import { requestHttp } from '../src/net/http.ts';
import { findHttpProblems, httpOptions, toRequest, withoutLogin } from '../src/net/http-options.ts';

const options = {
  url: option.url('The address of the Prometheus server, without `/api/v1/query`.', { schemes: ['http', 'https'] }),
  query: option.text('An instant query in PromQL.', { maxLength: 5000 }),
  warning: option.range('The range of each series; outside of it the series is WARNING.', { optional: true }),
  critical: option.range('The range of each series; outside of it the series is CRITICAL.', { optional: true }),
  empty: option.choice('What an empty answer means; `ok` for queries that find what is wrong.', ['fail', 'ok'], {
    default: 'fail',
  }),
  name: option.list('Labels that name a series; default: all of them.', option.text('A label.'), { optional: true }),
  ...httpOptions,
  max_size: option.size('Bytes of the answer that are read at most.', { default: '2MiB', min: 1, max: 64 * 1024 * 1024 }),
};
type PromqlOptions = Bound<typeof options>;

interface Series {
  name: string;
  value: number;
}

const MAX_PARTS = 100;

export default defineCheckType({
  type: 'promql',
  summary: 'Asks a Prometheus server an instant query and judges each series of the answer by name.',
  options,
  metrics: {
    value: { unit: '', label: 'Value', help: 'The value, where the answer is one series.' },
    series: { unit: '', label: 'Series', help: 'How many series the answer has.' },
  },
  thresholds: {},
  example: { url: 'http://192.0.2.20:9090', query: 'up{job="node"}', critical: '1:' },
  proxied: true,
  target: ({ url, query }) => cleanText(`${query} of ${withoutLogin(url)}`, 200),
  validate: (bound) => findHttpProblems(bound.url, bound),
  async run(bound, context) {
    return judge(bound, await ask(bound, context));
  },
});

/** Throws TargetFailure `http.status`, `promql.*`. */
async function ask(bound: PromqlOptions, context: Context): Promise<Series[]> {
  const url = new URL(`${bound.url.replace(/\/+$/, '')}/api/v1/query`);
  url.searchParams.set('query', bound.query);
  const response = await requestHttp({ ...toRequest(bound, context), url: url.href, maxBody: bound.max_size }, context);
  const answer = parse(response.body.toString('utf8'));
  if (answer?.status === 'error') {
    throw new TargetFailure('promql.error', `the server refuses the query: ${cleanText(String(answer.error), 100)}`);
  }
  if (response.status !== 200) throw new TargetFailure('http.status', `HTTP ${response.status}, expected 200`);
  if (answer?.status !== 'success' || typeof answer.data !== 'object') {
    throw new TargetFailure('promql.answer', 'the answer is none of the Prometheus query API');
  }
  return toSeries(answer.data ?? {}, bound.name);
}

interface Answer {
  status?: unknown;
  error?: unknown;
  data?: { resultType?: unknown; result?: unknown } | null;
}

function parse(text: string): Answer | null {
  try {
    const answer: unknown = JSON.parse(text);
    return typeof answer === 'object' ? (answer as Answer | null) : null;
  } catch {
    return null;
  }
}

function toSeries({ resultType, result }: { resultType?: unknown; result?: unknown }, names: string[] | undefined): Series[] {
  if (resultType === 'scalar') return [{ name: 'scalar', value: toValue(result) }];
  if (resultType !== 'vector' || !Array.isArray(result)) {
    throw new TargetFailure('promql.type', `the answer is a ${cleanText(String(resultType), 20)}, expected a vector or a scalar`);
  }
  return result.map((one: { metric?: Record<string, unknown>; value?: unknown } | null) => ({
    name: toName(one?.metric ?? {}, names),
    value: toValue(one?.value),
  }));
}

/** `[time, "value"]` */
function toValue(pair: unknown): number {
  const text: unknown = Array.isArray(pair) ? pair[1] : undefined;
  if (typeof text !== 'string') throw new TargetFailure('promql.answer', 'a series of the answer has no value');
  return ({ '+Inf': Infinity, '-Inf': -Infinity, NaN: Number.NaN } as Record<string, number>)[text] ?? Number(text);
}

function toName(metric: Record<string, unknown>, names: string[] | undefined): string {
  const labels = names ?? Object.keys(metric).filter((label) => label !== '__name__');
  const values = labels.map((label) => `${names?.length === 1 ? '' : `${label}=`}${String(metric[label] ?? '')}`);
  return cleanText(values.join(' ') || String(metric['__name__'] ?? 'series'), 120) || 'series';
}

function judge(bound: PromqlOptions, series: Series[]): Observation {
  const [only] = series;
  const metrics = {
    series: series.length,
    ...(only !== undefined && series.length === 1 && Number.isFinite(only.value) ? { value: only.value } : {}),
  };
  if (only === undefined) {
    if (bound.empty === 'ok') return { kind: 'judged', state: 'OK', output: 'no series: nothing to find', metrics };
    return { kind: 'failed', code: 'promql.empty', output: 'the answer has no series, expected at least one', metrics };
  }
  const parts = series
    .map((one) => toPart(bound, one))
    .sort((a, b) => Number(isWorse(b.state, a.state)) - Number(isWorse(a.state, b.state)));
  const bad = parts.filter(({ state }) => state !== 'OK');
  const [worst] = bad;
  // A part of each: 100 of them, the worst ones, with the rest counted in the output.
  const shown = parts.slice(0, MAX_PARTS);
  if (worst === undefined) {
    const output = series.length === 1 ? `${only.name}: ${only.value}` : `${series.length} series, all within their range`;
    return { kind: 'judged', state: 'OK', output: cleanText(output, 200), metrics, parts: shown };
  }
  const output = `${bad.length} of ${series.length} series, ${worst.name}: ${worst.output}`;
  return { kind: 'judged', state: worst.state, code: 'promql.range', output: cleanText(output, 200), metrics, parts: shown };
}

function toPart({ warning, critical }: PromqlOptions, { name, value }: Series): Part {
  if (Number.isNaN(value)) return { name, state: 'CRITICAL', output: 'NaN, expected a number' };
  if (critical && breaksRange(value, critical))
    return { name, state: 'CRITICAL', output: `${value}, expected ${formatRange(critical)}` };
  if (warning && breaksRange(value, warning))
    return { name, state: 'WARNING', output: `${value}, expected ${formatRange(warning)}` };
  return { name, state: 'OK', output: String(value) };
}
