import { findGlobalFile, readGlobalFile } from './files.ts';
import { findConfigFolder } from './state-folder.ts';

/** Accepts that drop-ins are gone, so that they are not kept for a day; answers their names. `path` as for `loadConfiguration`. */
export async function confirmRemovals(path: string): Promise<string[]> {
  const globalPath = findGlobalFile(path);
  const globalFile = readGlobalFile(globalPath);
  const { forgetRemoved } = await import('./load-files.ts');
  return forgetRemoved(globalPath, { globalFile, folder: findConfigFolder(globalPath, globalFile.text) });
}
