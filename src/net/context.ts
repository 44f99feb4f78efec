import type { Context } from '../check-type.ts';
import type { HostReport } from '../core/report.ts';
import { createDialer } from './dialer.ts';
import type { Resolve } from './resolver.ts';
import { readSecret } from './secret.ts';

export interface ContextSettings {
  /** The check's id: what other checks' circuits are kept apart from. */
  check: string;
  /** The proxy of the check's `via`, or null. */
  proxy: { name: string; host: string; port: number } | null;
  /** One for the whole run: `createResolver()`. */
  resolve: Resolve;
  /** The end of this try. A reason that is a LookFailure is passed on; otherwise each step says how far it came. */
  signal: AbortSignal;
  run: number;
  /** 1 for the first try. Another try is another circuit. */
  tryNumber: number;
  now: number;
  memory: unknown;
  report?: HostReport | undefined;
  /** null when nobody listens. */
  trace: ((step: string) => void) | null;
  /** The environment that `{ env: NAME }` secrets are read from: `main.ts` alone touches the process's. */
  env: Readonly<Record<string, string | undefined>>;
}

function nobodyListens(): void {}

/** What one try of one check may touch. */
export function createContext(settings: ContextSettings): Context {
  const began = performance.now();
  const { signal } = settings;
  const secrets: string[] = [];
  const { trace: listen } = settings;
  const trace = listen && ((step: string) => listen(secrets.reduce((text, secret) => text.replaceAll(secret, '***'), step)));
  const dialer = createDialer({
    proxy: settings.proxy,
    login: { user: settings.check, password: `${settings.run}.${settings.tryNumber}` },
    resolve: settings.resolve,
    signal,
    trace,
  });
  return {
    signal,
    dial: dialer.dial,
    resolve: dialer.resolve,
    via: settings.proxy?.name ?? null,
    // Most runs start no program, and need nothing of what that takes.
    spawn: async (command) => (await import('./child.ts')).runChild(command, signal),
    secret(reference) {
      const text = readSecret(reference, settings.env);
      // What a peer echoes must not reach the trace either. A short one would blot out ordinary words.
      if (text.length >= 4) secrets.push(text);
      return text;
    },
    elapsed: () => (performance.now() - began) / 1000,
    now: settings.now,
    memory: settings.memory,
    report: settings.report,
    trace: trace ?? nobodyListens,
  };
}
