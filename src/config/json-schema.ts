import type { CheckType } from '../check-type.ts';
import type { Option } from '../core/option.ts';
import { CHECK, FREQUENCY, PUBLIC_TEXT } from './check-fields.ts';
import { type Field, type Fields, NAME } from './field.ts';
import { GLOBAL_FILE } from './global-fields.ts';
import { SHARED } from './owner-fields.ts';

export type JsonSchema = Record<string, unknown>;

/** JSON Schema 2020-12 of the global file or of a drop-in, for editors and for review; the loader knows more than it can say. */
export function renderJsonSchema(file: 'global' | 'drop-in', types: CheckType[]): JsonSchema {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: file === 'global' ? 'vigie.yaml' : 'a drop-in file of vigie',
    ...toObject(file === 'global' ? GLOBAL_FILE : SHARED),
    $defs: { check: toCheck(types) },
  };
}

function toObject(fields: Fields): JsonSchema {
  // `null` removes what is inherited, and a key without a value is as if it were not there.
  const properties = Object.fromEntries(Object.entries(fields).map(([key, field]) => [key, toProperty(field)]));
  const required = Object.keys(fields).filter((key) => isRequired(fields[key]));
  return { type: 'object', properties, ...(required.length > 0 ? { required } : {}), additionalProperties: false };
}

function isRequired(field: Field | undefined): boolean {
  return field !== undefined && !field.optional && field.default === undefined;
}

function toProperty(field: Field): JsonSchema {
  const value = toValue(field);
  const schema = isRequired(field) ? value : { anyOf: [value, { type: 'null' }] };
  return { description: field.help, ...schema, ...(field.default === undefined ? {} : { default: field.default }) };
}

/** Settings of every check, and the options of its type where the type is written beside them. */
function toCheck(types: CheckType[]): JsonSchema {
  const settings = toObject({ ...CHECK, type: { ...CHECK.type, optional: true } });
  return {
    ...settings,
    properties: {
      ...(settings['properties'] as JsonSchema),
      type: { description: CHECK.type.help, enum: types.map((type) => type.type) },
    },
    additionalProperties: true,
    allOf: types.map((type) => ({
      if: { properties: { type: { const: type.type } }, required: ['type'] },
      // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema.
      then: { properties: toObject(type.options)['properties'] },
    })),
  };
}

function toValue(field: Field): JsonSchema {
  switch (field.kind) {
    case 'section':
      return toObject(field.fields);
    case 'names':
      return toNamed(toValue(field.item));
    case 'checks':
      return toNamed({ anyOf: [{ $ref: '#/$defs/check' }, { type: 'null' }] });
    case 'thresholds': {
      const bounds = { type: 'object', properties: { min: BOUND, max: BOUND }, additionalProperties: false };
      const level = { anyOf: [...BOUND.anyOf, bounds, { type: 'null' }] };
      const levels = { type: 'object', properties: { warning: level, critical: level }, additionalProperties: false };
      return { type: 'object', additionalProperties: { anyOf: [levels, { type: 'null' }] } };
    }
    case 'public':
      return { anyOf: [{ type: 'boolean' }, toObject(PUBLIC_TEXT)] };
    case 'frequency':
      return { anyOf: [{ enum: ['off', false] }, toObject(FREQUENCY)] };
    case 'switch':
      return { enum: [true, false, 'on', 'off'] };
    default:
      return toOption(field);
  }
}

const BOUND = { anyOf: [{ type: 'string' }, { type: 'number' }] };
const SECRET_FORMS = {
  anyOf: [
    { type: 'object', properties: { file: { type: 'string', pattern: '^/' } }, required: ['file'], additionalProperties: false },
    { type: 'object', properties: { env: { type: 'string' } }, required: ['env'], additionalProperties: false },
  ],
};

function toNamed(item: JsonSchema): JsonSchema {
  return { type: 'object', propertyNames: { pattern: `^${NAME}$`, maxLength: 100 }, additionalProperties: item };
}

function toOption(option: Option): JsonSchema {
  switch (option.kind) {
    case 'text': {
      const { pattern, maxLength } = option;
      return { type: 'string', ...(pattern ? { pattern: `^(?:${pattern})$` } : {}), ...(maxLength ? { maxLength } : {}) };
    }
    case 'url':
      return { type: 'string', pattern: `^(?:${option.schemes.join('|')})://|\\$\\{` };
    case 'regex':
      return { type: 'string' };
    case 'integer':
    case 'number': {
      const { min, max } = option;
      return { type: option.kind, ...(min === undefined ? {} : { minimum: min }), ...(max === undefined ? {} : { maximum: max }) };
    }
    case 'boolean':
      return { type: 'boolean' };
    case 'duration':
      return { type: 'string', pattern: '^[0-9]+(\\.[0-9]+)?(ms|s|m|h|d|w)$' };
    case 'size':
      return {
        anyOf: [
          { type: 'integer', minimum: 0 },
          { type: 'string', pattern: '^[0-9]+(\\.[0-9]+)?([KMGT]iB|[kMGT]?B)$' },
        ],
      };
    case 'choice':
      return { enum: [...option.choices] };
    case 'scalar':
      return { type: ['string', 'number', 'boolean'] };
    case 'secret':
      return SECRET_FORMS;
    case 'range':
      return BOUND;
    case 'map':
      return { type: 'object', additionalProperties: toOption(option.item) };
    case 'object':
      return toObject(option.fields);
    case 'list': {
      const { minItems, maxItems } = option;
      const list = {
        type: 'array',
        items: toOption(option.item),
        ...(minItems ? { minItems } : {}),
        ...(maxItems ? { maxItems } : {}),
      };
      return option.orOne ? { anyOf: [toOption(option.item), list] } : list;
    }
  }
}
