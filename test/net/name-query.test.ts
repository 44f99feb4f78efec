import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { encode } from 'dns-packet';
import fc from 'fast-check';
import { TargetFailure } from '../../src/check-type.ts';
import { type NameQuery, readAnswer } from '../../src/net/name-query.ts';
import { findRecords, isSameRecord, toQueryName } from '../../src/net/name-records.ts';

const query: NameQuery = { name: 'www.site.test', record: 'A' };
const answer = encode({
  type: 'response',
  id: 7,
  questions: [{ type: 'A', name: 'www.site.test' }],
  answers: [
    { type: 'CNAME', name: 'www.site.test', data: 'web.site.test' },
    { type: 'A', name: 'web.site.test', data: '192.0.2.1' },
    { type: 'TXT', name: 'web.site.test', data: ['text'] },
    { type: 'CAA', name: 'web.site.test', data: { flags: 0, tag: 'issue', value: 'ca.example' } },
  ],
});

describe('reading a DNS answer', () => {
  it('[T1] takes the answer to the question, whatever the case of its letters', () => {
    const packet = readAnswer(answer, { name: 'WWW.Site.Test.', record: 'A' }, 7);
    assert.ok(!(packet instanceof TargetFailure) && packet !== 'other');
    assert.deepEqual(findRecords(packet, { name: 'WWW.Site.Test.', record: 'A' }).texts, ['192.0.2.1']);
  });

  it('[case D09] leaves alone what has another id, question or type', () => {
    assert.equal(readAnswer(answer, query, 8), 'other');
    assert.equal(readAnswer(answer, { name: 'other.test', record: 'A' }, 7), 'other');
    assert.equal(readAnswer(answer, { name: 'www.site.test', record: 'AAAA' }, 7), 'other');
  });

  it('[T1] cut at any byte it is no answer', () => {
    for (let length = 0; length < answer.length; length++) {
      const seen = readAnswer(answer.subarray(0, length), query, 7);
      assert.ok(seen === 'other' || seen instanceof TargetFailure, `cut at ${length}`);
    }
  });

  it('[T1] for any change of its bytes it is read, left alone or malformed, and nothing else is thrown', () => {
    const change = fc.tuple(fc.nat(answer.length - 3), fc.uint8Array({ minLength: 1, maxLength: 12 }));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        const bytes = Buffer.from(answer);
        // The id and the response bit stay, or all of them would be left alone.
        for (const [at, piece] of changes) bytes.set(piece.subarray(0, bytes.length - at - 3), at + 3);
        const seen = readAnswer(bytes, query, 7);
        if (seen === 'other' || seen instanceof TargetFailure) return;
        for (const text of findRecords(seen, query).texts) assert.doesNotMatch(text, /[\p{Cc}\p{Cf}]|undefined/u);
      }),
      { numRuns: 60_000 },
    );
  });

  it('[T1] for any bytes it is read, left alone or malformed', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (tail) => {
        readAnswer(Buffer.concat([answer.subarray(0, 12), Buffer.from(tail)]), query, 7);
      }),
      { numRuns: 40_000 },
    );
  });
});

describe('names and records', () => {
  const reverse = [
    { name: 'an IPv4 address', address: '192.0.2.10', asked: '10.2.0.192.in-addr.arpa' },
    { name: 'an IPv6 address', address: '2001:db8::1', asked: `1${'.0'.repeat(23)}.8.b.d.0.1.0.0.2.ip6.arpa` },
    { name: 'the unspecified IPv6 address', address: '::', asked: `0${'.0'.repeat(31)}.ip6.arpa` },
    { name: 'a name', address: 'host.test', asked: 'host.test' },
  ];
  for (const { name, address, asked } of reverse) {
    it(`[T1] a PTR record of ${name} is asked for by its reverse name`, () => assert.equal(toQueryName(address, 'PTR'), asked));
  }

  const pairs = [
    { name: 'an IPv6 address in another spelling', text: '2001:db8::1', wanted: '2001:0DB8:0::1', record: 'AAAA', same: true },
    { name: 'a name with its final dot', text: '10 mail.test', wanted: '10  MAIL.test.', record: 'MX', same: true },
    { name: 'a text in other case', text: 'Token', wanted: 'token', record: 'TXT', same: false },
  ];
  for (const { name, text, wanted, record, same } of pairs) {
    it(`${name}: ${same ? 'the same record' : 'another record'}`, () => assert.equal(isSameRecord(text, wanted, record), same));
  }
});
