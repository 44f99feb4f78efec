import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface FoundMail {
  subject: string;
  content: string;
}

/** The mails of a maildir in the order in which they were made; subjects without what differs from run to run. */
export function readMaildir(folder: string): FoundMail[] {
  if (!existsSync(join(folder, 'new'))) return [];
  const mails = readdirSync(join(folder, 'new')).map((name) => {
    const content = readFileSync(join(folder, 'new', name), 'utf8');
    const unfolded = content.replace(/\r?\n[ \t]+/g, ' ');
    const subject = /^Subject: (.*?)\r?$/m.exec(unfolded)?.[1] ?? '';
    // A mail that no outbox holds has a word instead of its number, and comes first.
    const number = Number(/^Message-ID: <vigie\.(\d+)\./m.exec(unfolded)?.[1] ?? 0);
    return { number, content, subject: subject.replace(/ in [0-9.]+ m?s/, '').replace(/ after .*/, '') };
  });
  return mails.sort((a, b) => a.number - b.number).map(({ subject, content }) => ({ subject, content }));
}
