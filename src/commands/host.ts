import { setTimeout as sleep } from 'node:timers/promises';
import { didYouMean } from '../config/problem.ts';
import { openHistory, takeLock } from '../store/database.ts';
import { forgetMemory } from '../store/history.ts';
import { type Command, EXIT, UsageError } from './command.ts';
import { loadFor } from './load.ts';

const PATIENCE_MS = 60_000;
const PAUSE_MS = 200;

/** A reinstalled machine counts its reports from below: what is known of the last one is forgotten, on a person's word. */
export const host: Command = {
  usage: 'host reset NAME',
  takes: ['reset NAME'],
  summary: "accept a reinstalled host's reports anew",
  options: {},
  help: ['Waits for a run that is going on. The pinned keys stay as they are configured.'],
  async run(context, { positionals }) {
    const [, name = ''] = positionals;
    const { configuration } = await loadFor(context, 'read');
    const check = configuration.checks.find(({ id }) => id === `${name}/report`);
    if (check === undefined || check.service !== null) {
      const known = configuration.checks.flatMap((one) => (one.type === 'report' ? (one.host ?? []) : []));
      const expected = known.length === 0 ? 'one with report: in the configuration' : `one of ${known.join(', ')}`;
      throw new UsageError(
        `host reset: no host ${JSON.stringify(name)} that reports, expected ${expected}${didYouMean(name, known)}`,
      );
    }
    // A run that is going on would write back what it read before.
    const release = await waitForLock(configuration.state);
    if (release === null) {
      context.err('vigie: another run holds the lock for a minute; nothing was done');
      return EXIT.locked;
    }
    try {
      const { database } = openHistory(configuration.state, context.now);
      const isKnown = forgetMemory(database, check.id);
      database.close();
      context.out(
        isKnown ? `the next report of ${name} is accepted whatever its number\n` : `no report of ${name} was accepted yet\n`,
      );
      return EXIT.done;
    } finally {
      release();
    }
  },
};

async function waitForLock(state: string): Promise<(() => void) | null> {
  for (let waited = 0; waited < PATIENCE_MS; waited += PAUSE_MS) {
    const release = takeLock(state);
    if (release !== null) return release;
    await sleep(PAUSE_MS);
  }
  return null;
}
