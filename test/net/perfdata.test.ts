import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parsePerfdata } from '../../src/net/perfdata.ts';

describe('performance data of monitoring plug-ins', () => {
  for (const { name, text, metrics } of [
    { name: 'a label and a number', text: 'load1=0.31', metrics: { load1: 0.31 } },
    { name: 'limits are left alone', text: 'load1=0.31;5;10;0;100', metrics: { load1: 0.31 } },
    { name: 'a quoted label with blanks and a quote', text: "'it''s free'=5", metrics: { it_s_free: 5 } },
    { name: 'paths', text: '/=1B /var/log=2B', metrics: { root: 1, var_log: 2 } },
    {
      name: 'units become seconds and bytes',
      text: 'a=12ms b=3us c=2KB d=1MiB e=7% f=9c',
      metrics: { a: 0.012, b: 3e-6, c: 2048, d: 1048576, e: 7, f: 9 },
    },
    { name: 'a decimal comma, a sign, an exponent', text: 'a=1,5 b=-2 c=1e3', metrics: { a: 1.5, b: -2, c: 1000 } },
    { name: 'what was not determined is left out', text: 'a=U b=1', metrics: { b: 1 } },
    { name: 'a name that begins with a digit', text: '5min=1', metrics: { n5min: 1 } },
    { name: 'the first of two with one name', text: 'a=1 A=2', metrics: { a: 1 } },
    { name: 'nonsense', text: 'a= =5 ==3 b', metrics: {} },
  ]) {
    it(`[K21] ${name}`, () => assert.deepEqual(parsePerfdata(text), metrics));
  }

  it('[K21] [T1] of very many the first 20 count, in linear time', () => {
    const many = Array.from({ length: 500 }, (_, i) => `x${i}=${i}`).join(' ');
    assert.equal(Object.keys(parsePerfdata(many)).length, 20);
    assert.deepEqual(parsePerfdata("'".repeat(1024)), {});
    assert.deepEqual(parsePerfdata('a'.repeat(1024)), {});
  });
});
