import { CHECK } from './check-fields.ts';
import type { Fields, Section } from './field.ts';
import { GLOBAL, GLOBAL_NAMES } from './global-fields.ts';
import { SHARED } from './owner-fields.ts';
import { didYouMean, type Problem, say } from './problem.ts';
import type { ReadFile } from './read.ts';
import { bind, type Mistake, type Schema, toMember, toObjectSchema, toSchema } from './schema.ts';
import { type Entry, getNode, isNull, locate, type MapNode, type Node, type Place, toLine, toPlain, toProblem } from './tree.ts';

/** A named thing as it was written. */
export interface Defined {
  name: string;
  /** Where its name stands. */
  place: Place;
  node: MapNode;
  /** Bound values; undefined when something in it is wrong: then it exists, but nothing is made from it. */
  values: Record<string, unknown> | undefined;
}

export type SectionName = 'contacts' | 'proxies' | 'profiles' | 'hosts' | 'services';

export interface Definitions extends Record<SectionName, Map<string, Defined>> {
  global: { root: MapNode; values: Record<string, unknown>; broken: Set<string> };
  /** Files that are no YAML, or that are elsewhere: what they may define is unknown, and is not missed. */
  isPartial: boolean;
  hasGlobal: boolean;
  problems: Problem[];
}

export interface InputFile extends ReadFile {
  name: string;
  role: 'global' | 'drop-in' | 'removed';
}

/** Everything that the files define, each part validated by itself, so that one mistake hides no other. */
export function define(files: InputFile[], top: MapNode): Definitions {
  const definitions: Definitions = {
    global: { root: top, values: {}, broken: new Set() },
    isPartial: files.some((file) => !file.root) || !files.some((file) => file.role === 'global'),
    hasGlobal: files.some((file) => file.role === 'global' && file.root),
    contacts: new Map(),
    proxies: new Map(),
    profiles: new Map(),
    hosts: new Map(),
    services: new Map(),
    problems: files.flatMap((file) => file.problems),
  };
  const reader = new Definer(definitions);
  for (const file of files) if (file.root) reader.addFile(file.root, file.role);
  reader.finish();
  return definitions;
}

class Definer {
  private readonly into: Definitions;
  private readonly schemas = new Map<string, Schema>();
  constructor(into: Definitions) {
    this.into = into;
  }

  addFile(root: MapNode, role: InputFile['role']): void {
    const allowed: Fields = role === 'global' ? { ...GLOBAL, ...GLOBAL_NAMES, ...SHARED } : SHARED;
    for (const [key, entry] of root.entries) {
      if (!Object.hasOwn(allowed, key)) this.refuseKey(key, entry.place, allowed, role);
      else if (isNull(entry.node)) continue;
      else if (Object.hasOwn(GLOBAL, key)) this.addGlobal(key, entry.node);
      else this.addSection(key as SectionName, entry, role);
    }
    if (role === 'global') this.into.global.root = root;
  }

  /** Values of the global file that nobody wrote. */
  finish(): void {
    const { values, broken } = this.into.global;
    for (const [key, field] of Object.entries(GLOBAL)) {
      if (!Object.hasOwn(values, key) && !broken.has(key)) values[key] = bind(toMember(field), undefined).value;
    }
  }

  private refuseKey(key: string, place: Place, allowed: Fields, role: InputFile['role']): void {
    const isElsewhere = role !== 'global' && (Object.hasOwn(GLOBAL, key) || Object.hasOwn(GLOBAL_NAMES, key));
    const message = isElsewhere
      ? say('a key of the global file', Object.keys(allowed).join(', '), key)
      : `${say('unknown key', role === 'global' ? 'a key of the global file' : Object.keys(allowed).join(', '), key)}${didYouMean(key, Object.keys(allowed))}`;
    this.into.problems.push(toProblem(place, message));
  }

  private addGlobal(key: string, node: Node): void {
    const bound = bind(
      this.getSchema(key, () => toMember(GLOBAL[key] ?? CHECK.notes)),
      toPlain(node),
    );
    if (bound.mistakes) {
      this.into.global.broken.add(key);
      this.addMistakes(node, bound.mistakes);
    } else this.into.global.values[key] = bound.value;
  }

  private addSection(section: SectionName, entry: Entry, role: InputFile['role']): void {
    const field = SHARED[section] ?? GLOBAL_NAMES[section];
    if (field?.kind !== 'names') return;
    if (entry.node.kind !== 'map') {
      this.into.global.broken.add(section);
      this.addMistakes(entry.node, bind(toSchema(field), toPlain(entry.node)).mistakes ?? []);
      return;
    }
    const names = this.getSchema('names', () => toSchema({ ...field, item: CHECK.notes }));
    for (const [name, { place, node }] of entry.node.entries) {
      const mistakes = bind(names, { [name]: 'x' }).mistakes;
      if (mistakes) this.into.problems.push(...mistakes.map((mistake) => toProblem(place, mistake.message)));
      else if (!this.isDuplicate(section, name, place, role)) this.add(section, field.item as Section, { name, place, node });
    }
  }

  private isDuplicate(section: SectionName, name: string, place: Place, role: InputFile['role']): boolean {
    const isOwner = section === 'hosts' || section === 'services';
    const first = isOwner ? (this.into.hosts.get(name) ?? this.into.services.get(name)) : this.into[section].get(name);
    if (!first) return false;
    // What stood in a file that is gone and now stands elsewhere has moved.
    if (role === 'removed') return true;
    const what = isOwner ? 'a host or service of this name' : toNoun(section);
    const where = `${first.place.file.name}:${toLine(first.place).line}`;
    this.into.problems.push(toProblem(place, `defined twice, expected ${what} once, found it also in ${where}`, first.place));
    return true;
  }

  private add(section: SectionName, field: Section, at: { name: string; place: Place; node: Node }): void {
    const { name, place } = at;
    const node: Node = isNull(at.node) ? { kind: 'map', entries: new Map(), place } : at.node;
    const noun = toNoun(section);
    const bound = bind(
      this.getSchema(section, () => toObjectSchema(field.fields, noun)),
      toPlain(node),
    );
    if (bound.mistakes) this.addMistakes(node, bound.mistakes);
    if (node.kind !== 'map') return;
    this.into[section].set(name, { name, place, node, values: bound.value as Record<string, unknown> | undefined });
  }

  private addMistakes(node: Node, mistakes: Mistake[]): void {
    for (const mistake of mistakes) {
      this.into.problems.push(toProblem(locate(node, mistake.path, mistake.atKey), mistake.message));
    }
  }

  private getSchema(key: string, make: () => Schema): Schema {
    const schema = this.schemas.get(key) ?? make();
    this.schemas.set(key, schema);
    return schema;
  }
}

function toNoun(section: SectionName): string {
  return `a ${section.replace(/ies$/, 'y').replace(/s$/, '')}`;
}

/** The checks written under a profile, host or service. */
export function getChecks(defined: Defined): Map<string, Entry> {
  const node = getNode(defined.node, 'checks');
  return node?.kind === 'map' ? node.entries : new Map();
}
