import { spawnSync } from 'node:child_process';
import { createHash, generateKeyPairSync } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, type StartedServer, startServer, temporaryFolder } from './server.ts';

export interface TorNetwork {
  socksPort: number;
  /** Port of the client's control listener, without authentication. */
  controlPort: number;
  /** Name of the first onion service. */
  onion: string;
  /** Names of all of them. */
  onions: Record<string, string>;
  /** Another client of this network, which hosts nothing. */
  addClient(name: string, settings?: TorClientSettings): Promise<TorClient>;
  stop(): Promise<void>;
}

/** A v3 onion service: where its ports lead to (`127.0.0.1:PORT`, or a socket `unix:PATH`), and whom it lets in. */
export interface TorService {
  ports: Record<number, string>;
  /** Lines of torrc for it, instead of its ports; `folder` is the service's own. */
  lines?: (folder: string) => string;
  /** Only clients with this key: what `makeClientKey` calls `service`. */
  only?: string;
}

export interface TorClientSettings {
  /** Further lines of torrc; `folder` is the client's own. */
  lines?: (folder: string) => string;
  /** Keys for services that let in only some: onion names without `.onion`, and what `makeClientKey` calls `client`. */
  keys?: Record<string, string>;
}

export interface TorClient {
  socksPort: number;
  controlPort: number;
  folder: string;
  log(): string;
  stop(): Promise<void>;
}

interface Node {
  name: string;
  folder: string;
  orPort: number;
}

const RELAYS = 3;

/** Intervals of seconds instead of an hour, so that a consensus exists after a few of them. */
const COMMON = `TestingTorNetwork 1
AssumeReachable 1
PathsNeededToBuildCircuits 0.67
TestingV3AuthInitialVotingInterval 5 seconds
TestingV3AuthInitialVoteDelay 2 seconds
TestingV3AuthInitialDistDelay 2 seconds
V3AuthVotingInterval 10 seconds
V3AuthVoteDelay 2 seconds
V3AuthDistDelay 2 seconds
ShutdownWaitLength 0
Log notice stdout
`;

/**
 * A Tor network of this machine only: one directory authority, three relays, and a client that also hosts v3 onion services: given a
 * text (`127.0.0.1:PORT`) one, whose port 80 leads there. Takes 10 to 40 s until they can be reached.
 */
export async function startTorNetwork(given: string | Record<string, TorService>): Promise<TorNetwork> {
  const services = typeof given === 'string' ? { onion: { ports: { 80: given } } } : given;
  const root = temporaryFolder();
  const started: StartedServer[] = [];
  const stop = async () => {
    await Promise.all(started.map((server) => server.stop('SIGINT')));
    root.remove();
  };
  const makeNode = async (name: string): Promise<Node> => {
    const folder = join(root.path, name);
    mkdirSync(join(folder, 'keys'), { recursive: true, mode: 0o700 });
    return { name, folder, orPort: await freePort() };
  };
  const launch = async (node: Node, text: string, isReady: () => Promise<boolean>) => {
    const server = await startServer('tor', torArguments(node, text), isReady);
    started.push(server);
    return server;
  };
  try {
    const authority = await makeNode('authority');
    const directoryPort = await freePort();
    const line = makeAuthority(authority, directoryPort);
    const isUp = (port: number) => () => fetchText(port, '/tor/server/authority').then(() => true);
    const voting = 'AuthoritativeDirectory 1\nV3AuthoritativeDirectory 1\nTestingDirAuthVoteGuard *\nTestingDirAuthVoteHSDir *\n';
    const more = 'TestingMinExitFlagThreshold 0\nTestingMinFastFlagThreshold 0\nAuthDirMaxServersPerAddr 0\n';
    await launch(
      authority,
      `${line}${relayLines(authority)}DirPort 127.0.0.1:${directoryPort}\n${voting}${more}`,
      isUp(directoryPort),
    );
    for (let i = 0; i < RELAYS; i++) {
      const relay = await makeNode(`relay${i}`);
      await launch(relay, line + relayLines(relay), async () => true);
    }
    // A client that sees a consensus of too few relays waits half a minute before it asks again.
    await waitUntil(async () => countUsable(await fetchText(directoryPort, '/tor/status-vote/current/consensus')) > RELAYS, 90);
    const client = await makeNode('client');
    const [socksPort, controlPort] = [await freePort(), await freePort()];
    const ports = `SocksPort 127.0.0.1:${socksPort} ExtendedErrors\nControlPort 127.0.0.1:${controlPort}\n`;
    const names = Object.entries(services).map(([name, service]) => [name, join(client.folder, name), service] as const);
    const hosted = names.map(([, folder, service]) => serviceLines(folder, service)).join('');
    const isHosted = async () => names.every(([, folder]) => existsSync(join(folder, 'hostname')));
    await launch(client, `${line}${ports}${hosted}`, isHosted);
    const onions = Object.fromEntries(names.map(([name, folder]) => [name, readFileSync(join(folder, 'hostname'), 'utf8').trim()]));
    const addClient = async (name: string, { lines, keys = {} }: TorClientSettings = {}): Promise<TorClient> => {
      const node = await makeNode(name);
      const own = { socksPort: await freePort(), controlPort: await freePort() };
      const auth = writeClientKeys(node.folder, keys);
      const listeners = `SocksPort 127.0.0.1:${own.socksPort} ExtendedErrors\nControlPort 127.0.0.1:${own.controlPort}\n`;
      const text = `${line}${listeners}${auth}${lines?.(node.folder) ?? ''}`;
      const server = await launch(node, text, async () => true);
      await waitUntil(async () => server.log().includes('Bootstrapped 100%'), 90);
      return { ...own, folder: node.folder, log: server.log, stop: () => server.stop('SIGINT') };
    };
    return { socksPort, controlPort, onion: Object.values(onions)[0] ?? '', onions, addClient, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function serviceLines(folder: string, { ports, only, lines: given }: TorService): string {
  if (only !== undefined) {
    mkdirSync(join(folder, 'authorized_clients'), { recursive: true, mode: 0o700 });
    writeFileSync(join(folder, 'authorized_clients/one.auth'), `descriptor:x25519:${only}\n`);
  }
  if (given !== undefined) return given(folder);
  const lines = Object.entries(ports).map(([port, target]) => `HiddenServicePort ${port} ${target}\n`);
  return `HiddenServiceDir ${folder}\n${lines.join('')}`;
}

function writeClientKeys(folder: string, keys: Record<string, string>): string {
  if (Object.keys(keys).length === 0) return '';
  const path = join(folder, 'auth');
  mkdirSync(path, { mode: 0o700 });
  for (const [onion, key] of Object.entries(keys))
    writeFileSync(join(path, `${onion}.auth_private`), `${onion}:descriptor:x25519:${key}\n`);
  return `ClientOnionAuthDir ${path}\n`;
}

/** A pair of keys for client authorisation, as tor(1) wants them in its files: base32. */
export function makeClientKey(): { client: string; service: string } {
  const { publicKey, privateKey } = generateKeyPairSync('x25519');
  const encode = (der: Buffer) => toBase32(der.subarray(-32)).toUpperCase();
  return {
    client: encode(privateKey.export({ format: 'der', type: 'pkcs8' })),
    service: encode(publicKey.export({ format: 'der', type: 'spki' })),
  };
}

function torArguments(node: Node, text: string): string[] {
  const file = join(node.folder, 'torrc');
  // Should the test be killed, the network ends with it.
  writeFileSync(file, `${COMMON}DataDirectory ${node.folder}\n__OwningControllerProcess ${process.pid}\n${text}`);
  return ['-f', file, '--defaults-torrc', '/dev/null'];
}

function relayLines(node: Node): string {
  return `Nickname ${node.name}\nAddress 127.0.0.1\nORPort 127.0.0.1:${node.orPort}\nSocksPort 0\nExitRelay 0\nContactInfo t@localhost\n`;
}

/** Makes the authority's keys; the line that tells every node of it needs both fingerprints. */
function makeAuthority(node: Node, directoryPort: number): string {
  const key = (name: string) => join(node.folder, 'keys', `authority_${name}`);
  const files = ['-i', key('identity_key'), '-s', key('signing_key'), '-c', key('certificate')];
  const address = `127.0.0.1:${directoryPort}`;
  run('tor-gencert', ['--create-identity-key', '-m', '12', '-a', address, '--passphrase-fd', '0', ...files], 'x\n');
  const identity = /^fingerprint (\S+)/m.exec(readFileSync(key('certificate'), 'utf8'))?.[1] ?? '';
  // TestingTorNetwork refuses to start without any authority, even to list a fingerprint.
  const placeholder = `DirAuthority x orport=1 v3ident=${identity} 127.0.0.1:1 ${identity}\n`;
  const listing = run('tor', [...torArguments(node, placeholder + relayLines(node)), '--list-fingerprint', '--quiet']);
  const fingerprint = /^\S+ ([0-9A-F ]{40,})$/m.exec(listing)?.[1]?.replaceAll(' ', '') ?? '';
  return `DirAuthority ${node.name} orport=${node.orPort} no-v2 v3ident=${identity} ${address} ${fingerprint}\n`;
}

function run(file: string, args: string[], input = ''): string {
  const done = spawnSync(file, args, { input, encoding: 'utf8' });
  if (done.status !== 0) throw new Error(`${file}: ${done.error?.message ?? ''} ${done.stderr} ${done.stdout}`);
  return done.stdout;
}

async function fetchText(port: number, path: string): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`);
  return response.text();
}

function countUsable(consensus: string): number {
  const flags = [...consensus.matchAll(/^s (.*)$/gm)].map((match) => match[1] ?? '');
  return flags.filter((text) => ['Running', 'HSDir', 'Guard'].every((flag) => text.includes(flag))).length;
}

export async function waitUntil(isTrue: () => Promise<boolean>, seconds: number): Promise<void> {
  const deadline = performance.now() + seconds * 1000;
  while (!(await isTrue().catch(() => false))) {
    if (performance.now() > deadline) throw new Error(`not true within ${seconds} s`);
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

/** A well-formed v3 name that nobody has published: rend-spec-v3 section 6, "Encoding onion addresses". */
export function makeOnionName(): string {
  const key = generateKeyPairSync('ed25519').publicKey.export({ format: 'der', type: 'spki' }).subarray(-32);
  const version = Buffer.from([3]);
  const checksum = createHash('sha3-256').update('.onion checksum').update(key).update(version).digest().subarray(0, 2);
  return `${toBase32(Buffer.concat([key, checksum, version]))}.onion`;
}

function toBase32(bytes: Buffer): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  return (bits.match(/.{1,5}/g) ?? [])
    .map((five) => 'abcdefghijklmnopqrstuvwxyz234567'[Number.parseInt(five.padEnd(5, '0'), 2)])
    .join('');
}
