import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { findOnionProblem } from '../../src/config/onion.ts';
import { didYouMean } from '../../src/config/problem.ts';
import { readTree } from '../../src/config/read.ts';
import { toPlain } from '../../src/config/tree.ts';

test('[case F04] whatever stands in a file, it is read or has problems with a place, and nothing is thrown', () => {
  const token = fc.constantFrom(
    'a',
    ': ',
    '\n',
    '  ',
    '- ',
    '[',
    ']',
    '{',
    '}',
    '"',
    "'",
    '&a ',
    '*a',
    '!!x ',
    '<<',
    '? ',
    '|',
    '#',
    '%',
    '10:',
    '@',
    ',',
  );
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(token, { maxLength: 40 }).map((tokens) => tokens.join('')),
  );
  fc.assert(
    fc.property(text, (value) => {
      const { root, problems } = readTree('x.yaml', value);
      assert.ok(root || problems.length > 0);
      for (const { line, column, message } of problems) assert.ok(line >= 1 && column >= 1 && message.length > 0);
    }),
    { numRuns: 2000 },
  );
});

test('[case F04] nesting of every kind is bounded before anything recurses', () => {
  for (const nested of [
    '['.repeat(50_000),
    '{a: '.repeat(50_000),
    '- '.repeat(50_000),
    '? '.repeat(50_000),
    '[a, '.repeat(50_000),
  ]) {
    const { problems } = readTree('x.yaml', nested);
    assert.match(problems[0]?.message ?? '', /nested too deeply/, nested.slice(0, 4));
  }
  assert.match(readTree('x.yaml', ' '.repeat(5_000_000)).problems[0]?.message ?? '', /too large/);
});

test('[C2] values are those of YAML 1.2: no is text, 1:30 is text, 012 is twelve', () => {
  const { root } = readTree('x.yaml', 'a: no\nb: 1:30\nc: 012\nd: ~\ne: 0x10\nf: 10:20\n');
  assert.deepEqual(root && toPlain(root), { a: 'no', b: '1:30', c: 12, e: 16, f: '10:20' });
});

test('[C2] an onion name is believed when its checksum is right', () => {
  const name = '2gzyxa5ihm7nsggfxnu52rck2vv4rvmdlkiu3zzui5du4xyclen53wid.onion';
  assert.equal(findOnionProblem(name), undefined);
  assert.equal(findOnionProblem(`www.${name.toUpperCase()}`), undefined);
  assert.equal(findOnionProblem('example.org'), undefined);
  assert.match(findOnionProblem(name.replace('2g', '3g')) ?? '', /checksum/);
  assert.match(findOnionProblem('short.onion') ?? '', /not an onion address/);
});

test('[C2] the nearest name is offered when it is near', () => {
  const names = ['timeout', 'retries', 'attempts', 'warning'];
  assert.equal(didYouMean('timout', names), ' (did you mean "timeout"?)');
  assert.equal(didYouMean('tiemout', names), ' (did you mean "timeout"?)');
  assert.equal(didYouMean('warn', names), ' (did you mean "warning"?)');
  assert.equal(didYouMean('colour', names), '');
  assert.equal(didYouMean('x'.repeat(100_000), names), '');
});
