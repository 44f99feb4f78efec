import type { Bound, Context, Observation } from '../src/check-type.ts';
import { cleanText, defineCheckType, option, TargetFailure } from '../src/check-type.ts';
import { requestHttp } from '../src/net/http.ts';
import { findHttpProblems, httpOptions, toRequest, withoutLogin } from '../src/net/http-options.ts';
import { parsePath, valuesAt } from '../src/net/json-path.ts';
import { formatSeconds } from '../src/net/limits.ts';

const options = {
  url: option.url('The address.', { schemes: ['http', 'https'] }),
  json: option.text('Where the number stands in the JSON: `statistics.opened`; empty: the document is the number.', {
    default: '',
    maxLength: 200,
  }),
  count: option.boolean('Counts what stands there, such as `[*]`, instead of reading a number.', { default: false }),
  factor: option.number('Multiplies the number.', { default: 1 }),
  ...httpOptions,
  max_size: option.size('Bytes of the answer that are read at most.', { default: '1MiB', min: 1, max: 64 * 1024 * 1024 }),
};
type FigureOptions = Bound<typeof options>;

export default defineCheckType({
  type: 'figure',
  summary: "Takes one number from a JSON address: open issues, a queue, whatever is to stand among the fleet's figures.",
  options,
  metrics: {
    value: { unit: '', label: 'Value', help: 'The number; of several at the path their sum. Judge it with a range of your own.' },
    time: { unit: 's', label: 'Time', help: 'From the name lookup to the end of the answer.' },
  },
  thresholds: {},
  example: { url: 'https://tracker.example.org/api/issues_statistics', json: 'statistics.counts.opened' },
  proxied: true,
  target: ({ url, json }) => `${cleanText(json, 60)} of ${withoutLogin(url)}`.trim(),
  validate: (bound) => ({
    ...findHttpProblems(bound.url, bound),
    ...(parsePath(bound.json) === null ? { json: 'no path, expected one such as statistics.opened or [*].size' } : {}),
  }),
  run: observe,
});

async function observe(bound: FigureOptions, context: Context): Promise<Observation> {
  const before = context.elapsed();
  const request = { ...toRequest(bound, context), url: bound.url, maxBody: bound.max_size };
  const { status, body } = await requestHttp({ ...request, headers: { accept: 'application/json', ...request.headers } }, context);
  if (status !== 200) throw new TargetFailure('http.status', `HTTP ${status}, expected 200`);
  const time = Math.round((context.elapsed() - before) * 1e4) / 1e4;
  const value = read(body.toString('utf8'), bound);
  return { kind: 'measured', output: `${value}, in ${formatSeconds(time)}`, metrics: { value, time } };
}

/** Throws TargetFailure `json.syntax`, `json.missing`, `json.value`. */
function read(body: string, { json, count, factor }: FigureOptions): number {
  let document: unknown;
  try {
    document = JSON.parse(body);
  } catch (error) {
    throw new TargetFailure('json.syntax', `the answer is no JSON: "${cleanText(body, 30)}"`, { cause: error });
  }
  const values = valuesAt(document, parsePath(json) ?? []);
  if (count) return values.length * factor;
  const where = json === '' ? 'the document' : json;
  if (values.length === 0) throw new TargetFailure('json.missing', `nothing at ${cleanText(where, 60)}, expected a number`);
  // Some write numbers as text.
  const numbers = values.map((value) => (typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : value));
  const wrong = numbers.find((value) => typeof value !== 'number' || !Number.isFinite(value));
  if (wrong !== undefined)
    throw new TargetFailure(
      'json.value',
      `${cleanText(where, 40)} is ${cleanText(JSON.stringify(wrong) ?? '', 30)}, expected a number`,
    );
  return numbers.reduce<number>((sum, value) => sum + Number(value), 0) * factor;
}
