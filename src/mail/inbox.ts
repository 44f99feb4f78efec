import { closeSync, openSync, readdirSync, readSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { InboxSettings } from '../core/configuration.ts';
import { INBOX_LIMITS, type Inbox } from './mailbox.ts';

/** Opens what is configured. Throws with the place and the reason. */
export async function openInbox(
  settings: InboxSettings,
  access: { password: string | null; ca: string | null; verify: boolean },
): Promise<Inbox> {
  if (settings.mailbox.startsWith('maildir:')) return openMaildir(settings.mailbox.slice('maildir:'.length));
  const { openImap } = await import('./imap.ts');
  return openImap(settings, access);
}

/** Unread mails lie in `new`; a read one is moved to `cur` with its flag, as maildir(5) says. */
function openMaildir(folder: string): Inbox {
  const fresh = join(folder, 'new');
  // Names begin with the second in which they were made: the newest are last.
  const names = readdirSync(fresh)
    .filter((name) => !name.startsWith('.') && statSync(join(fresh, name), { throwIfNoEntry: false })?.isFile() === true)
    .sort((a, b) => Number.parseInt(b, 10) - Number.parseInt(a, 10) || (a < b ? 1 : -1));
  const taken = names.slice(0, INBOX_LIMITS.mails);
  return {
    mails: taken.map((id) => ({ id, bytes: readHead(join(fresh, id)) })),
    left: names.length - taken.length,
    async markRead(ids) {
      for (const id of ids) renameSync(join(fresh, id), join(folder, 'cur', `${id.replace(/:2,.*$/, '')}:2,S`));
    },
    async close() {},
  };
}

function readHead(path: string): Buffer {
  const file = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(INBOX_LIMITS.bytes);
    return bytes.subarray(0, readSync(file, bytes, 0, bytes.length, 0));
  } finally {
    closeSync(file);
  }
}
