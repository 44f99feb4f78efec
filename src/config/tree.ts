import type { Problem } from './problem.ts';

/** One file's text with what turns an offset into a line. */
export interface SourceFile {
  /** As people know it: relative to the global file's folder, or as it was given. */
  name: string;
  text: string;
  /** Offset of each line's first character. */
  lineStarts: number[];
}

/** Where something was written. Segments are keys, and positions in lists, from the top of the file. */
export interface Place {
  file: SourceFile;
  offset: number;
  segments: readonly (string | number)[];
}

export type Node = ScalarNode | MapNode | ListNode;
export interface ScalarNode {
  kind: 'scalar';
  value: string | number | boolean | null;
  place: Place;
}
/** `place` of a map or list is that of the key that holds it: that is the line that a person looks for. */
export interface MapNode {
  kind: 'map';
  entries: Map<string, Entry>;
  place: Place;
}
export interface Entry {
  /** Where the key stands. */
  place: Place;
  node: Node;
}
export interface ListNode {
  kind: 'list';
  items: Node[];
  place: Place;
}

export function toLine(place: Place): { line: number; column: number } {
  const starts = place.file.lineStarts;
  let low = 0;
  let high = starts.length;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((starts[middle] ?? 0) <= place.offset) low = middle;
    else high = middle;
  }
  return { line: low + 1, column: place.offset - (starts[low] ?? 0) + 1 };
}

export function toPath(segments: readonly (string | number)[]): string {
  return segments.reduce<string>(
    (path, part) => (typeof part === 'number' ? `${path}[${part}]` : `${path}${path === '' ? '' : '.'}${quote(part)}`),
    '',
  );
}

/** A key that could be read as a path, or break the line, stands in quotes. */
function quote(key: string): string {
  return /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/.test(key) ? key : JSON.stringify(key);
}

export function toProblem(place: Place, message: string, other?: Place): Problem {
  const also = other === undefined ? {} : { also: other.file.name };
  return { file: place.file.name, ...toLine(place), path: toPath(place.segments), message, ...also };
}

/** The layer of inheritance that a value was written in: `defaults`, `proxy tor`, `profile debian`, `host web1`, `check` ... */
export function toLayer(place: Place): string {
  const [section, name, part] = place.segments;
  if (section === 'defaults') return 'defaults';
  if (section === 'types') return `type ${name}`;
  if (section === 'proxies') return `proxy ${name}`;
  if (section === 'profiles') return `profile ${name}`;
  if (part === 'checks') return 'check';
  return `${section === 'hosts' ? 'host' : 'service'} ${name}`;
}

export function getNode(node: Node | undefined, key: string): Node | undefined {
  return node?.kind === 'map' ? node.entries.get(key)?.node : undefined;
}

export function isNull(node: Node): boolean {
  return node.kind === 'scalar' && node.value === null;
}

/** Plain values; a key without a value is as if it were not there. */
export function toPlain(node: Node): unknown {
  if (node.kind === 'scalar') return node.value;
  if (node.kind === 'list') return node.items.map(toPlain);
  const result: Record<string, unknown> = {};
  for (const [key, entry] of node.entries) if (!isNull(entry.node)) result[key] = toPlain(entry.node);
  return result;
}

/** The place of a path below a node, or of the nearest thing above it that exists. A key's own place when `atKey`. */
export function locate(node: Node, path: readonly PropertyKey[], atKey = false): Place {
  let here = node;
  let place = node.place;
  for (const [index, part] of path.entries()) {
    if (here.kind === 'map') {
      const entry = here.entries.get(String(part));
      if (!entry) return { ...place, segments: [...place.segments, ...path.slice(index).map(toSegment)] };
      here = entry.node;
      place = atKey ? entry.place : entry.node.place;
    } else if (here.kind === 'list' && typeof part === 'number' && here.items[part]) {
      here = here.items[part];
      place = here.place;
    } else return place;
  }
  return place;
}

function toSegment(part: PropertyKey): string | number {
  return typeof part === 'number' ? part : String(part);
}

/** Called for a value that a nearer one replaces. */
export type OnReplace = (replaced: Node, by: Node) => void;

/** Maps merge by key, lists and scalars are replaced, null removes. Neither argument is changed. */
export function mergeNodes(base: Node | undefined, over: Node, onReplace?: OnReplace): Node | undefined {
  if (isNull(over)) return undefined;
  if (over.kind !== 'map') {
    if (base && onReplace) onReplace(base, over);
    return over;
  }
  const entries = new Map(base?.kind === 'map' ? base.entries : []);
  for (const [key, entry] of over.entries) {
    const node = mergeNodes(entries.get(key)?.node, entry.node, onReplace);
    if (node) entries.set(key, { place: entry.place, node });
    else entries.delete(key);
  }
  return { kind: 'map', entries, place: over.place };
}
