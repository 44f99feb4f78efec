/** One step of a path: a member's name, an item's index, or every item or member. */
export type Step = string | number | typeof EVERY;
export const EVERY = Symbol('every');

const MAX_VALUES = 1000;
const STEP = /\.?([A-Za-z_$][\w$-]*)|\[(\d{1,6})\]|\[\*\]|\["((?:[^"\\]|\\.)*)"\]/y;

/**
 * A path as people write it: `data.items[0].name`, `[*].enabled`, `["odd name"].value`. Returns null for what is no path. The subset
 * of JSONPath (RFC 9535) without filters, scripts and recursive descent: nothing here can loop over what a peer sent.
 */
export function parsePath(text: string): Step[] | null {
  const steps: Step[] = [];
  const path = text.startsWith('$') ? text.slice(1) : text;
  STEP.lastIndex = 0;
  while (STEP.lastIndex < path.length) {
    const start = STEP.lastIndex;
    const found = STEP.exec(path);
    if (found === null || (start > 0 && /[A-Za-z_$]/.test(path[start] ?? ''))) return null;
    const [whole, name, index, quoted] = found;
    if (name !== undefined) steps.push(name);
    else if (index !== undefined) steps.push(Number(index));
    else steps.push(whole === '[*]' ? EVERY : unquote(quoted ?? ''));
  }
  return steps;
}

function unquote(text: string): string {
  return text.replace(/\\(.)/g, '$1');
}

/** All values at the path, at most 1000; empty where it leads nowhere. Only own members count: `__proto__` is a name as any other. */
export function valuesAt(document: unknown, path: readonly Step[]): unknown[] {
  let values = [document];
  for (const step of path) values = values.flatMap((value) => take(value, step)).slice(0, MAX_VALUES);
  return values;
}

function take(value: unknown, step: Step): unknown[] {
  if (typeof value !== 'object' || value === null) return [];
  if (step === EVERY) return Object.values(value).slice(0, MAX_VALUES);
  if (Array.isArray(value)) return typeof step === 'number' && step < value.length ? [value[step]] : [];
  return Object.hasOwn(value, step) ? [(value as Record<string | number, unknown>)[step]] : [];
}
