import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ConfigurationError, type LoadedConfiguration, type LoadRequest, loadConfiguration } from '../../src/config/load.ts';
import type { Check } from '../../src/core/configuration.ts';
import { FAKE_REQUEST } from './check-types.ts';
import { temporaryFolder } from './server.ts';

export const BASE = `mail: { from: vigie@example.org }
contacts:
  sysadmins: { mail: [sysadmins@example.org] }
  web: { mail: [web@example.org] }
proxies:
  tor: { url: "socks5h://127.0.0.1:9050", defaults: { timeout: 45s, retries: { times: 2, after: 5s } } }
defaults: { contacts: [sysadmins] }
`;
export const HOST = 'hosts:\n  web1: { address: 192.0.2.10, checks: { alive: { type: ping } } }\n';

/** A configuration in a folder of its own. */
export class TestConfiguration {
  readonly path: string;
  readonly remove: () => void;
  constructor(files: Record<string, string>) {
    const folder = temporaryFolder();
    this.path = folder.path;
    this.remove = folder.remove;
    for (const [name, text] of Object.entries({ 'vigie.yaml': BASE, ...files })) this.write(name, text);
  }

  write(name: string, text: string): void {
    mkdirSync(dirname(join(this.path, name)), { recursive: true });
    writeFileSync(join(this.path, name), text);
  }

  load(request: Partial<LoadRequest> = {}): Promise<LoadedConfiguration> {
    return loadConfiguration({ ...FAKE_REQUEST, mode: 'run', path: this.path, ...request });
  }

  /** The error's text without the folder's name. */
  async fail(request: Partial<LoadRequest> = {}): Promise<string> {
    try {
      await this.load(request);
    } catch (error) {
      if (error instanceof ConfigurationError) return error.message.replaceAll(`${this.path}/`, '');
      throw error;
    }
    throw new Error('it loaded');
  }
}

/** A configuration in a folder that is gone afterwards. */
export async function withFiles(files: Record<string, string>, use: (folder: TestConfiguration) => Promise<void>): Promise<void> {
  const folder = new TestConfiguration(files);
  try {
    await use(folder);
  } finally {
    folder.remove();
  }
}

/** Loads once, from files alone. */
export async function loadOnce(files: Record<string, string>): Promise<LoadedConfiguration> {
  const folder = new TestConfiguration(files);
  try {
    return await folder.load({ mode: 'check' });
  } finally {
    folder.remove();
  }
}

export function findCheck(loaded: LoadedConfiguration, id: string): Check {
  const check = loaded.configuration.checks.find((each) => each.id === id);
  if (!check) throw new Error(`no check ${id} among ${loaded.configuration.checks.map((each) => each.id).join(', ')}`);
  return check;
}
