import assert from 'node:assert/strict';

const LIMIT_MS = 50;

/**
 * Runs a parser and insists that its input costs at most 50 ms. A slow run is measured again: the machine may have been busy once, a
 * parser that goes back and forth is slow each time.
 */
export function insistOnCheap<T>(act: () => T, what: () => string): T {
  let took = 0;
  for (let time = 1; time <= 5; time += 1) {
    const began = performance.now();
    const result = act();
    took = performance.now() - began;
    if (took <= LIMIT_MS) return result;
  }
  return assert.fail(`${took} ms for ${what()}`);
}
