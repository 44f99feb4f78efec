import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { inflateSync } from 'node:zlib';
import { PUBLIC_STATES } from '../../src/core/views-public-state.ts';
import { BADGE_COLOURS, toBadgeJson, toBadgePng, toBadgeSvg } from '../../src/site/badge.ts';
import { GLYPHS, LINE_ROWS } from '../../src/site/glyphs.ts';
import { needs, temporaryFolder } from '../support/server.ts';

const badge = { name: 'website', title: 'Website', state: 'operational' as const };

/** Chunks of a PNG, each with its checksum looked at, and its pixels as rows of colours' numbers. */
function readPng(bytes: Buffer): { width: number; height: number; palette: string[]; rows: number[][] } {
  assert.equal(bytes.subarray(0, 8).toString('hex'), '89504e470d0a1a0a');
  const chunks = new Map<string, Buffer>();
  for (let at = 8; at < bytes.length; ) {
    const length = bytes.readUInt32BE(at);
    const named = bytes.subarray(at + 4, at + 8 + length);
    assert.equal(bytes.readUInt32BE(at + 8 + length), checksum(named));
    chunks.set(named.subarray(0, 4).toString('latin1'), named.subarray(4));
    at += 12 + length;
  }
  assert.deepEqual([...chunks.keys()], ['IHDR', 'PLTE', 'IDAT', 'IEND']);
  const header = chunks.get('IHDR') ?? Buffer.alloc(13);
  const [width, height] = [header.readUInt32BE(0), header.readUInt32BE(4)];
  assert.deepEqual([...header.subarray(8)], [2, 3, 0, 0, 0]);
  const packed = inflateSync(chunks.get('IDAT') ?? Buffer.alloc(0));
  const stride = 1 + Math.ceil(width / 4);
  assert.equal(packed.length, stride * height);
  const rows = Array.from({ length: height }, (_, y) =>
    Array.from({ length: width }, (_, x) => ((packed[y * stride + 1 + (x >> 2)] ?? 0) >> (6 - 2 * (x & 3))) & 3),
  );
  const palette = (chunks.get('PLTE') ?? Buffer.alloc(0)).toString('hex').match(/.{6}/g) ?? [];
  return { width, height, palette: palette.map((one) => `#${one}`), rows };
}

/** CRC-32 of ISO 3309, bit by bit. */
function checksum(bytes: Buffer): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}

describe('badges', () => {
  it('[H3] the endpoint form of shields: schema, label, message and a colour that it knows', () => {
    assert.deepEqual(JSON.parse(toBadgeJson({ ...badge, state: 'down' })), {
      schemaVersion: 1,
      label: 'Website',
      message: 'down',
      color: 'red',
      isError: true,
    });
  });

  it('[H2] the picture shows both words in glyphs, each on its ground', () => {
    const { width, height, palette, rows } = readPng(toBadgePng(badge));
    assert.deepEqual(palette, ['#3a3f47', BADGE_COLOURS.operational.colour, '#ffffff']);
    assert.equal(height, 28);
    const grounds = (rows[0] ?? []).join('');
    assert.match(grounds, /^0+1+$/);
    // Every second pixel, as each is drawn twice: the first letter after its margin.
    const letters = rows
      .filter((_, y) => y % 2 === 0)
      .map((row) => row.filter((_, x) => x % 2 === 0).map((one) => (one === 2 ? '#' : '.')));
    const first = letters.slice(3, 10).map((row) => row.slice(4, 9).join(''));
    assert.equal(first.join(' '), GLYPHS['w']);
    assert.ok(width > 150 && width < 400);
  });

  it('[H2] every letter that a name can have is drawn, in rows of one width, and no two are alike', () => {
    for (const character of 'abcdefghijklmnopqrstuvwxyz0123456789.-_ ') assert.ok(GLYPHS[character] !== undefined, character);
    for (const [character, text] of Object.entries(GLYPHS)) {
      const rows = text.split(' ');
      assert.ok(rows.length <= LINE_ROWS && rows.every((row) => row.length === rows[0]?.length && /^[.#]+$/.test(row)), character);
    }
    assert.equal(new Set(Object.values(GLYPHS)).size, Object.keys(GLYPHS).length);
  });

  it('[H2] a title without glyphs gives way to the name; accents are left out', () => {
    const same = (title: string, other: string) =>
      assert.deepEqual(toBadgePng({ ...badge, title }), toBadgePng({ ...badge, title: other }), title);
    same('Сайт', 'website');
    same('Café', 'cafe');
    same('x'.repeat(500), 'website');
  });

  it('[T1] a title is text of the SVG, which a parser that is not ours reads', needs('python3'), () => {
    const svg = toBadgeSvg({ ...badge, title: `"><script>alert(1)</script>&\u0000\u202e'` });
    assert.doesNotMatch(svg, /<script|href|url\(|@import/);
    const { path, remove } = temporaryFolder();
    writeFileSync(join(path, 'x.svg'), svg);
    const code =
      'import sys, xml.etree.ElementTree as t; r = t.parse(sys.argv[1]).getroot(); print([e.tag.split("}")[1] for e in r.iter()], r.get("aria-label"))';
    const out = execFileSync('python3', ['-c', code, join(path, 'x.svg')]).toString();
    remove();
    assert.equal(out.trim(), `['svg', 'title', 'rect', 'rect', 'g', 'text', 'text'] "><script>alert(1)</script>&': operational`);
  });

  for (const state of PUBLIC_STATES) {
    it(`[H2] white words on ${state} have a contrast of 4.5 at least (WCAG 2.2 AA)`, () => {
      const parts = [1, 3, 5].map((at) => Number.parseInt(BADGE_COLOURS[state].colour.slice(at, at + 2), 16) / 255);
      const [r = 0, g = 0, b = 0] = parts.map((one) => (one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4));
      assert.ok(1.05 / (0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05) >= 4.5);
    });
  }
});
