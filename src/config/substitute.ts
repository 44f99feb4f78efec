import { didYouMean, say } from './problem.ts';

/** `${host.address}` and the like; undefined when there is none for this check. */
export type Variables = Record<'host.address' | 'host.name' | 'service.name', string | undefined>;

export interface Substitution {
  value: unknown;
  mistakes: { path: (string | number)[]; message: string }[];
}

/** Replaces `${...}` in every text of an option's value; nothing else is computed, configuration is data. */
export function substitute(value: unknown, variables: Variables): Substitution {
  const mistakes: Substitution['mistakes'] = [];
  return { value: replace(value, []), mistakes };

  function replace(part: unknown, path: (string | number)[]): unknown {
    if (typeof part === 'string') return part.includes('${') ? replaceText(part, path) : part;
    if (Array.isArray(part)) return part.map((item, index) => replace(item, [...path, index]));
    if (typeof part !== 'object' || part === null) return part;
    return Object.fromEntries(Object.entries(part).map(([key, item]) => [key, replace(item, [...path, key])]));
  }

  function replaceText(text: string, path: (string | number)[]): string {
    return text.replace(/\$\{([^}]*)(\}?)/g, (whole, name: string, end: string) => {
      const names = Object.keys(variables);
      if (end === '' || !names.includes(name)) {
        const expected = names.map((each) => `\${${each}}`).join(', ');
        mistakes.push({ path, message: `${say('unknown variable', expected, whole)}${didYouMean(name, names)}` });
        return whole;
      }
      const found = variables[name as keyof Variables];
      if (found === undefined)
        mistakes.push({ path, message: `${whole} has no value here, expected ${MISSING[name]}, found none` });
      return found ?? whole;
    });
  }
}

const MISSING: Record<string, string> = {
  'host.address': 'a host with an address',
  'host.name': 'a check of a host, or of a service with a host',
  'service.name': 'a check of a service',
};
