import { setMaxListeners } from 'node:events';
import type { Context } from '../../src/check-type.ts';
import { createContext } from '../../src/net/context.ts';
import { createResolver, type ResolverSettings } from '../../src/net/resolver.ts';

export interface TestContextSettings {
  timeoutMs?: number;
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

export type TestContext = Context & { steps: string[]; abort: (reason?: unknown) => void };

/** A context on the real dialer, resolver and children, as the runner makes one for each try. */
export function testContext(settings: TestContextSettings = {}): TestContext {
  const controller = new AbortController();
  // As the runner's: each socket of a check listens until its try is over.
  setMaxListeners(0, controller.signal);
  setTimeout(() => controller.abort(), settings.timeoutMs ?? 5000).unref();
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
