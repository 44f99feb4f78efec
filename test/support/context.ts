import { setMaxListeners } from 'node:events';
import type { Context } from '../../src/check-type.ts';
import { createContext } from '../../src/net/context.ts';
import { createResolver, type ResolverSettings } from '../../src/net/resolver.ts';

/** So long that a check which is not meant to time out never does, on however slow a machine. */
const PATIENCE_MS = 60_000;
/** A machine that stands still for seconds costs a check one tick of its time, not all of it: peers and children stand still too. */
const TICK_MS = 20;

export interface TestContextSettings {
  /** Short only where a timeout is what the test is about. */
  timeoutMs?: number | undefined;
  proxy?: { name: string; host: string; port: number };
  resolver?: ResolverSettings;
  check?: string;
  run?: number;
  tryNumber?: number;
  now?: number;
  memory?: unknown;
  /** Secrets of `{ env: NAME }`. */
  secrets?: Record<string, string>;
}

/** What a check may take in a test that expects this code: little where it is a timeout, so that the test does not wait for it. */
export function timeFor(code: string, shortMs: number): TestContextSettings {
  return code.startsWith('timeout.') ? { timeoutMs: shortMs } : {};
}

export type TestContext = Context & { steps: string[]; abort: (reason?: unknown) => void };

/** A context on the real dialer, resolver and children, as the runner makes one for each try. */
export function testContext(settings: TestContextSettings = {}): TestContext {
  const controller = new AbortController();
  // As the runner's: each socket of a check listens until its try is over.
  setMaxListeners(0, controller.signal);
  let leftMs = settings.timeoutMs ?? PATIENCE_MS;
  const clock = setInterval(() => {
    leftMs -= TICK_MS;
    if (leftMs > 0) return;
    clearInterval(clock);
    controller.abort();
  }, TICK_MS).unref();
  const steps: string[] = [];
  const context = createContext({
    check: settings.check ?? 'test/check',
    proxy: settings.proxy ?? null,
    resolve: createResolver(settings.resolver),
    signal: controller.signal,
    run: settings.run ?? 1,
    tryNumber: settings.tryNumber ?? 1,
    now: settings.now ?? Date.now(),
    memory: settings.memory,
    trace: (step) => {
      steps.push(step);
    },
    env: settings.secrets ?? {},
  });
  return { ...context, steps, abort: (reason) => controller.abort(reason) };
}
