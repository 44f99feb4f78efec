import type { MailOutside } from './mail/delivery.ts';
import { runChild } from './net/child.ts';
import { readSecret } from './net/secret.ts';

const SENDMAIL_MS = 30_000;

/** What delivering mail touches: secrets and a confined child for sendmail. */
export function createMailOutside(env: Readonly<Record<string, string | undefined>>): MailOutside {
  return {
    secret: (reference) => readSecret(reference, env),
    spawn: (command) => runChild(command, AbortSignal.timeout(SENDMAIL_MS)),
  };
}
