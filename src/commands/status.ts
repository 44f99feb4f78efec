import { isSelected } from '../core/selection.ts';
import { openHistoryForReading } from '../store/database.ts';
import { readStatuses } from '../store/history.ts';
import { type Command, UsageError } from './command.ts';
import { loadFor } from './load.ts';
import { formatStatusTable, type StatusRow, statusRows, worstExitCode } from './summary.ts';

export const status: Command = {
  usage: 'status [PATTERN]',
  summary: 'last known states on the terminal',
  options: {
    problems: { type: 'boolean' },
    'needed-by': { type: 'string' },
    'exit-code': { type: 'boolean' },
    json: { type: 'boolean' },
  },
  help: [
    '--problems        only what is not OK',
    '--needed-by WORD  only services that WORD needs, such as release',
    '--exit-code       ends with the worst state: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN',
    '--json            prints one JSON object for each check',
  ],
  async run(context, { values, positionals }) {
    const { configuration } = await loadFor(context, 'read');
    const database = openHistoryForReading(configuration.state);
    if (database === null)
      throw new UsageError(`status: no history in ${configuration.state} yet, expected a run before: vigie run`);
    const rows = statusRows({ configuration, statuses: readStatuses(database) }).filter(select(values, positionals, configuration));
    database.close();
    if (values['json'] === true) for (const row of rows) context.out(`${JSON.stringify(row.status)}\n`);
    else for (const line of formatStatusTable(context, rows, context.now)) context.out(`${line}\n`);
    return values['exit-code'] === true ? worstExitCode(rows) : 0;
  },
};

function select(
  values: Record<string, string | boolean | undefined>,
  positionals: string[],
  configuration: Awaited<ReturnType<typeof loadFor>>['configuration'],
): (row: StatusRow) => boolean {
  const neededBy = values['needed-by'];
  return ({ check, status: { latest } }) => {
    if (positionals.length > 0 && !positionals.some((pattern) => isSelected(pattern, check))) return false;
    if (values['problems'] === true && latest?.state === 'OK') return false;
    const service = check.service === null ? undefined : configuration.services[check.service];
    return typeof neededBy !== 'string' || service?.neededBy.includes(neededBy) === true;
  };
}
