import type { Bound, Context, Metrics, Observation } from '../src/check-type.ts';
import { cleanText, defineCheckType, formatAge, option, TargetFailure } from '../src/check-type.ts';
import { parseExposition, type Sample } from '../src/net/exposition.ts';
import { requestHttp } from '../src/net/http.ts';
import { findHttpProblems, httpOptions, toRequest, withoutLogin } from '../src/net/http-options.ts';
import { formatSeconds } from '../src/net/limits.ts';
import { compileRegex } from '../src/net/match.ts';

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const LABEL = '^[a-zA-Z_][a-zA-Z0-9_]*$';

const selector = {
  metric: option.text('The name of the metric.', { pattern: `^${NAME}$` }),
  labels: option.map('Labels that its series must have.', option.text('The value.'), { optional: true, keyPattern: LABEL }),
  match: option.map('Labels whose whole value must match.', option.regex('Regular expression (RE2).'), {
    optional: true,
    keyPattern: LABEL,
  }),
  without: option.map('Labels whose whole value must not match.', option.regex('Regular expression (RE2).'), {
    optional: true,
    keyPattern: LABEL,
  }),
  aggregate: option.choice('How several series become one number.', ['sum', 'min', 'max', 'average', 'count'], { default: 'sum' }),
};

const options = {
  url: option.url('The address of the exporter.', { schemes: ['http', 'https'] }),
  ...selector,
  divide_by: option.object('Divides by another metric: a ratio of two.', selector, { optional: true }),
  factor: option.number('Multiplies the result, for example by 100 for per cent.', { default: 1 }),
  as: option.choice(
    '`value` as it is; `rate` a second since the last run, for counters; `age` in seconds of a metric that is a time.',
    ['value', 'rate', 'age'],
    { default: 'value' },
  ),
  missing: option.choice('What it means that no series fits.', ['fail', 'zero'], { default: 'fail' }),
  ...httpOptions,
  max_size: option.size('Bytes of the answer that are read at most.', { default: '8MiB', min: 1, max: 64 * 1024 * 1024 }),
};
type PrometheusOptions = Bound<typeof options>;

export default defineCheckType({
  type: 'prometheus',
  summary: 'Scrapes a Prometheus exporter and judges one number made of its metrics.',
  options,
  metrics: {
    value: { unit: '', label: 'Value', help: 'The number that was made of the series; judge it with a range of your own.' },
    series: { unit: '', label: 'Series', help: 'How many series of the metric fit.' },
    time: { unit: 's', label: 'Time', help: 'From the name lookup to the end of the answer.' },
  },
  thresholds: {},
  example: { url: 'http://192.0.2.10:9100/metrics', metric: 'node_load5' },
  proxied: true,
  target: ({ url, metric }) => `${metric} of ${withoutLogin(url)}`,
  validate: (bound) => ({
    ...findHttpProblems(bound.url, bound),
    ...(bound.divide_by && bound.as === 'age' ? { as: 'an age is no part of a ratio' } : {}),
    ...(bound.aggregate === 'count' && bound.as !== 'value' ? { as: 'a number of series has neither rate nor age' } : {}),
  }),
  async run(bound, context) {
    const before = context.elapsed();
    const samples = await scrape(bound, context);
    const time = Math.round((context.elapsed() - before) * 1e4) / 1e4;
    return measure(bound, samples, { time, context });
  },
});

/** OpenMetrics is asked for last: exporters that speak both send what Prometheus itself would see. */
const ACCEPT = 'text/plain;version=0.0.4, application/openmetrics-text;version=1.0.0;q=0.5';

async function scrape(bound: PrometheusOptions, context: Context): Promise<Sample[]> {
  const asked = toRequest(bound, context);
  const response = await requestHttp(
    { ...asked, headers: { accept: ACCEPT, ...asked.headers }, url: bound.url, maxBody: bound.max_size },
    context,
  );
  if (response.status !== 200) throw new TargetFailure('http.status', `HTTP ${response.status}, expected 200 and metrics`);
  const wanted = new Set([bound.metric, bound.divide_by?.metric]);
  return parseExposition(response.body, response.headers.get('content-type') ?? '', (name) => wanted.has(name));
}

async function measure(
  bound: PrometheusOptions,
  samples: Sample[],
  { time, context }: { time: number; context: Context },
): Promise<Observation> {
  const chosen = await choose(bound, samples);
  const metrics: Metrics = { series: chosen.length, time };
  const value = aggregate(bound, chosen, bound.missing);
  const divisor = bound.divide_by ? aggregate(bound.divide_by, await choose(bound.divide_by, samples), 'fail') : 1;
  if (divisor === 0)
    return { kind: 'failed', code: 'metric.division', output: `${bound.divide_by?.metric} is 0: no ratio`, metrics };
  const seen = (value / divisor) * bound.factor;
  if (!Number.isFinite(seen)) {
    return { kind: 'failed', code: 'metric.not_finite', output: `${bound.metric} is ${seen}, expected a finite number`, metrics };
  }
  if (bound.as === 'rate') return toRate(bound, seen, { metrics, context });
  if (bound.as === 'age') return toAge(bound, seen, { metrics, context });
  const output = `${bound.metric}${bound.divide_by ? ` / ${bound.divide_by.metric}` : ''} is ${show(seen)} of ${count(chosen.length)}`;
  return { kind: 'measured', output: `${output}, in ${formatSeconds(time)}`, metrics: { ...metrics, value: seen } };
}

interface Memory {
  at: number;
  value: number;
}

/** A counter that is lower than before began anew: what it shows was counted since. */
function toRate(
  bound: PrometheusOptions,
  value: number,
  { metrics, context }: { metrics: Metrics; context: Context },
): Observation {
  const before = context.memory as Memory | undefined;
  const memory: Memory = { at: context.now, value };
  const seconds = before === undefined ? 0 : (context.now - before.at) / 1000;
  if (before === undefined || seconds <= 0) {
    return {
      kind: 'measured',
      output: `${bound.metric} is ${show(value)}: the first look, a rate comes with the next`,
      metrics,
      memory,
    };
  }
  const rate = (value >= before.value ? value - before.value : value) / seconds;
  const output = `${bound.metric} grows by ${show(rate)} a second over ${formatAge(seconds)}`;
  return { kind: 'measured', output, metrics: { ...metrics, value: rate }, memory };
}

function toAge(bound: PrometheusOptions, value: number, { metrics, context }: { metrics: Metrics; context: Context }): Observation {
  const age = Math.round(context.now / 1000 - value);
  if (value <= 0)
    return { kind: 'failed', code: 'metric.no_time', output: `${bound.metric} is ${show(value)}, expected a time`, metrics };
  if (age < -300)
    return { kind: 'failed', code: 'metric.future', output: `${bound.metric} lies ${formatAge(-age)} ahead of now`, metrics };
  return {
    kind: 'measured',
    output: `${bound.metric} was ${formatAge(age)} ago`,
    metrics: { ...metrics, value: Math.max(0, age) },
  };
}

type Selector = Pick<PrometheusOptions, 'metric' | 'labels' | 'match' | 'without' | 'aggregate'>;

async function choose({ metric, labels = {}, match = {}, without = {} }: Selector, samples: Sample[]): Promise<Sample[]> {
  const compile = async (patterns: Record<string, string>) =>
    Promise.all(Object.entries(patterns).map(async ([label, pattern]) => [label, await compileRegex(`^(?:${pattern})$`)] as const));
  const [wanted, unwanted] = [await compile(match), await compile(without)];
  return samples.filter(
    (sample) =>
      sample.name === metric &&
      // As Prometheus has it: a label that is not there is an empty one.
      Object.entries(labels).every(([label, value]) => (sample.labels.get(label) ?? '') === value) &&
      wanted.every(([label, fits]) => fits(sample.labels.get(label) ?? '')) &&
      !unwanted.some(([label, fits]) => fits(sample.labels.get(label) ?? '')),
  );
}

/** Throws TargetFailure `metric.missing`. */
function aggregate({ metric, aggregate: how }: Selector, chosen: Sample[], missing: 'fail' | 'zero'): number {
  if (how === 'count') return chosen.length;
  if (chosen.length === 0) {
    if (missing === 'zero') return 0;
    throw new TargetFailure('metric.missing', `no series of ${cleanText(metric, 60)} fits, expected at least one`);
  }
  const values = chosen.map(({ value }) => value);
  if (how === 'min') return values.reduce((a, b) => Math.min(a, b));
  if (how === 'max') return values.reduce((a, b) => Math.max(a, b));
  const sum = values.reduce((a, b) => a + b, 0);
  return how === 'average' ? sum / values.length : sum;
}

function show(value: number): string {
  return Number.isInteger(value) && Math.abs(value) < 1e15 ? String(value) : String(Number(value.toPrecision(6)));
}

function count(number: number): string {
  return `${number} series`;
}
