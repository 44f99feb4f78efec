import * as z from 'zod';
import type { Option } from '../core/option.ts';
import { parseBounds, parseRange } from '../core/range.ts';
import { parseDuration, parseSize } from '../core/unit.ts';
import { CHECK, FREQUENCY, PUBLIC_TEXT } from './check-fields.ts';
import { type Field, type Fields, NAME } from './field.ts';
import { didYouMean, say } from './problem.ts';
import {
  choice,
  findRegexProblem,
  findUrlProblem,
  mismatch,
  number,
  parse,
  quantity,
  report,
  SECRET,
  text,
  toKey,
} from './schema-value.ts';

// The process runs without code generation from strings, which zod's compiled objects would need.
z.config({ jitless: true });

export type Schema = z.ZodType;
export interface Mistake {
  path: readonly PropertyKey[];
  /** It is about the key, not about its value. */
  atKey: boolean;
  message: string;
}
export type Bound = { value: unknown; mistakes?: undefined } | { value?: undefined; mistakes: Mistake[] };

/** Validates and binds (durations to seconds, ranges to numbers); every mistake at once. */
export function bind(schema: Schema, value: unknown): Bound {
  const result = schema.safeParse(value);
  if (result.success) return { value: result.data };
  return { mistakes: result.error.issues.flatMap(toMistakes) };
}

function toMistakes(issue: z.core.$ZodIssue): Mistake[] {
  if (issue.code === 'unrecognized_keys') {
    const messages = issue.message.split('\n');
    return issue.keys.map((key, index) => ({ path: [...issue.path, key], atKey: true, message: messages[index] ?? '' }));
  }
  if (issue.code === 'invalid_key') {
    return [{ path: issue.path, atKey: true, message: issue.issues[0]?.message ?? issue.message }];
  }
  return [{ path: issue.path, atKey: false, message: issue.message }];
}

/** `noun` says what the keys belong to, in messages. */
export function toObjectSchema(fields: Fields, noun: string): Schema {
  const shape = Object.fromEntries(Object.entries(fields).map(([key, field]) => [key, toMember(field)]));
  return z.strictObject(shape, { error: (issue) => describe(issue, noun, fields) });
}

/** As a member of an object: optional, or with its default. */
export function toMember(field: Field): Schema {
  const schema = toSchema(field);
  if (field.default !== undefined) return schema.prefault(field.default);
  return field.optional ? schema.optional() : schema;
}

function describe(issue: z.core.$ZodRawIssue, noun: string, fields: Fields): string {
  if (issue.code !== 'unrecognized_keys') {
    // Where a secret belongs, what was found may be the secret.
    const holdsSecret = Object.values(fields).some((field) => field.kind === 'secret');
    if (holdsSecret && issue.input !== undefined) return `wrong kind of value, expected a map: ${Object.keys(fields).join(', ')}`;
    return mismatch(noun === '' ? 'a map' : `a map: ${noun}`)(issue);
  }
  const known = Object.keys(fields);
  const expected = noun === '' || known.length <= 6 ? known.join(', ') : `a key of ${noun}`;
  return issue.keys.map((key) => `${say('unknown key', expected, key)}${didYouMean(key, known)}`).join('\n');
}

export function toSchema(field: Field): Schema {
  switch (field.kind) {
    case 'section':
      return toObjectSchema(field.fields, '');
    case 'names':
      return z.record(toKey(NAME, 'a name'), toSchema(field.item), { error: mismatch('a map of names') });
    case 'checks':
      return z.record(toKey(NAME, 'a name'), z.looseObject(toLayerShape(CHECK), { error: mismatch('a map: a check') }), {
        error: mismatch('a map of checks'),
      });
    case 'thresholds':
      return z.record(z.string(), LEVELS, { error: mismatch('a map of metrics') });
    case 'public':
      return z.union([z.boolean(), toObjectSchema(PUBLIC_TEXT, '')], {
        error: mismatch('true, false or { title: ..., description: ... }'),
      });
    case 'frequency':
      return z.union([z.literal('off'), z.literal(false), toObjectSchema(FREQUENCY, '')], {
        error: mismatch('{ failures: 6, of: 20 }, { failures: 4, within: 24h } or off'),
      });
    case 'switch':
      return z
        .union([z.boolean(), z.literal('off'), z.literal('on')], { error: mismatch('true, false, on or off') })
        .transform((value) => value === true || value === 'on');
    default:
      return toOptionSchema(field);
  }
}

function toLayerShape(fields: Fields): Record<string, Schema> {
  return Object.fromEntries(Object.entries(fields).map(([key, field]) => [key, toSchema(field).optional()]));
}

const BOUNDS = z.strictObject(
  { min: z.unknown().optional(), max: z.unknown().optional() },
  { error: (issue) => describe(issue, '', { min: CHECK.notes, max: CHECK.notes }) },
);

/** What a level of a threshold may look like; its range needs the metric's unit and is parsed when the type is known. */
const LEVEL = z.union([z.string(), z.number(), BOUNDS], {
  error: mismatch('a range such as 10, "10:", 10:20 or { min: ..., max: ... }'),
});
const LEVELS = z.strictObject(
  { warning: LEVEL.optional(), critical: LEVEL.optional() },
  { error: (issue) => describe(issue, '', { warning: CHECK.notes, critical: CHECK.notes }) },
);

function toOptionSchema(option: Option): Schema {
  switch (option.kind) {
    case 'text':
      return text(option, 'text');
    case 'url':
      return text({}, `an address (${option.schemes.map((scheme) => `${scheme}://...`).join(' or ')})`).superRefine(
        report((value) => findUrlProblem(value, option.schemes)),
      );
    case 'regex':
      return text({}, 'a regular expression in RE2 syntax').superRefine(report(findRegexProblem));
    case 'integer':
    case 'number':
      return number(option);
    case 'boolean':
      return z.boolean({ error: mismatch('true or false') });
    case 'duration':
      return quantity(parseDuration, 'a duration such as 30s, 5m, 12h or 7d', option);
    case 'size':
      return quantity(parseSize, 'a size such as 500MiB', option);
    case 'choice':
      return choice(option.choices);
    case 'scalar':
      return z.union([z.string(), z.number(), z.boolean()], { error: mismatch('text, a number, true or false') });
    case 'secret':
      return SECRET;
    case 'range':
      return z
        .union([z.string(), z.number()], { error: mismatch('a range such as 10, "10:" or 10:20') })
        .transform((value, context) => parse(() => parseRange(value), value, context));
    default:
      return toCompoundSchema(option);
  }
}

function toCompoundSchema(option: Extract<Option, { kind: 'list' | 'map' | 'object' }>): Schema {
  if (option.kind === 'object') return toObjectSchema(option.fields, '');
  if (option.kind === 'map') {
    const key = option.keyPattern === undefined ? z.string() : toKey(option.keyPattern, 'a key');
    return z.record(key, toOptionSchema(option.item), { error: mismatch('a map') });
  }
  const { minItems = 0, maxItems = 1000, orOne } = option;
  const list = z.array(toOptionSchema(option.item), { error: mismatch('a list') }).superRefine((items, context) => {
    if (items.length < minItems || items.length > maxItems) {
      context.addIssue(say('wrong length of a list', `from ${minItems} to ${maxItems} items`, items.length));
    }
  });
  if (!orOne) return list;
  return z.preprocess((value) => (value === undefined || Array.isArray(value) ? value : [value]), list);
}

/** Bounds by name of a threshold's level, or its range. Throws UnitError. */
export function toRange(written: unknown, unit: Parameters<typeof parseRange>[1]): ReturnType<typeof parseRange> {
  if (typeof written === 'string' || typeof written === 'number') return parseRange(written, unit);
  return parseBounds(written as Parameters<typeof parseBounds>[0], unit);
}
