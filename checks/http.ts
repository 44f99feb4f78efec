import type { Bound, Context, Observation } from '../src/check-type.ts';
import { cleanText, defineCheckType, option } from '../src/check-type.ts';
import { type HttpResponse, requestHttp } from '../src/net/http.ts';
import { formatSeconds } from '../src/net/limits.ts';
import { matchesRegex } from '../src/net/match.ts';
import { familyOption, observeFamilies } from '../src/net/parts.ts';
import { tlsOption } from '../src/net/tls-option.ts';

const STATUS = '^[1-5][0-9][0-9](-[1-5][0-9][0-9])?$';
const HEADER_NAME = "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$";
const DAY_MS = 86_400_000;

const options = {
  url: option.url('The address that is asked for.', { schemes: ['http', 'https'] }),
  address: option.text("Connects to this name or address instead of the URL's host.", { optional: true, maxLength: 255 }),
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
  headers: option.map('Request headers.', option.text('The value.', { pattern: '^[^\\r\\n\\u0000]*$' }), {
    optional: true,
    keyPattern: HEADER_NAME,
  }),
  request_body: option.text('Body of the request.', { optional: true }),
  auth: option.object(
    'HTTP basic authentication.',
    { user: option.text('The user, without a colon.', { pattern: '^[^:]*$' }), password: option.secret('The password.') },
    { optional: true },
  ),
  redirects: option.choice('Which redirects are followed, at most 5.', ['none', 'same-host', 'any'], { default: 'none' }),
  tls: tlsOption,
  server_name: option.text("Name in the TLS handshake and certificate, if not the URL's host.", { optional: true, maxLength: 253 }),
  family: familyOption,
  max_size: option.size('Bytes of the body that are read at most.', { default: '2MiB', min: 1, max: 64 * 1024 * 1024 }),
};
type HttpOptions = Bound<typeof options>;

export default defineCheckType({
  type: 'http',
  summary: 'Asks a web server for a page and judges status, headers, text, time and certificate.',
  options,
  metrics: {
    time: { unit: 's', label: 'Time', help: 'From the name lookup to the end of the answer.' },
    size: { unit: 'B', label: 'Size', help: 'Length of the body.' },
    days_left: { unit: 'd', label: 'Certificate', help: 'Days until the certificate expires; https only.' },
  },
  thresholds: { days_left: { warning: '14:', critical: '7:' } },
  example: { url: 'https://www.example.org/', status: '200-299', body: 'Welcome' },
  proxied: true,
  target: ({ url }) => withoutLogin(url),
  validate: ({ url, headers, auth, method, request_body, tls }) => ({
    ...(URL.canParse(url) && new URL(url).username !== '' ? { url: 'a login stands in `auth`, not in the address' } : {}),
    ...(auth && hasHeader(headers, 'authorization') ? { auth: 'headers already have Authorization' } : {}),
    ...(request_body !== undefined && (method === 'GET' || method === 'HEAD') ? { request_body: `${method} has no body` } : {}),
    ...(tls && !url.startsWith('https:') ? { tls: 'the address is not https' } : {}),
  }),
  run: (bound, context) => observeFamilies(bound.family, context, (family) => observe(bound, family, context), ['days_left']),
});

async function observe(bound: HttpOptions, family: 4 | 6 | undefined, context: Context): Promise<Observation> {
  const before = context.elapsed();
  const response = await requestHttp(
    {
      url: bound.url,
      address: bound.address,
      method: bound.method,
      headers: { ...bound.headers, ...authorize(bound, context) },
      body: bound.request_body,
      family,
      tls: bound.tls,
      serverName: bound.server_name,
      redirects: bound.redirects,
      maxBody: bound.max_size,
    },
    context,
  );
  const time = Math.round((context.elapsed() - before) * 1e4) / 1e4;
  const metrics = { time, size: response.body.length, ...toDaysLeft(response, context.now) };
  const wrong = await findFault(bound, response, time);
  if (wrong) return { kind: 'failed', ...wrong, metrics };
  return { kind: 'measured', output: `HTTP ${response.status} in ${formatSeconds(time)}, ${response.body.length} bytes`, metrics };
}

function authorize({ auth }: HttpOptions, context: Context): Record<string, string> {
  if (!auth) return {};
  return { authorization: `Basic ${Buffer.from(`${auth.user}:${context.secret(auth.password)}`).toString('base64')}` };
}

/** Rounded down, so that it is below a threshold of whole days exactly when the time left is. */
function toDaysLeft({ notAfter }: HttpResponse, now: number): { days_left?: number } {
  return notAfter === null ? {} : { days_left: Math.floor(((notAfter - now) / DAY_MS) * 1000) / 1000 };
}

async function findFault(
  bound: HttpOptions,
  response: HttpResponse,
  time: number,
): Promise<{ code: string; output: string } | null> {
  const seen = `HTTP ${response.status} in ${formatSeconds(time)}`;
  if (!bound.status.some((range) => inRange(response.status, range))) {
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
  return null;
}

function inRange(status: number, range: string): boolean {
  const [low, high = low] = range.split('-').map(Number);
  return low !== undefined && high !== undefined && status >= low && status <= high;
}

function hasHeader(headers: Record<string, string> | undefined, name: string): boolean {
  return Object.keys(headers ?? {}).some((key) => key.toLowerCase() === name);
}

/** A query may hold a token: people see where the check goes, not what it carries. */
function withoutLogin(address: string): string {
  if (!URL.canParse(address)) return cleanText(address, 200);
  const url = new URL(address);
  return cleanText(`${url.origin}${url.pathname}${url.search === '' ? '' : '?…'}`, 200);
}
