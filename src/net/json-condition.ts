import { type Bound, cleanText, option } from '../check-type.ts';
import { breaksRange, formatRange } from '../core/range.ts';
import { parsePath, valuesAt } from './json-path.ts';

/** The `json` option: what a document must say for a health endpoint to be healthy. */
export const jsonConditions = option.list(
  'What the JSON of the answer must say; every condition counts.',
  option.object('One condition: `equals`, `range`, or that there is anything at the path.', {
    path: option.text('Where the value stands: `status`, `data.items[0].name`, `[*].enabled`.', { maxLength: 200 }),
    equals: option.scalar('The value there.', { optional: true }),
    range: option.range('The range of the number there.', { optional: true }),
    all: option.boolean('With `[*]`: every value must fit, not just one.', { default: false }),
  }),
  { optional: true, minItems: 1, maxItems: 50 },
);
export type JsonConditions = NonNullable<Bound<{ json: typeof jsonConditions }>['json']>;

/** What is wrong with the conditions themselves, for `validate`. */
export function findConditionProblem(conditions: JsonConditions): string | null {
  for (const { path, equals, range } of conditions) {
    if (parsePath(path) === null) return `"${path}" is no path, expected one such as data.items[0].name or [*].enabled`;
    if (equals !== undefined && range !== undefined) return `"${path}" has both equals and range`;
  }
  return null;
}

/** The first condition that does not hold, in words: what was seen, then what was wanted; null when all hold. */
export function findBrokenCondition(body: string, conditions: JsonConditions): { code: string; output: string } | null {
  let document: unknown;
  try {
    document = JSON.parse(body);
  } catch {
    return { code: 'json.syntax', output: `the answer is no JSON: "${cleanText(body, 30)}"` };
  }
  for (const condition of conditions) {
    const values = valuesAt(document, parsePath(condition.path) ?? []);
    const seen = values.length === 0 ? 'nothing' : values.slice(0, 3).map(describe).join(', ');
    const output = `${condition.path} is ${seen}, expected ${describeWanted(condition)}`;
    if (values.length === 0) return { code: 'json.missing', output };
    const holds = (value: unknown) => fits(value, condition);
    if (!(condition.all ? values.every(holds) : values.some(holds))) return { code: 'json.value', output };
  }
  return null;
}

type Condition = JsonConditions[number];

function fits(value: unknown, { equals, range }: Condition): boolean {
  if (range !== undefined) return typeof value === 'number' && !breaksRange(value, range);
  return equals === undefined ? value !== null : value === equals;
}

function describeWanted({ equals, range, all }: Condition): string {
  const wanted = range !== undefined ? formatRange(range) : equals === undefined ? 'a value' : describe(equals);
  return all ? `${wanted} in every place` : wanted;
}

function describe(value: unknown): string {
  return cleanText(typeof value === 'string' ? `"${value}"` : (JSON.stringify(value) ?? 'nothing'), 30);
}
