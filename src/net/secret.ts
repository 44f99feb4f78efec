import { constants, fstatSync, readFileSync } from 'node:fs';
import type { Secret } from '../core/configuration.ts';
import { LookFailure } from '../core/failure.ts';
import { cleanText } from '../core/text.ts';
import { readPromptly } from './promptly.ts';

/** Any access for the group or others but execution: what they can read is no secret, what they can write is not ours. */
const OPEN_TO_OTHERS = 0o066;
const MAX_SECRET = 64 * 1024;

/**
 * The secret's text without its final line break. Throws LookFailure `secret.mode` when others can read or write the file,
 * `secret.missing` when there is none, `secret.size` when it is no secret but a mistake.
 */
export function readSecret(reference: Secret, env: Readonly<Record<string, string | undefined>>): string {
  if ('file' in reference) return readSecretFile(reference.file);
  const value = env[reference.env];
  if (value === undefined || value === '') {
    throw new LookFailure('secret.missing', `environment variable ${cleanText(reference.env, 50)} is not set`);
  }
  return value;
}

function readSecretFile(file: string): string {
  return readPromptly(file, { what: 'secret', code: 'secret.missing' }, (descriptor, name) => {
    const { mode, size } = fstatSync(descriptor);
    if ((mode & constants.S_IFMT) !== constants.S_IFREG)
      throw new LookFailure('secret.missing', `${name}: secret is no regular file`);
    if ((mode & OPEN_TO_OTHERS) !== 0) {
      const found = (mode & 0o777).toString(8).padStart(4, '0');
      throw new LookFailure('secret.mode', `${name}: others can read or write the secret, expected mode 0600, found ${found}`);
    }
    if (size > MAX_SECRET) throw new LookFailure('secret.size', `${name}: secret is longer than ${MAX_SECRET} bytes`);
    return readFileSync(descriptor, 'utf8').replace(/\r?\n$/, '');
  });
}
