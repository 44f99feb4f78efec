import { toLocal } from '../core/calendar.ts';
import { composeMonth, formatMonth } from '../core/fleet-report.ts';
import { openHistoryForReading } from '../store/database.ts';
import { readFleetHistory } from '../store/fleet.ts';
import { type Command, EXIT, UsageError } from './command.ts';
import { loadFor } from './load.ts';

/** The fleet's figures of a month as text: to paste into a mail. */
export const report: Command = {
  usage: 'report [--month YYYY-MM]',
  takes: [],
  summary: "the fleet's figures of a month, as text for a mail",
  options: { month: { type: 'string' }, json: { type: 'boolean' } },
  help: ['--month YYYY-MM  default: this month', '--json           prints the days and months as they are stored'],
  async run(context, { values }) {
    const { configuration } = await loadFor(context, 'read');
    const month = values['month'] ?? toLocal(context.now, configuration.timezone).date.slice(0, 7);
    if (typeof month !== 'string' || !/^\d{4}-(0[1-9]|1[0-2])$/.test(month))
      throw new UsageError(`report: --month: expected a month such as 2026-11, found ${JSON.stringify(month)}`);
    const database = openHistoryForReading(configuration.state);
    if (database === null)
      throw new UsageError(`report: no history in ${configuration.state} yet, expected a run before: vigie run`);
    const history = readFleetHistory(database);
    database.close();
    const sections = composeMonth(history, month);
    if (sections === null) {
      const known = [...new Set(history.days.map(({ day }) => day.slice(0, 7)))];
      throw new UsageError(`report: nothing was counted in ${month}, expected one of ${known.join(', ') || 'none yet'}`);
    }
    if (values['json'] === true) {
      const days = history.days.filter(({ day }) => day.startsWith(month));
      context.out(`${JSON.stringify({ month, days, facts: history.months[month] ?? null })}\n`);
    } else context.out(formatMonth(configuration.title, month, sections));
    return EXIT.done;
  },
};
