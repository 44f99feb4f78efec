import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parseListing } from '../../src/net/listing.ts';
import { insistOnCheap } from '../support/cost.ts';

const BASE = 'https://www.example.org/d/';

describe('the parser of directory indexes', () => {
  it('[case A05] 100,000 generated pages neither throw nor take 50 ms', () => {
    const piece = fc.constantFrom(
      '<a ',
      '<A\t',
      'href=',
      '"',
      "'",
      '>',
      '</a>',
      'x',
      '..',
      '/',
      '%',
      '%41',
      '&amp;',
      '&#60;',
      '&#x110000;',
      ' 2026-11-22 10:00 ',
      ' 1.5M',
      '\n',
      '<td>',
      '?',
      '<a href="',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
        const html = pieces.join('');
        const entries = insistOnCheap(
          () => parseListing(html, BASE),
          () => JSON.stringify(html),
        );
        for (const { name, url } of entries) {
          assert.ok(url.startsWith(BASE) && !name.includes('/'), `${name} ${url}`);
        }
      }),
      { numRuns: 100_000 },
    );
  });

  it('[case A05] a megabyte that never ends a tag is cheap', () => {
    for (const html of ['<a href="', '<a ', '<a href=x>', '&#'].map((text) => text.repeat(100_000))) {
      insistOnCheap(
        () => parseListing(html.slice(0, 100_000), BASE),
        () => html.slice(0, 20),
      );
    }
  });
});
