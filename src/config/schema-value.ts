import { RE2JS } from 're2js';
import * as z from 'zod';
import { formatDuration, formatSize, parseSize, UnitError } from '../core/unit.ts';
import { RESERVED } from './field.ts';
import { didYouMean, say, show } from './problem.ts';

/** Message of a value of the wrong kind. */
export function mismatch(expected: string): (issue: { input?: unknown }) => string {
  return (issue) =>
    issue.input === undefined ? `missing, expected ${expected}` : say('wrong kind of value', expected, issue.input);
}

export function toKey(pattern: string, noun: string): z.ZodType<string> {
  const whole = new RegExp(`^(?:${pattern})$`, 'u');
  return z.string().superRefine((key, context) => {
    if (!whole.test(key) || key.length > 100) {
      context.addIssue(say(`not ${noun}`, noun === 'a name' ? 'small letters, digits, ".", "_" and "-"' : pattern, key));
    } else if (noun === 'a name' && RESERVED.includes(key)) context.addIssue(say('a reserved name', 'another', key));
  }) as z.ZodType<string>;
}

export function text(limits: { pattern?: string; maxLength?: number }, expected: string): z.ZodType<string> {
  const whole = limits.pattern === undefined ? undefined : new RegExp(`^(?:${limits.pattern})$`, 'u');
  const { maxLength = 10_000 } = limits;
  const error = (issue: { input?: unknown }) =>
    typeof issue.input === 'number' || typeof issue.input === 'boolean'
      ? say('not text', `${expected}, in quotes`, issue.input)
      : mismatch(expected)(issue);
  return z.string({ error }).superRefine((value, context) => {
    if (value.length > maxLength) context.addIssue(say('text too long', `at most ${maxLength} characters`, value.length));
    else if (whole && /[\p{Cc}\p{Zl}\p{Zp}]/u.test(value) && !whole.test(value)) {
      context.addIssue(say('a line break or another control character', 'one line of text', value));
    } else if (whole && !whole.test(value)) context.addIssue(say('text of the wrong form', limits.pattern ?? '', value));
  }) as z.ZodType<string>;
}

export function report(find: (value: string) => string | undefined): (value: string, context: z.RefinementCtx<string>) => void {
  return (value, context) => {
    const problem = find(value);
    if (problem !== undefined) context.addIssue(problem);
  };
}

export function findUrlProblem(value: string, schemes: string[]): string | undefined {
  const expected = schemes.map((scheme) => `${scheme}://...`).join(' or ');
  // Without a look at the scheme, `new URL('exmple.org:80')` is an address whose scheme is "exmple.org:".
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(value)?.[1]?.toLowerCase();
  if (scheme === undefined || !schemes.includes(scheme)) return say('not an address', expected, value);
  if (!URL.canParse(value) || /[\s\p{Cc}]/u.test(value)) return say('not an address', expected, value);
  const url = new URL(value);
  if (url.username !== '' || url.password !== '') return say('user or password in an address', 'options for them, with a secret');
  return undefined;
}

export function findRegexProblem(value: string): string | undefined {
  try {
    RE2JS.compile(value);
    return undefined;
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/^error parsing regexp: /, '') : 'not understood';
    return say(`not a regular expression (${reason})`, 'RE2 syntax', value);
  }
}

export function number(option: { kind: 'integer' | 'number'; min?: number; max?: number }): z.ZodType {
  const expected = `${option.kind === 'integer' ? 'a whole number' : 'a number'}${toLimits(option, String)}`;
  return z.number({ error: mismatch(expected) }).superRefine((value, context) => {
    const isWhole = option.kind === 'number' || Number.isSafeInteger(value);
    if (!isWhole || !isWithin(value, option)) context.addIssue(say('number out of range', expected, value));
  });
}

export function quantity(read: (text: string) => number, expected: string, limits: { min?: number; max?: number }): z.ZodType {
  const isSize = read === parseSize;
  return z.union([z.string(), z.number()], { error: mismatch(expected) }).transform((written, context) =>
    parse(
      () => {
        const value = isSize && typeof written === 'number' ? written : read(String(written));
        if (isWithin(value, limits)) return value;
        throw new UnitError(
          `${isSize ? 'size' : 'duration'} out of range`,
          toLimits(limits, isSize ? formatSize : formatDuration).trim(),
        );
      },
      written,
      context,
    ),
  );
}

function isWithin(value: number, limits: { min?: number; max?: number }): boolean {
  return value >= (limits.min ?? -Infinity) && value <= (limits.max ?? Infinity);
}

function toLimits(limits: { min?: number; max?: number }, format: (value: number) => string): string {
  const { min, max } = limits;
  if (min !== undefined && max !== undefined) return ` from ${format(min)} to ${format(max)}`;
  if (min !== undefined) return ` at least ${format(min)}`;
  return max === undefined ? '' : ` at most ${format(max)}`;
}

export function choice(choices: readonly (string | number)[]): z.ZodType {
  return z.any().superRefine((value: unknown, context) => {
    if (choices.some((candidate) => candidate === value)) return;
    const problem = value === undefined ? 'missing' : 'not one of the choices';
    const near = typeof value === 'string' ? didYouMean(value, choices.map(String)) : '';
    context.addIssue(`${problem}, expected ${choices.join(', ')}${value === undefined ? '' : `, found ${show(value)}`}${near}`);
  });
}

export function parse<T>(read: () => T, written: unknown, context: z.RefinementCtx): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof UnitError)) throw error;
    context.addIssue(say(error.problem, error.expected, written));
    return z.NEVER;
  }
}

/** What was found is never repeated: somebody may have written the secret itself. */
export const SECRET = z.unknown().superRefine((value, context) => {
  const isMap = typeof value === 'object' && value !== null && !Array.isArray(value);
  const [entry, more] = isMap ? Object.entries(value) : [];
  if (entry && more === undefined && typeof entry[1] === 'string') {
    if (entry[0] === 'file' && /^\/[^\p{Cc}]+$/u.test(entry[1])) return;
    if (entry[0] === 'env' && /^[A-Za-z_][A-Za-z0-9_]*$/.test(entry[1])) return;
  }
  context.addIssue(
    `${value === undefined ? 'missing' : 'not a reference to a secret'}, expected { file: /absolute/path } or { env: NAME }${value === undefined ? '' : ', found something else (not shown)'}`,
  );
});
