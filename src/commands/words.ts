import { didYouMean } from '../config/problem.ts';
import type { Check, Configuration } from '../core/configuration.ts';
import { isSelected } from '../core/selection.ts';
import { type Command, UsageError } from './command.ts';

/** One place of a form: `add` stands for itself, `TARGET` is the person's; `[..]` may be missing, `...` may come again. */
interface Slot {
  word: string;
  isFixed: boolean;
  isOptional: boolean;
  isMany: boolean;
}

function toSlots(form: string): Slot[] {
  return form
    .split(' ')
    .filter((text) => text !== '')
    .map((text) => {
      const word = text.replace(/^\[|\]$|\.{3}/g, '');
      return { word, isFixed: /^[a-z]/.test(word), isOptional: text.startsWith('['), isMany: text.includes('...') };
    });
}

/** How many of the words follow the form, and what it wants after them: null when nothing need follow. */
function follow(form: string, words: string[]): { taken: number; wanted: Slot | null; isOver: boolean } {
  const slots = toSlots(form);
  let taken = 0;
  for (const slot of slots) {
    const word = words[taken];
    if (word === undefined || (slot.isFixed && slot.word !== word)) {
      if (word !== undefined || !slot.isOptional) return { taken, wanted: slot, isOver: false };
    } else {
      taken = slot.isMany ? words.length : taken + 1;
    }
  }
  return { taken, wanted: null, isOver: taken === words.length };
}

/** Throws UsageError, one line with the first word that the command does not take, and the nearest that it does. */
export function refuseStrayWords(name: string, { takes, usage, options = {} }: Command, words: string[]): void {
  const forms = (takes.length === 0 ? [''] : takes).map((form) => follow(form, words));
  if (forms.some(({ isOver }) => isOver)) return;
  const furthest = Math.max(...forms.map(({ taken }) => taken));
  const wanted = forms.flatMap((form) => (form.taken === furthest && form.wanted !== null ? [form.wanted] : []));
  const where = [name, ...words.slice(0, furthest)].join(' ');
  const word = words[furthest];
  const found = word === undefined ? 'nothing' : JSON.stringify(word);
  if (wanted.length === 0) {
    const isText = Object.values(options).some(({ type }) => type === 'string');
    const quotes = isText ? '; a text with spaces needs quotes' : '';
    throw new UsageError(`${where}: expected nothing more, found ${found}${quotes}; usage: vigie ${usage}`);
  }
  const fixed = wanted.filter(({ isFixed }) => isFixed).map((slot) => slot.word);
  const near = word === undefined ? '' : didYouMean(word, fixed);
  throw new UsageError(`${where}: expected ${listOf(wanted.map((slot) => slot.word))}, found ${found}${near}`);
}

/** Throws UsageError for the first option that the command does not know; `name` is null for `vigie` itself. */
export function refuseStrayOptions(name: string | null, given: string[], known: string[]): void {
  const stray = given.find((option) => !known.includes(option));
  if (stray === undefined) return;
  const near = didYouMean(stray, known);
  const where = name === null ? 'vigie' : `vigie ${name}`;
  throw new UsageError(`${where}: no option ${JSON.stringify(stray)}${near}; ${where} --help lists the options`);
}

/** Throws UsageError for the first option that the verb has no use for, with the verb that has: it was meant to do something. */
export function refuseForeignOptions(name: string, { optionsOf }: Command, verb: string | undefined, given: string[]): void {
  if (optionsOf === undefined || verb === undefined) return;
  const own = optionsOf[verb] ?? [];
  for (const option of given) {
    const owners = Object.keys(optionsOf).filter((other) => optionsOf[other]?.includes(option) === true);
    if (owners.length === 0 || own.includes(option)) continue;
    throw new UsageError(`${name} ${verb}: takes no --${option}, expected it after ${name} ${listOf(owners)} only`);
  }
}

/** The checks that these PATTERNs name; throws UsageError for one that names none, with the nearest name that there is. */
export function findMatching(command: string, patterns: string[], checks: Check[]): Check[] {
  for (const pattern of patterns) {
    if (checks.some((check) => isSelected(pattern, check))) continue;
    const names = checks.flatMap(({ host, service }) => [host ?? [], service ?? []].flat());
    const near = didYouMean(pattern, new Set([...names, ...checks.map(({ id }) => id)]));
    const expected = 'a check, a host, a service or a pattern';
    throw new UsageError(
      `${command}: no check matches ${JSON.stringify(pattern)}, expected ${expected}${near}; vigie status lists them`,
    );
  }
  return checks.filter((check) => patterns.some((pattern) => isSelected(pattern, check)));
}

/** The enabled checks that a person speaks of. */
export function findEnabled(command: string, pattern: string, { checks }: Configuration): Check[] {
  return findMatching(
    command,
    [pattern],
    checks.filter((check) => check.enabled),
  );
}

function listOf(words: string[]): string {
  const names = [...new Set(words)];
  return names.length === 1 ? `${names[0]}` : `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`;
}
