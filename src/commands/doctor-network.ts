import type { Context } from '../check-type.ts';
import type { Check, Configuration, ProxyServer } from '../core/configuration.ts';
import { LookFailure, TargetFailure } from '../core/failure.ts';
import { cleanText } from '../core/text.ts';
import { count } from '../core/transition.ts';
import { readSynchronisation } from '../net/clock-status.ts';
import { createContext } from '../net/context.ts';
import { requestHttp } from '../net/http.ts';
import { createResolver } from '../net/resolver.ts';
import { observeAll } from '../observe.ts';
import { createObserver } from '../observer.ts';
import type { CommandContext } from './command.ts';
import { bad, type Finding, good } from './finding.ts';

type Outside = Pick<CommandContext, 'now' | 'env'>;

/** The proxies' own checks. */
export async function examineProxies(configuration: Configuration, outside: Outside): Promise<Finding[]> {
  const proxies = configuration.checks.filter((check) => check.id.startsWith('proxy/'));
  const results = await observe(proxies, configuration, outside);
  return results.map(({ check, state, output }) => (state === 'OK' ? good(check, output) : bad(check, output)));
}

const SAMPLES = 3;

/**
 * `--egress`: for each kind of traffic that the direct checks need (ICMP, UDP, each TCP port) a few of them. An answer or a refusal
 * proves that packets leave and come back; where none of them says anything, something between filters.
 */
export async function examineEgress(configuration: Configuration, outside: Outside): Promise<Finding[]> {
  const kinds = new Map<string, Check[]>();
  for (const check of configuration.checks) {
    if (!check.enabled || check.via !== null || check.id.startsWith('proxy/')) continue;
    const kind = kindOf(check);
    kinds.set(kind, [...(kinds.get(kind) ?? []), check]);
  }
  const samples = new Map([...kinds].map(([kind, checks]) => [kind, checks.slice(0, SAMPLES)]));
  const results = await observe([...samples.values()].flat(), configuration, outside);
  return [...samples].map(([kind, checks]) => {
    const own = results.filter(({ check }) => checks.some(({ id }) => id === check));
    const through = own.filter(({ code }) => !/^(timeout|network\.unreachable|local|dns)/.test(code));
    const all = count(kinds.get(kind)?.length ?? 0, 'check');
    if (through.length > 0) return good(`egress ${kind}`, `answered, needed by ${all}`);
    return bad(`egress ${kind}`, `none of ${own.length} answers, needed by ${all}: ${own[0]?.output ?? 'not run'}`);
  });
}

function kindOf({ type, options }: Check): string {
  if (type === 'ping') return 'ICMP';
  if (type === 'dns') return 'DNS';
  const { port, url } = options;
  if (typeof port === 'number') return `TCP ${port}`;
  if (typeof url !== 'string' || !URL.canParse(url)) return `of type ${type}`;
  const parsed = new URL(url);
  return `TCP ${parsed.port === '' ? (parsed.protocol === 'https:' ? 443 : 80) : parsed.port}`;
}

function observe(checks: Check[], configuration: Configuration, { now, env }: Outside): ReturnType<typeof observeAll> {
  const due = checks.map((check) => ({ check, due: 'scheduled' as const, memory: undefined }));
  return observeAll(due, createObserver(configuration, { run: 0, now, env }));
}

/** What the system says of its clock; nothing where it cannot say. */
export async function examineClock(lastRunAt: number | null, now: number): Promise<Finding[]> {
  if (lastRunAt !== null && lastRunAt > now + 60_000) {
    return [bad('clock', `the last run was ${Math.round((lastRunAt - now) / 60_000)} min in the future: the clock went back`)];
  }
  const isSynchronised = await readSynchronisation();
  if (isSynchronised === true) return [good('clock', 'synchronised')];
  if (isSynchronised === false) return [bad('clock', 'not synchronised, expected NTP: systemd-timesyncd or chrony')];
  return [good('clock', 'whether it is synchronised cannot be seen from here')];
}

/** The headers that the files of docs/web-servers have the web server send, and what each is for. */
const HEADERS: { name: string; test: (value: string) => boolean; expected: string }[] = [
  {
    name: 'content-security-policy',
    test: (value) => /default-src 'none'/.test(value) && /frame-ancestors '(none|self)'/.test(value) && !/unsafe|\*/.test(value),
    expected: "default-src 'none', frame-ancestors 'none' and no exception for scripts",
  },
  { name: 'x-content-type-options', test: (value) => value === 'nosniff', expected: 'nosniff' },
  { name: 'referrer-policy', test: (value) => /^(no-referrer|same-origin)$/.test(value), expected: 'no-referrer' },
  { name: 'cache-control', test: (value) => /(^|[ ,])(no-cache|no-store)([ ,]|$)/.test(value), expected: 'no-cache' },
  { name: 'content-type', test: (value) => /^text\/html; *charset=utf-8$/i.test(value), expected: 'text/html; charset=utf-8' },
];

/** `doctor URL`: the page as the world gets it. */
export async function examineHeaders(url: string, { now, env }: Outside, proxy: ProxyServer | null): Promise<Finding[]> {
  const context = createContext({
    check: 'doctor',
    proxy,
    resolve: createResolver(),
    signal: AbortSignal.timeout(proxy === null ? 20_000 : 90_000),
    run: 0,
    tryNumber: 1,
    now,
    memory: undefined,
    trace: () => {},
    env,
  });
  try {
    const { status, headers } = await requestHttp({ url }, context);
    if (status !== 200) return [bad('page', `HTTP ${status}, expected 200`)];
    const found = HEADERS.map(({ name, test, expected }) => {
      const value = headers.get(name);
      if (value === undefined) return bad(name, `missing, expected ${expected}`);
      return test(value)
        ? good(name, cleanText(value, 120))
        : bad(name, `expected ${expected}, found ${JSON.stringify(cleanText(value, 80))}`);
    });
    const cookie = headers.has('set-cookie') ? [bad('set-cookie', 'the page sets a cookie, expected none')] : [];
    return [good('page', `HTTP 200`), ...found, await examineRevalidation(url, headers.get('etag'), context), ...cookie];
  } catch (error) {
    // What keeps us from looking is worth a line too: a proxy that is down, an onion service that wants a key.
    if (!(error instanceof TargetFailure || error instanceof LookFailure)) throw error;
    return [bad('page', error.message)];
  }
}

/** With an ETag, a browser that asks whether its page is old gets a short answer: no-cache costs nothing. */
async function examineRevalidation(url: string, etag: string | undefined, context: Context): Promise<Finding> {
  if (etag === undefined) return bad('etag', 'missing, expected one, so that an unchanged page is not sent again');
  const { status } = await requestHttp({ url, headers: { 'if-none-match': etag } }, context);
  return status === 304
    ? good('etag', 'an unchanged page is not sent again')
    : bad('etag', `HTTP ${status} for what has not changed, expected 304`);
}
