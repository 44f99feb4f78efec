import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/** libfaketime as a library, since its program does not pass signals on. */
export function findFaketime(): string {
  for (const base of ['/usr/lib', '/usr/local/lib']) {
    for (const folderName of ['faketime', ...readdirSync(base).map((name) => `${name}/faketime`)]) {
      try {
        if (readdirSync(join(base, folderName)).includes('libfaketime.so.1')) return join(base, folderName, 'libfaketime.so.1');
      } catch {
        // Not there.
      }
    }
  }
  return 'libfaketime.so.1';
}
