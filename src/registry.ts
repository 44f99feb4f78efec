import { readdirSync, statSync } from 'node:fs';
import type { CheckType } from './check-type.ts';
import type { MetricCatalogue } from './core/views-words.ts';

const FOLDER = new URL('../checks/', import.meta.url);

/** The names of all check types: one file each in `checks/`. */
export function checkTypeNames(): string[] {
  return checkFiles().map((file) => file.slice(0, -'.js'.length));
}

function checkFiles(): string[] {
  return readdirSync(FOLDER)
    .filter((file) => file.endsWith('.js'))
    .sort();
}

/** Changes when any check type's file does: a cached configuration was bound to the option declarations of these files. */
export function checkTypesFingerprint(): string {
  return checkFiles()
    .map((file) => {
      const { size, mtimeMs } = statSync(new URL(file, FOLDER));
      return `${file}:${size}:${mtimeMs}`;
    })
    .join(' ');
}

/** Loads one check type; undefined when there is no such file. Only types in use are ever loaded. */
export async function loadCheckType(name: string): Promise<CheckType | undefined> {
  if (!checkTypeNames().includes(name)) return undefined;
  const module = (await import(new URL(`${name}.js`, FOLDER).href)) as { default: CheckType };
  return module.default;
}

/** The same, with each type looked for once: a run asks for a type with every check. */
export function createTypeLoader(): (name: string) => Promise<CheckType | undefined> {
  const loaded = new Map<string, Promise<CheckType | undefined>>();
  return (name) => {
    const known = loaded.get(name) ?? loadCheckType(name);
    loaded.set(name, known);
    return known;
  };
}

/** What the given types declare of their metrics, for pages. */
export async function loadMetricCatalogue(types: Iterable<string>): Promise<MetricCatalogue> {
  const entries = [...new Set(types)].map(async (name) => [name, (await loadCheckType(name))?.metrics ?? {}] as const);
  return Object.fromEntries(await Promise.all(entries));
}
