import { statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { type LoadedConfiguration, type LoadRequest, loadConfiguration } from '../config/load.ts';
import type { Configuration } from '../core/configuration.ts';
import type { IncidentPlaces } from '../incidents.ts';
import { checkTypeNames, checkTypesFingerprint, loadCheckType } from '../registry.ts';
import type { CommandContext } from './command.ts';

/** What every loader of the configuration needs from the registry. */
export function toTypes({ version, now }: CommandContext): Omit<LoadRequest, 'path' | 'mode'> {
  return { loadType: loadCheckType, typeNames: checkTypeNames(), typesFingerprint: checkTypesFingerprint(), version, now };
}

/**
 * The configuration that the context points at. `run` keeps last good versions, `read` uses them, `check` takes the files as they
 * are. Throws ConfigurationError.
 */
export function loadFor(
  context: CommandContext,
  mode: LoadRequest['mode'],
  beforeFiles?: LoadRequest['beforeFiles'],
): Promise<LoadedConfiguration> {
  return loadConfiguration({ ...toTypes(context), path: context.configPath, mode, ...(beforeFiles ? { beforeFiles } : {}) });
}

type Where = Pick<CommandContext, 'cwd' | 'configPath' | 'version'>;

/** Beside the global file: incidents are configuration's neighbours, and kept with it. */
export function findIncidents(
  { cwd, configPath, version }: Where,
  { state, timezone }: Pick<Configuration, 'state' | 'timezone'>,
): IncidentPlaces {
  const path = resolve(cwd, configPath);
  const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  return { folder: join(isFolder ? path : dirname(path), 'incidents'), state, timezone, version };
}
