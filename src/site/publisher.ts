import type { Snapshot } from '../core/snapshot.ts';
import type { SiteCounts } from './writer.ts';

export type { SiteCounts } from './writer.ts';

export async function publishSites(_snapshot: Snapshot): Promise<SiteCounts> {
  return { written: 0, unchanged: 0 };
}
