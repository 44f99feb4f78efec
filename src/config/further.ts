import type { CheckType } from '../check-type.ts';
import type { Option } from '../core/option.ts';
import { bind, type Mistake, type Schema } from './schema.ts';

const LONG_LIST = 100;

type Written = Record<string, unknown>;

/**
 * What a type finds in options of which some are wrong, by their keys: only what it finds whatever was meant by those. Each of them is
 * left out and put right in every way that is told apart; and where a key is unknown, so is every option that is not written, since
 * that may be what was meant.
 */
export function findFurther(type: CheckType, schema: Schema, written: Written, mistakes: Mistake[]): Record<string, string> {
  if (type.validate === undefined) return {};
  const wrong = new Set(mistakes.map(({ path }) => String(path[0])));
  const isAnyUnknown = [...wrong].some((key) => !Object.hasOwn(type.options, key));
  const open = Object.entries(type.options).filter(([key]) => wrong.has(key) || (isAnyUnknown && !Object.hasOwn(written, key)));
  const samples = new Map(open.map(([key, option]) => [key, samplesOf(option, type.example[key])]));
  const right = Object.fromEntries(Object.entries(written).filter(([key]) => !wrong.has(key)));
  const tried = new Set<string>();
  let common: [string, string][] | null = null;
  const needed = open.filter(([, option]) => option.optional !== true && option.default === undefined).map(([key]) => key);
  for (const variant of variantsOf(samples, needed)) {
    const { value, mistakes: unbound } = bind(schema, { ...right, ...variant });
    if (unbound !== undefined) continue;
    for (const key of Object.keys(variant)) tried.add(key);
    const found: Record<string, string> = type.validate(value as never);
    const entries: [string, string][] = common ?? Object.entries(found).filter(([key]) => !wrong.has(key));
    common = entries.filter(([key, message]) => found[key] === message);
    // As in most: a slip in a profile is one of every host's checks, and each has a hundred variants.
    if (common.length === 0) return {};
  }
  // What could not be tried might be what was meant.
  return open.every(([key]) => tried.has(key)) ? Object.fromEntries(common ?? []) : {};
}

/** None of them but what is needed, all of them, each alone, and all but each. */
function variantsOf(samples: Map<string, unknown[]>, needed: string[]): Written[] {
  const all: Written = Object.fromEntries([...samples].flatMap(([key, [value]]) => (value === undefined ? [] : [[key, value]])));
  const few: Written = Object.fromEntries(Object.entries(all).filter(([key]) => needed.includes(key)));
  const variants: Written[] = [few, all];
  for (const [key, values] of samples) {
    const { [key]: _, ...others } = all;
    variants.push(others);
    for (const value of values) variants.push({ ...few, [key]: value }, { ...others, [key]: value });
  }
  return variants;
}

/** Valid values of an option as they are written; empty where none can be made up. */
function samplesOf(option: Option, example?: unknown): unknown[] {
  switch (option.kind) {
    case 'choice':
      return [...option.choices];
    case 'boolean':
      return [true, false];
    case 'list': {
      const [item] = Array.isArray(example) && example.length > 0 ? example : samplesOf(option.item);
      // Also a long one: of another option it may be said that it is more than there are of these.
      const long = new Array(option.maxItems ?? LONG_LIST).fill(item);
      return item === undefined ? [] : [example ?? [item], long];
    }
    case 'integer':
    case 'number':
      return [example, option.min, option.max, 1].filter((value) => value !== undefined);
    case 'url':
      // Of each kind: what else is right depends on it, such as `tls`.
      return option.schemes.map((scheme) => `${scheme}://x.example/`);
    default:
      return example === undefined ? sampleOf(option) : [example];
  }
}

function sampleOf(option: Option): unknown[] {
  switch (option.kind) {
    case 'text':
      return option.pattern === undefined ? ['x'] : [];
    case 'duration':
      return [option.min === undefined ? '1m' : `${option.min}s`];
    case 'size':
      return [option.min ?? '1MiB'];
    case 'range':
      return ['1'];
    case 'secret':
      return [{ env: 'X' }];
    case 'regex':
    case 'scalar':
      return ['x'];
    case 'object': {
      const fields = Object.entries(option.fields).map(([key, field]) => [key, samplesOf(field)[0]]);
      return [Object.fromEntries(fields.filter(([, value]) => value !== undefined))];
    }
    default:
      return [];
  }
}
