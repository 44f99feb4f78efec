import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { LookFailure, TargetFailure } from '../../src/core/failure.ts';
import { readIntroductions } from '../../src/net/onion-descriptor.ts';
import { parseControlPlace } from '../../src/net/tor-control.ts';
import { quoteForTor, readDescriptorEvent, readLoginOffer, readTorReply } from '../../src/net/tor-reply.ts';
import { insistOnCheap } from '../support/cost.ts';
import { makeDescriptor } from '../support/tor-control.ts';

const read = (text: string) => readTorReply(Buffer.from(text));

describe('replies of a Tor control port', () => {
  it('[T1] one line, many lines and blocks are one reply each; what follows is left', () => {
    assert.deepEqual(read('250 OK\r\n650 X\r\n'), { reply: { status: 250, lines: [{ text: 'OK' }] }, length: 8 });
    const block = '650+HS_DESC_CONTENT a\r\none\r\n..two\r\n.\r\n650 OK\r\n';
    assert.deepEqual(read(block), {
      reply: { status: 650, lines: [{ text: 'HS_DESC_CONTENT a', block: 'one\n.two' }, { text: 'OK' }] },
      length: block.length,
    });
    assert.deepEqual(read('650+C\r\n.\r\n650 OK\r\n')?.reply.lines[0], { text: 'C', block: '' });
  });

  it('[T1] no part of a reply is taken for the whole', () => {
    const text = '250-a\r\n250+b\r\none\r\n.\r\n250 OK\r\n';
    for (let end = 0; end < text.length; end += 1) assert.equal(read(text.slice(0, end)), null);
    assert.equal(read(text)?.length, text.length);
  });

  for (const { name, text } of [
    { name: 'words of another protocol', text: '220 mail.test ESMTP\r\n250 x\r\n'.replace('220 ', '22x ') },
    { name: 'a status that changes in the middle', text: '250-a\r\n251 b\r\n' },
    { name: 'a line of 10,000 bytes', text: `250 ${'a'.repeat(10_000)}` },
    { name: 'more than 1000 lines', text: '250-a\r\n'.repeat(1001) },
  ]) {
    it(`[T1] ${name}: no reply, and our trouble`, () => {
      assert.throws(
        () => read(text),
        (error) => error instanceof LookFailure && error.code === 'control.protocol',
      );
    });
  }

  it('[T1] what Tor offers to log in is read with its quoting', () => {
    const offer = (line: string) => readLoginOffer({ status: 250, lines: [{ text: 'PROTOCOLINFO 1' }, { text: line }] });
    assert.deepEqual(offer('AUTH METHODS=COOKIE,SAFECOOKIE COOKIEFILE="/run/a\\"b\\\\c\\303\\251"'), {
      methods: ['COOKIE', 'SAFECOOKIE'],
      cookieFile: '/run/a"b\\cé',
    });
    assert.deepEqual(offer('AUTH METHODS=NULL'), { methods: ['NULL'], cookieFile: null });
    assert.deepEqual(offer('VERSION x'), { methods: [], cookieFile: null });
    assert.equal(quoteForTor('a"b\\c'), '"a\\"b\\\\c"');
  });

  it('[K17] events about descriptors say which directory, and why not', () => {
    const directory = `$${'AB'.repeat(20)}`;
    assert.deepEqual(readDescriptorEvent(`HS_DESC FAILED abc NO_AUTH ${directory}~nick id REASON=NOT_FOUND`), {
      action: 'FAILED',
      onion: 'abc',
      directory,
      reason: 'NOT_FOUND',
    });
    assert.equal(readDescriptorEvent('HS_DESC CREATED abc UNKNOWN UNKNOWN id')?.directory, '');
    assert.equal(readDescriptorEvent('CIRC 1 BUILT'), null);
  });

  it('[A1] a control port is host:port or the path of a socket', () => {
    assert.deepEqual(parseControlPlace('127.0.0.1:9051'), { host: '127.0.0.1', port: 9051 });
    assert.deepEqual(parseControlPlace('[::1]:9051'), { host: '[::1]', port: 9051 });
    for (const text of ['/run/tor/control', 'unix:/run/tor/control'])
      assert.deepEqual(parseControlPlace(text), { path: '/run/tor/control' });
    for (const text of ['127.0.0.1', 'host:0', 'host:70000', 'unix:x', `/${'a'.repeat(200)}`])
      assert.equal(parseControlPlace(text), null);
  });

  it('[T1] 100,000 generated answers neither escape nor take 50 ms', () => {
    const piece = fc.constantFrom(
      '250',
      '650',
      '-',
      '+',
      ' ',
      '\r\n',
      '\r',
      '\n',
      '.',
      '\r\n.\r\n',
      'HS_DESC ',
      'FAILED ',
      'REASON=',
      '$',
      '"',
      '\\',
      'AUTH METHODS=',
      ' COOKIEFILE="',
      '\0',
      '\u00e9',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
        const bytes = Buffer.from(pieces.join(''));
        insistOnCheap(
          () => {
            try {
              const found = readTorReply(bytes);
              assert.ok(found === null || (found.length > 0 && found.length <= bytes.length));
              if (!found) return;
              readLoginOffer(found.reply);
              for (const { text } of found.reply.lines) readDescriptorEvent(text);
            } catch (error) {
              assert.ok(error instanceof LookFailure, String(error));
            }
          },
          () => JSON.stringify(pieces),
        );
      }),
      { numRuns: 100_000 },
    );
  });
});

describe('descriptors of onion services', () => {
  it('[K17] introduction points are counted in both layers', () => {
    for (const points of [0, 1, 3, 20]) {
      const { text, name } = makeDescriptor({ points });
      assert.deepEqual(readIntroductions(text, name, null), { kind: 'open', points });
    }
  });

  it('[K17] with client authorisation they are counted with the key, and only with the right one', () => {
    const { text, name, clientKey } = makeDescriptor({ points: 2, isLocked: true });
    assert.deepEqual(readIntroductions(text, name, null), { kind: 'locked' });
    assert.deepEqual(readIntroductions(text, name, clientKey), { kind: 'authorised', points: 2 });
    assert.deepEqual(readIntroductions(text, name, Buffer.alloc(32, 9)), { kind: 'refused' });
    assert.deepEqual(readIntroductions(text, name, makeDescriptor().clientKey), { kind: 'refused' });
  });

  const good = makeDescriptor();
  for (const { name, text, onion = good.name } of [
    { name: 'nothing', text: '' },
    { name: 'another version', text: good.text.replace('hs-descriptor 3', 'hs-descriptor 2') },
    { name: 'no revision', text: good.text.replace(/revision-counter \d+/, 'revision-counter x') },
    {
      name: 'a revision of more than 64 bits',
      text: good.text.replace(/revision-counter \d+/, 'revision-counter 99999999999999999999'),
    },
    { name: 'no certificate', text: good.text.replace('BEGIN ED25519 CERT', 'BEGIN X') },
    { name: 'a certificate that names no key', text: good.text.replace(/(CERT-----\n)[^-]+/, '$1AAAA\n') },
    { name: 'no enciphered part', text: good.text.replace('superencrypted\n', 'x\n') },
    { name: 'a short enciphered part', text: good.text.replace(/(MESSAGE-----\n)[^-]+/, '$1AAAA\n') },
    { name: 'one of another service', text: good.text, onion: makeDescriptor().name },
    { name: 'one whose first layer holds something else', ...toCase(makeDescriptor({ middle: 'hello' })) },
  ]) {
    it(`[T1] ${name} is onion.descriptor`, () => {
      assert.throws(
        () => readIntroductions(text, onion, null),
        (error) => error instanceof TargetFailure && error.code === 'onion.descriptor',
      );
    });
  }

  it('[T1] an endless list of introduction points is counted to 50', () => {
    const { text, name } = makeDescriptor({ points: 1000 });
    assert.deepEqual(readIntroductions(text, name, null), { kind: 'open', points: 50 });
  });

  it('[T1] a key of low order among the clients is no key', () => {
    const { name, text, clientKey } = makeDescriptor({
      middle: `desc-auth-type x25519\ndesc-auth-ephemeral-key ${Buffer.alloc(32).toString('base64')}\nencrypted\n-----BEGIN MESSAGE-----\n${Buffer.alloc(60).toString('base64')}\n-----END MESSAGE-----\n`,
    });
    assert.deepEqual(readIntroductions(text, name, clientKey), { kind: 'refused' });
  });

  it('[T1] 100,000 descriptors with changes neither escape nor take 50 ms', () => {
    const edits = fc.array(
      fc.tuple(fc.nat(good.text.length), fc.nat(40), fc.constantFrom('', '\n', '-', 'A', '=', '\0', '-----BEGIN MESSAGE-----\n')),
      {
        minLength: 1,
        maxLength: 4,
      },
    );
    fc.assert(
      fc.property(edits, (list) => {
        const text = list.reduce((all, [at, length, by]) => all.slice(0, at) + by + all.slice(at + length), good.text);
        insistOnCheap(
          () => {
            try {
              readIntroductions(text, good.name, good.clientKey);
            } catch (error) {
              assert.ok(error instanceof TargetFailure, String(error));
            }
          },
          () => JSON.stringify(list),
        );
      }),
      { numRuns: 100_000 },
    );
  });
});

function toCase({ text, name }: { text: string; name: string }): { text: string; onion: string } {
  return { text, onion: name };
}
