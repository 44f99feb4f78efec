import {
  Composer,
  type CST,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type ParsedNode,
  Parser,
  type YAMLError,
  type YAMLMap,
} from 'yaml';
import { type Problem, say } from './problem.ts';
import { type Entry, type MapNode, type Node, type Place, type SourceFile, toLine, toProblem } from './tree.ts';

/** Deeper than anything that means something; the composer recurses, and a hostile file must not end the process. */
const MAX_DEPTH = 30;
const MAX_BYTES = 4 * 1024 * 1024;

export interface ReadFile {
  /** Absent when the text is no YAML map at all. */
  root: MapNode | undefined;
  problems: Problem[];
}

/** YAML 1.2 with positions, of which only maps, lists and scalars are taken: no anchors, aliases, tags, merge keys or directives. */
export function readTree(name: string, text: string): ReadFile {
  const counter = new LineCounter();
  const file: SourceFile = { name, text, lineStarts: counter.lineStarts };
  const top: Place = { file, offset: 0, segments: [] };
  if (text.length > MAX_BYTES) return fail(top, say('file too large', 'at most 4 MiB'));
  const tokens = [...new Parser(counter.addNewLine).parse(text)];
  if (isTooDeep(tokens)) return fail(top, say('nested too deeply', `at most ${MAX_DEPTH} levels`));
  const composer = new Composer({ uniqueKeys: false, stringKeys: true, merge: false, version: '1.2', logLevel: 'silent' });
  const [document, second] = [...composer.compose(tokens, true, text.length)];
  if (!document) return { root: emptyMap(top), problems: [] };
  const problems = document.errors.slice(0, 1).map((error) => toSyntaxProblem(file, error));
  const directive = tokens.find((token) => token.type === 'directive');
  if (directive)
    problems.push(toProblem({ ...top, offset: directive.offset }, say('a YAML directive', 'none: files are YAML 1.2')));
  if (second && problems.length === 0) {
    problems.push(toProblem({ ...top, offset: second.range[0] }, say('a second document', 'one document in a file')));
  }
  if (problems.length > 0) return { root: undefined, problems };
  if (document.contents === null || (isScalar(document.contents) && document.contents.value === null)) {
    return { root: emptyMap(top), problems: [] };
  }
  const reader = new TreeReader(file);
  const root = reader.read(document.contents as ParsedNode, top);
  if (root.kind !== 'map') reader.problems.push(toProblem(top, say('wrong kind of file', 'a map of keys')));
  return { root: root.kind === 'map' ? root : undefined, problems: reader.problems };
}

function fail(place: Place, message: string): ReadFile {
  return { root: undefined, problems: [toProblem(place, message)] };
}

function emptyMap(place: Place): MapNode {
  return { kind: 'map', entries: new Map(), place };
}

function isTooDeep(tokens: CST.Token[]): boolean {
  const stack = tokens.map((token) => ({ token, depth: 0 }));
  for (let next = stack.pop(); next; next = stack.pop()) {
    const { token, depth } = next;
    if (depth > MAX_DEPTH) return true;
    if (token.type === 'document' && token.value) stack.push({ token: token.value, depth });
    if (!('items' in token)) continue;
    for (const item of token.items) {
      if (item.key) stack.push({ token: item.key, depth: depth + 1 });
      if (item.value) stack.push({ token: item.value, depth: depth + 1 });
    }
  }
  return false;
}

const ADVICE: Partial<Record<YAMLError['code'], string>> = {
  TAB_AS_INDENT: say('a tab in the indentation', 'spaces'),
  BLOCK_AS_IMPLICIT_KEY: say('a second ": " in one line', 'the value in quotes, or the inner key on a line of its own'),
  MISSING_CHAR: say('something is not closed or a colon is missing', 'a closing quote, bracket or ": " after a key'),
};

/** The parser's first error only: what follows it is mostly noise. */
function toSyntaxProblem(file: SourceFile, error: YAMLError): Problem {
  const place = { file, offset: error.pos[0], segments: [] };
  const rest = file.text.slice(error.pos[0], error.pos[0] + 60);
  // `warning: 10:` opens a map and `warning: @10` is reserved: both are ranges to people.
  const range = /^(@?[~\d.-]*[A-Za-z%]{0,3}:?[\d.]*[A-Za-z%]{0,3}:?)(?=[\s,}]|$)/.exec(rest)?.[1];
  if (range !== undefined && /^@|\d[A-Za-z%]{0,3}:$/.test(range)) {
    return toProblem(place, say('not valid YAML: a range that YAML misreads', `it in quotes: ${JSON.stringify(range)}`, range));
  }
  if (error.code === 'BAD_SCALAR_START') {
    return toProblem(place, say('not valid YAML: a value cannot start with this character', 'it in quotes', rest[0]));
  }
  const advice = ADVICE[error.code] ?? error.message.split('\n')[0]?.replace(/^./, (letter) => letter.toLowerCase());
  return toProblem(place, `not valid YAML: ${advice}`);
}

class TreeReader {
  readonly problems: Problem[] = [];
  private readonly file: SourceFile;
  constructor(file: SourceFile) {
    this.file = file;
  }

  read(node: ParsedNode | null, holder: Place): Node {
    const place = { ...holder, offset: node?.range?.[0] ?? holder.offset };
    if (node === null) return { kind: 'scalar', value: null, place: holder };
    if (isAlias(node))
      this.refuse(place, say('an alias', 'the value itself; what repeats belongs into a profile or into defaults'));
    else if (node.anchor) this.refuse(place, say('an anchor', 'none; what repeats belongs into a profile or into defaults'));
    if ('tag' in node && node.tag) this.refuse(place, say('a tag', 'a plain value', node.tag));
    if (isMap(node)) return this.readMap(node as YAMLMap.Parsed, holder);
    if (isSeq(node)) {
      const items = node.items.map((item, index) =>
        this.read(item as ParsedNode, {
          file: this.file,
          offset: (item as ParsedNode | null)?.range?.[0] ?? place.offset,
          segments: [...holder.segments, index],
        }),
      );
      return { kind: 'list', items, place: holder };
    }
    return { kind: 'scalar', value: isScalar(node) ? this.readScalar(node.value, place) : null, place };
  }

  private readMap(node: YAMLMap.Parsed, holder: Place): MapNode {
    const entries = new Map<string, Entry>();
    for (const pair of node.items) {
      const key = isScalar(pair.key) ? String(pair.key.value) : '';
      const place = { file: this.file, offset: pair.key?.range?.[0] ?? holder.offset, segments: [...holder.segments, key] };
      if (isScalar(pair.key) && (pair.key.anchor || pair.key.tag)) this.refuse(place, say('an anchor or a tag', 'a plain key'));
      const first = entries.get(key);
      if (key === '<<') this.refuse(place, say('a merge key', 'none; what repeats belongs into a profile or into defaults'));
      else if (key === '__proto__') this.refuse(place, say('a key that is never accepted', 'another name', key));
      else if (first) this.refuse(place, `the same key twice, expected it once, found it also in line ${toLine(first.place).line}`);
      else entries.set(key, { place, node: this.read(pair.value as ParsedNode | null, place) });
    }
    return { kind: 'map', entries, place: holder };
  }

  private readScalar(value: unknown, place: Place): string | number | boolean | null {
    if (typeof value === 'number' && Number.isFinite(value)) return value;
    if (typeof value === 'string' || typeof value === 'boolean' || value === null) return value;
    this.refuse(place, say('a value that cannot be used', 'text, a finite number, true or false'));
    return null;
  }

  private refuse(place: Place, message: string): void {
    this.problems.push(toProblem(place, message));
  }
}
