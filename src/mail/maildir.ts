import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, open, readdir, rename } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Delivery, Send } from './transport.ts';

/**
 * Writes into a maildir (https://cr.yp.to/proto/maildir.html): `tmp`, fsync, rename into `new`. The file's name comes from the
 * Message-ID, so a message that is delivered again after a crash is no second mail, even where it was read meanwhile.
 */
export function maildirTransport(folder: string): Send {
  return async ({ messageId, content }): Promise<Delivery> => {
    try {
      for (const sub of ['tmp', 'new', 'cur']) await mkdir(join(folder, sub), { recursive: true, mode: 0o700 });
      const name = `${createHash('sha256').update(messageId).digest('hex').slice(0, 32)}.${hostname().replace(/[/:]/g, '_')}`;
      const path = join(folder, 'new', name);
      if (existsSync(path) || (await readdir(join(folder, 'cur'))).some((file) => file.startsWith(name))) {
        return { outcome: 'sent', answer: `was in ${folder} already` };
      }
      const temporary = join(folder, 'tmp', name);
      const file = await open(temporary, 'w', 0o600);
      try {
        await file.writeFile(content);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(temporary, path);
      await syncFolder(join(folder, 'new'));
      return { outcome: 'sent', answer: path };
    } catch (error) {
      return { outcome: 'unreachable', answer: `${folder}: ${error instanceof Error ? error.message : String(error)}` };
    }
  };
}

/** The rename itself must survive a power cut. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
