import type { Context } from '../../src/check-type.ts';
import { LookFailure } from '../../src/core/failure.ts';
import { createDialer } from '../../src/net/dialer.ts';
import { createResolver, type ResolverSettings } from '../../src/net/resolver.ts';

export interface TestContextSettings {
  timeoutMs?: number;
  proxy?: { name: string; host: string; port: number };
  resolver?: ResolverSettings;
  now?: number;
  memory?: unknown;
  /** Secrets of `{ env: NAME }`. */
  secrets?: Record<string, string>;
}

export type TestContext = Context & { steps: string[]; abort: (reason?: unknown) => void };

/** A context on the real dialer and resolver, as the runner makes one for each try. */
export function testContext(settings: TestContextSettings = {}): TestContext {
  const began = performance.now();
  const controller = new AbortController();
  setTimeout(() => controller.abort(), settings.timeoutMs ?? 5000).unref();
  const steps: string[] = [];
  const trace = (step: string) => {
    steps.push(step);
  };
  const dialer = createDialer({
    proxy: settings.proxy ?? null,
    login: { user: 'test/check', password: '1.1' },
    resolve: createResolver(settings.resolver),
    signal: controller.signal,
    trace,
  });
  return {
    ...dialer,
    signal: controller.signal,
    via: settings.proxy?.name ?? null,
    spawn: () => Promise.reject(new LookFailure('child.missing', 'this context starts no children')),
    secret: (reference) => ('env' in reference ? (settings.secrets?.[reference.env] ?? '') : ''),
    elapsed: () => (performance.now() - began) / 1000,
    now: settings.now ?? Date.now(),
    memory: settings.memory,
    trace,
    steps,
    abort: (reason) => controller.abort(reason),
  };
}
