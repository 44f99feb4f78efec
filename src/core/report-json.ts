/**
 * JSON (RFC 8259) as a signed report may hold it. `JSON.parse` keeps the last of two equal keys, rounds what is too large, and has no
 * bounds: here what is not plain is an error, so that two readers never see two different reports.
 */
export type Json = null | boolean | number | string | Json[] | JsonObject;
/** Without a prototype. */
export interface JsonObject {
  [key: string]: Json;
}

/** `message`: what is wrong, and where in the text. */
export class JsonProblem extends Error {}

const MAX_DEPTH = 6;
/** Brackets that open, keys and values. */
const MAX_TOKENS = 4000;
/** UTF-8 bytes. */
const MAX_STRING = 1024;
/** Members of every JavaScript object. */
const REFUSED_KEYS = new Set(['__proto__', 'constructor', 'prototype']);
const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};
/** Without exponent: nothing in a report needs one, and 1e999 would be infinite. */
const NUMBER = /-?(?:0|[1-9]\d{0,15})(?:\.\d{1,17})?(?![\d.eE])/y;
const PLAIN_TEXT = /[^"\\\u0000-\u001f]*/y;
const UNPAIRED = /\p{Surrogate}/u;

/** The one value that the text holds. Throws JsonProblem. */
export function parseStrictJson(text: string): Json {
  const reader = new Reader(text);
  const value = reader.readValue(0);
  reader.end();
  return value;
}

class Reader {
  private readonly text: string;
  private at = 0;
  private tokens = 0;
  constructor(text: string) {
    this.text = text;
  }

  readValue(depth: number): Json {
    this.skipSpace();
    this.count();
    const next = this.text[this.at];
    if (next === '{') return this.readObject(depth + 1);
    if (next === '[') return this.readList(depth + 1);
    if (next === '"') return this.readString();
    for (const [word, value] of [
      ['true', true],
      ['false', false],
      ['null', null],
    ] as const) {
      if (!this.text.startsWith(word, this.at)) continue;
      this.at += word.length;
      return value;
    }
    return this.readNumber();
  }

  end(): void {
    this.skipSpace();
    if (this.at < this.text.length) this.refuse('text after the value');
  }

  private readObject(depth: number): JsonObject {
    this.enter(depth);
    const object = Object.create(null) as JsonObject;
    if (this.takes('}')) return object;
    do {
      this.skipSpace();
      if (this.text[this.at] !== '"') this.refuse('expected a key');
      this.count();
      const key = this.readString();
      if (REFUSED_KEYS.has(key)) this.refuse('a key that is never accepted');
      if (key in object) this.refuse('the same key twice');
      if (!this.takes(':')) this.refuse('expected a colon');
      object[key] = this.readValue(depth);
    } while (this.takes(','));
    if (!this.takes('}')) this.refuse('expected a comma or the end of the object');
    return object;
  }

  private readList(depth: number): Json[] {
    this.enter(depth);
    const list: Json[] = [];
    if (this.takes(']')) return list;
    do list.push(this.readValue(depth));
    while (this.takes(','));
    if (!this.takes(']')) this.refuse('expected a comma or the end of the list');
    return list;
  }

  private enter(depth: number): void {
    if (depth > MAX_DEPTH) this.refuse(`deeper than ${MAX_DEPTH} levels`);
    this.at += 1;
  }

  private readString(): string {
    let value = '';
    this.at += 1;
    for (;;) {
      value += this.match(PLAIN_TEXT);
      const next = this.text[this.at];
      if (next === '"') break;
      if (next !== '\\') this.refuse(next === undefined ? 'the text ends within a string' : 'a control character in a string');
      value += this.readEscape();
      if (value.length > MAX_STRING) break;
    }
    this.at += 1;
    // A UTF-16 unit is at least one byte: most strings need no counting.
    if (value.length > MAX_STRING / 3 && new TextEncoder().encode(value).length > MAX_STRING)
      this.refuse(`a string of more than ${MAX_STRING} bytes`);
    if (value.includes('\0')) this.refuse('a NUL in a string');
    if (UNPAIRED.test(value)) this.refuse('half a character');
    return value;
  }

  private readEscape(): string {
    const letter = this.text[this.at + 1] ?? '';
    const plain = Object.hasOwn(ESCAPES, letter) ? ESCAPES[letter] : undefined;
    const digits = letter === 'u' ? /^[0-9A-Fa-f]{4}$/.exec(this.text.slice(this.at + 2, this.at + 6)) : null;
    if (plain === undefined && digits === null) this.refuse('an unknown escape');
    this.at += plain === undefined ? 6 : 2;
    return plain ?? String.fromCharCode(Number.parseInt(digits?.[0] ?? '', 16));
  }

  private readNumber(): number {
    const spelled = this.match(NUMBER);
    if (spelled === '') this.refuse('expected a value: a number has no exponent and at most 16 digits');
    const value = Number(spelled);
    if (Math.abs(value) > Number.MAX_SAFE_INTEGER) this.refuse('a number above 2^53-1');
    if (Object.is(value, -0)) this.refuse('minus zero');
    return value;
  }

  private match(pattern: RegExp): string {
    pattern.lastIndex = this.at;
    const [found = ''] = pattern.exec(this.text) ?? [];
    this.at += found.length;
    return found;
  }

  private takes(sign: string): boolean {
    this.skipSpace();
    if (this.text[this.at] !== sign) return false;
    this.at += 1;
    return true;
  }

  private skipSpace(): void {
    while (' \t\n\r'.includes(this.text[this.at] ?? 'x')) this.at += 1;
  }

  private count(): void {
    this.tokens += 1;
    if (this.tokens > MAX_TOKENS) this.refuse(`more than ${MAX_TOKENS} tokens`);
  }

  private refuse(message: string): never {
    throw new JsonProblem(`${message} at character ${this.at + 1}`);
  }
}
