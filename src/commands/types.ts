import { didYouMean, say } from '../config/problem.ts';
import type { Command } from './command.ts';
import { type Types, toOutput } from './config.ts';
import { toTypes } from './load.ts';
import type { Output } from './output.ts';

/** `vigie types`: one line each; `vigie types TYPE`: its options, metrics, thresholds and an example. */
export async function printTypes(given: { type?: string; json?: boolean }, output: Output, types: Types): Promise<number> {
  const { type: wanted } = given;
  if (wanted !== undefined && !types.typeNames.includes(wanted)) {
    output.warn(`${say('unknown check type', types.typeNames.join(', '), wanted)}${didYouMean(wanted, types.typeNames)}`);
    return 2;
  }
  const names = wanted === undefined ? [...types.typeNames].sort() : [wanted];
  const loaded = (await Promise.all(names.map((name) => types.loadType(name)))).filter((type) => type !== undefined);
  if (given.json) {
    const all = loaded.map(({ type, summary, options, metrics, thresholds, example, proxied }) => {
      return { type, summary, proxied, options, metrics, thresholds, example };
    });
    output.print(JSON.stringify(wanted === undefined ? all : all[0], null, 2));
    return 0;
  }
  if (wanted === undefined) {
    const width = Math.max(...names.map((name) => name.length));
    for (const { type, summary } of loaded) output.print(`${type.padEnd(width)}  ${summary}`);
    return 0;
  }
  const { renderType } = await import('../config/reference.ts');
  for (const type of loaded) output.print(renderType(type));
  return 0;
}

export const types: Command = {
  usage: 'types [TYPE]',
  takes: ['[TYPE]'],
  summary: 'check types and their options',
  options: { json: { type: 'boolean' } },
  help: ['--json  the declarations as JSON'],
  run(context, { values, positionals: [type] }) {
    return printTypes(
      { ...(type === undefined ? {} : { type }), json: values['json'] === true },
      toOutput(context),
      toTypes(context),
    );
  },
};
