import { readIncidents } from '../incidents.ts';
import { describePageFaults } from '../outside.ts';
import { loadMetricCatalogue } from '../registry.ts';
import { publishSites } from '../site/publisher.ts';
import { takeSnapshot } from '../snapshot.ts';
import { isDatabaseError, openHistory, takeLock } from '../store/database.ts';
import { readRuns, readStatuses } from '../store/history.ts';
import { type Command, EXIT, UsageError } from './command.ts';
import { findIncidents, loadFor } from './load.ts';

/** The pages again from the history, without any check. */
export const render: Command = {
  usage: 'render',
  takes: [],
  summary: 'pages again from the history, no checks',
  async run(context) {
    const { configuration } = await loadFor(context, 'read');
    const release = takeLock(configuration.state);
    if (release === null) {
      context.err('vigie: a run holds the lock; nothing was rendered');
      return EXIT.locked;
    }
    const { database } = openHistory(configuration.state, context.now);
    try {
      const [record] = readRuns(database, 1);
      if (record === undefined) throw new UsageError('render: the history is empty, expected a run before: vigie run');
      const statuses = readStatuses(database);
      const { written, unchanged, faults } = await publishSites(
        takeSnapshot(
          database,
          { configuration, statuses, record, now: record.startedAt, banners: [] },
          await readIncidents(findIncidents(context, configuration)),
        ),
        await loadMetricCatalogue(configuration.checks.map((check) => check.type)),
        isDatabaseError,
      );
      if (context.isTerminal) context.out(`${written} pages written, ${unchanged} unchanged\n`);
      const fault = describePageFaults(faults);
      if (fault !== null) context.err(`vigie: ${fault}`);
      return fault === null ? EXIT.done : EXIT.partly;
    } finally {
      database.close();
      release();
    }
  },
};
