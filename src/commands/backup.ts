import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import type { Configuration } from '../core/configuration.ts';
import { count } from '../core/transition.ts';
import { INCIDENT_FILE } from '../incidents.ts';
import { type CarriedFile, writeBackup } from '../store/backup.ts';
import { writeMeta } from '../store/history.ts';
import { type Command, EXIT, UsageError } from './command.ts';
import { findIncidents } from './load.ts';
import { letAct } from './person.ts';

/** Everything that is not in the configuration's own repository: history, people's acts, the heartbeat's key, incidents. */
export const backup: Command = {
  usage: 'backup FILE',
  takes: ['FILE'],
  summary: 'history, keys, incidents, last good configuration in one file; safe during a run',
  async run(context, given) {
    const target = resolve(context.cwd, given.positionals[0] ?? '');
    return letAct(context, 'backup', ({ configuration, database }) => {
      refusePublished(target, configuration);
      const files = collectFiles(configuration, findIncidents(context, configuration).folder);
      try {
        writeBackup(database, target, files);
      } catch (error) {
        throw new UsageError(`backup: cannot write ${target}: ${error instanceof Error ? error.message : String(error)}`, {
          cause: error,
        });
      }
      writeMeta(database, 'backup_at', String(context.now));
      context.out(`history and ${count(files.length, 'file')} in ${target}; it holds the heartbeat's key: keep it private\n`);
      return EXIT.done;
    });
  },
};

/** A web server would hand it out. */
function refusePublished(target: string, { sites }: Configuration): void {
  for (const site of [sites.private, sites.public]) {
    if (site !== null && !relative(site.output, target).startsWith('..'))
      throw new UsageError(`backup: ${target} lies inside of a site, expected a place that is not published`);
  }
}

function collectFiles({ heartbeat, state }: Configuration, incidents: string): CarriedFile[] {
  const files: CarriedFile[] = [];
  const add = (place: string, path: string) => {
    const found = statSync(path, { throwIfNoEntry: false });
    if (found?.isFile() === true) files.push({ place, mode: found.mode & 0o777, content: readFileSync(path) });
  };
  if (heartbeat.key !== null) add('heartbeat.key', heartbeat.key);
  add('config/good.json', join(state, 'config/good.json'));
  for (const name of existsSync(incidents) ? readdirSync(incidents).sort() : []) {
    if (INCIDENT_FILE.test(name)) add(`incidents/${name}`, join(incidents, name));
  }
  return files;
}
