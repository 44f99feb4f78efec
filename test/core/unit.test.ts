import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatDuration, formatShare, formatSize, parseDuration, parseShare, parseSize, UnitError } from '../../src/core/unit.ts';

test('[C2] a duration, a size and a share are bound to seconds, bytes and a number of 0-100', () => {
  const table: [string, number, (text: string) => number][] = [
    ['30s', 30, parseDuration],
    ['5m', 300, parseDuration],
    ['12h', 43_200, parseDuration],
    ['7d', 604_800, parseDuration],
    ['2w', 1_209_600, parseDuration],
    ['250ms', 0.25, parseDuration],
    ['0.1h', 360, parseDuration],
    ['500MiB', 524_288_000, parseSize],
    ['2GB', 2_000_000_000, parseSize],
    ['100B', 100, parseSize],
    ['80%', 80, parseShare],
    ['99.5%', 99.5, parseShare],
  ];
  for (const [text, value, parse] of table) assert.equal(parse(text), value, text);
});

test('[C2] what has no unit, two units, a sign, a space or the unit of something else is refused', () => {
  for (const text of ['', '10', '-5s', '5 s', '5s5', '1h30m', '5M', '5MiB', '1e3s', '.5s', 'constructor', '5\ns', '١s']) {
    assert.throws(() => parseDuration(text), UnitError, text);
  }
  for (const text of ['5mb', '5s', '5', 'MiB']) assert.throws(() => parseSize(text), UnitError, text);
  for (const text of ['80', '80%%', '%']) assert.throws(() => parseShare(text), UnitError, text);
});

test('[C2] whatever is written, the parsers answer a finite number or throw their own error', () => {
  const text = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.stringMatching(/^-?[0-9.]{0,20}[a-zA-Z%]{0,4}$/));
  fc.assert(
    fc.property(text, (value) => {
      for (const parse of [parseDuration, parseSize, parseShare]) {
        try {
          assert.ok(Number.isFinite(parse(value)));
        } catch (error) {
          assert.ok(error instanceof UnitError, String(error));
        }
      }
    }),
    { numRuns: 2000 },
  );
});

test('[C2] what is formatted reads back as the same value', () => {
  fc.assert(
    fc.property(fc.nat(100_000_000), (value) => {
      assert.equal(parseDuration(formatDuration(value)), value);
      assert.equal(parseSize(formatSize(value)), value);
      assert.equal(parseShare(formatShare(value)), value);
    }),
  );
  assert.equal(formatDuration(90), '90s');
  assert.equal(formatDuration(604_800), '7d');
  assert.equal(formatDuration(0.25), '250ms');
  assert.equal(formatSize(524_288_000), '500MiB');
});
