import { type Bound, type Context, option } from '../check-type.ts';
import { cleanText } from '../core/text.ts';
import type { HttpRequest } from './http.ts';
import { tlsOption } from './tls-option.ts';

export const HEADER_NAME = "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$";

/** Options of every type that asks a web server for something. */
export const httpOptions = {
  address: option.text("Connects to this name or address instead of the URL's host.", { optional: true, maxLength: 255 }),
  headers: option.map('Request headers.', option.text('The value.', { pattern: '^[^\\r\\n\\u0000]*$' }), {
    optional: true,
    keyPattern: HEADER_NAME,
  }),
  auth: option.object(
    'HTTP basic authentication.',
    { user: option.text('The user, without a colon.', { pattern: '^[^:]*$' }), password: option.secret('The password.') },
    { optional: true },
  ),
  tls: tlsOption,
  server_name: option.text("Name in the TLS handshake and certificate, if not the URL's host.", { optional: true, maxLength: 253 }),
};
export type HttpOptions = Bound<typeof httpOptions>;

/** How the options ask; secrets are read now. */
export function toRequest(bound: HttpOptions, context: Context): Omit<HttpRequest, 'url'> {
  return {
    address: bound.address,
    headers: { ...bound.headers, ...authorize(bound, context) },
    tls: bound.tls,
    serverName: bound.server_name,
  };
}

function authorize({ auth }: HttpOptions, context: Context): Record<string, string> {
  if (!auth) return {};
  return { authorization: `Basic ${Buffer.from(`${auth.user}:${context.secret(auth.password)}`).toString('base64')}` };
}

/** What two options together make impossible, keyed by option. */
export function findHttpProblems(url: string, { auth, headers, tls }: HttpOptions): Record<string, string> {
  const hasAuthorization = Object.keys(headers ?? {}).some((key) => key.toLowerCase() === 'authorization');
  return {
    ...(URL.canParse(url) && new URL(url).username !== '' ? { url: 'a login stands in `auth`, not in the address' } : {}),
    ...(auth && hasAuthorization ? { auth: 'headers already have Authorization' } : {}),
    ...(tls && !url.startsWith('https:') ? { tls: 'the address is not https' } : {}),
  };
}

/** A query may hold a token: people see where the check goes, not what it carries. */
export function withoutLogin(address: string): string {
  if (!URL.canParse(address)) return cleanText(address, 200);
  const url = new URL(address);
  return cleanText(`${url.origin}${url.pathname}${url.search === '' ? '' : '?…'}`, 200);
}
