import type { Check } from '../core/configuration.ts';
import { judgeNeed } from '../core/needed.ts';
import { toExitCode } from '../core/state.ts';
import { openHistoryForReading } from '../store/database.ts';
import { readStatuses } from '../store/history.ts';
import { type Command, UsageError } from './command.ts';
import { loadFor } from './load.ts';
import { formatStatusTable, type StatusRow, statusRows, worstExitCode } from './summary.ts';
import { findMatching } from './words.ts';

export const status: Command = {
  usage: 'status [PATTERN...]',
  takes: ['[PATTERN...]'],
  summary: 'last known states on the terminal',
  options: {
    problems: { type: 'boolean' },
    'needed-by': { type: 'string' },
    'exit-code': { type: 'boolean' },
    json: { type: 'boolean' },
  },
  help: [
    '--problems        only what is not OK',
    '--needed-by WORD  can WORD (release, users) go ahead? and the services that it needs',
    '--exit-code       ends with the worst state: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN;',
    '                  with --needed-by the worst that is sure: one failure of three is not yet one',
    '--json            prints one JSON object for each check',
  ],
  async run(context, { values, positionals }) {
    const { configuration } = await loadFor(context, 'read');
    const named = positionals.length === 0 ? null : new Set(findMatching('status', positionals, configuration.checks));
    const database = openHistoryForReading(configuration.state);
    if (database === null)
      throw new UsageError(`status: no history in ${configuration.state} yet, expected a run before: vigie run`);
    const statuses = readStatuses(database);
    const rows = statusRows({ configuration, statuses }).filter(select(values, named, configuration));
    database.close();
    const word = values['needed-by'];
    const need = typeof word === 'string' ? judgeNeed(configuration, statuses, word) : null;
    if (need !== null && values['json'] !== true) context.out(`${need.word}: ${need.answer}; ${need.sentence}\n`);
    if (values['json'] === true) for (const row of rows) context.out(`${JSON.stringify(row.status)}\n`);
    else for (const line of formatStatusTable(context, rows, context.now)) context.out(`${line}\n`);
    if (values['exit-code'] !== true) return 0;
    return need === null ? worstExitCode(rows) : toExitCode(need.state);
  },
};

function select(
  values: Record<string, string | boolean | undefined>,
  named: Set<Check> | null,
  configuration: Awaited<ReturnType<typeof loadFor>>['configuration'],
): (row: StatusRow) => boolean {
  const neededBy = values['needed-by'];
  return ({ check, status: { latest } }) => {
    if (named?.has(check) === false) return false;
    if (values['problems'] === true && latest?.state === 'OK') return false;
    const service = check.service === null ? undefined : configuration.services[check.service];
    return typeof neededBy !== 'string' || service?.neededBy.includes(neededBy) === true;
  };
}
