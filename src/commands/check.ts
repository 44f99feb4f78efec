import type { Check } from '../core/configuration.ts';
import type { Metrics, Result } from '../core/observation.ts';
import { isWorse, type State, toExitCode } from '../core/state.ts';
import { cleanText } from '../core/text.ts';
import { observeAll } from '../observe.ts';
import { createObserver } from '../observer.ts';
import { loadCheckType } from '../registry.ts';
import type { Arguments, Command, CommandContext } from './command.ts';
import { loadFor } from './load.ts';
import { findMatching } from './words.ts';

/** Shows what a check sees, step by step; writes nothing. */
export const check: Command = {
  usage: 'check [-v] PATTERN...',
  takes: ['PATTERN...'],
  summary: 'runs matching checks now and explains; writes nothing',
  options: { verbose: { type: 'boolean', short: 'v' }, json: { type: 'boolean' } },
  help: ['-v, --verbose  shows the conversation step by step', '--json         prints one JSON object for each check'],
  async run(context: CommandContext, { values, positionals }: Arguments): Promise<number> {
    const { configuration } = await loadFor(context, 'read');
    const checks = findMatching('check', positionals, configuration.checks);
    const trace = values['verbose'] === true ? traceTo(context, checks.length > 1) : undefined;
    const observer = createObserver(configuration, { run: 0, now: context.now, env: context.env, ...(trace ? { trace } : {}) });
    // What reads a host's report needs it, asked for or not.
    const reports = configuration.checks.filter((one) => !checks.includes(one) && checks.some(({ report }) => report === one.id));
    const seen = await observeAll(
      [...reports, ...checks].map((one) => ({ check: one, due: 'scheduled', memory: undefined })),
      observer,
    );
    const results = seen.slice(reports.length).map(({ report, ...result }) => result);
    if (values['json'] === true) for (const result of results) context.out(`${JSON.stringify(result)}\n`);
    else await printResults(context, checks, results);
    return toExitCode(worstOf(results));
  },
};

function worstOf(results: Result[]): State {
  let found: State = 'OK';
  for (const { state } of results) if (isWorse(state, found)) found = state;
  return found;
}

function traceTo(context: CommandContext, isMany: boolean): (check: string, step: string) => void {
  const began = performance.now();
  return (id, step) => {
    const time = ((performance.now() - began) / 1000).toFixed(3).padStart(7);
    context.out(`${time} s  ${isMany ? `${id}: ` : ''}${cleanText(step, 300)}\n`);
  };
}

/** First line: output and perfdata as the monitoring plug-in guidelines have it, so that another monitor can call it. */
async function printResults(context: CommandContext, checks: Check[], results: Result[]): Promise<void> {
  for (const [index, result] of results.entries()) {
    const one = checks[index];
    const prefix = results.length > 1 ? `${result.check} ` : '';
    context.out(`${prefix}${result.state}: ${result.output.replaceAll('|', '/')}${await formatPerfdata(one, result.metrics)}\n`);
    for (const part of result.parts) context.out(`  ${part.name} ${part.state}: ${part.output}\n`);
    if (result.code !== '') context.out(`  reason: ${result.code}\n`);
    if (one !== undefined) context.out(`  target: ${one.type} ${one.target}${one.via === null ? '' : ` through ${one.via}`}\n`);
  }
}

/** `'label'=value[unit]` in the order of the type's declaration; our `d` is no unit of the guidelines, so days are plain numbers. */
async function formatPerfdata(one: Check | undefined, metrics: Metrics): Promise<string> {
  const type = one === undefined ? undefined : await loadCheckType(one.type);
  const fields = Object.entries(metrics).map(([name, value]) => {
    const unit = type?.metrics[name]?.unit ?? '';
    return `${name}=${value}${unit === 'd' ? '' : unit}`;
  });
  return fields.length === 0 ? '' : ` | ${fields.join(' ')}`;
}
