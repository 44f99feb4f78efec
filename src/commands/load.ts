import { type LoadedConfiguration, loadConfiguration } from '../config/load.ts';
import { checkTypeNames, checkTypesFingerprint, loadCheckType } from '../registry.ts';
import type { CommandContext } from './command.ts';

/** What every loader of the configuration needs from the registry. */
export const CHECK_TYPES = { loadType: loadCheckType, typeNames: checkTypeNames() };

/**
 * The configuration that the context points at. `run` keeps last good versions, `read` uses them, `check` takes the files as they
 * are. Throws ConfigurationError.
 */
export function loadFor(context: CommandContext, mode: 'run' | 'read' | 'check'): Promise<LoadedConfiguration> {
  return loadConfiguration({
    ...CHECK_TYPES,
    path: context.configPath,
    typesFingerprint: checkTypesFingerprint(),
    version: context.version,
    now: context.now,
    mode,
  });
}
