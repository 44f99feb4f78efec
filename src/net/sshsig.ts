import { createHash, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';

/**
 * Signatures of OpenSSH (PROTOCOL.sshsig of its sources): `ssh-keygen -Y sign` and `-Y verify` make and check the same. Only Ed25519 and
 * SHA-512, and only the one way of writing each thing: a lenient reader is how two readers come to see two different files.
 */
export class SignatureProblem extends Error {
  readonly fault: 'size' | 'format' | 'key' | 'namespace' | 'signature';
  constructor(fault: SignatureProblem['fault'], message: string) {
    super(message);
    this.fault = fault;
  }
}

const BEGIN = '-----BEGIN SSH SIGNATURE-----';
const END = '-----END SSH SIGNATURE-----';
const MAGIC = Buffer.from('SSHSIG');
const KEY_TYPE = 'ssh-ed25519';
const HASH = 'sha512';
const MAX_BLOB = 512;
/** SubjectPublicKeyInfo of RFC 8410 up to the 32 bytes of the key. */
const SPKI = Buffer.from('302a300506032b6570032100', 'hex');

/** The text and its signature in one file: a file and a detached signature that are fetched between two updates do not match. */
export function signText(text: string, key: KeyObject, namespace: string): string {
  const message = Buffer.from(text);
  const signature = sign(null, signedData(message, namespace), key);
  const blob = Buffer.concat([
    MAGIC,
    uint32(1),
    field(publicBlob(key)),
    field(namespace),
    field(''),
    field(HASH),
    field(Buffer.concat([field(KEY_TYPE), field(signature)])),
  ]);
  const lines = blob.toString('base64').match(/.{1,70}/g) ?? [];
  return `${text}${[BEGIN, ...lines, END].join('\n')}\n`;
}

/** The public half as it stands in `authorized_keys`: `ssh-ed25519 AAAA...`. */
export function toPublicLine(key: KeyObject): string {
  return `${KEY_TYPE} ${publicBlob(key).toString('base64')}`;
}

/** The wire form of a line such as `ssh-ed25519 AAAA... words`; null when it is anything else. */
export function parsePublicLine(line: string): Buffer | null {
  const [, base64 = ''] = /^ssh-ed25519 ([A-Za-z0-9+/]+={0,2})(?: [^\r\n]*)?$/.exec(line.trim()) ?? [];
  const blob = Buffer.from(base64, 'base64');
  const isKey = blob.length === 51 && blob.subarray(0, 19).equals(Buffer.concat([field(KEY_TYPE), uint32(32)]));
  return isKey && blob.toString('base64') === base64 ? blob : null;
}

/**
 * The signed text of a file, when one of these keys (wire form) signed it for this namespace. The order of the checks is that of
 * the project's rules for reports; the first that fails is thrown as SignatureProblem, and nothing of the text is looked at before.
 */
export function openSigned(bytes: Buffer, { namespace, keys }: { namespace: string; keys: readonly Buffer[] }): Buffer {
  const { message, blob } = splitSigned(bytes);
  const reader = new Reader(blob);
  if (!reader.take(MAGIC.length).equals(MAGIC)) throw new SignatureProblem('format', 'not an SSH signature');
  if (reader.number() !== 1) throw new SignatureProblem('format', 'unknown version of the signature');
  const key = reader.field();
  if (!keys.some((known) => known.equals(key))) throw new SignatureProblem('key', 'signed with a key that is not pinned here');
  if (!reader.field().equals(Buffer.from(namespace))) throw new SignatureProblem('namespace', `not signed for ${namespace}`);
  if (reader.field().length !== 0) throw new SignatureProblem('format', 'the reserved field is not empty');
  if (!reader.field().equals(Buffer.from(HASH))) throw new SignatureProblem('format', `not hashed with ${HASH}`);
  const inner = new Reader(reader.field());
  reader.end();
  if (!inner.field().equals(Buffer.from(KEY_TYPE))) throw new SignatureProblem('format', `not a signature of ${KEY_TYPE}`);
  const signature = inner.field();
  inner.end();
  if (signature.length !== 64) throw new SignatureProblem('format', 'the signature is not 64 bytes long');
  const publicKey = createPublicKey({ key: Buffer.concat([SPKI, key.subarray(19)]), format: 'der', type: 'spki' });
  if (!verify(null, signedData(message, namespace), publicKey, signature))
    throw new SignatureProblem('signature', 'the signature does not fit the text');
  return message;
}

function splitSigned(bytes: Buffer): { message: Buffer; blob: Buffer } {
  const begin = bytes.indexOf(`\n${BEGIN}\n`);
  if (begin < 0 || bytes.indexOf(`\n${BEGIN}`, begin + 1) >= 0 || bytes.subarray(0, BEGIN.length).equals(Buffer.from(BEGIN)))
    throw new SignatureProblem('format', 'expected one signature at the end');
  const armour = bytes.subarray(begin + BEGIN.length + 2).toString('latin1');
  const [, body = ''] = /^((?:[A-Za-z0-9+/]+={0,2}\n)+)-----END SSH SIGNATURE-----\n$/.exec(armour) ?? [];
  const base64 = body.replaceAll('\n', '');
  const blob = Buffer.from(base64, 'base64');
  if (blob.length > MAX_BLOB) throw new SignatureProblem('size', `the signature is longer than ${MAX_BLOB} bytes`);
  // A lenient decoder takes many spellings of the same bytes.
  if (base64 === '' || blob.toString('base64') !== base64)
    throw new SignatureProblem('format', 'the signature is not plain base64');
  return { message: bytes.subarray(0, begin + 1), blob };
}

/** Length-prefixed fields of RFC 4251 section 5; every byte must be used. */
class Reader {
  private rest: Buffer;
  constructor(bytes: Buffer) {
    this.rest = bytes;
  }

  take(length: number): Buffer {
    if (length > this.rest.length) throw new SignatureProblem('format', 'the signature is cut');
    const taken = this.rest.subarray(0, length);
    this.rest = this.rest.subarray(length);
    return taken;
  }

  number(): number {
    return this.take(4).readUInt32BE();
  }

  field(): Buffer {
    return this.take(this.number());
  }

  end(): void {
    if (this.rest.length > 0) throw new SignatureProblem('format', 'bytes after the signature');
  }
}

function signedData(message: Buffer, namespace: string): Buffer {
  const digest = createHash(HASH).update(message).digest();
  return Buffer.concat([MAGIC, field(namespace), field(''), field(HASH), field(digest)]);
}

function publicBlob(key: KeyObject): Buffer {
  const half = key.type === 'private' ? createPublicKey(key) : key;
  const spki = half.export({ format: 'der', type: 'spki' });
  return Buffer.concat([field(KEY_TYPE), field(spki.subarray(SPKI.length))]);
}

function uint32(number: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(number);
  return bytes;
}

function field(content: string | Buffer): Buffer {
  const bytes = Buffer.from(content as string);
  return Buffer.concat([uint32(bytes.length), bytes]);
}
