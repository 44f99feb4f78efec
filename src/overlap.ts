import { appendFileSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/** A run that found the lock taken adds one byte; it can write nothing else without the lock. */
export function countOverlap(state: string): void {
  try {
    appendFileSync(join(state, 'overlaps'), '.', { mode: 0o600 });
  } catch {
    // A state folder that cannot be written is told by the run that holds the lock.
  }
}

/** How many runs in a row found the lock taken since the last one that got it; forgets them. */
export function takeOverlaps(state: string): number {
  const path = join(state, 'overlaps');
  try {
    const count = readFileSync(path).length;
    rmSync(path);
    return count;
  } catch {
    return 0;
  }
}
