import { confirmRemovals } from '../config/confirm.ts';
import { ConfigurationError, formatProblems, type LoadRequest, loadConfiguration, type Problem } from '../config/load.ts';
import type { Command, CommandContext } from './command.ts';
import { toTypes } from './load.ts';
import type { Output } from './output.ts';

/** What the registry of check types gives to the commands. */
export type Types = Pick<LoadRequest, 'loadType' | 'typeNames' | 'typesFingerprint' | 'version' | 'now'>;

export interface ConfigArguments {
  /** The global file, or its folder. */
  config: string;
  json?: boolean;
  /** `check`: this file by itself, without the global file. */
  dropIn?: string;
}

/** `vigie config check`: every mistake, or nothing. Last good versions do not count, nothing is written. */
export async function checkConfiguration(given: ConfigArguments, output: Output, types: Types): Promise<number> {
  const found = given.dropIn === undefined ? await checkAll(given, types) : await checkOne(given.dropIn, types);
  if (given.json) {
    output.print(JSON.stringify({ errors: found.problems, warnings: found.warnings, checks: found.checks }));
  } else {
    if (found.problems.length > 0) output.warn(formatProblems(found.problems));
    if (found.warnings.length > 0) output.warn(formatProblems(found.warnings, 'warning'));
    if (found.problems.length === 0 && output.isTerminal) output.print(`no errors, ${found.checks} checks`);
  }
  return found.problems.length > 0 ? 2 : 0;
}

interface Findings {
  problems: Problem[];
  warnings: Problem[];
  checks: number;
}

async function checkAll(given: ConfigArguments, types: Types): Promise<Findings> {
  try {
    const { configuration, warnings } = await loadConfiguration({ ...types, path: given.config, mode: 'check' });
    return { problems: [], warnings, checks: configuration.checks.length };
  } catch (error) {
    if (error instanceof ConfigurationError) return { problems: error.problems, warnings: [], checks: 0 };
    throw error;
  }
}

async function checkOne(path: string, types: Types): Promise<Findings> {
  const { checkDropIn } = await import('../config/drop-in.ts');
  return checkDropIn(path, types);
}

/** `vigie config show`: the normal form, with the origin of each setting. */
export async function showConfiguration(given: ConfigArguments, output: Output, types: Types): Promise<number> {
  try {
    const { configuration } = await loadConfiguration({ ...types, path: given.config, mode: 'check' });
    const names = [...new Set(configuration.checks.map((check) => check.type))];
    const loaded = await Promise.all(names.map(async (name) => [name, await types.loadType(name)] as const));
    const { renderNormalForm } = await import('../config/show.ts');
    output.print(
      renderNormalForm(configuration, new Map(loaded.flatMap(([name, type]) => (type ? [[name, type]] : [])))).trimEnd(),
    );
    return 0;
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    output.warn(error.message);
    return 2;
  }
}

/** `vigie config confirm`: drop-ins that are gone are meant to be gone. */
export async function confirmConfiguration(given: ConfigArguments, output: Output): Promise<number> {
  const gone = await confirmRemovals(given.config);
  for (const name of gone) output.print(`${name}: removed, no longer used`);
  if (gone.length === 0 && output.isTerminal) output.print('no file was removed');
  return 0;
}

/** `vigie config schema`: JSON Schema of the global file, or with `--drop-in` of a drop-in. */
export async function printSchema(given: { isDropIn: boolean }, output: Output, types: Types): Promise<number> {
  const loaded = await Promise.all(types.typeNames.map((name) => types.loadType(name)));
  const { renderJsonSchema } = await import('../config/json-schema.ts');
  const schema = renderJsonSchema(
    given.isDropIn ? 'drop-in' : 'global',
    loaded.filter((type) => type !== undefined),
  );
  output.print(JSON.stringify(schema, null, 2));
  return 0;
}

/** The command `config` with its verbs. */
export const config: Command = {
  usage: 'config check [--drop-in FILE] | show | confirm | schema [drop-in]',
  takes: ['check', 'show', 'confirm', 'schema [drop-in]'],
  summary: 'validate; normal form; accept removals; JSON Schema',
  options: { 'drop-in': { type: 'string' }, json: { type: 'boolean' } },
  optionsOf: { check: ['drop-in', 'json'] },
  help: [
    'check                 every mistake with its place, or nothing',
    'check --drop-in FILE  one file by itself, without secrets: for Puppet’s validate_cmd',
    'show                  the normal form, with the origin of each setting',
    'confirm               files that disappeared are meant to be gone',
    'schema                JSON Schema of vigie.yaml; schema drop-in: of a drop-in',
    '--json                findings of check as JSON',
  ],
  run(context, { values, positionals: [verb, topic] }) {
    const output = toOutput(context);
    const dropIn = values['drop-in'];
    const given = { config: context.configPath, json: values['json'] === true, ...(typeof dropIn === 'string' ? { dropIn } : {}) };
    switch (verb) {
      case 'check':
        return checkConfiguration(given, output, toTypes(context));
      case 'show':
        return showConfiguration(given, output, toTypes(context));
      case 'confirm':
        return confirmConfiguration(given, output);
      default:
        return printSchema({ isDropIn: topic === 'drop-in' }, output, toTypes(context));
    }
  },
};

export function toOutput(context: CommandContext): Output {
  return { print: (text) => context.out(`${text}\n`), warn: (text) => context.err(text), isTerminal: context.isTerminal };
}
