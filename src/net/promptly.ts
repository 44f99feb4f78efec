import { closeSync, constants, openSync } from 'node:fs';
import { LookFailure } from '../core/failure.ts';
import { cleanText } from '../core/text.ts';

/**
 * Opens a file for reading, without ever waiting (a FIFO in its place must not stop the run), and closes it afterwards. `what` is what
 * the file holds, for people; `code` that of the LookFailure when it cannot be opened.
 */
export function readPromptly<T>(
  file: string,
  { what, code }: { what: string; code: string },
  read: (descriptor: number, name: string) => T,
): T {
  const name = cleanText(file, 60);
  let descriptor: number;
  try {
    descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    const reason = cleanText((error as NodeJS.ErrnoException).code ?? 'unknown', 20);
    throw new LookFailure(code, `${name}: ${what} cannot be read (${reason})`, { cause: error });
  }
  try {
    return read(descriptor, name);
  } finally {
    closeSync(descriptor);
  }
}
