import { readdirSync, readFileSync } from 'node:fs';

/** The process ids of the children that a process of vigie started and that still run: each has its starter in its environment. */
export function childrenOf(starter: number | undefined): number[] {
  return readdirSync('/proc')
    .filter((entry) => {
      try {
        return /^\d+$/.test(entry) && readFileSync(`/proc/${entry}/environ`, 'latin1').includes(`VIGIE_CHILD=${starter}.`);
      } catch {
        return false;
      }
    })
    .map(Number);
}
