import type { Configuration } from './core/configuration.ts';
import { createContext } from './net/context.ts';
import { createResolver } from './net/resolver.ts';
import type { Observer } from './observe.ts';
import { createTypeLoader } from './registry.ts';

/** How checks reach the world in one run: one resolver for all, a context of its own for each try. */
export function createObserver(
  configuration: Configuration,
  outside: {
    run: number;
    now: number;
    env: Readonly<Record<string, string | undefined>>;
    trace?: (check: string, step: string) => void;
    onResult?: Observer['onResult'];
  },
): Observer {
  const { run, now, env, trace, onResult } = outside;
  const resolve = createResolver();
  let hasSpawned = false;
  return {
    run,
    now,
    limits: configuration.limits,
    loadType: createTypeLoader(),
    contextFor: (check, { signal, tryNumber, memory, report }) => {
      const context = createContext({
        check: check.id,
        proxy: check.via === null ? null : (configuration.proxies[check.via] ?? null),
        resolve,
        signal,
        // A report proves itself by its signature: a circuit that lasts is enough for it, and a new one for each run would be dear.
        run: check.type === 'report' ? 0 : run,
        tryNumber,
        now,
        memory,
        report,
        trace: trace === undefined ? null : (step) => trace(check.id, step),
        env,
      });
      const { spawn } = context;
      context.spawn = (command) => {
        hasSpawned = true;
        return spawn(command);
      };
      return context;
    },
    async onEnd() {
      if (hasSpawned) (await import('./net/child.ts')).sweepChildren();
    },
    ...(onResult === undefined ? {} : { onResult }),
  };
}
