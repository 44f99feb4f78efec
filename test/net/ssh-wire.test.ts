import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { TargetFailure } from '../../src/core/failure.ts';
import { insistOnSignature, parsePinnedKey } from '../../src/net/ssh-key.ts';
import { findPacketEnd, readIdentification, SshFields, toMpint, toPacket, toPayload } from '../../src/net/ssh-wire.ts';
import { insistOnCheap } from '../support/cost.ts';

/** What a parser says, or the failure that it throws: anything else that it throws is a bug. */
function attempt<T>(parse: () => T): T | string {
  try {
    return parse();
  } catch (error) {
    if (error instanceof TargetFailure) return error.code;
    throw error;
  }
}

describe('SSH on the wire', () => {
  it('[K15] a packet comes out as it went in, in blocks of eight with at least four of padding', () => {
    for (let length = 1; length < 40; length += 1) {
      const payload = Buffer.alloc(length, 7);
      const packet = toPacket(payload);
      assert.equal(packet.length % 8, 0);
      assert.ok((packet[4] ?? 0) >= 4);
      assert.equal(findPacketEnd(Buffer.concat([packet, packet])), packet.length);
      assert.equal(findPacketEnd(packet.subarray(0, -1)), null);
      assert.deepEqual(toPayload(packet), payload);
    }
  });

  for (const { name, value, wire } of [
    { name: 'zero', value: '00', wire: '00000000' },
    { name: 'a first bit that would make it negative', value: '80', wire: '000000020080' },
    { name: 'leading zeros', value: '000009a378f9b2e332a7', wire: '0000000809a378f9b2e332a7' },
  ]) {
    it(`[K15] a number with ${name} is written as RFC 4251 wants it`, () => {
      assert.equal(toMpint(Buffer.from(value, 'hex')).toString('hex'), wire);
    });
  }

  it('[case S03] the banner is found behind other lines, with or without its carriage return', () => {
    assert.deepEqual(readIdentification(Buffer.from('hello\r\nSSH-2.0-x\r\nrest')), { line: 'SSH-2.0-x', end: 18 });
    assert.deepEqual(readIdentification(Buffer.from('SSH-1.99-x y\n')), { line: 'SSH-1.99-x y', end: 13 });
    assert.equal(readIdentification(Buffer.from('SSH-2.0-x')), null);
  });

  it('[case S03] 100,000 generated banners neither throw nor cost', () => {
    const piece = fc.oneof(
      fc.constantFrom('SSH-', '2.0-', '1.99-', '\r', '\n', '\r\n', '\0', 'x'.repeat(100), '\u001b[31m'),
      fc.string({ maxLength: 8 }),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
        const bytes = Buffer.from(pieces.join(''));
        const seen = insistOnCheap(
          () => attempt(() => readIdentification(bytes)),
          () => JSON.stringify(pieces),
        );
        if (seen !== null && typeof seen === 'object') assert.match(seen.line, /^SSH-(2\.0|1\.99)-/);
      }),
      { numRuns: 100_000 },
    );
  });

  it('[case S04] 100,000 generated packets and fields neither throw nor cost', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.boolean(), (bytes, isPacket) => {
        const given = isPacket ? toPacket(Buffer.from([1, ...bytes])) : Buffer.from(bytes);
        insistOnCheap(
          () =>
            attempt(() => {
              const end = findPacketEnd(given);
              const fields = new SshFields(end === null ? given : toPayload(given.subarray(0, end)));
              fields.byte();
              fields.names();
              return fields.string();
            }),
          () => given.toString('hex'),
        );
      }),
      { numRuns: 100_000 },
    );
  });

  it('[case S04] 20,000 generated keys and signatures prove nothing and throw nothing else', () => {
    const blob = fc.tuple(
      fc.constantFrom('ssh-ed25519', 'ssh-rsa', 'rsa-sha2-256', 'ecdsa-sha2-nistp256', 'x'),
      fc.uint8Array({ maxLength: 90 }),
    );
    const toBlob = ([type, rest]: [string, Uint8Array]) =>
      Buffer.concat([Buffer.from([0, 0, 0, type.length]), Buffer.from(type), rest]);
    fc.assert(
      fc.property(blob, blob, (key, signature) => {
        assert.match(String(attempt(() => insistOnSignature(toBlob(key), toBlob(signature), Buffer.from('x')))), /^ssh\./);
      }),
      { numRuns: 20_000 },
    );
  });

  it('[case S01] the fingerprint is the one that ssh-keygen prints', () => {
    const line = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPLxohv1i/ar/xFH8hLLUfvo0wm2gHfzYZC2BV7kfhRF someone';
    assert.equal(parsePinnedKey(line)?.fingerprint, 'SHA256:GC+92O3vNbL9D9akmapj6kDIZXbJOURzVxXorg2zDf0');
    assert.equal(parsePinnedKey('ssh-ed25519 AAAA'), null);
  });
});
