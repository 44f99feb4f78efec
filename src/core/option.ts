import type { Secret } from './configuration.ts';
import type { Range } from './range.ts';

/**
 * Declarations of a check type's options are plain data: the loader validates with them, `vigie config schema`, the reference and
 * `vigie types` are made from them, and a run that reads its cached configuration never loads a schema library for them.
 */
interface Declared<Kind extends string, Value> {
  kind: Kind;
  /** One sentence for the reference. */
  help: string;
  /** Written as a person writes it (`10s`, `2MiB`); absent: the option is required unless `optional`. */
  default?: unknown;
  optional?: boolean;
  /** Only for type inference; never present. */
  readonly value?: Value;
}

export type TextOption = Declared<'text', string> & { pattern?: string; maxLength?: number };
export type UrlOption = Declared<'url', string> & { schemes: string[] };
/** A regular expression in RE2 syntax, matched in linear time. */
export type RegexOption = Declared<'regex', string>;
export type IntegerOption = Declared<'integer', number> & { min?: number; max?: number };
export type NumberOption = Declared<'number', number> & { min?: number; max?: number };
export type BooleanOption = Declared<'boolean', boolean>;
/** Bound to seconds. */
export type DurationOption = Declared<'duration', number> & { min?: number; max?: number };
/** Bound to bytes. */
export type SizeOption = Declared<'size', number> & { min?: number; max?: number };
export type ChoiceOption<C extends string | number = string | number> = Declared<'choice', C> & { choices: readonly C[] };
/** Text, a number, or true or false: what a JSON document may hold in one place. */
export type ScalarOption = Declared<'scalar', string | number | boolean>;
export type SecretOption = Declared<'secret', Secret>;
export type RangeOption = Declared<'range', Range>;
export type ListOption<Item = unknown> = Declared<'list', Item[]> & {
  item: Option;
  minItems?: number;
  maxItems?: number;
  orOne?: boolean;
};
/** A map with free keys and values of one kind, such as HTTP headers. */
export type MapOption<Item = unknown> = Declared<'map', Record<string, Item>> & { item: Option; keyPattern?: string };
export type ObjectOption<Value = unknown> = Declared<'object', Value> & { fields: Options };

export type Option =
  | TextOption
  | UrlOption
  | RegexOption
  | IntegerOption
  | NumberOption
  | BooleanOption
  | DurationOption
  | SizeOption
  | ChoiceOption
  | ScalarOption
  | SecretOption
  | RangeOption
  | ListOption
  | MapOption
  | ObjectOption;

export type Options = Record<string, Option>;

/** What a run receives: required and defaulted options are there, optional ones may be undefined. */
export type Bound<O extends Options> = {
  [K in keyof O]: O[K] extends { optional: true } ? ValueOf<O[K]> | undefined : ValueOf<O[K]>;
};
type ValueOf<O> = O extends { readonly value?: infer V } ? Exclude<V, undefined> : never;

type Extra<T extends Option> = Omit<T, 'kind' | 'help' | 'value'>;

/** A map is built with `as const`-like inference so that `optional: true` reaches `Bound`. */
export const option = {
  text: <const E extends Extra<TextOption>>(help: string, extra?: E) => ({ kind: 'text', help, ...extra }) as TextOption & E,
  url: <const E extends Extra<UrlOption>>(help: string, extra: E) => ({ kind: 'url', help, ...extra }) as UrlOption & E,
  regex: <const E extends Extra<RegexOption>>(help: string, extra?: E) => ({ kind: 'regex', help, ...extra }) as RegexOption & E,
  integer: <const E extends Extra<IntegerOption>>(help: string, extra?: E) =>
    ({ kind: 'integer', help, ...extra }) as IntegerOption & E,
  number: <const E extends Extra<NumberOption>>(help: string, extra?: E) =>
    ({ kind: 'number', help, ...extra }) as NumberOption & E,
  boolean: <const E extends Extra<BooleanOption>>(help: string, extra?: E) =>
    ({ kind: 'boolean', help, ...extra }) as BooleanOption & E,
  duration: <const E extends Extra<DurationOption>>(help: string, extra?: E) =>
    ({ kind: 'duration', help, ...extra }) as DurationOption & E,
  size: <const E extends Extra<SizeOption>>(help: string, extra?: E) => ({ kind: 'size', help, ...extra }) as SizeOption & E,
  choice: <const C extends string | number, const E extends Omit<Extra<ChoiceOption>, 'choices'>>(
    help: string,
    choices: readonly C[],
    extra?: E,
  ) => ({ kind: 'choice', help, choices, ...extra }) as ChoiceOption<C> & E,
  scalar: <const E extends Extra<ScalarOption>>(help: string, extra?: E) =>
    ({ kind: 'scalar', help, ...extra }) as ScalarOption & E,
  range: <const E extends Extra<RangeOption>>(help: string, extra?: E) => ({ kind: 'range', help, ...extra }) as RangeOption & E,
  secret: <const E extends Extra<SecretOption>>(help: string, extra?: E) =>
    ({ kind: 'secret', help, ...extra }) as SecretOption & E,
  list: <I extends Option, const E extends Omit<Extra<ListOption>, 'item'>>(help: string, item: I, extra?: E) =>
    ({ kind: 'list', help, item, ...extra }) as ListOption<ValueOf<I>> & E,
  map: <I extends Option, const E extends Omit<Extra<MapOption>, 'item'>>(help: string, item: I, extra?: E) =>
    ({ kind: 'map', help, item, ...extra }) as MapOption<ValueOf<I>> & E,
  object: <F extends Options, const E extends Omit<Extra<ObjectOption>, 'fields'>>(help: string, fields: F, extra?: E) =>
    ({ kind: 'object', help, fields, ...extra }) as unknown as ObjectOption<Bound<F>> & E,
};
