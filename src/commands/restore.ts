import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Configuration } from '../core/configuration.ts';
import { count } from '../core/transition.ts';
import { type CarriedFile, restoreBackup } from '../store/backup.ts';
import { isDatabaseError, openHistory, takeLock, toDatabaseFault } from '../store/database.ts';
import { type Command, type CommandContext, EXIT } from './command.ts';
import { findIncidents, loadFor } from './load.ts';

/** Puts a backup in its place; what is there is moved aside or left as it is, never lost. */
export const restore: Command = {
  usage: 'restore FILE',
  takes: ['FILE'],
  summary: 'puts a backup in its place; what is there is moved aside',
  async run(context, given) {
    const file = resolve(context.cwd, given.positionals[0] ?? '');
    const { configuration } = await loadFor(context, 'check');
    let release: (() => void) | null = null;
    try {
      release = takeLock(configuration.state);
      if (release === null) {
        context.err('vigie: a run holds the lock; nothing was restored');
        return EXIT.locked;
      }
      const { files, movedTo } = restoreBackup(file, configuration.state, context.now);
      // Migrates a history of an older version at once, while whoever restores looks on.
      openHistory(configuration.state, context.now).database.close();
      if (movedTo !== null) context.out(`the history that was here is now ${movedTo}\n`);
      const written = files.filter((one) => put(one, configuration, context)).length;
      context.out(`history and ${count(written, 'file')} restored from ${file}; now: vigie run\n`);
      return EXIT.done;
    } catch (error) {
      if (!isDatabaseError(error)) throw error;
      const { fault, message } = toDatabaseFault(error);
      context.err(`restore: not restored (${fault}): ${message}`);
      return EXIT.locked;
    } finally {
      release?.();
    }
  },
};

/** Whether the file was written; one that is there with other content is newer than the backup, or somebody's own. */
function put({ place, mode, content }: CarriedFile, configuration: Configuration, context: CommandContext): boolean {
  const path = pathOf(place, configuration, context);
  if (path === null) return false;
  if (existsSync(path)) {
    if (!readFileSync(path).equals(content)) context.err(`restore: ${path} is there with other content and was left as it is`);
    return false;
  }
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content, { flag: 'wx', mode });
  return true;
}

/** Only places that a backup of ours can hold: a file made by others leads nowhere else. */
function pathOf(place: string, configuration: Configuration, context: CommandContext): string | null {
  const { heartbeat, state } = configuration;
  if (place === 'heartbeat.key') return heartbeat.key;
  if (place === 'config/good.json') return join(state, place);
  const [, name = ''] = /^incidents\/([A-Za-z0-9][A-Za-z0-9._-]*\.md)$/.exec(place) ?? [];
  return name === '' ? null : join(findIncidents(context, configuration).folder, name);
}
