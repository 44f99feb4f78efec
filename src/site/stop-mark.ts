import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Configuration } from '../core/configuration.ts';

/** Lies in a site whose first page was replaced: the next run publishes, though nothing may be due. */
export const STOP_MARK = '.vigie-stopped';

export function isAnyStopped({ sites }: Pick<Configuration, 'sites'>): boolean {
  return [sites.private, sites.public].some((site) => site !== null && existsSync(join(site.output, STOP_MARK)));
}
