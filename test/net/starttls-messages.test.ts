import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { TargetFailure } from '../../src/check-type.ts';
import { findLdapResult, findReply, findStanza, findTagged, readLdapResult, readStanza } from '../../src/net/starttls-messages.ts';
import { der } from '../support/certificates.ts';

const STREAM =
  "<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' id='1' from='site.test' version='1.0'>";
const OFFER = "<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls></stream:features>";
const ldap = (code: number, text = '', id = 1) =>
  der(0x30, der(2, Buffer.from([id])), der(0x78, der(10, Buffer.from([code])), der(4), der(4, Buffer.from(text))));
describe('the readers of these messages', () => {
  const readers: { name: string; read: (bytes: Buffer) => number | null }[] = [
    { name: 'SMTP replies', read: findReply },
    { name: 'IMAP answers', read: (bytes) => findTagged(bytes, 'a1') },
    { name: 'XMPP stanzas', read: (bytes) => findStanza(bytes, 0) },
    { name: 'LDAP results', read: findLdapResult },
  ];
  const pieces = [
    '220 ',
    '250-',
    '\r\n',
    '\n',
    '* ',
    'a1 OK',
    '<',
    '>',
    '/>',
    '</',
    '<?xml ',
    '?>',
    '<!',
    "'",
    '"',
    '<a>',
    '</a>',
    STREAM,
    OFFER,
  ];
  const arbitrary = fc.oneof(
    fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes)),
    fc
      .array(fc.oneof(fc.constantFrom(...pieces), fc.string({ maxLength: 5 })), { maxLength: 12 })
      .map((parts) => Buffer.from(parts.join(''))),
    fc.tuple(fc.nat(), fc.uint8Array({ maxLength: 4 })).map(([at, bytes]) => splice(ldap(0, 'text'), at, bytes)),
  );
  for (const { name, read } of readers) {
    it(`${name}: for any bytes a length inside of them, "more", or a TargetFailure`, () => {
      fc.assert(
        fc.property(arbitrary, (bytes) => {
          const end = orFailure(() => read(bytes));
          assert.ok(end === undefined || end === null || (Number.isInteger(end) && end >= 0 && end <= bytes.length));
        }),
        { numRuns: 25_000 },
      );
    });

    it(`${name}: what is whole stays whole when more follows`, () => {
      fc.assert(
        fc.property(arbitrary, fc.string({ maxLength: 8 }), (bytes, more) => {
          const end = orFailure(() => read(bytes));
          if (end === undefined || end === null) return;
          assert.equal(read(Buffer.concat([bytes, Buffer.from(more)])), end);
        }),
        { numRuns: 10_000 },
      );
    });
  }

  it('[T1] LDAP results and XMPP stanzas are read without a throw of any other kind', () => {
    fc.assert(
      fc.property(arbitrary, (bytes) => {
        orFailure(() => readLdapResult(bytes));
        readStanza(bytes);
      }),
      { numRuns: 25_000 },
    );
  });
});

function splice(bytes: Buffer, at: number, change: Uint8Array): Buffer {
  const start = at % bytes.length;
  return Buffer.concat([bytes.subarray(0, start), change, bytes.subarray(start + change.length)]);
}

/** undefined for a TargetFailure; anything else that is thrown is a bug. */
function orFailure<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof TargetFailure) return undefined;
    throw error;
  }
}
