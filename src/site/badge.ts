import { crc32, deflateSync } from 'node:zlib';
import type { PublicState } from '../core/views-public-state.ts';
import { GLYPHS, LINE_ROWS } from './glyphs.ts';

/** Dark enough for white words on it (WCAG AA); `shields` is the same colour's name there. */
export const BADGE_COLOURS: Readonly<Record<PublicState, { colour: string; shields: string }>> = {
  operational: { colour: '#1f7a3d', shields: 'brightgreen' },
  degraded: { colour: '#8f5a00', shields: 'orange' },
  down: { colour: '#b3261e', shields: 'red' },
  maintenance: { colour: '#3b5f8a', shields: 'blue' },
  unknown: { colour: '#5f5f6b', shields: 'lightgrey' },
};
/** To be raised when the picture changes: it is made only when its key does. */
export const BADGE_VERSION = 1;

const LABEL_COLOUR = '#3a3f47';
const TEXT_COLOUR = '#ffffff';

/** What a badge shows of one service. */
export interface Badge {
  name: string;
  title: string;
  state: PublicState;
}

/** The endpoint form of shields.io: other sites draw it in their own way. https://shields.io/badges/endpoint-badge */
export function toBadgeJson({ title, state }: Badge): string {
  const { shields } = BADGE_COLOURS[state];
  return `${JSON.stringify({ schemaVersion: 1, label: title, message: state, color: shields, isError: state === 'down' })}\n`;
}

const CHARACTER_WIDTH = 7;
const PADDING = 7;

/** Words in a font of the reader's own, stretched to the place that is made for them. */
export function toBadgeSvg({ title, state }: Badge): string {
  const label = Array.from(title).slice(0, 60).join('');
  const left = Array.from(label).length * CHARACTER_WIDTH + 2 * PADDING;
  const right = state.length * CHARACTER_WIDTH + 2 * PADDING;
  const words = (text: string, at: number, width: number) =>
    `<text x="${at + PADDING}" y="14" textLength="${width - 2 * PADDING}" lengthAdjust="spacingAndGlyphs">${escapeXml(text)}</text>`;
  const name = escapeXml(`${label}: ${state}`);
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${left + right}" height="20" role="img" aria-label="${name}"><title>${name}</title>
<rect width="${left}" height="20" fill="${LABEL_COLOUR}"/><rect x="${left}" width="${right}" height="20" fill="${BADGE_COLOURS[state].colour}"/>
<g fill="${TEXT_COLOUR}" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">${words(label, 0, left)}${words(state, left, right)}</g></svg>
`;
}

/** Text of an element or an attribute; XML has no way to say a control character. */
export function escapeXml(text: string): string {
  return text
    .replace(
      /[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufffe\uffff]/g,
      (found, at: number) => (isPair(text, at) ? found : ''),
    )
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/"/g, '&quot;');
}

/** Whether the surrogate there is one half of a character. */
function isPair(text: string, at: number): boolean {
  const unit = text.charCodeAt(at);
  const other = text.charCodeAt(unit < 0xdc00 ? at + 1 : at - 1);
  return (
    unit >= 0xd800 && unit <= 0xdfff && (unit < 0xdc00 ? other >= 0xdc00 && other <= 0xdfff : other >= 0xd800 && other < 0xdc00)
  );
}

/** Pixels of the picture for one of the glyphs. */
const SCALE = 2;
const HEIGHT = 14;
const MARGIN = 4;

/** Words in glyphs of our own: for who sees no SVG, as Tor Browser at its strictest level. */
export function toBadgePng({ name, title, state }: Badge): Buffer {
  const spoken = title.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
  const label = Array.from(spoken).every((one) => one in GLYPHS) && spoken.length <= 60 ? spoken : name.slice(0, 60);
  const words = [draw(label), draw(state)];
  const widths = words.map((columns) => (columns.length + 2 * MARGIN) * SCALE);
  const width = widths.reduce((sum, one) => sum + one, 0);
  const rows: Buffer[] = [];
  for (let y = 0; y < HEIGHT * SCALE; y += 1) {
    const row = Buffer.alloc(1 + Math.ceil(width / 4));
    let x = 0;
    for (const [i, columns] of words.entries()) {
      for (let within = 0; within < (widths[i] ?? 0); within += 1, x += 1) {
        const isInk = columns[Math.floor(within / SCALE) - MARGIN]?.[Math.floor(y / SCALE) - 3] === true;
        const colour = isInk ? 2 : i;
        row[1 + (x >> 2)] = (row[1 + (x >> 2)] ?? 0) | (colour << (6 - 2 * (x & 3)));
      }
    }
    rows.push(row);
  }
  return encodePng(
    { width, height: HEIGHT * SCALE },
    [LABEL_COLOUR, BADGE_COLOURS[state].colour, TEXT_COLOUR],
    Buffer.concat(rows),
  );
}

/** Columns of ink, with one of paper between two glyphs. */
function draw(text: string): boolean[][] {
  return Array.from(text).flatMap((character, i) => {
    const rows = (GLYPHS[character] ?? GLYPHS['-'] ?? '').split(' ');
    const width = rows[0]?.length ?? 0;
    const columns = Array.from({ length: width }, (_, x) => Array.from({ length: LINE_ROWS }, (_, y) => rows[y]?.[x] === '#'));
    return i === 0 ? columns : [[], ...columns];
  });
}

/** A picture of at most four colours, two bits for each pixel, each row after its filter's number (PNG, third edition). */
function encodePng({ width, height }: { width: number; height: number }, colours: string[], rows: Buffer): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([2, 3, 0, 0, 0], 8);
  const palette = Buffer.from(colours.map((colour) => colour.slice(1)).join(''), 'hex');
  const signature = Buffer.from('89504e470d0a1a0a', 'hex');
  const chunks = [
    toChunk('IHDR', header),
    toChunk('PLTE', palette),
    toChunk('IDAT', deflateSync(rows)),
    toChunk('IEND', Buffer.alloc(0)),
  ];
  return Buffer.concat([signature, ...chunks]);
}

function toChunk(type: string, content: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(type, 'latin1'), content]);
  const chunk = Buffer.alloc(named.length + 8);
  chunk.writeUInt32BE(content.length, 0);
  named.copy(chunk, 4);
  chunk.writeUInt32BE(crc32(named), named.length + 4);
  return chunk;
}
