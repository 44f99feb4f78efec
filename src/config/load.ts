import { findGlobalFile, readGlobalFile, readIncluded } from './files.ts';
import { type LoadedConfiguration, type LoadRequest, toCacheKey } from './request.ts';
import { findConfigFolder, readCache } from './state-folder.ts';

export { ConfigurationError, formatProblem, formatProblems, type Problem } from './problem.ts';
export type { LoadedConfiguration, LoadRequest } from './request.ts';

/** Throws ConfigurationError (exit code 2) when there is nothing to go on with. */
export async function loadConfiguration(request: LoadRequest): Promise<LoadedConfiguration> {
  const path = findGlobalFile(request.path);
  const globalFile = readGlobalFile(path);
  const folder = findConfigFolder(path, globalFile.text);
  if (request.mode !== 'check') {
    const cached = readCache(folder, request.now, (include) => toCacheKey(request, [globalFile, ...readIncluded(path, include)]));
    if (cached) return { ...cached, isCached: true };
  }
  await request.beforeFiles?.();
  const { loadFiles } = await import('./load-files.ts');
  return loadFiles({ ...request, path }, { globalFile, folder });
}
