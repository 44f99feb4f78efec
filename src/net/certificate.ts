import { createHash, X509Certificate } from 'node:crypto';
import type { DetailedPeerCertificate, TLSSocket } from 'node:tls';
import { LookFailure, TargetFailure } from '../core/failure.ts';
import { cleanText } from '../core/text.ts';

/** What a server showed in its handshake. Texts are clean; times are milliseconds since 1970. */
export interface CertificateFacts {
  subject: string;
  issuer: string;
  /** DNS names and addresses of the subject alternative name, at most 100. */
  names: string[];
  notBefore: number;
  notAfter: number;
  serialNumber: string;
  /** SHA-256 of the certificate, hexadecimal with colons, and of its public key, base64. */
  fingerprint: string;
  pin: string;
  /** `rsa`, `ec`, `ed25519` ... and the bits of an RSA key. */
  keyType: string;
  keyBits: number | null;
  /** Subjects of the chain that the server sent, leaf first, at most 10. */
  chain: string[];
  /** `TLSv1.3` */
  protocol: string;
  cipher: string;
  /** Negotiated by ALPN, or null. */
  alpn: string | null;
}

const MAX_NAMES = 100;
const MAX_CHAIN = 10;

/**
 * The server's own certificate. Not by `getPeerX509Certificate`: in Node 20 that call takes the certificate out of the
 * connection's chain, so that every later look finds its issuer instead.
 */
export function readLeaf(socket: TLSSocket): X509Certificate | undefined {
  const { raw } = socket.getPeerCertificate();
  return raw && new X509Certificate(raw);
}

export function readFacts(socket: TLSSocket): CertificateFacts | null {
  const leaf = readLeaf(socket);
  if (!leaf) return null;
  const chain: string[] = [];
  let link: DetailedPeerCertificate | undefined = socket.getPeerCertificate(true);
  while (link && chain.length < MAX_CHAIN) {
    chain.push(formatName(new X509Certificate(link.raw).subject));
    // A root is its own issuer.
    link = link.issuerCertificate === link ? undefined : link.issuerCertificate;
  }
  const key = leaf.publicKey;
  return {
    subject: formatName(leaf.subject),
    issuer: formatName(leaf.issuer),
    names: readNames(leaf),
    notBefore: Date.parse(leaf.validFrom),
    notAfter: Date.parse(leaf.validTo),
    serialNumber: leaf.serialNumber.toLowerCase(),
    fingerprint: leaf.fingerprint256,
    pin: createHash('sha256')
      .update(key.export({ type: 'spki', format: 'der' }))
      .digest('base64'),
    keyType: key.asymmetricKeyType ?? 'unknown',
    keyBits: key.asymmetricKeyDetails?.modulusLength ?? null,
    chain,
    protocol: socket.getProtocol() ?? 'unknown',
    cipher: socket.getCipher().standardName,
    alpn: socket.alpnProtocol || null,
  };
}

/** Node prints one attribute a line; the common name alone says enough where there is one. */
function formatName(name: string | undefined): string {
  const lines = (name ?? '').split('\n').filter((line) => line !== '');
  const common = lines.find((line) => line.startsWith('CN='));
  return cleanText(common?.slice(3) ?? lines.join(', '), 100);
}

/** Node quotes entries with special characters as JSON (CVE-2021-44532), so that `, DNS:evil` inside one does not split it. */
function readNames(certificate: X509Certificate): string[] {
  const text = (certificate.subjectAltName ?? '').slice(0, 100 * 300);
  const names: string[] = [];
  for (const [, kind, quoted, plain] of text.matchAll(/(?:^|, )([A-Za-z ]+):(?:("(?:[^"\\]|\\.)*")|([^,"]*))/g)) {
    if ((kind === 'DNS' || kind === 'IP Address') && names.length < MAX_NAMES) names.push(cleanText(quoted ?? plain ?? '', 253));
  }
  return names;
}

type Reason = [code: string, words: string];

/** Node's names of X.509 verification errors (OpenSSL, verify(1), "Diagnostics"). */
const VERIFY_FAILURES: Record<string, Reason> = {
  CERT_HAS_EXPIRED: ['tls.expired', 'certificate has expired'],
  CERT_NOT_YET_VALID: ['tls.not_yet_valid', 'certificate is not valid yet'],
  DEPTH_ZERO_SELF_SIGNED_CERT: ['tls.self_signed', 'certificate is self-signed, expected a trusted issuer'],
  SELF_SIGNED_CERT_IN_CHAIN: ['tls.untrusted', 'certificate chain ends in a root that is not trusted'],
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: ['tls.untrusted', 'certificate chain ends in an issuer that is not trusted'],
  UNABLE_TO_GET_ISSUER_CERT: ['tls.untrusted', 'certificate chain ends in an issuer that is not trusted'],
  CERT_SIGNATURE_FAILURE: ['tls.signature', 'signature of a certificate in the chain is wrong'],
  CERT_REVOKED: ['tls.revoked', 'certificate is revoked'],
  CERT_CHAIN_TOO_LONG: ['tls.chain', 'certificate chain is too long'],
  INVALID_CA: ['tls.untrusted', 'chain holds a certificate that must not sign others'],
  PATH_LENGTH_EXCEEDED: ['tls.untrusted', 'chain is longer than its root allows'],
  INVALID_PURPOSE: ['tls.untrusted', 'certificate is not meant for servers'],
  CERT_UNTRUSTED: ['tls.untrusted', 'certificate is not trusted'],
  CERT_REJECTED: ['tls.untrusted', 'certificate is rejected'],
  ECONNRESET: ['tls.reset', 'connection closed during the TLS handshake'],
  EPIPE: ['tls.reset', 'connection closed during the TLS handshake'],
};

/** Words of OpenSSL's reasons and alerts (ERR_SSL_...), by what they hold; the first match counts. */
const PROTOCOL_FAILURES: [pattern: RegExp, reason: Reason][] = [
  [/KEY_TOO_SMALL|KEY_TOO_WEAK/, ['tls.weak_key', 'key is too short, expected at least 2048 bits of RSA or DH']],
  [/MD_TOO_WEAK|SIGNATURE_TYPE|SIGNATURE_ALGORITHM|DIGEST/, ['tls.signature', 'signature algorithm is too weak or unknown']],
  [/WRONG_VERSION_NUMBER|HTTP_REQUEST|PACKET_LENGTH|RECORD_LAYER/, ['tls.protocol', 'answer is not TLS']],
  [/PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL|SSL_VERSION|NO_PROTOCOLS/, ['tls.version', 'server offers no TLS 1.2 or 1.3']],
  [/APPLICATION_PROTOCOL/, ['tls.alpn', 'server offers none of the application protocols asked for']],
  [/CERTIFICATE_REQUIRED|ALERT_BAD_CERTIFICATE/, ['tls.client_certificate', 'server demands a client certificate']],
  [/UNRECOGNIZED_NAME/, ['tls.name', 'server does not know this name']],
  [/EXCESSIVE_MESSAGE_SIZE/, ['tls.size', 'certificates of the server are too large']],
  [/UNEXPECTED_EOF/, ['tls.reset', 'connection closed during the TLS handshake']],
  [/HANDSHAKE_FAILURE|NO_SHARED_CIPHER/, ['tls.handshake', 'server found no common cipher, or wants a client certificate']],
];

/** A TLS error, of the handshake or of a later read, as a stable reason. */
export function toTlsFailure(
  error: Error & { code?: string },
  serverName: string,
  leaf?: X509Certificate,
): TargetFailure | LookFailure {
  if (error instanceof TargetFailure || error instanceof LookFailure) return error;
  const reason = error.code ?? '';
  if (reason === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return new TargetFailure('tls.name', `certificate is for ${namesOf(leaf)}, expected ${cleanText(serverName, 60)}`, {
      cause: error,
    });
  }
  if (reason === 'UNABLE_TO_VERIFY_LEAF_SIGNATURE') return toIssuerFailure(error, leaf);
  // OpenSSL's security level has no name of its own in Node: the code is UNSPECIFIED, and only the message tells.
  const text = `${reason} ${error.message.toUpperCase().replaceAll(' ', '_')}`;
  const [code, words] = VERIFY_FAILURES[reason] ??
    PROTOCOL_FAILURES.find(([pattern]) => pattern.test(text))?.[1] ?? [
      'tls.protocol',
      `TLS failed (${cleanText(error.message, 50)})`,
    ];
  return new TargetFailure(code, words + dateOf(code, leaf), { cause: error });
}

/**
 * The server sent its own certificate only, and the issuer is not among the roots. If the certificate says where its issuer can be
 * fetched (RFC 5280 section 4.2.2.1), as those of public authorities do, the server forgot to send an intermediate.
 */
function toIssuerFailure(cause: Error, leaf: X509Certificate | undefined): TargetFailure {
  const issuer = leaf ? `"${formatName(leaf.issuer)}"` : 'the issuer';
  if (/CA Issuers/.test(leaf?.infoAccess ?? '')) {
    return new TargetFailure('tls.incomplete_chain', `server does not send the certificate of ${issuer}, expected the chain`, {
      cause,
    });
  }
  return new TargetFailure('tls.untrusted', `certificate was issued by ${issuer}, which is not trusted`, { cause });
}

function namesOf(leaf: X509Certificate | undefined): string {
  const names = leaf ? readNames(leaf) : [];
  if (names.length === 0) return 'no name';
  return cleanText(names.length > 2 ? `${names.slice(0, 2).join(', ')} and ${names.length - 2} more` : names.join(' and '), 80);
}

function dateOf(code: string, leaf: X509Certificate | undefined): string {
  if (!leaf) return '';
  if (code === 'tls.expired') return ` on ${toDate(leaf.validTo)}`;
  return code === 'tls.not_yet_valid' ? `, only from ${toDate(leaf.validFrom)}` : '';
}

function toDate(text: string): string {
  const time = Date.parse(text);
  return Number.isNaN(time) ? 'an unreadable date' : new Date(time).toISOString().slice(0, 10);
}

/** Verdicts on a certificate: what it holds helps to understand them. */
const CERTIFICATE_CODES = new Set(
  [
    'expired',
    'not_yet_valid',
    'self_signed',
    'untrusted',
    'incomplete_chain',
    'chain',
    'name',
    'pin',
    'weak_key',
    'signature',
    'revoked',
  ].map((reason) => `tls.${reason}`),
);

export function isCertificateVerdict(error: unknown): error is TargetFailure {
  return error instanceof TargetFailure && CERTIFICATE_CODES.has(error.code);
}
