import { userInfo } from 'node:os';
import { parseTime } from '../core/calendar.ts';
import type { Configuration } from '../core/configuration.ts';
import { cleanText } from '../core/text.ts';
import { parseDuration, UnitError } from '../core/unit.ts';
import { type Database, isDatabaseError, openHistoryForPeople, toDatabaseFault } from '../store/database.ts';
import { type Arguments, type CommandContext, EXIT, UsageError } from './command.ts';
import { loadFor } from './load.ts';

/** What a person's command works with. It never waits for a run: it has a short transaction of its own beside it. */
export interface Act {
  context: CommandContext;
  configuration: Configuration;
  database: Database;
  author: string;
}

/** Loads, opens, and lets a person act; an unusable database is exit code 3. */
export async function letAct(
  context: CommandContext,
  command: string,
  act: (given: Act) => Promise<number> | number,
): Promise<number> {
  const { configuration } = await loadFor(context, 'read');
  let database: Database | null = null;
  try {
    database = openHistoryForPeople(configuration.state, context.now);
    if (database === null)
      throw new UsageError(`${command}: no history in ${configuration.state} yet, expected a run before: vigie run`);
    return await act({ context, configuration, database, author: authorOf(context) });
  } catch (error) {
    if (!isDatabaseError(error)) throw error;
    const { fault, message } = toDatabaseFault(error);
    context.err(`vigie: history database unusable (${fault}): ${message}`);
    return EXIT.locked;
  } finally {
    database?.close();
  }
}

/** Who speaks: whoever called sudo, else the login name. */
export function authorOf({ env }: Pick<CommandContext, 'env'>): string {
  return cleanText(env['SUDO_USER'] ?? '', 50) || cleanText(loginName(), 50) || 'somebody';
}

function loginName(): string {
  try {
    return userInfo().username;
  } catch {
    // A user id without a name, as in some containers.
    return '';
  }
}

/** The text of an option that must be given; on one line, cleaned. */
export function takeText(command: string, { values }: Arguments, option: string, maxLength = 300): string {
  const text = values[option];
  const clean = typeof text === 'string' ? cleanText(text, maxLength) : '';
  if (clean === '') throw new UsageError(`${command}: --${option} is missing, expected --${option} TEXT`);
  return clean;
}

/** Seconds of `30s`, `5m`, `12h`, within bounds that are themselves written so. */
export function takeDuration(command: string, option: string, text: string, [least, most]: [string, string]): number {
  let seconds: number;
  try {
    seconds = parseDuration(text);
  } catch (error) {
    if (!(error instanceof UnitError)) throw error;
    throw new UsageError(`${command}: --${option}: ${error.message}, found ${JSON.stringify(text)}`);
  }
  if (seconds < parseDuration(least) || seconds > parseDuration(most)) {
    throw new UsageError(`${command}: --${option}: out of range, expected ${least} to ${most}, found ${JSON.stringify(text)}`);
  }
  return seconds;
}

/** Milliseconds since 1970 of an ISO 8601 time, a local one in the configured zone, or a duration from now. */
export function takeTime(command: string, option: string, text: string, { zone, now }: { zone: string; now: number }): number {
  const at = parseTime(text, zone);
  if (at !== null) return at;
  try {
    return now + parseDuration(text) * 1000;
  } catch (error) {
    if (!(error instanceof UnitError)) throw error;
    const expected = `2026-12-01T08:00 (${zone}), 2026-12-01T08:00Z, or a duration such as 8h`;
    throw new UsageError(`${command}: --${option}: not a time, expected ${expected}, found ${JSON.stringify(text)}`);
  }
}

/** The option's text, or the default; no option is given twice, so it is one text. */
export function textOf({ values }: Arguments, option: string): string | null {
  const text = values[option];
  return typeof text === 'string' ? text : null;
}
