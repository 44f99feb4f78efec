import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { TargetFailure } from '../../src/check-type.ts';
import { decodeBencode } from '../../src/net/bencode.ts';
import { readBitfield } from '../../src/net/peer.ts';
import { parseTorrent } from '../../src/net/torrent.ts';
import { parseAnnounced } from '../../src/net/tracker.ts';
import { insistOnCheap } from '../support/cost.ts';

function isRefused(act: () => unknown): boolean {
  try {
    act();
    return false;
  } catch (error) {
    assert.ok(error instanceof TargetFailure, String(error));
    return true;
  }
}

describe('bencode', () => {
  it('[case B01] 100,000 generated documents are read or refused, none costs 50 ms', () => {
    const piece = fc.constantFrom(
      'd',
      'l',
      'i',
      'e',
      '0',
      '-',
      '1:',
      '3:abc',
      '4:info',
      '5:peers',
      '6:pieces',
      '12:',
      '9999999999:',
      'i5e',
      '\xff',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 50 }), (pieces) => {
        const bytes = Buffer.from(pieces.join(''), 'latin1');
        insistOnCheap(
          () => [decodeBencode, parseTorrent, parseAnnounced].map((parse) => isRefused(() => parse(bytes))),
          () => JSON.stringify(pieces),
        );
      }),
      { numRuns: 100_000 },
    );
  });

  it('[case B01] a megabyte of openings is refused at once', () => {
    for (const text of ['l', 'd', 'd1:a', 'li1e']) {
      const bytes = Buffer.from(text.repeat(250_000));
      assert.ok(
        insistOnCheap(
          () => isRefused(() => decodeBencode(bytes)),
          () => text,
        ),
      );
    }
  });

  it('[K9] a bitfield has as many bits as there are pieces', () => {
    assert.deepEqual(readBitfield(Buffer.from([0b1010_0000]), 4), [0, 2]);
    assert.ok(
      isRefused(() => readBitfield(Buffer.from([0b1010_1000]), 4)),
      'bits beyond the last piece',
    );
    assert.ok(
      isRefused(() => readBitfield(Buffer.from([0, 0]), 4)),
      'a byte too many',
    );
    assert.deepEqual(readBitfield(Buffer.from([255]), 8).length, 8);
  });
});
