import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { TargetFailure } from '../../src/check-type.ts';
import { isInside, parseParagraph, parseRelease } from '../../src/net/apt-release.ts';
import { findPackage } from '../../src/net/apt-suite.ts';
import { insistOnOneSignedText } from '../../src/net/gpgv.ts';
import { insistOnCheap } from '../support/cost.ts';

const HASH = 'a'.repeat(64);

/** What a parser says: its result, or the code of its refusal; anything else is thrown on. */
function sayOf<T>(act: () => T): T | string {
  try {
    return act();
  } catch (error) {
    if (error instanceof TargetFailure) return error.code;
    throw error;
  }
}

describe('the parser of Release files', () => {
  it('[case A01] 100,000 generated texts are read or refused, none costs 50 ms', () => {
    const piece = fc.constantFrom(
      'Suite: ',
      'SHA256:\n',
      'SHA512:',
      'MD5Sum:',
      '\n',
      ' ',
      '\t',
      ':',
      HASH,
      ' 12 main/x\n',
      ' 99999999999999999 ',
      '../',
      '/',
      '-----BEGIN PGP SIGNED MESSAGE-----\n',
      'Hash: SHA512\n\n',
      '-----BEGIN PGP SIGNATURE-----\n',
      '-----END PGP SIGNATURE-----\n',
      '- -',
      '\r\n',
      '\0',
      'é',
      'Package: x\n',
      'Filename: p/x.deb\nSize: 1\n',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        const text = pieces.join('');
        const release = insistOnCheap(
          () => {
            sayOf(() => insistOnOneSignedText(text));
            sayOf(() => findPackage(text, 'x'));
            return sayOf(() => parseRelease(text));
          },
          () => JSON.stringify(text),
        );
        if (typeof release === 'string') return;
        for (const { path, size } of release.files) assert.ok(isInside(path) && Number.isSafeInteger(size), path);
      }),
      { numRuns: 100_000 },
    );
  });

  it('[case A01] 200,000 characters of one thing cost little', () => {
    for (const text of [' ', '\n', 'a', 'a:', 'SHA256:\n ', '-----BEGIN PGP SIGNED MESSAGE-----\n']) {
      const long = text.repeat(Math.floor(200_000 / text.length));
      insistOnCheap(
        () => [sayOf(() => parseRelease(long)), sayOf(() => insistOnOneSignedText(long))],
        () => JSON.stringify(text),
      );
    }
  });

  it('[K7] names are read in either case, and lists line by line', () => {
    const release = parseRelease(`suite: stable\nSHA256:\n ${HASH} 5 main/a\n ${HASH}   7 main/b\n`);
    assert.deepEqual(
      release.files.map(({ path, size }) => [path, size]),
      [
        ['main/a', 5],
        ['main/b', 7],
      ],
    );
  });

  const refused: { name: string; text: string; code: string }[] = [
    { name: 'a field that stands twice', text: 'Suite: a\nSuite: b\n', code: 'apt.syntax' },
    { name: 'a second paragraph', text: 'Suite: a\n\nSuite: b\n', code: 'apt.syntax' },
    { name: 'a continuation of nothing', text: ' x\nSuite: a\n', code: 'apt.syntax' },
    { name: 'a path upwards', text: `SHA256:\n ${HASH} 5 ../../etc/passwd\n`, code: 'apt.syntax' },
    { name: 'an absolute path', text: `SHA256:\n ${HASH} 5 /main/a\n`, code: 'apt.syntax' },
    { name: 'a path that stands twice', text: `SHA256:\n ${HASH} 5 a\n ${HASH} 6 a\n`, code: 'apt.syntax' },
    { name: 'a short hash', text: 'SHA256:\n abc 5 a\n', code: 'apt.syntax' },
    { name: 'a size that is none', text: `SHA256:\n ${HASH} -5 a\n`, code: 'apt.syntax' },
    { name: 'only weak hashes', text: 'Suite: a\nMD5Sum:\n x\nSHA1:\n y\n', code: 'apt.weak' },
    { name: 'no hashes', text: 'Suite: a\n', code: 'apt.weak' },
  ];
  for (const { name, text, code } of refused) {
    it(`[case A01] ${name} is ${code}`, () =>
      assert.equal(
        sayOf(() => parseRelease(text)),
        code,
      ));
  }

  it('[K7] a package is found first, between and last', () => {
    const paragraph = (name: string) => `Package: ${name}\nFilename: p/${name}.deb\nSize: 3\nSHA256: ${HASH}\n`;
    const index = `${paragraph('a')}\n${paragraph('b')}\n${paragraph('c')}`;
    for (const name of ['a', 'b', 'c']) assert.equal(findPackage(index, name)?.path, `p/${name}.deb`);
    assert.equal(findPackage(index, 'd'), null);
    assert.equal(
      sayOf(() => findPackage(paragraph('../a'), '../a')),
      'apt.package',
    );
    assert.equal(parseParagraph('A: 1\n B\n').get('a'), '1\nB');
  });
});
