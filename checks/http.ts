import type { Bound, Context, Metrics, Observation } from '../src/check-type.ts';
import { cleanText, defineCheckType, formatAge, option } from '../src/check-type.ts';
import { parseDate } from '../src/net/date.ts';
import { type HttpResponse, requestHttp } from '../src/net/http.ts';
import { findHttpProblems, HEADER_NAME, httpOptions, toRequest, withoutLogin } from '../src/net/http-options.ts';
import { findBrokenCondition, findConditionProblem, jsonConditions } from '../src/net/json-condition.ts';
import { formatSeconds } from '../src/net/limits.ts';
import { findMatch, matchesRegex } from '../src/net/match.ts';
import { familyOption, observeFamilies } from '../src/net/parts.ts';

const STATUS = '^[1-5][0-9][0-9](-[1-5][0-9][0-9])?$';
const DAY_MS = 86_400_000;

const options = {
  url: option.url('The address that is asked for.', { schemes: ['http', 'https'] }),
  method: option.choice('The request method.', ['GET', 'HEAD', 'POST', 'PUT', 'OPTIONS'], { default: 'GET' }),
  status: option.list('Status codes that are right: numbers and ranges.', option.text('A code or a range.', { pattern: STATUS }), {
    default: ['200-299'],
    orOne: true,
    minItems: 1,
  }),
  body: option.text('Text that the body must contain.', { optional: true }),
  regex: option.regex('Regular expression (RE2) that the first 256 KiB of the body must match.', { optional: true }),
  response_headers: option.map('Headers that the answer must have, with text that each must contain.', option.text('Text.'), {
    optional: true,
    keyPattern: HEADER_NAME,
  }),
  json: jsonConditions,
  refused: option.text(
    'Who is not logged in must be refused: 401, 403, or a redirect to an address that contains this text, such as `/login`.',
    { optional: true, maxLength: 200 },
  ),
  date: option.choice('Where the metric `age` is read from.', ['none', 'last-modified', 'body'], { default: 'none' }),
  date_regex: option.regex('Finds the date in the body: its first group, or all of it. ISO 8601, HTTP or seconds since 1970.', {
    optional: true,
  }),
  request_body: option.text('Body of the request.', { optional: true }),
  redirects: option.choice('Which redirects are followed, at most 5.', ['none', 'same-host', 'any'], { default: 'none' }),
  ...httpOptions,
  family: familyOption,
  max_size: option.size('Bytes of the body that are read at most.', { default: '2MiB', min: 1, max: 64 * 1024 * 1024 }),
};
type PageOptions = Bound<typeof options>;

export default defineCheckType({
  type: 'http',
  summary: 'Asks a web server for a page and judges status, headers, text, time and certificate.',
  options,
  metrics: {
    time: { unit: 's', label: 'Time', help: 'From the name lookup to the end of the answer.' },
    size: { unit: 'B', label: 'Size', help: 'Length of the body.' },
    age: { unit: 's', label: 'Age', help: 'Since the date that `date` names.' },
    days_left: { unit: 'd', label: 'Certificate', help: 'Days until the certificate expires; https only.' },
  },
  thresholds: { days_left: { warning: '14:', critical: '7:' } },
  example: { url: 'https://www.example.org/', status: '200-299', body: 'Welcome' },
  proxied: true,
  target: ({ url }) => withoutLogin(url),
  validate: (bound) => ({
    ...findHttpProblems(bound.url, bound),
    ...(bound.request_body !== undefined && (bound.method === 'GET' || bound.method === 'HEAD')
      ? { request_body: `${bound.method} has no body` }
      : {}),
    ...findJudgingProblems(bound),
  }),
  run: (bound, context) => observeFamilies(bound.family, context, (family) => observe(bound, family, context), ['days_left']),
});

function findJudgingProblems({ json, refused, redirects, auth, date, date_regex: dateRegex }: PageOptions): Record<string, string> {
  const wrongPath = json && findConditionProblem(json);
  return {
    ...(wrongPath ? { json: wrongPath } : {}),
    ...(refused !== undefined && redirects !== 'none'
      ? { refused: 'a redirect is the answer that is judged: redirects must be none' }
      : {}),
    ...(refused !== undefined && auth ? { refused: 'who has a login is not refused' } : {}),
    ...(date === 'body' && dateRegex === undefined ? { date: 'body needs date_regex' } : {}),
    ...(date !== 'body' && dateRegex !== undefined ? { date_regex: 'is read only with date: body' } : {}),
  };
}

async function observe(bound: PageOptions, family: 4 | 6 | undefined, context: Context): Promise<Observation> {
  const before = context.elapsed();
  const response = await requestHttp(
    {
      ...toRequest(bound, context),
      url: bound.url,
      method: bound.method,
      body: bound.request_body,
      family,
      redirects: bound.redirects,
      maxBody: bound.max_size,
    },
    context,
  );
  const time = Math.round((context.elapsed() - before) * 1e4) / 1e4;
  const metrics: Metrics = { time, size: response.body.length, ...toDaysLeft(response, context.now) };
  const wrong =
    findRefusalFault(bound, response) ??
    (await findFault(bound, response, time)) ??
    (await readAge(bound, response, metrics, context.now));
  if (wrong) return { kind: 'failed', ...wrong, metrics };
  const age = metrics['age'] === undefined ? '' : `, ${formatAge(metrics['age'])} old`;
  const output = `HTTP ${response.status} in ${formatSeconds(time)}, ${response.body.length} bytes${age}`;
  return { kind: 'measured', output, metrics };
}

/** Rounded down, so that it is below a threshold of whole days exactly when the time left is. */
function toDaysLeft({ notAfter }: HttpResponse, now: number): { days_left?: number } {
  return notAfter === null ? {} : { days_left: Math.floor(((notAfter - now) / DAY_MS) * 1000) / 1000 };
}

interface Fault {
  code: string;
  output: string;
}

/** Somebody without a login who sees the page is the fault, whatever the page says. */
function findRefusalFault({ refused }: PageOptions, { status, headers }: HttpResponse): Fault | null {
  if (refused === undefined || status === 401 || status === 403) return null;
  const wanted = `expected 401, 403 or a redirect to ${cleanText(refused, 40)}`;
  const location = headers.get('location');
  if (status < 300 || status > 399 || location === undefined)
    return { code: 'http.not_refused', output: `HTTP ${status}, ${wanted}` };
  if (location.includes(refused)) return null;
  return { code: 'http.not_refused', output: `HTTP ${status} to ${cleanText(location, 40)}, ${wanted}` };
}

/** A date ahead of ours by more than this is no clock that is a little off. */
const MAX_AHEAD_MS = 300_000;

/** Adds the metric `age`. */
async function readAge(bound: PageOptions, response: HttpResponse, metrics: Metrics, now: number): Promise<Fault | null> {
  const { date, date_regex: pattern = '' } = bound;
  if (date === 'none') return null;
  const where = date === 'body' ? `"${cleanText(pattern, 30)}" in the body` : 'Last-Modified';
  const text =
    date === 'body' ? await findMatch(pattern, response.body.toString('utf8')) : (response.headers.get('last-modified') ?? null);
  if (text === null) return { code: 'date.missing', output: `HTTP ${response.status} without ${where}, expected a date` };
  const at = parseDate(text);
  if (at === null) return { code: 'date.invalid', output: `${where} is "${cleanText(text, 30)}", expected a date` };
  if (at > now + MAX_AHEAD_MS)
    return { code: 'date.future', output: `${where} is ${cleanText(text, 40)}, expected a date that has been` };
  metrics['age'] = Math.max(0, Math.round((now - at) / 1000));
  return null;
}

async function findFault(bound: PageOptions, response: HttpResponse, time: number): Promise<Fault | null> {
  const seen = `HTTP ${response.status} in ${formatSeconds(time)}`;
  if (bound.refused === undefined && !bound.status.some((range) => inRange(response.status, range))) {
    const location = response.headers.get('location');
    const to = location === undefined ? '' : ` to ${cleanText(location, 40)}`;
    return { code: 'http.status', output: `${seen}${to}, expected ${bound.status.join(', ')}` };
  }
  for (const [name, wanted] of Object.entries(bound.response_headers ?? {})) {
    const value = response.headers.get(name.toLowerCase());
    const expected = `expected "${cleanText(wanted, 30)}"`;
    if (value === undefined) return { code: 'header.missing', output: `${seen} without ${name}, ${expected}` };
    if (!value.includes(wanted))
      return { code: 'header.wrong', output: `${seen}, ${name} is "${cleanText(value, 30)}", ${expected}` };
  }
  const found = `${seen}, ${response.body.length} bytes`;
  if (bound.body !== undefined && !response.body.includes(bound.body)) {
    return { code: 'content.missing', output: `${found} without "${cleanText(bound.body, 40)}"` };
  }
  if (bound.regex !== undefined && !(await matchesRegex(bound.regex, response.body.toString('utf8')))) {
    return { code: 'content.missing', output: `${found} that do not match "${cleanText(bound.regex, 40)}"` };
  }
  if (bound.json !== undefined) return findBrokenCondition(response.body.toString('utf8'), bound.json);
  return null;
}

function inRange(status: number, range: string): boolean {
  const [low, high = low] = range.split('-').map(Number);
  return low !== undefined && high !== undefined && status >= low && status <= high;
}
