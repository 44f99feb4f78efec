import type { Check } from './configuration.ts';

/**
 * Whether a PATTERN of the command line names the check: a glob over ids (`*` any text, `?` one character), or the bare name of a
 * host or service, which means all its checks.
 */
export function isSelected(pattern: string, check: Pick<Check, 'id' | 'host' | 'service'>): boolean {
  if (!pattern.includes('/') && (check.host === pattern || check.service === pattern)) return true;
  return matchesGlob(pattern, check.id);
}

/** `*` any text, `?` one character. Backtracks only to the last star, so its time is at most the product of both lengths. */
export function matchesGlob(pattern: string, text: string): boolean {
  let p = 0;
  let star = -1;
  let restart = 0;
  for (let t = 0; t < text.length; ) {
    const wanted = pattern[p];
    if (wanted === '*') {
      star = p;
      restart = t;
      p += 1;
    } else if (wanted === '?' || wanted === text[t]) {
      p += 1;
      t += 1;
    } else if (star >= 0) {
      restart += 1;
      t = restart;
      p = star + 1;
    } else {
      return false;
    }
  }
  while (pattern[p] === '*') p += 1;
  return p === pattern.length;
}
