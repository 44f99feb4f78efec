import type { ChildCommand, ChildResult } from '../check-type.ts';
import { cleanText } from '../core/text.ts';
import type { Send } from './transport.ts';

/** sysexits.h: the codes that mean "never", by whatever stands in for sendmail (postfix, exim, msmtp). */
const PERMANENT = new Map([
  [64, 'usage'],
  [65, 'bad message'],
  [67, 'no such user'],
  [68, 'no such host'],
]);

/** Hands the message to a local sendmail. `-i`: a line with a lone dot does not end it. Exit 0 means that it took it over. */
export function sendmailTransport(file: string, spawn: (command: ChildCommand) => Promise<ChildResult>): Send {
  return async ({ from, to, content }) => {
    try {
      const { exitCode, signal, stderr } = await spawn({
        file,
        args: ['-i', '-f', from, '--', to],
        input: content,
        maxOutput: 4096,
      });
      const words = cleanText(stderr);
      if (exitCode === 0) return { outcome: 'sent', answer: words || 'accepted by sendmail' };
      const permanent = exitCode === null ? undefined : PERMANENT.get(exitCode);
      if (permanent !== undefined) return { outcome: 'refused', answer: `${file}: ${permanent}: ${words}` };
      return { outcome: 'unreachable', answer: `${file}: ended with ${signal ?? `code ${exitCode}`}: ${words}` };
    } catch (error) {
      return { outcome: 'unreachable', answer: `${file}: ${error instanceof Error ? error.message : String(error)}` };
    }
  };
}
