import { constants, createHash, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isIP, type Socket } from 'node:net';
import {
  type ConnectionOptions,
  connect,
  createSecureContext,
  type PeerCertificate,
  type SecureContext,
  type TLSSocket,
} from 'node:tls';
import { LookFailure, TargetFailure } from '../core/failure.ts';
import { cleanText } from '../core/text.ts';
import { type CertificateFacts, readFacts, readLeaf, toTlsFailure } from './certificate.ts';
import { formatElapsed, toAbortFailure } from './limits.ts';

export interface TlsSettings {
  /** The name that the certificate must bear, or an address. Sent as SNI when it is a name. */
  serverName: string;
  /** The only roots that are trusted: PEM text, or the path of a PEM file. Default: Node's or Debian's roots. */
  ca?: string | undefined;
  /** SHA-256 of the certificate or of its public key (SPKI), in hexadecimal or base64. Checked beside the chain. */
  pin?: string | undefined;
  /** false only where the configuration says so: neither chain nor name are checked, a pin still is. */
  verify: boolean;
  /** Protocols for ALPN (RFC 7301), best first. */
  alpn?: readonly string[] | undefined;
}

/**
 * TLS on a connected socket, which it owns from then on. Resolves when the handshake is done and the peer is who it must be.
 * Throws TargetFailure `tls.*`, `timeout.total`, or LookFailure `tls.ca` when our own CA file cannot be read.
 */
export async function startTls(socket: Socket, settings: TlsSettings, signal: AbortSignal): Promise<TLSSocket> {
  const secure = await handshake(socket, settings, signal, settings.verify);
  const wrong = settings.pin === undefined ? null : comparePin(readLeaf(secure), settings.pin);
  if (wrong === null) return secure;
  secure.destroy();
  throw wrong;
}

/**
 * What a server shows, whether or not it is valid: a connection of its own, made to be read and closed. Nothing is ever sent on it,
 * and no verdict but the text of one comes from it.
 */
export async function inspectCertificate(socket: Socket, settings: TlsSettings, signal: AbortSignal): Promise<CertificateFacts> {
  const secure = await handshake(socket, settings, signal, false);
  const facts = readFacts(secure);
  secure.destroy();
  if (facts === null) throw new TargetFailure('tls.protocol', 'server showed no certificate');
  return facts;
}

function handshake(socket: Socket, settings: TlsSettings, signal: AbortSignal, verify: boolean): Promise<TLSSocket> {
  const began = performance.now();
  const isName = isIP(settings.serverName) === 0;
  const options: ConnectionOptions = {
    socket,
    secureContext: shareContext(settings.ca),
    // An address is checked against the certificate, but RFC 6066 section 3 allows names only in SNI.
    ...(isName ? { servername: settings.serverName } : { host: settings.serverName }),
    rejectUnauthorized: verify,
    ...(settings.alpn ? { ALPNProtocols: [...settings.alpn] } : {}),
  };
  return new Promise((resolve, reject) => {
    const secure = connect(options);
    const settle = (act: () => void) => {
      signal.removeEventListener('abort', onAbort);
      secure.removeListener('close', onClose);
      secure.removeListener('error', onError);
      // A reset that comes when nobody listens any more must not end the process.
      secure.on('error', () => {});
      act();
    };
    const fail = (error: unknown) =>
      settle(() => {
        socket.destroy();
        secure.destroy();
        reject(error);
      });
    const onError = (error: Error) => {
      const raw = seen.get(secure)?.raw;
      const failure = toTlsFailure(error, settings.serverName, raw && new X509Certificate(raw));
      fail(isLateRefusal(failure, socket) ? new TargetFailure('tls.client_certificate', CLIENT_CERTIFICATE) : failure);
    };
    const onAbort = () =>
      fail(toAbortFailure(signal, 'timeout.total', `TLS handshake not finished within ${formatElapsed(began, signal)}`));
    const onClose = () => fail(new TargetFailure('tls.reset', 'connection closed during the TLS handshake'));
    // Runs before Node's own listener, which drops the certificate of a connection that it rejects.
    secure.prependOnceListener('secure', () => {
      seen.set(secure, secure.getPeerCertificate());
    });
    secure.once('secureConnect', () => settle(() => resolve(secure)));
    secure.once('error', onError);
    secure.once('close', onClose);
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
  });
}

// Reading a certificate costs 0.06 ms of CPU, so that each connection's is read once.
const seen = new WeakMap<TLSSocket, PeerCertificate>();

/** End of the validity of the server's certificate, milliseconds since 1970; null when it showed none. */
export function readNotAfter(socket: TLSSocket): number | null {
  const time = Date.parse(seen.get(socket)?.valid_to ?? '');
  return Number.isNaN(time) ? null : time;
}

const CLIENT_CERTIFICATE = 'server demands a client certificate';

/**
 * TLS 1.2 has one alert for "no common cipher" and "where is your certificate?". The first comes alone; before the second the
 * server has sent its own certificate, which is longer than any alert.
 */
function isLateRefusal(failure: TargetFailure | LookFailure, socket: Socket): boolean {
  return failure.code === 'tls.handshake' && socket.bytesRead > 200;
}

// A context costs 0.35 ms of CPU and is immutable, so that every connection with the same roots shares one.
const contexts = new Map<string, SecureContext>();

function shareContext(ca: string | undefined): SecureContext {
  const key = ca ?? '';
  const known = contexts.get(key);
  if (known) return known;
  const context = createSecureContext({
    ...(ca === undefined ? {} : { ca: readAuthorities(ca) }),
    minVersion: 'TLSv1.2',
    // Level 2 is Debian's: at least 2048 bits of RSA or DH, no SHA-1 signatures.
    ciphers: 'DEFAULT:@SECLEVEL=2',
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
  });
  contexts.set(key, context);
  return context;
}

function readAuthorities(ca: string): string {
  if (ca.includes('-----BEGIN')) return ca;
  try {
    return readFileSync(ca, 'utf8');
  } catch (error) {
    throw new LookFailure('tls.ca', `${cleanText(ca, 60)}: CA file cannot be read`, { cause: error });
  }
}

/** null when the certificate or its key has this SHA-256. */
function comparePin(certificate: X509Certificate | undefined, pin: string): TargetFailure | null {
  if (!certificate) return new TargetFailure('tls.pin', 'server showed no certificate, expected the pinned one');
  const key = createHash('sha256')
    .update(certificate.publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64');
  const whole = createHash('sha256').update(certificate.raw).digest('base64');
  const wanted = toBase64(pin);
  if (wanted === key || wanted === whole) return null;
  return new TargetFailure('tls.pin', `public key is sha256/${key}, expected the pinned one`);
}

/** `AB:CD:..`, `abcd..`, `sha256/q83v..` or `q83v..` as base64. */
function toBase64(pin: string): string {
  // A base64 value may begin with a slash itself: its 44 characters are counted from the end.
  const trimmed = pin.trim();
  const text = /^sha256[/:]+.{44}$/i.test(trimmed) ? trimmed.slice(-44) : trimmed.replace(/^sha256[/:]+/i, '');
  const hex = text.replaceAll(':', '');
  return /^[0-9a-f]{64}$/i.test(hex) ? Buffer.from(hex, 'hex').toString('base64') : text;
}
