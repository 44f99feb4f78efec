import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Snapshot } from '../../src/core/snapshot.ts';
import type { MetricCatalogue } from '../../src/core/views-words.ts';
import { publishSites } from '../../src/site/publisher.ts';
import { temporaryFolder } from './server.ts';

export interface PublishedSites {
  folder: string;
  /** Files by `private/...` and `public/...`. */
  files: Map<string, string>;
  /** Publishes into the same folder once more. */
  again(): Promise<void>;
  remove(): void;
}

/** Publishes both sites of a snapshot into a folder of the test's own and reads them back. */
export async function publishInto(
  snapshot: Snapshot,
  catalogue: MetricCatalogue,
  more: { refresh?: number } = {},
): Promise<PublishedSites> {
  const { path: folder, remove } = temporaryFolder();
  const { title } = snapshot.configuration;
  const site = (name: string, shown: string) => ({ output: join(folder, name), url: null, title: shown, ...more });
  const sites = {
    private: site('private', snapshot.configuration.sites.private?.title ?? title),
    public: site('public', snapshot.configuration.sites.public?.title ?? 'Service status'),
  };
  const again = async () => {
    await publishSites({ ...snapshot, configuration: { ...snapshot.configuration, sites } }, catalogue);
  };
  await again();
  return { folder, files: readFiles(folder), again, remove };
}

export function readFiles(folder: string): Map<string, string> {
  const names = (readdirSync(folder, { recursive: true }) as string[])
    .filter((name) => statSync(join(folder, name)).isFile())
    .sort();
  return new Map(
    names.filter((name) => !name.includes('.vigie-files')).map((name) => [name, readFileSync(join(folder, name), 'utf8')]),
  );
}
