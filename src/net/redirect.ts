import { isIP } from 'node:net';
import { TargetFailure } from '../core/failure.ts';
import { cleanText } from '../core/text.ts';
import { isPublicAddress, withoutBrackets } from './address.ts';

/** Which redirects a check follows: none, those to the host that the configuration names, or those to any public host. */
export type RedirectPolicy = 'none' | 'same-host' | 'any';

export const MAX_REDIRECTS = 5;
const MAX_LOCATION = 2048;

/** RFC 9110 section 15.4: those with a Location to go to. */
const REDIRECT_STATUSES = new Set([301, 302, 303, 307, 308]);

export function isRedirect(status: number): boolean {
  return REDIRECT_STATUSES.has(status);
}

/** Headers that say nothing about us or our rights: all others stay with the origin that they were written for. */
const HARMLESS_HEADERS = new Set(['accept', 'accept-language', 'user-agent']);

export interface Step {
  url: URL;
  method: string;
  headers: Record<string, string>;
  body: string | undefined;
  /** A peer chose this host: only public addresses will do. */
  publicOnly: boolean;
}

/** The next step after a redirect, or a TargetFailure `redirect.*` when it must not be taken. `origin` is what was configured. */
export function planRedirect(from: Step, origin: URL, answer: { status: number; location: string }, policy: RedirectPolicy): Step {
  const url = parseLocation(answer.location, from.url);
  const bare = withoutBrackets(url.hostname);
  const isForeign = url.hostname !== origin.hostname;
  if (isForeign && isIP(bare) !== 0 && !isPublicAddress(bare)) {
    throw new TargetFailure('redirect.address', `redirect to ${bare}, expected a public address`);
  }
  if (isForeign && policy !== 'any') {
    throw new TargetFailure(
      'redirect.host',
      `redirect to ${cleanText(url.hostname, 40)}, expected ${cleanText(origin.hostname, 40)}`,
    );
  }
  // RFC 9110 section 15.4: 303 always becomes GET, 301 and 302 do so for POST.
  const becomesGet = from.method !== 'HEAD' && (answer.status === 303 || (answer.status < 303 && from.method === 'POST'));
  const sameOrigin = url.origin === from.url.origin;
  const body = becomesGet ? undefined : from.body;
  if (body !== undefined && !sameOrigin) {
    throw new TargetFailure('redirect.body', `redirect asks to send the request body to ${cleanText(url.host, 60)}`);
  }
  const kept = Object.entries(from.headers).filter(([name]) => sameOrigin || HARMLESS_HEADERS.has(name.toLowerCase()));
  return { url, method: becomesGet ? 'GET' : from.method, headers: Object.fromEntries(kept), body, publicOnly: isForeign };
}

function parseLocation(location: string, base: URL): URL {
  const shown = `"${cleanText(location, 50)}"`;
  if (
    location === '' ||
    location.length > MAX_LOCATION ||
    /[\u0000-\u0020\u007f]/.test(location) ||
    !URL.canParse(location, base.href)
  ) {
    throw new TargetFailure('redirect.invalid', `redirect to ${shown}, which is no address`);
  }
  const url = new URL(location, base);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new TargetFailure('redirect.scheme', `redirect to ${shown}, expected http or https`);
  }
  // A peer's user and password would become ours.
  url.username = '';
  url.password = '';
  return url;
}
