import type { Reminders } from '../core/configuration.ts';
import { parseDuration, UnitError } from '../core/unit.ts';
import { type Problem, say } from './problem.ts';
import { getNode, type MapNode, toProblem } from './tree.ts';

const EXPECTED = 'durations of at least 10m in ascending order, the last one perhaps with every: [1h, 4h, every 1d]';
const SHORTEST_S = 600;
const DAY_S = 86_400;

/** `[1h, 4h, every 1d]`: bound to seconds. What repeats does so by days, since it stands in the daily digest. */
export function resolveReminders(written: string[] | undefined, node: MapNode, problems: Problem[]): Reminders | null {
  if (written === undefined) return null;
  const reminders: Reminders = { after: [], every: null };
  const list = getNode(node, 'remind');
  for (const [index, text] of written.entries()) {
    const item = list?.kind === 'list' ? list.items[index] : list;
    const problem = addReminder(reminders, text, index === written.length - 1);
    if (problem !== null) problems.push(toProblem(item?.place ?? node.place, problem));
  }
  return reminders;
}

function addReminder(reminders: Reminders, text: string, isLast: boolean): string | null {
  const [, every, duration = ''] = /^(every )?(\S+)$/.exec(text) ?? [];
  const seconds = toSeconds(duration);
  if (seconds === null || seconds < SHORTEST_S) return say('not a reminder', EXPECTED, text);
  if (every !== undefined) {
    if (!isLast) return say('every before other reminders', 'it as the last one', text);
    if (seconds % DAY_S !== 0) return say('reminders that repeat within a day', 'whole days, such as every 1d', text);
    reminders.every = seconds;
    return null;
  }
  const last = reminders.after.at(-1) ?? 0;
  if (seconds <= last) return say('reminders in the wrong order', EXPECTED, text);
  reminders.after.push(seconds);
  return null;
}

function toSeconds(text: string): number | null {
  try {
    return parseDuration(text);
  } catch (error) {
    if (error instanceof UnitError) return null;
    throw error;
  }
}
