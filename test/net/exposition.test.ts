import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { TargetFailure } from '../../src/core/failure.ts';
import { parseExposition, type Sample } from '../../src/net/exposition.ts';
import { insistOnCheap } from '../support/cost.ts';

const parse = (text: string, type = 'text/plain; version=0.0.4'): Sample[] => parseExposition(Buffer.from(text), type, () => true);
const one = (line: string): Sample | undefined => parse(`${line}\n`)[0];
const OPEN_METRICS = 'application/openmetrics-text; version=1.0.0; charset=utf-8';

function codeOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    return error instanceof TargetFailure ? error.code : String(error);
  }
  return 'nothing';
}

describe('the text of an exporter', () => {
  it('[K23] has a name, labels with escapes, a value and perhaps a time', () => {
    const sample = one('m{a="x\\"y\\\\z\\n",b="",} -1.5e3 1700000000000');
    assert.deepEqual(sample, {
      name: 'm',
      labels: new Map([
        ['a', 'x"y\\z\n'],
        ['b', ''],
      ]),
      value: -1500,
    });
  });

  for (const [text, value] of [
    ['1', 1],
    ['+0.5', 0.5],
    ['.5', 0.5],
    ['5.', 5],
    ['1e3', 1000],
    ['0x1p4', 16],
    ['-0x1.8p1', -3],
    ['+Inf', Infinity],
    ['-inf', -Infinity],
    ['NaN', Number.NaN],
  ] as const) {
    it(`[K23] ${text} is read as Go reads it`, () => assert.equal(one(`m ${text}`)?.value, value));
  }

  it('[K23] a name may stand quoted inside of the braces', () => {
    assert.deepEqual(one('{"odd.name",a="b"} 1'), { name: 'odd.name', labels: new Map([['a', 'b']]), value: 1 });
  });

  it('[K23] OpenMetrics may carry exemplars and times in seconds', () => {
    const samples = parse('# TYPE m counter\nm_total{a="b"} 5 1.5 # {id="x"} 0.3 2\n# EOF\n', OPEN_METRICS);
    assert.deepEqual(
      samples.map(({ value }) => value),
      [5],
    );
  });

  const broken = [
    { name: 'OpenMetrics without EOF', text: 'm 1\n', type: OPEN_METRICS, code: 'exposition.truncated' },
    { name: 'text that ends inside of a line', text: 'm 1\nn', type: 'text/plain', code: 'exposition.truncated' },
    {
      name: 'the same series twice',
      text: 'm{a="1",b="2"} 1\nm{b="2",a="1"} 2\n',
      type: 'text/plain',
      code: 'exposition.duplicate',
    },
    { name: 'a page of HTML', text: '<!doctype html>\n<title>hello</title>\n', type: 'text/html', code: 'exposition.syntax' },
    { name: 'a value that is no number', text: 'm 1,5\n', type: 'text/plain', code: 'exposition.syntax' },
    { name: 'a label without end', text: 'm{a="x\n', type: 'text/plain', code: 'exposition.syntax' },
    { name: 'a label value of 1 MB', text: `m{a="${'x'.repeat(1_000_000)}"} 1\n`, type: 'text/plain', code: 'exposition.syntax' },
    { name: 'one label twice', text: 'm{a="1",a="2"} 1\n', type: 'text/plain', code: 'exposition.syntax' },
  ];
  for (const { name, text, type, code } of broken) {
    it(`[case A08] [case A09] ${name} is ${code}`, () =>
      assert.equal(
        codeOf(() => parse(text, type)),
        code,
      ));
  }

  it('[case A08] invalid UTF-8 is refused', () => {
    assert.equal(
      codeOf(() => parseExposition(Buffer.from([0x6d, 0x20, 0xff, 0x0a]), '', () => true)),
      'exposition.encoding',
    );
  });

  it('[case A08] a TYPE after its sample and times in the future are taken', () => {
    assert.equal(parse('m 1 99999999999999\n# TYPE m gauge\n')[0]?.value, 1);
  });

  it('[case A08] 100,000 generated texts neither throw anything else nor take 50 ms', () => {
    const piece = fc.constantFrom(
      'm',
      '{',
      '}',
      '"',
      '\\',
      '=',
      ',',
      ' ',
      '\n',
      '#',
      '1',
      'e',
      '+Inf',
      '0x',
      'a',
      '# EOF',
      '\t',
      '\u00e9',
      '.',
      '-',
    );
    const type = fc.constantFrom('text/plain', OPEN_METRICS);
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), type, (pieces, contentType) => {
        const text = pieces.join('');
        const code = insistOnCheap(
          () => codeOf(() => parse(text, contentType)),
          () => JSON.stringify(text),
        );
        assert.match(code, /^(nothing|exposition\.\w+)$/);
      }),
      { numRuns: 100_000 },
    );
  });
});
