import type { Context } from '../check-type.ts';

interface Memory {
  /** Milliseconds since 1970 of the first report that said so. */
  since: number | null;
}

/** For how long something is so, in seconds, by the reports that said it; what is to be remembered for the next one. */
export function readSince({ memory, now, report }: Context, isSo: boolean): { length: number; memory: Memory } {
  if (!isSo) return { length: 0, memory: { since: null } };
  const before = (memory as Partial<Memory> | null | undefined)?.since;
  const since = typeof before === 'number' && before <= now ? before : Math.min(now, report?.created ?? now);
  return { length: Math.round((now - since) / 1000), memory: { since } };
}
