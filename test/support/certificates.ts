import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from './server.ts';

/**
 * A certificate authority of the test's own. Certificates are built byte by byte (RFC 5280), since the openssl command refuses half
 * of what a hostile peer may show: a NUL in a name, ten thousand names, an end to the second.
 */
export interface CertificateOptions {
  /** Common name, any bytes; default the name of the certificate. */
  cn?: string;
  /** DNS names, or `ip:192.0.2.1`; default `localhost`, `site.test` and 127.0.0.1. */
  san?: string[];
  /** Milliseconds since 1970; default a day ago and in 90 days. */
  notBefore?: number;
  notAfter?: number;
  key?: 'ec' | 'rsa-1024' | 'rsa-2048';
  digest?: 'sha256' | 'sha1';
  /** Default the rig's root; `self` for a self-signed one. */
  issuer?: Issued | 'self';
  ca?: boolean;
  /** Bears the subject and key of this one: a second certificate for the same authority. */
  same?: Issued;
  /** Says where the issuer's certificate can be had, as certificates of public authorities do (RFC 5280, section 4.2.2.1). */
  issuersUrl?: string;
  /** Makes the certificate bigger by this many bytes in an extension that nobody knows. */
  padding?: number;
}

export interface Issued {
  /** PEM texts. `chain` is the certificate and its issuers, without the root. */
  key: string;
  cert: string;
  chain: string;
  keyFile: string;
  chainFile: string;
  /** DER of the subject, for the certificates that it issues. */
  subject: Buffer;
}

export interface CertificateRig {
  folder: string;
  root: Issued;
  /** The root's PEM text and its file: what a check gets as `ca`. */
  ca: string;
  caFile: string;
  issue(name: string, options?: CertificateOptions): Issued;
  remove(): void;
}

export const DAY = 86_400_000;

export function certificateRig(rootName = 'Vigie Test Root'): CertificateRig {
  const { path: folder, remove } = temporaryFolder();
  let serial = 1;
  const make = (name: string, options: CertificateOptions, parent: Issued | null): Issued => {
    serial += 1;
    const pair = options.same ? createPrivateKey(options.same.key) : makeKey(options.key ?? 'ec');
    const subject = options.same?.subject ?? toName(options.cn ?? name);
    const signer = parent ? createPrivateKey(parent.key) : pair;
    const cert = toPem(certificate({ serial, subject, issuer: parent?.subject ?? subject, key: pair, signer, options }));
    const chain = parent?.chain ? cert + parent.chain : cert;
    const issued = {
      key: pair.export({ type: 'pkcs8', format: 'pem' }).toString(),
      cert,
      chain,
      subject,
      keyFile: join(folder, `${name}.key`),
      chainFile: join(folder, `${name}.pem`),
    };
    writeFileSync(issued.keyFile, issued.key, { mode: 0o644 });
    writeFileSync(issued.chainFile, chain);
    return issued;
  };
  // The root is never sent, so its own chain is empty.
  const root = { ...make('root', { cn: rootName, ca: true, san: [] }, null), chain: '' };
  const issue = (name: string, options: CertificateOptions = {}) =>
    make(name, options, options.issuer === 'self' ? null : (options.issuer ?? root));
  return { folder, root, ca: root.cert, caFile: root.chainFile, issue, remove };
}

function makeKey(kind: 'ec' | 'rsa-1024' | 'rsa-2048'): KeyObject {
  if (kind === 'ec') return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  return generateKeyPairSync('rsa', { modulusLength: kind === 'rsa-1024' ? 1024 : 2048 }).privateKey;
}

interface Parts {
  serial: number;
  subject: Buffer;
  issuer: Buffer;
  key: KeyObject;
  signer: KeyObject;
  options: CertificateOptions;
}

function certificate({ serial, subject, issuer, key, signer, options }: Parts): Buffer {
  const digest = options.digest ?? 'sha256';
  const algorithm = signatureAlgorithm(signer, digest);
  const now = Date.now();
  const tbs = der(
    0x30,
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.from([0x01, serial >> 16, (serial >> 8) & 255, serial & 255])),
    algorithm,
    issuer,
    der(0x30, toTime(options.notBefore ?? now - DAY), toTime(options.notAfter ?? now + 90 * DAY)),
    subject,
    createPublicKey(key).export({ type: 'spki', format: 'der' }),
    der(0xa3, der(0x30, ...extensions(options))),
  );
  return der(0x30, tbs, algorithm, der(0x03, Buffer.from([0]), sign(digest, tbs, signer)));
}

function extensions(options: CertificateOptions): Buffer[] {
  const { san = ['localhost', 'site.test', 'ip:127.0.0.1'], ca = false, padding = 0, issuersUrl } = options;
  const list = [extension('2.5.29.19', der(0x30, ...(ca ? [der(0x01, Buffer.from([255]))] : [])))];
  if (san.length > 0) list.push(extension('2.5.29.17', der(0x30, ...san.map(toGeneralName))));
  if (padding > 0) list.push(extension('1.3.6.1.4.1.99999.1', Buffer.alloc(padding, 0x2a)));
  if (issuersUrl) {
    const location = der(0x30, oid('1.3.6.1.5.5.7.48.2'), der(0x86, Buffer.from(issuersUrl)));
    list.push(extension('1.3.6.1.5.5.7.1.1', der(0x30, location)));
  }
  return list;
}

function extension(id: string, value: Buffer): Buffer {
  return der(0x30, oid(id), der(0x04, value));
}

function toGeneralName(name: string): Buffer {
  if (name.startsWith('ip:')) return der(0x87, Buffer.from(name.slice(3).split('.').map(Number)));
  return der(0x82, Buffer.from(name, 'utf8'));
}

function signatureAlgorithm(signer: KeyObject, digest: 'sha256' | 'sha1'): Buffer {
  if (signer.asymmetricKeyType === 'ec') return der(0x30, oid(digest === 'sha256' ? '1.2.840.10045.4.3.2' : '1.2.840.10045.4.1'));
  return der(0x30, oid(digest === 'sha256' ? '1.2.840.113549.1.1.11' : '1.2.840.113549.1.1.5'), der(0x05));
}

function toName(cn: string): Buffer {
  return der(0x30, der(0x31, der(0x30, oid('2.5.4.3'), der(0x0c, Buffer.from(cn, 'utf8')))));
}

/** UTCTime until 2049, GeneralizedTime from 2050 on (RFC 5280, section 4.1.2.5). */
function toTime(ms: number): Buffer {
  const digits = new Date(ms).toISOString().replace(/\.\d+Z$|[-:T]/g, '');
  return Number(digits.slice(0, 4)) < 2050 ? der(0x17, Buffer.from(`${digits.slice(2)}Z`)) : der(0x18, Buffer.from(`${digits}Z`));
}

export function der(tag: number, ...parts: Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  if (body.length < 128) return Buffer.concat([Buffer.from([tag, body.length]), body]);
  const length = Buffer.from(body.length.toString(16).padStart(body.length > 0xffff ? 6 : body.length > 0xff ? 4 : 2, '0'), 'hex');
  return Buffer.concat([Buffer.from([tag, 0x80 | length.length]), length, body]);
}

function oid(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number);
  const bytes = [first * 40 + second];
  for (const arc of rest) {
    const groups = [arc & 127];
    for (let value = Math.floor(arc / 128); value > 0; value = Math.floor(value / 128)) groups.unshift((value & 127) | 128);
    bytes.push(...groups);
  }
  return der(0x06, Buffer.from(bytes));
}

function toPem(bytes: Buffer): string {
  return `-----BEGIN CERTIFICATE-----\n${bytes.toString('base64').replace(/(.{64})(?=.)/g, '$1\n')}\n-----END CERTIFICATE-----\n`;
}
