import { createCipheriv, createHash, diffieHellman, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { createServer, type Socket } from 'node:net';
import { makeOnionName } from './tor-network.ts';

export const DIRECTORIES = ['A', 'B', 'C'].map((letter) => `$${letter.repeat(40)}`);

export interface ScriptedControl {
  port: number;
  /** Commands so far. */
  asked: string[];
  stop(): void;
}

/** A control port that answers as Tor does where `answer` says undefined, and nothing where it says null. `path`: a socket of this machine instead of a port. */
export async function startScriptedControl(
  answer: (command: string, socket: Socket) => string | null | undefined,
  path?: string,
): Promise<ScriptedControl> {
  const asked: string[] = [];
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    let text = '';
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      text += bytes.toString('latin1');
      for (let end = text.indexOf('\r\n'); end >= 0; end = text.indexOf('\r\n')) {
        const command = text.slice(0, end);
        text = text.slice(end + 2);
        asked.push(command);
        const given = answer(command, socket);
        const reply = given === undefined ? answerAsTor(command) : given;
        if (reply !== null) socket.write(reply);
      }
    });
  });
  await new Promise<void>((resolve) =>
    path === undefined ? server.listen(0, '127.0.0.1', resolve) : server.listen(path, resolve),
  );
  const address = server.address();
  const port = address !== null && typeof address === 'object' ? address.port : 0;
  return {
    port,
    asked,
    stop: () => {
      for (const socket of open) socket.destroy();
      server.close();
    },
  };
}

function answerAsTor(command: string): string {
  if (command.startsWith('PROTOCOLINFO'))
    return '250-PROTOCOLINFO 1\r\n250-AUTH METHODS=NULL\r\n250-VERSION Tor="0.4.9.11"\r\n250 OK\r\n';
  if (command.startsWith('GETINFO status/')) return '250-status/circuit-established=1\r\n250 OK\r\n';
  if (command.startsWith('GETINFO version')) return '250-version=0.4.9.11\r\n250 OK\r\n';
  return '250 OK\r\n';
}

/** Events as Tor sends them. `name` is the onion's without `.onion`. */
export const event = {
  requested: (name: string, directory = DIRECTORIES[0]) =>
    `650 HS_DESC REQUESTED ${name} NO_AUTH ${directory}~relay id HSDIR_INDEX=00\r\n`,
  failed: (name: string, reason: string, directory = DIRECTORIES[0]) =>
    `650 HS_DESC FAILED ${name} NO_AUTH ${directory}~relay id REASON=${reason}\r\n650+HS_DESC_CONTENT ${name} id ${directory}~relay\r\n\r\n.\r\n650 OK\r\n`,
  received: (name: string, descriptor: string, directory = DIRECTORIES[0]) =>
    `650 HS_DESC RECEIVED ${name} NO_AUTH ${directory}~relay id\r\n650+HS_DESC_CONTENT ${name} id ${directory}~relay\r\n${descriptor.replaceAll('\n', '\r\n')}.\r\n650 OK\r\n`,
};

const hash = (...parts: Uint8Array[]) => createHash('sha3-256').update(Buffer.concat(parts)).digest();
const stretch = (length: number, ...parts: Uint8Array[]) =>
  createHash('shake256', { outputLength: length }).update(Buffer.concat(parts)).digest();
const eight = (value: bigint) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(value);
  return bytes;
};
const armour = (label: string, bytes: Uint8Array) =>
  `-----BEGIN ${label}-----\n${(
    Buffer.from(bytes)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  ).join('\n')}\n-----END ${label}-----\n`;
const rawOf = (key: KeyObject) => key.export({ format: 'der', type: 'spki' }).subarray(-32);

export interface MadeDescriptor {
  /** Without `.onion`. */
  name: string;
  text: string;
  /** The client's secret for a descriptor with client authorisation, 32 bytes. */
  clientKey: Buffer;
}

/** A v3 descriptor (rend-spec-v3, section 2.4) that says what the test wants; only its signature is none. */
export function makeDescriptor(
  given: { points?: number; isLocked?: boolean; inner?: string; middle?: string } = {},
): MadeDescriptor {
  const name = makeOnionName().replace('.onion', '');
  const { points = 3, isLocked = false } = given;
  const blinded = randomBytes(32);
  const client = generateKeyPairSync('x25519');
  const service = generateKeyPairSync('x25519');
  const identity = decode32(name).subarray(0, 32);
  const subcredential = hash(Buffer.from('subcredential'), hash(Buffer.from('credential'), identity), blinded);
  const encipher = (text: string, secret: Uint8Array, constant: string) => {
    const salt = randomBytes(16);
    const keys = stretch(80, secret, subcredential, eight(7n), salt, Buffer.from(constant));
    const body = createCipheriv('aes-256-ctr', keys.subarray(0, 32), keys.subarray(32, 48)).update(text);
    return Buffer.concat([salt, body, hash(eight(32n), keys.subarray(48), eight(16n), salt, body)]);
  };
  const cookie = randomBytes(16);
  const shared = diffieHellman({ privateKey: service.privateKey, publicKey: client.publicKey });
  const line = stretch(40, subcredential, shared);
  const iv = randomBytes(16);
  const sealed = createCipheriv('aes-256-ctr', line.subarray(8), iv).update(cookie);
  const bare = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64').replace(/=+$/, '');
  const inner = given.inner ?? `create2-formats 2\n${'introduction-point AAAA\nonion-key ntor AAAA\n'.repeat(points)}`;
  const secret = isLocked ? Buffer.concat([blinded, cookie]) : blinded;
  const clients = `auth-client ${bare(randomBytes(8))} ${bare(iv)} ${bare(cookie)}\nauth-client ${bare(line.subarray(0, 8))} ${bare(iv)} ${bare(sealed)}\n`;
  const middle =
    given.middle ??
    `desc-auth-type x25519\ndesc-auth-ephemeral-key ${rawOf(service.publicKey).toString('base64')}\n${clients}encrypted\n${armour('MESSAGE', encipher(inner, secret, 'hsdir-encrypted-data'))}`;
  const cert = Buffer.concat([
    Buffer.from([1, 8, 0, 7, 0, 0, 1]),
    randomBytes(32),
    Buffer.from([1, 0, 32, 4, 0]),
    blinded,
    randomBytes(64),
  ]);
  const text = `hs-descriptor 3\ndescriptor-lifetime 180\ndescriptor-signing-key-cert\n${armour('ED25519 CERT', cert)}revision-counter 7\nsuperencrypted\n${armour('MESSAGE', encipher(middle, blinded, 'hsdir-superencrypted-data'))}signature AAAA\n`;
  return { name, text, clientKey: client.privateKey.export({ format: 'der', type: 'pkcs8' }).subarray(-32) };
}

function decode32(text: string): Buffer {
  const bits = [...text].map((letter) => 'abcdefghijklmnopqrstuvwxyz234567'.indexOf(letter).toString(2).padStart(5, '0')).join('');
  return Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
}
