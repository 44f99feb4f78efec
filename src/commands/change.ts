import { setTimeout as sleep } from 'node:timers/promises';
import { formatTime } from '../core/calendar.ts';
import { describeVerdict, judgeChange } from '../core/change-verdict.ts';
import { coveredBy } from '../core/people.ts';
import { count } from '../core/transition.ts';
import { readStatuses } from '../store/history.ts';
import { addChange } from '../store/people.ts';
import { type Command, EXIT } from './command.ts';
import { type Act, letAct, takeDuration, takeText, textOf } from './person.ts';
import { findEnabled } from './words.ts';

const LOOK_MS = 2000;

/** "I am deploying": what it covers is checked in every run, and the terminal ends with what is back and what is not. */
export const change: Command = {
  usage: 'change TARGET --note TEXT [--watch 20m] [--wait | --no-wait]',
  takes: ['TARGET'],
  summary: 'I am deploying: watched in every run, and a verdict at its end',
  options: { note: { type: 'string' }, watch: { type: 'string' }, wait: { type: 'boolean' }, 'no-wait': { type: 'boolean' } },
  help: [
    '--note TEXT  what you do: a problem that begins within the hour after it says so',
    '--watch D    how long; default 20m, at most 1d',
    '--wait       waits for the verdict, as a terminal does; --no-wait does not',
    'Ends with 0 when all is back, with 1 when something is broken since.',
  ],
  async run(context, given) {
    const target = given.positionals[0] ?? '';
    const note = takeText('change', given, 'note');
    const watch = takeDuration('change', 'watch', textOf(given, 'watch') ?? '20m', ['1s', '1d']);
    return letAct(context, 'change', async (act) => {
      const { configuration, database, author } = act;
      findEnabled('change', target, configuration);
      const said = { target, at: context.now, until: context.now + watch * 1000, author, note };
      addChange(database, said);
      const enabled = configuration.checks.filter((check) => check.enabled);
      const covered = count(coveredBy(target, enabled).size, 'check');
      context.out(`${author}: ${note}: ${covered} watched until ${formatTime(said.until, configuration.timezone)}\n`);
      const isWaiting = given.values['no-wait'] !== true && (context.isTerminal || given.values['wait'] === true);
      return isWaiting ? await awaitVerdict(act, said) : EXIT.done;
    });
  },
};

/** Says what breaks as soon as a run has seen it, and at the end how everything stands. */
async function awaitVerdict(
  { context, configuration, database }: Act,
  said: { target: string; at: number; until: number },
): Promise<number> {
  const began = performance.now();
  const told = new Set<string>();
  const look = () => judgeChange(said, configuration, readStatuses(database));
  for (let left = said.until - said.at; left > 0; left = said.until - said.at - (performance.now() - began)) {
    await sleep(Math.min(LOOK_MS, left));
    for (const { check, output } of look().broken) {
      if (!told.has(check)) context.out(`${check}: ${output}\n`);
      told.add(check);
    }
  }
  const verdict = look();
  for (const line of describeVerdict(verdict)) context.out(`${line}\n`);
  return verdict.broken.length > 0 ? EXIT.partly : EXIT.done;
}
