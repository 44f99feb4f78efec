import { inflateSync } from 'node:zlib';

/** A decoded picture: four bytes a pixel. */
export interface Picture {
  width: number;
  height: number;
  pixels: Uint8Array;
}

/** Reads what browsers write: 8 bits, RGB or RGBA, not interlaced (PNG, ISO/IEC 15948). */
export function readPng(file: Uint8Array): Picture {
  const bytes = Buffer.from(file);
  const [width, height, depth, colour] = [bytes.readUInt32BE(16), bytes.readUInt32BE(20), bytes[24], bytes[25]];
  if (depth !== 8 || (colour !== 2 && colour !== 6) || bytes[28] !== 0)
    throw new Error(`png: ${depth} bits of colour type ${colour}, expected 8 of 2 or 6`);
  const parts: Buffer[] = [];
  for (let at = 8; at < bytes.length; at += 12 + bytes.readUInt32BE(at)) {
    if (bytes.toString('latin1', at + 4, at + 8) === 'IDAT') parts.push(bytes.subarray(at + 8, at + 8 + bytes.readUInt32BE(at)));
  }
  const channels = colour === 6 ? 4 : 3;
  const raw = unfilter(inflateSync(Buffer.concat(parts)), width * channels, { height, channels });
  const pixels = new Uint8Array(width * height * 4).fill(255);
  for (let i = 0; i < width * height; i += 1) for (let c = 0; c < channels; c += 1) pixels[i * 4 + c] = raw[i * channels + c] ?? 0;
  return { width, height, pixels };
}

/** Each line begins with the number of its filter (section 9 of the specification). */
function unfilter(lines: Buffer, stride: number, { height, channels }: { height: number; channels: number }): Uint8Array {
  const out = new Uint8Array(stride * height);
  for (let y = 0; y < height; y += 1) {
    const filter = lines[y * (stride + 1)];
    for (let x = 0; x < stride; x += 1) {
      const left = x < channels ? 0 : (out[y * stride + x - channels] ?? 0);
      const up = y === 0 ? 0 : (out[(y - 1) * stride + x] ?? 0);
      const corner = x < channels || y === 0 ? 0 : (out[(y - 1) * stride + x - channels] ?? 0);
      const base =
        filter === 0 ? 0 : filter === 1 ? left : filter === 2 ? up : filter === 3 ? (left + up) >> 1 : paeth(left, up, corner);
      out[y * stride + x] = (lines[y * (stride + 1) + 1 + x] ?? 0) + base;
    }
  }
  return out;
}

function paeth(left: number, up: number, corner: number): number {
  const [a, b, c] = [Math.abs(up - corner), Math.abs(left - corner), Math.abs(left + up - 2 * corner)];
  return a <= b && a <= c ? left : b <= c ? up : corner;
}

const BLOCK = 12;

/**
 * The share of blocks of 12 x 12 pixels whose mean colour differs by more than 16 of 255 in a channel: letters may be drawn a little
 * otherwise, a bar that is missing or a line that moved is seen. Pictures of other sizes differ wholly.
 */
export function differenceOf(a: Picture, b: Picture): number {
  if (a.width !== b.width || a.height !== b.height) return 1;
  let [blocks, different] = [0, 0];
  for (let y = 0; y + BLOCK <= a.height; y += BLOCK) {
    for (let x = 0; x + BLOCK <= a.width; x += BLOCK) {
      blocks += 1;
      const [one, other] = [meanOf(a, x, y), meanOf(b, x, y)];
      if (one.some((value, channel) => Math.abs(value - (other[channel] ?? 0)) > 16)) different += 1;
    }
  }
  return different / blocks;
}

function meanOf({ width, pixels }: Picture, left: number, top: number): [number, number, number] {
  const sums: [number, number, number] = [0, 0, 0];
  for (let y = top; y < top + BLOCK; y += 1) {
    for (let x = left; x < left + BLOCK; x += 1)
      for (const c of [0, 1, 2] as const) sums[c] += pixels[(y * width + x) * 4 + c] ?? 0;
  }
  return [sums[0] / BLOCK ** 2, sums[1] / BLOCK ** 2, sums[2] / BLOCK ** 2];
}
