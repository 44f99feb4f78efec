import type { Context } from './check-type.ts';
import type { Configuration, Sentinel } from './core/configuration.ts';
import { TargetFailure } from './core/failure.ts';
import type { SentinelReport } from './core/isolation.ts';
import { createContext } from './net/context.ts';
import { requestHttp } from './net/http.ts';
import { createResolver, type Resolve } from './net/resolver.ts';

export interface SentinelOutside {
  run: number;
  now: number;
  /** Roots for https instead of the system's: for tests. */
  ca?: string;
  /** Milliseconds for each; default 5 s direct, 15 s through a proxy. */
  timeoutMs?: number;
}

/** Sentinels of one batch that have been asked once; `finish` asks again those that failed, at the batch's end. */
export interface AskedSentinels {
  finish(): Promise<SentinelReport[]>;
}

interface Answer {
  works: boolean;
  clockOffsetMs: number | null;
}

/** Asks the sentinels of these network groups, all at once; the batch's checks need not wait for them (alerting.md section 5). */
export function askSentinels(configuration: Configuration, groups: string[], outside: SentinelOutside): AskedSentinels {
  const began = performance.now();
  const clock = () => outside.now + (performance.now() - began);
  const resolve = createResolver();
  const askOne = (group: string, sentinel: Sentinel, tryNumber: number) =>
    ask(sentinel, { configuration, group, outside, tryNumber, resolve, clock });
  const asked = groups.map((group) => {
    const sentinels = configuration.sentinels[group] ?? [];
    return { group, sentinels, first: Promise.all(sentinels.map((sentinel) => askOne(group, sentinel, 1))) };
  });
  return {
    finish: () =>
      Promise.all(
        asked.map(async ({ group, sentinels, first }) => {
          const answers = await first;
          const again = answers.map((answer, i) => {
            const sentinel = sentinels[i];
            return answer.works || sentinel === undefined ? answer : askOne(group, sentinel, 2);
          });
          return toReport(group, await Promise.all(again));
        }),
      ),
  };
}

function toReport(group: string, answers: Answer[]): SentinelReport {
  return {
    group,
    failed: answers.filter(({ works }) => !works).length,
    of: answers.length,
    clockOffsetsMs: answers.flatMap(({ clockOffsetMs }) => clockOffsetMs ?? []),
  };
}

interface Asking {
  configuration: Configuration;
  group: string;
  outside: SentinelOutside;
  tryNumber: number;
  resolve: Resolve;
  /** What our clock says now. */
  clock(): number;
}

async function ask(sentinel: Sentinel, asking: Asking): Promise<Answer> {
  const { configuration, group, outside, tryNumber, resolve } = asking;
  const proxy = group === 'direct' ? null : (configuration.proxies[group] ?? null);
  const abort = new AbortController();
  const limitMs = outside.timeoutMs ?? (proxy === null ? 5000 : 15_000);
  const timer = setTimeout(() => abort.abort(new TargetFailure('timeout.total', 'no answer in time')), limitMs);
  const context = createContext({
    check: `sentinel ${group}`,
    proxy,
    resolve,
    signal: abort.signal,
    run: outside.run,
    tryNumber,
    now: outside.now,
    memory: undefined,
    trace: () => {},
    env: {},
  });
  try {
    return { works: true, clockOffsetMs: await reach(sentinel, context, asking) };
  } catch {
    // Whatever went wrong on the way to it, this one did not answer: the others say whether that is our fault.
    return { works: false, clockOffsetMs: null };
  } finally {
    clearTimeout(timer);
    abort.abort();
  }
}

/** Reaches it, or throws. Of https: how far its clock is ahead of ours. */
async function reach(sentinel: Sentinel, context: Context, asking: Asking): Promise<number | null> {
  if (sentinel.kind === 'dns') {
    await context.resolve(sentinel.name);
    return null;
  }
  if (sentinel.kind === 'tcp') {
    (await context.dial({ host: sentinel.host, port: sentinel.port })).destroy();
    return null;
  }
  const date = await askForDate(sentinel.url, context, asking.outside.ca);
  const far = Date.parse(date ?? '');
  // The header has whole seconds: on average it is half a second old (RFC 9110 section 6.6.1).
  return Number.isNaN(far) ? null : Math.round(far + 500 - asking.clock());
}

/** Any answer of the right server will do. A certificate that is wrong for our date only may show that our date is wrong. */
async function askForDate(url: string, context: Context, ca: string | undefined): Promise<string | undefined> {
  const request = { url, method: 'HEAD', maxBody: 65_536 };
  try {
    return (await requestHttp({ ...request, tls: { ca } }, context)).headers.get('date');
  } catch (error) {
    if (!(error instanceof TargetFailure) || !/^tls\.(expired|not_yet_valid)$/.test(error.code)) throw error;
    return (await requestHttp({ ...request, tls: { ca, verify: false } }, context)).headers.get('date');
  }
}
