import { createPrivateKey, type KeyObject } from 'node:crypto';
import { existsSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Check, Configuration } from './core/configuration.ts';
import { countChecks, formatHeartbeat, HEARTBEAT_NAMESPACE, type StateCounts } from './core/heartbeat.ts';
import type { Status } from './core/status.ts';
import { readSecret } from './net/secret.ts';
import { signText } from './net/sshsig.ts';

/** What a run says of itself. The public site's counts are those of public checks: nothing else may be concluded from it. */
export interface Beat {
  run: number;
  now: number;
  counts: { private: StateCounts; public: StateCounts };
}

/** Latest results by state: of all checks, and of the public ones. */
export function countForSites(checks: readonly Check[], statuses: ReadonlyMap<string, Status>): Beat['counts'] {
  const shown = checks.filter((check) => check.public !== null);
  return { private: countChecks(checks, statuses), public: countChecks(shown, statuses) };
}

/** Signs and writes `heartbeat.txt` of both sites. Throws with the file and the reason. */
export function writeHeartbeats({ heartbeat, sites, interval }: Configuration, { run, now, counts }: Beat): void {
  if (heartbeat.key === null) return;
  const key = readSigningKey(heartbeat.key);
  for (const name of ['private', 'public'] as const) {
    const site = sites[name];
    // A site that could not be written is told of already.
    if (site === null || !existsSync(site.output)) continue;
    const text = formatHeartbeat({ run, created: now, interval, checks: counts[name] });
    replaceFile(join(site.output, 'heartbeat.txt'), signText(text, key, HEARTBEAT_NAMESPACE));
  }
}

/** An Ed25519 key in PEM (PKCS 8), only its owner's. Throws. */
export function readSigningKey(path: string): KeyObject {
  const text = readSecret({ file: path }, {});
  let key: KeyObject;
  try {
    key = createPrivateKey(text);
  } catch (error) {
    throw new Error(`${path}: not a private key, expected Ed25519 in PEM as vigie init writes it`, { cause: error });
  }
  if (key.asymmetricKeyType === 'ed25519') return key;
  throw new Error(`${path}: not an Ed25519 key, found ${key.asymmetricKeyType}`);
}

/** Not synced to the disk: after a crash an old or empty heartbeat says what is true. */
function replaceFile(path: string, text: string): void {
  // The ending is the page writer's for temporary files: it removes those that a killed run left behind.
  const temporary = `${path}.vigie-new`;
  try {
    writeFileSync(temporary, text, { mode: 0o644 });
    renameSync(temporary, path);
  } catch (error) {
    throw new Error(`${path}: cannot be written: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}
