import { createPrivateKey, type KeyObject } from 'node:crypto';
import { existsSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Check, Configuration } from './core/configuration.ts';
import { countChecks, formatHeartbeat, HEARTBEAT_NAMESPACE, type StateCounts } from './core/heartbeat.ts';
import type { Status } from './core/status.ts';
import { createContext } from './net/context.ts';
import { requestHttp } from './net/http.ts';
import { createResolver } from './net/resolver.ts';
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

const DEAD_MAN_MS = 10_000;

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

/** Tells the dead man's switch that this run was good; what is wrong with that, or null. */
export async function callDeadManUrl(url: string, { run, now }: { run: number; now: number }): Promise<string | null> {
  const context = createContext({
    check: 'heartbeat',
    proxy: null,
    resolve: createResolver(),
    signal: AbortSignal.timeout(DEAD_MAN_MS),
    run,
    tryNumber: 1,
    now,
    memory: undefined,
    trace: () => {},
    env: {},
  });
  // Its path is a secret of sorts: who knows it can keep the switch from noticing.
  const where = `heartbeat.url (${new URL(url).host})`;
  try {
    const { status } = await requestHttp({ url, maxBody: 64 * 1024 }, context);
    return status >= 200 && status < 300 ? null : `${where}: HTTP ${status}, expected 200-299`;
  } catch (error) {
    return `${where}: ${error instanceof Error ? error.message : String(error)}`;
  }
}
