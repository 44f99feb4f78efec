import type { Readable, Writable } from 'node:stream';
import { type Context, cleanText, TargetFailure } from '../check-type.ts';
import type { DirectoryEntry } from './entries.ts';
import { createReader } from './limits.ts';
import { SshFields, toSshString, toUint32 } from './ssh-wire.ts';

/** Version 3, draft-ietf-secsh-filexfer-02: what every server speaks. */
const KIND = { init: 1, version: 2, open: 3, close: 4, read: 5, openDirectory: 11, readDirectory: 12, stat: 17 } as const;
const STATUS = 101;
const HANDLE = 102;
const CONTENT = 103;
const NAMES = 104;
const ATTRIBUTES = 105;

const VERSION = 3;
const END_OF_FILE = 1;
const FOR_READING = 1;
/** OpenSSH's own limit. */
const MAX_PACKET = 256 * 1024;
const MAX_ENTRIES = 20_000;
const MAX_NAME = 255;

const STATUSES: Record<number, [code: string, words: string]> = {
  2: ['listing.missing', 'is not there'],
  3: ['sftp.permission', 'must not be read by this login'],
};

export interface SftpSession {
  /** Entries of a directory, at most 20,000. Throws TargetFailure `listing.missing`, `sftp.*`, `size.entries`. */
  list(path: string): Promise<DirectoryEntry[]>;
  /** One file or directory. */
  stat(path: string): Promise<DirectoryEntry>;
  /** The first bytes of a file. */
  read(path: string, maxBytes: number): Promise<Buffer>;
}

/** Where a packet ends, or null for "not yet". Throws TargetFailure `sftp.protocol`: something else than SFTP came, such as a greeting. */
export function findSftpEnd(bytes: Buffer): number | null {
  if (bytes.length < 4) return null;
  const length = bytes.readUInt32BE();
  if (length < 1 || length > MAX_PACKET) {
    const text = cleanText(bytes.subarray(0, 40).toString('utf8'), 40);
    throw new TargetFailure('sftp.protocol', `answer begins with ${JSON.stringify(text)}, expected SFTP`);
  }
  return bytes.length < length + 4 ? null : length + 4;
}

/** Begins to speak over the streams of a program. Throws TargetFailure `sftp.protocol`. */
export async function startSftp(input: Writable, output: Readable, context: Context): Promise<SftpSession> {
  const reader = createReader(output, context.signal, 2 * MAX_PACKET);
  let id = 0;
  const send = (kind: number, ...fields: Buffer[]) => {
    const payload = Buffer.concat([Buffer.from([kind]), ...fields]);
    input.write(toSshString(payload));
  };
  const receive = async () => (await reader.read(findSftpEnd)).subarray(4);
  /** Asks, and takes the answer to just this question. */
  const ask = async (path: string, wanted: number, kind: number, ...fields: Buffer[]): Promise<SshFields | null> => {
    id += 1;
    send(kind, toUint32(id), ...fields);
    const answer = new SshFields(await receive());
    const seen = answer.byte();
    if (answer.uint32() !== id) throw new TargetFailure('sftp.protocol', 'an answer to a question that was not asked');
    if (seen === wanted) return answer;
    if (seen !== STATUS) throw new TargetFailure('sftp.protocol', `answer of kind ${seen}, expected ${wanted}`);
    const status = answer.uint32();
    if (status === END_OF_FILE) return null;
    const [code, words] = STATUSES[status] ?? ['sftp.failed', `fails with status ${status}`];
    throw new TargetFailure(code, `${cleanText(path, 50)} ${words}`);
  };
  const insist = async (...question: Parameters<typeof ask>): Promise<SshFields> => {
    const answer = await ask(...question);
    if (answer === null) throw new TargetFailure('sftp.protocol', 'end of file instead of an answer');
    return answer;
  };
  const close = (handle: Buffer) => ask('handle', STATUS, KIND.close, toSshString(handle)).catch(ignoreStatus);
  send(KIND.init, toUint32(VERSION));
  const first = new SshFields(await receive());
  if (first.byte() !== KIND.version || first.uint32() < VERSION) {
    throw new TargetFailure('sftp.protocol', 'the server does not speak version 3 of SFTP');
  }
  context.trace('SFTP session begun');
  return {
    async list(path) {
      const handle = (await insist(path, HANDLE, KIND.openDirectory, toSshString(path))).string();
      const entries: DirectoryEntry[] = [];
      for (let rounds = 0; rounds <= MAX_ENTRIES; rounds += 1) {
        const names = await ask(path, NAMES, KIND.readDirectory, toSshString(handle));
        if (names === null) break;
        entries.push(...readNames(names));
        if (entries.length > MAX_ENTRIES || rounds === MAX_ENTRIES) {
          throw new TargetFailure('size.entries', `${cleanText(path, 40)} has more than ${MAX_ENTRIES} entries`);
        }
      }
      await close(handle);
      context.trace(`${cleanText(path, 60)}: ${entries.length} entries`);
      return entries;
    },
    async stat(path) {
      const attributes = readAttributes(await insist(path, ATTRIBUTES, KIND.stat, toSshString(path)));
      return { name: path, ...attributes };
    },
    async read(path, maxBytes) {
      const handle = (await insist(path, HANDLE, KIND.open, toSshString(path), toUint32(FOR_READING), toUint32(0))).string();
      let content = Buffer.alloc(0);
      while (content.length < maxBytes) {
        const place = Buffer.concat([toUint32(0), toUint32(content.length), toUint32(maxBytes - content.length)]);
        const piece = (await ask(path, CONTENT, KIND.read, toSshString(handle), place))?.string() ?? null;
        if (piece === null || piece.length === 0) break;
        content = Buffer.concat([content, piece]).subarray(0, maxBytes);
      }
      await close(handle);
      context.trace(`${cleanText(path, 60)}: read ${content.length} bytes`);
      return content;
    },
  };
}

/** What was read is known; whether the server forgets its handle is its own affair. */
function ignoreStatus(error: unknown): null {
  if (error instanceof TargetFailure && error.code.startsWith('sftp.')) return null;
  throw error;
}

/** What a server names; a name with a slash, a NUL or without end is no file's. */
export function readNames(fields: SshFields): DirectoryEntry[] {
  const count = fields.uint32();
  const entries: DirectoryEntry[] = [];
  for (let i = 0; i < count; i += 1) {
    const bytes = fields.string();
    fields.string();
    const attributes = readAttributes(fields);
    const name = bytes.subarray(0, MAX_NAME + 1).toString('utf8');
    if (bytes.length <= MAX_NAME && name !== '.' && name !== '..' && !/[/\0]/.test(name)) entries.push({ name, ...attributes });
  }
  return entries;
}

function readAttributes(fields: SshFields): Omit<DirectoryEntry, 'name'> {
  const flags = fields.uint32();
  const size = (flags & 1) === 0 ? null : fields.uint64();
  if ((flags & 2) !== 0) fields.take(8);
  const mode = (flags & 4) === 0 ? 0 : fields.uint32();
  const at = (flags & 8) === 0 ? null : fields.take(8).readUInt32BE(4) * 1000;
  if (flags >>> 31 === 1) {
    const count = fields.uint32();
    for (let i = 0; i < count; i += 1) {
      fields.string();
      fields.string();
    }
  }
  return { isDirectory: (mode & 0o170000) === 0o040000, size, at };
}
