import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseReport, ReportSchemaProblem } from '../../src/core/report.ts';
import { FACTS } from '../../src/core/report-facts.ts';
import { FULL_FACTS, NOW, reportText } from '../support/host-report.ts';

const parse = (text: string) => parseReport(Buffer.from(text));
const memory = { at: 1_795_291_200, total: 100, available: 50, swap_total: 0, swap_free: 0 };
const ROOT = { mount: '/', type: 'ext4', size: 100, available: 50, inodes: 10, inodes_free: 5, read_only: false };

function refusal(text: string | Uint8Array): string {
  try {
    parseReport(typeof text === 'string' ? Buffer.from(text) : text);
  } catch (error) {
    if (error instanceof ReportSchemaProblem) return error.message;
    throw error;
  }
  throw new Error('it was taken');
}

/** The report with its JSON spelled by hand. */
const withJson = (json: string) => `vigie-report 1\n${json}\n`;
const plain = reportText('web1', { facts: { memory } }).split('\n')[1] ?? '';
const respell = (from: string, to: string) => {
  assert.ok(plain.includes(from), from);
  return withJson(plain.replace(from, to));
};
const nested = (depth: number) => `${'['.repeat(depth)}1${']'.repeat(depth)}`;

describe('the schema of a report', () => {
  it('[K1] a full report has every fact that there is', () => {
    const report = parse(reportText('web1'));
    assert.deepEqual(Object.keys(report.facts).sort(), Object.keys(FACTS).sort());
    assert.deepEqual(JSON.parse(JSON.stringify(report.facts)), FULL_FACTS);
    assert.equal(report.created, NOW);
    assert.equal(report.unknownFacts, 0);
  });

  it('[A1] a fact may be missing, or say why it cannot be had', () => {
    const report = parse(reportText('web1', { facts: { puppet: { unavailable: 'not installed' } } }));
    assert.deepEqual(report.facts, { puppet: { unavailable: 'not installed' } });
  });

  it('[case J20] unknown facts of a newer agent are counted, whatever they hold', () => {
    const report = parse(reportText('web1', { facts: { memory, gpus: { at: 1, list: ['a'] }, toString: 3 } }));
    assert.equal(report.unknownFacts, 2);
    assert.deepEqual(Object.keys(report.facts), ['memory']);
  });

  const wrong: { name: string; parts: Record<string, unknown>; says: RegExp }[] = [
    { name: 'an unknown top-level key', parts: { admin: true }, says: /^admin: unknown key/ },
    {
      name: 'a number as text',
      parts: { facts: { memory: { ...memory, total: '100' } } },
      says: /memory\.total: expected a whole/,
    },
    { name: 'a negative size', parts: { facts: { memory: { ...memory, total: -1 } } }, says: /memory\.total/ },
    { name: 'a broken number of bytes', parts: { facts: { memory: { ...memory, total: 1.5 } } }, says: /memory\.total/ },
    {
      name: 'a missing field',
      parts: { facts: { memory: { at: 1, total: 1, available: 1, swap_total: 1 } } },
      says: /swap_free: missing/,
    },
    { name: 'an unknown field', parts: { facts: { memory: { ...memory, free: 1 } } }, says: /memory\.free: unknown key/ },
    { name: 'a fact that is no object', parts: { facts: { memory: 7 } }, says: /memory: expected an object/ },
    { name: 'a fact without its time', parts: { facts: { uptime: { seconds: 1 } } }, says: /uptime\.at: missing/ },
    { name: 'null where there must be a number', parts: { facts: { memory: { ...memory, total: null } } }, says: /memory\.total/ },
    {
      name: 'a word that is none',
      parts: { facts: { puppet: { ...FULL_FACTS.puppet, result: 'fine' } } },
      says: /puppet\.result: expected one of/,
    },
    {
      name: 'a decimal comma',
      parts: { facts: { load: { ...FULL_FACTS.load, one: '0,31' } } },
      says: /load\.one: expected a number/,
    },
    { name: 'facts as a list', parts: { facts: [] }, says: /facts: expected an object/ },
    { name: 'a host that is no text', parts: { host: 7 }, says: /host: expected text/ },
    { name: 'a thirtieth of February', parts: { created: '2026-02-30T00:00:00Z' }, says: /created: expected a time/ },
    { name: 'a time with a zone', parts: { created: '2026-11-21T20:00:00+01:00' }, says: /created: expected a time/ },
    { name: 'a number below 0 as counter', parts: { seq: -5 }, says: /seq: expected a whole/ },
    {
      name: 'ten thousand mounts',
      parts: { facts: { filesystems: { at: 1, list: Array.from({ length: 10_000 }, () => ROOT) } } },
      says: /more than 4000 tokens/,
    },
  ];
  for (const { name, parts, says } of wrong) {
    it(`[case J20] ${name} is refused, with its place`, () => assert.match(refusal(reportText('web1', parts)), says));
  }

  it('[case J20] more available than there is, and a time after the report, are clamped', () => {
    const { facts } = parse(
      reportText('web1', {
        facts: {
          memory: { ...memory, at: 9_999_999_999, available: 500 },
          filesystems: { at: 1, list: [{ ...ROOT, available: 101, inodes: 0, inodes_free: 0 }] },
        },
      }),
    );
    assert.deepEqual(facts.memory, { ...memory, at: NOW / 1000, available: 100 });
    assert.deepEqual(facts.filesystems, { at: 1, list: [{ ...ROOT, available: 100, inodes: 0, inodes_free: 0 }] });
  });

  it('[case J20] text of a machine is cleaned: a mount with markup and control characters is words', () => {
    const list = [{ ...ROOT, mount: '/<script>\u001b[31mx\u202e\r\nBcc: a' }];
    const { facts } = parse(reportText('web1', { facts: { filesystems: { at: 1, list } } }));
    assert.match(JSON.stringify(facts), /"mount":"\/<script>x Bcc: a"/);
  });

  const spelled: { name: string; text: string | Uint8Array; says: RegExp }[] = [
    { name: 'a key twice', text: respell('"interval":300', '"interval":300,"interval":301'), says: /the same key twice/ },
    {
      name: 'a fact twice, escaped the second time',
      text: respell('"memory":', '"m\\u0065mory":{"at":1},"memory":'),
      says: /the same key twice/,
    },
    { name: '__proto__', text: respell('"memory":', '"__proto__":{"at":1},"memory":'), says: /never accepted/ },
    { name: 'constructor', text: respell('"memory":', '"constructor":{"at":1},"memory":'), says: /never accepted/ },
    { name: 'prototype, escaped', text: respell('"memory":', '"pr\\u006ftotype":{"at":1},"memory":'), says: /never accepted/ },
    { name: 'an infinite number', text: respell('"total":100', '"total":1e999'), says: /no exponent/ },
    { name: 'minus zero', text: respell('"total":100', '"total":-0'), says: /minus zero/ },
    { name: 'a number that would be rounded', text: respell('"total":100', '"total":9007199254740993'), says: /above 2\^53-1/ },
    { name: 'a number with leading zero', text: respell('"total":100', '"total":0100'), says: /expected a value/ },
    { name: 'a number of forty digits', text: respell('"total":100', `"total":${'9'.repeat(40)}`), says: /expected a value/ },
    { name: 'half a character', text: respell('"agent":"1.0"', '"agent":"\\ud800"'), says: /half a character/ },
    { name: 'a NUL', text: respell('"agent":"1.0"', '"agent":"\\u0000"'), says: /a NUL/ },
    { name: 'a control character', text: respell('"agent":"1.0"', '"agent":"\u0007"'), says: /a control character/ },
    {
      name: 'a string of more than 1 KiB',
      text: respell('"agent":"1.0"', `"agent":"${'é'.repeat(513)}"`),
      says: /more than 1024 bytes/,
    },
    { name: 'an unknown escape', text: respell('"agent":"1.0"', '"agent":"\\x41"'), says: /unknown escape/ },
    { name: 'a trailing comma', text: respell('"swap_free":0}', '"swap_free":0,}'), says: /expected a key/ },
    { name: 'a comment', text: respell('"interval":', '/* */"interval":'), says: /expected a key/ },
    { name: 'seven levels', text: respell('"memory":', `"deep":${nested(5)},"memory":`), says: /deeper than 6 levels/ },
    { name: 'sixty thousand levels', text: withJson('['.repeat(60_000)), says: /deeper than 6 levels/ },
    {
      name: 'ten thousand keys',
      text: withJson(`{${Array.from({ length: 10_000 }, (_, i) => `"k${i}":0`).join(',')}}`),
      says: /more than 4000 tokens/,
    },
    { name: 'a byte order mark', text: `\ufeff${reportText('web1')}`, says: /in the first line/ },
    { name: 'one before the JSON', text: withJson(`\ufeff${plain}`), says: /expected a value/ },
    { name: 'text after the JSON', text: withJson(`${plain} x`), says: /text after the value/ },
    { name: 'a second line of JSON', text: `${withJson(plain)}${plain}\n`, says: /one line of JSON/ },
    { name: 'no line feed at the end', text: withJson(plain).slice(0, -1), says: /one line of JSON/ },
    { name: 'another version', text: `vigie-report 2\n${plain}\n`, says: /in the first line/ },
    {
      name: 'bytes that are no UTF-8',
      text: Buffer.concat([Buffer.from('vigie-report 1\n"'), Buffer.from([0xc3, 0x28])]),
      says: /not UTF-8/,
    },
    { name: 'nothing', text: '', says: /in the first line/ },
  ];
  for (const { name, text, says } of spelled) {
    it(`[case J19] ${name} is refused`, () => assert.match(refusal(text), says));
  }

  it('[case J19] what is plain JSON reads as JSON.parse reads it', () => {
    for (const value of [1, 0, 0.5, -3.25, 'ä€𝄞', '\\"/\b\f\n\r\t', '', true, false]) {
      const text = reportText('web1', { facts: { later: { value } } });
      assert.equal(parse(text).unknownFacts, 1, JSON.stringify(value));
    }
    assert.equal(parse(respell('"agent":"1.0"', '"agent" :\t"\\u00e4\\ud834\\udd1e"')).agent, 'ä𝄞');
  });
});
