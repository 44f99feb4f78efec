import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { TargetFailure } from '../../src/check-type.ts';
import { parseHeight, parseRpcHeight, vote } from '../../src/net/bitcoin.ts';
import { insistOnCheap } from '../support/cost.ts';

describe('heights of a chain', () => {
  it('[case A06] 100,000 generated answers are a height or refused, none costs 50 ms', () => {
    const piece = fc.constantFrom(
      '{',
      '}',
      '"result":',
      '"id":"vigie"',
      ',',
      '"error":',
      'null',
      '[',
      ']',
      '850000',
      '-',
      'e308',
      '"',
      ' ',
    );
    const text = fc.oneof(
      fc.array(piece, { maxLength: 20 }).map((pieces) => pieces.join('')),
      fc.json().map((json) => `{"result":${json},"id":"vigie"}`),
    );
    fc.assert(
      fc.property(text, (given) => {
        insistOnCheap(
          () => {
            for (const parse of [
              () => parseHeight(given),
              () => parseHeight(given, 'result'),
              () => parseRpcHeight(given, 'vigie'),
            ]) {
              try {
                const height = parse();
                assert.ok(Number.isInteger(height) && height >= 0 && height <= 10_000_000);
              } catch (error) {
                assert.ok(error instanceof TargetFailure, String(error));
              }
            }
          },
          () => given,
        );
      }),
      { numRuns: 100_000 },
    );
  });

  it('[K8] whatever a minority says, the height is within the tolerance of what the honest majority saw', () => {
    const honest = fc.array(fc.integer({ min: 850_000, max: 850_002 }), { minLength: 2, maxLength: 10 });
    fc.assert(
      fc.property(honest, fc.array(fc.integer({ min: 0, max: 10_000_000 }), { maxLength: 9 }), (truths, lies) => {
        const liars = lies.slice(0, truths.length - 1);
        const voices = [...liars, ...truths].map((height, i) => ({ name: String(i), height }));
        const { height, agreeing, outvoted } = vote(voices, Math.floor(voices.length / 2) + 1, 2);
        assert.ok(height !== null && Math.abs(height - 850_001) <= 3, String(height));
        assert.equal(agreeing.length + outvoted.length, voices.length);
      }),
      { numRuns: 20_000 },
    );
  });
});
