import { TargetFailure } from '../core/failure.ts';

/** Keys of a dictionary are bytes: here latin1 text. */
export type Bencoded = number | Buffer | Bencoded[] | BencodedMap;
export type BencodedMap = Map<string, Bencoded>;

/** No torrent and no tracker nests deeper than a handful. */
const MAX_DEPTH = 32;
const MAX_VALUES = 200_000;
const [COLON, MINUS, DICTIONARY, END, INTEGER, LIST] = [0x3a, 0x2d, 0x64, 0x65, 0x69, 0x6c];

/**
 * A whole bencoded document (BEP 3), and where the values of its outermost dictionary stand: an info-hash is over the very bytes.
 * Throws TargetFailure `bencode.syntax`, `bencode.depth`. Keys may be unsorted, as some trackers send them, but not stand twice.
 */
export function decodeBencode(bytes: Buffer): { value: Bencoded; spans: Map<string, Buffer> } {
  const reader = new BencodeReader(bytes);
  const value = reader.readValue(0);
  if (reader.at !== bytes.length) throw reader.refuse('the end');
  return { value, spans: reader.spans };
}

class BencodeReader {
  at = 0;
  readonly spans = new Map<string, Buffer>();
  readonly #bytes: Buffer;
  #values = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  refuse(expected: string): TargetFailure {
    return new TargetFailure('bencode.syntax', `bencode: byte ${this.at} is not ${expected}`);
  }

  readValue(depth: number): Bencoded {
    this.#values += 1;
    if (depth > MAX_DEPTH || this.#values > MAX_VALUES) {
      throw new TargetFailure('bencode.depth', `bencode: deeper than ${MAX_DEPTH} or more than ${MAX_VALUES} values`);
    }
    const first = this.#bytes[this.at];
    if (first === INTEGER) return this.#readInteger();
    if (first === LIST) return this.#readList(depth);
    if (first === DICTIONARY) return this.#readDictionary(depth);
    return this.#readString();
  }

  #readInteger(): number {
    this.at += 1;
    const number = this.#readNumber(END, 17);
    if (number === null) throw this.refuse('a whole number');
    return number;
  }

  /** Without leading zeros and -0; null if it is none, or beyond what is exact. */
  #readNumber(end: number, maxDigits: number): number | null {
    const start = this.at;
    let at = start + (this.#bytes[start] === MINUS ? 1 : 0);
    while (at - start <= maxDigits && (this.#bytes[at] ?? 0) >= 0x30 && (this.#bytes[at] ?? 0) <= 0x39) at += 1;
    const text = this.#bytes.toString('latin1', start, at);
    if (this.#bytes[at] !== end || !/^(?:0|-?[1-9]\d*)$/.test(text) || !Number.isSafeInteger(Number(text))) return null;
    this.at = at + 1;
    return Number(text);
  }

  #readString(): Buffer {
    const length = this.#readNumber(COLON, 10);
    if (length === null || length < 0 || length > this.#bytes.length - this.at) throw this.refuse('a value that ends');
    const text = this.#bytes.subarray(this.at, this.at + length);
    this.at += length;
    return text;
  }

  #readList(depth: number): Bencoded[] {
    const items: Bencoded[] = [];
    for (this.at += 1; this.#bytes[this.at] !== END; ) items.push(this.readValue(depth + 1));
    this.at += 1;
    return items;
  }

  #readDictionary(depth: number): BencodedMap {
    const entries: BencodedMap = new Map();
    for (this.at += 1; this.#bytes[this.at] !== END; ) {
      const key = this.#readString().toString('latin1');
      if (entries.has(key)) throw this.refuse('a new key');
      const start = this.at;
      entries.set(key, this.readValue(depth + 1));
      if (depth === 0) this.spans.set(key, this.#bytes.subarray(start, this.at));
    }
    this.at += 1;
    return entries;
  }
}
