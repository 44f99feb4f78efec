import type { CheckType } from '../check-type.ts';
import type { Option } from '../core/option.ts';
import { bind, type Mistake, type Schema } from './schema.ts';

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
  const tried = variantsOf(samples)
    .map((variant) => ({ variant, bound: bind(schema, { ...right, ...variant }) }))
    .filter(({ bound }) => bound.mistakes === undefined);
  // What could not be tried might be what was meant.
  if (!open.every(([key]) => tried.some(({ variant }) => Object.hasOwn(variant, key)))) return {};
  const [first, ...others] = tried.map(({ bound }) => type.validate?.(bound.value as never) ?? {});
  const entries = Object.entries(first ?? {});
  return Object.fromEntries(entries.filter(([key, message]) => !wrong.has(key) && others.every((found) => found[key] === message)));
}

/** None of them, all of them, each alone, and all but each. */
function variantsOf(samples: Map<string, unknown[]>): Written[] {
  const all: Written = Object.fromEntries([...samples].flatMap(([key, [value]]) => (value === undefined ? [] : [[key, value]])));
  const variants: Written[] = [{}, all];
  for (const [key, values] of samples) {
    const { [key]: _, ...others } = all;
    variants.push(others);
    for (const value of values) variants.push({ [key]: value }, { ...others, [key]: value });
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
    case 'list':
      return example === undefined
        ? samplesOf(option.item)
            .slice(0, 1)
            .map((item) => [item])
        : [example];
    default:
      return example === undefined ? sampleOf(option) : [example];
  }
}

function sampleOf(option: Option): unknown[] {
  switch (option.kind) {
    case 'text':
      return option.pattern === undefined ? ['x'] : [];
    case 'url':
      return option.schemes.map((scheme) => `${scheme}://x.example/`);
    case 'integer':
    case 'number':
      return [option.min ?? 1];
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
